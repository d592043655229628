"""`izumi-admin bus`: what the bus is made of, and its backups."""

import asyncio
import contextlib
import datetime as dt
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
from cyclopts import Parameter

from izumi import compose
from izumi.bus import backup, backup_files, backup_plan, provision
from izumi.bus.backup import Told
from izumi.bus.backup_files import Manifest
from izumi.bus.backup_plan import Step
from izumi.bus.connection import Connection
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.plan import Change
from izumi.bus.topology import NODE_TTL_S, NODES, STREAM, Membership
from izumi.commands.console import Json, T, on_bus, show_rows
from izumi.commands.library_show import size_text
from izumi.commands.options import ConfigFile, load
from izumi.commands.progress import progress
from izumi.commands.up import embedded
from izumi.domain.errors import BusUnavailable, UserError
from izumi.domain.events import Node
from izumi.settings import Settings

_CONNECT_S: Final = 2.0


def bus_plan(*, config: ConfigFile = None) -> int:
    """Show what `bus apply` would change; change nothing.

    Args:
        config: See below.
    """
    return _changes(load(config, level="warning"), provision.preview)


def bus_apply(*, config: ConfigFile = None) -> int:
    """Make the streams, and the consumers of this configuration's groups, what they should be.

    Nothing is deleted; the groups of other configurations stay as they are.

    Args:
        config: See below.
    """
    return _changes(load(config, level="warning"), provision.apply)


class _Provisioning(Protocol):
    async def __call__(
        self,
        connection: Connection,
        memberships: Iterable[Membership],
        *,
        replicas: int,
        ack_wait_s: float,
    ) -> Sequence[Change]: ...


def _changes(settings: Settings, provisioning: _Provisioning) -> int:
    """Print each change, planned or made."""

    async def run(bus: JetStreamBus) -> None:
        for change in await provisioning(
            bus.connection,
            compose.memberships(settings),
            replicas=settings.bus.replicas,
            ack_wait_s=settings.bus.ack_wait_s,
        ):
            print(" ".join(filter(None, (change.action, change.kind, change.name, change.reason))))

    on_bus(settings, run)
    return 0


def bus_backup(path: Path, *, config: ConfigFile = None, json: Json = False) -> int:
    """Copy every stream, and how far each consumer is, into a new folder.

    Units may go on working. The folder is there whole in the end, or not at all; where the
    configuration embeds the bus and it does not run, it runs for as long as this takes.

    Args:
        path: Of the folder; it must not exist.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")

    async def run(bus: JetStreamBus) -> Manifest:
        with _bars("backup", quiet=json) as told:
            return await backup.backup(bus.connection, path, host=settings.host, told=told)

    made = _on_bus(settings, run)
    rows: list[dict[str, object]] = [
        {
            "stream": kept.name,
            "messages": kept.messages,
            "first": kept.first_seq,
            "last": kept.last_seq,
            "consumers": len(kept.consumers),
            "bytes": kept.size,
            "sha256": kept.sha256,
        }
        for kept in made.streams
    ]
    show_rows(rows, ("stream", "messages", "first", "last", "consumers", "bytes"), json=json)
    if not json:
        print(f"{path}: {size_text(sum(kept.size for kept in made.streams))}")
    return 0


def bus_restore(
    path: Path,
    *,
    replace: Annotated[
        bool, Parameter(negative="", help="Streams that hold something else are replaced.")
    ] = False,
    force: Annotated[bool, Parameter(negative="", help="Although instances live.")] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="Do not ask.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Show the plan, change nothing.")] = False,
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """Make the bus what it was when a backup was made: messages, and how far consumers were.

    Every byte of the backup is proved first. Facts that came after it are lost, and work
    that was done since is done again, or found done. May be repeated after any interruption.

    Args:
        path: Of the backup.
        replace: See below.
        force: See below.
        yes: See below.
        dry_run: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    with _bars("verify", quiet=json) as told:
        manifest = backup_files.checked(path, told)

    async def run(bus: JetStreamBus) -> int:
        planned = await backup.plan(bus.connection, manifest)
        _show(planned, json=json)
        if all(step.action == "keep" for step in planned):
            print("nothing to do", file=sys.stderr)
            return 0
        if dry_run:
            return 0
        if not force:
            await _expect_nobody(bus)
        if not await asyncio.to_thread(_agreed, planned, replace=replace, yes=yes):
            print("nothing was changed", file=sys.stderr)
            return 1
        with _bars("restore", quiet=json) as told, _repeatable():
            await backup.restore(
                bus.connection,
                path,
                manifest,
                planned,
                replicas=settings.bus.replicas,
                told=told,
            )
        await _say_what_is_left(bus, settings)
        return 0

    return _on_bus(settings, run)


@contextlib.contextmanager
def _repeatable() -> Iterator[None]:
    """Say what is to be done about a restore that did not come to its end."""
    try:
        yield
    except BusUnavailable as exc:
        raise BusUnavailable(f"{exc}; not restored yet: repeat the command") from exc


def _show(planned: Sequence[Step], *, json: bool) -> None:
    rows: list[dict[str, object]] = [
        {
            "stream": step.kept.name,
            "action": step.action,
            "there": step.messages,
            "backup": step.kept.messages,
            "last": step.kept.last_seq,
            "consumers": len(step.kept.consumers),
        }
        for step in planned
    ]
    show_rows(rows, ("stream", "action", "there", "backup", "last", "consumers"), json=json)


async def _expect_nobody(bus: JetStreamBus) -> None:
    """See that no unit works on what is going to be replaced.

    Raises:
        UserError: One does, or did some seconds ago.
    """
    if NODES not in await backup.found(bus.connection):
        return
    now = dt.datetime.now(dt.UTC)
    stored = await bus.latest("izumi.node.>")
    nodes = [msgspec.json.decode(entry.data, type=Node) for entry in stored if entry.data]
    living = sorted(
        f"{'.'.join(filter(None, (node.unit, node.group)))} on {node.host}"
        for node in nodes
        if (now - node.at).total_seconds() < NODE_TTL_S
    )
    if living:
        raise UserError(
            f"instances live: {', '.join(living)}; stop them first, or give --force (one that "
            f"was killed counts for {NODE_TTL_S} s)"
        )


def _agreed(planned: Sequence[Step], *, replace: bool, yes: bool) -> bool:
    """Whether somebody says yes.

    Raises:
        UserError: Something would be lost, and nobody asked for that; nobody can be asked.
    """
    lost = backup_plan.lost(planned)
    if lost and not replace:
        told = ", ".join(f"{step.kept.name} ({step.messages} messages)" for step in lost)
        raise UserError(f"{told}: what is there would be lost; give --replace for that")
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UserError("nobody is there to be asked; give --yes, or --dry-run to see the plan")
    if lost:
        return input(f"Type {STREAM} to lose what the bus holds: ").strip() == STREAM
    return input("Do it? [y/N] ").strip().lower() in {"y", "yes"}


async def _say_what_is_left(bus: JetStreamBus, settings: Settings) -> None:
    """A backup of an older Izumi, or of another configuration, may lack something."""
    changes = await provision.preview(
        bus.connection,
        compose.memberships(settings),
        replicas=settings.bus.replicas,
        ack_wait_s=settings.bus.ack_wait_s,
    )
    left = sum(change.action != "keep" for change in changes)
    rest = f"; izumi-admin bus apply has {left} changes to make" if left else ""
    print(f"restored{rest}", file=sys.stderr)


def _on_bus(settings: Settings, work: Callable[[JetStreamBus], Awaitable[T]]) -> T:
    """As `on_bus`; where the bus is embedded and does not run, it runs meanwhile."""

    async def run() -> T:
        async with (
            _running(settings),
            compose.bus(settings, name="izumi-admin", role="admin") as connected,
        ):
            return await work(connected)

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def _running(settings: Settings) -> AsyncIterator[None]:
    ours = settings.bus.embedded
    if ours is None or await _answers(ours.host, ours.port):
        yield
        return
    async with embedded(settings):
        yield


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


@contextlib.contextmanager
def _bars(name: str, *, quiet: bool) -> Iterator[Told]:
    """Progress, stream by stream."""
    if quiet:
        yield lambda _name, _done, _size: None
        return
    with progress(name) as begin:
        current, tell = "", begin(name)

        def told(step: str, done: int, size: int) -> None:
            nonlocal current, tell
            if step != current:
                current, tell = step, begin(step)
            tell(min(done / max(size, 1), 1.0), size_text(done))

        yield told
