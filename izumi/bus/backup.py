"""Backing up every stream of Izumi, and restoring them. The role admin may; no other.

A backup takes the consumers first, then what refers to the facts, and the facts last: what
a restored consumer counts as settled is there with all that came of it. Work that was
settled while the backup was made is done again, or found done.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from izumi import __version__
from izumi.bus import backup_archive, backup_files, backup_plan, backup_s2, snapshot
from izumi.bus.backup_files import Kept, Manifest
from izumi.bus.backup_plan import Present, Step
from izumi.bus.connection import Connection
from izumi.bus.snapshot import Busy, Taken
from izumi.bus.topology import DEAD, STREAM, streams
from izumi.domain.errors import BusUnavailable, Rejected, UserError
from izumi.failpoints import failpoint

log = structlog.get_logger("izumi.bus")

Told = Callable[[str, int, int], object]
"""Is told what is worked on, how many bytes of it are done, and of how many."""

_ATTEMPTS: Final = 60
_AGAIN_S: Final = 0.5


async def backup(connection: Connection, path: Path, *, host: str, told: Told) -> Manifest:
    """Write every stream to a folder, which is there whole in the end, or not at all.

    Args:
        connection: As admin. Units may go on working.
        path: Of the folder; must not exist.
        host: What this host calls itself.
        told: Progress.

    Raises:
        UserError: The folder is there, cannot be written, or there is no stream of facts.
        NoSpace: The disk has no room for it.
        BusUnavailable: The server did not send everything.
    """
    server = snapshot.check_version(connection)
    there = await found(connection)
    half = sorted(name for name, one in there.items() if one.mark)
    if half:
        raise UserError(f"a restore of {', '.join(half)} was not finished; repeat it first")
    if STREAM not in there:
        raise UserError(f"there is no stream {STREAM}; izumi-admin bus apply makes it")
    room = sum(int(one.state["bytes"]) for one in there.values())
    with backup_files.made(path, room + int(there[STREAM].state["bytes"])) as folder:
        consumers = await _consumers(connection, folder)
        order = sorted(there, key=lambda name: (name == STREAM, name == DEAD))
        kept = []
        for name in order:
            size = int(there[name].state["bytes"])
            ours = consumers if name == STREAM else None
            kept.append(await _keep(connection, folder / name, size, ours, told))
            failpoint("backup.stream")
        manifest = Manifest(
            izumi=__version__,
            server=server,
            host=host,
            at=dt.datetime.now(dt.UTC),
            streams=tuple(kept),
        )
        backup_files.seal(folder, manifest)
        failpoint("backup.sealed")
    return manifest


async def found(connection: Connection) -> dict[str, Present]:
    """The streams of Izumi that the server has. Raises BusUnavailable."""
    there = {}
    for config in streams():
        info = await snapshot.call(connection, f"STREAM.INFO.{config.name}")
        if info:
            there[config.name] = Present(info["config"], info["state"])
    return there


async def _consumers(connection: Connection, folder: Path) -> dict[str, bytes]:
    """The consumers as they are now, before anything else is taken."""
    path = folder / "consumers"
    with backup_files.new_file(path) as file:
        await snapshot.take(connection, STREAM, file.write)
    with _read(path) as frames:
        consumers = backup_archive.consumers(frames)
    path.unlink()
    return consumers


async def _keep(
    connection: Connection,
    base: Path,
    size: int,
    consumers: Mapping[str, bytes] | None,
    told: Told,
) -> Kept:
    name = base.name
    path = base.with_suffix(".archive")
    raw = base.with_suffix(".raw")
    done = 0
    with backup_files.new_file(raw) as file:

        def write(data: bytes) -> None:
            nonlocal done
            file.write(data)
            done += len(data)
            told(name, done, max(size, done))

        taken = await snapshot.take(connection, name, write)
    await asyncio.to_thread(_settle, raw, path, consumers)
    with _read(path) as frames:
        survey = await asyncio.to_thread(backup_archive.survey, frames)
    told(name, done, done)
    sha256 = await asyncio.to_thread(backup_files.digest, path, lambda _done, _size: None)
    return Kept(
        **{field: getattr(survey, field) for field in survey.__struct_fields__},
        config=taken.config,
        state=taken.state,
        bytes=int(taken.state["bytes"]),
        file=path.name,
        size=path.stat().st_size,
        sha256=sha256,
    )


def _settle(raw: Path, path: Path, consumers: Mapping[str, bytes] | None) -> None:
    """The archive under its name and on the disk, with the consumers that belong to it."""
    if consumers is None:
        raw.rename(path)
    else:
        with _read(raw) as frames, backup_files.new_file(path) as file:
            file.writelines(backup_archive.joined(frames, consumers))
        raw.unlink()
    backup_files.sync(path)


@contextlib.contextmanager
def _read(path: Path) -> Iterator[Iterator[bytes]]:
    """The frames of an archive.

    Raises:
        BusUnavailable: The server sent something else.
    """
    try:
        with path.open("rb") as file:
            yield backup_s2.frames(file)
    except Rejected as exc:
        raise BusUnavailable(f"what the server sent as {path.stem} is no archive: {exc}") from exc


async def plan(connection: Connection, manifest: Manifest) -> list[Step]:
    """What a restore of a checked backup would do; nothing is changed. Raises BusUnavailable."""
    snapshot.check_version(connection)
    there = await found(connection)
    return backup_plan.steps(manifest, there, now=dt.datetime.now(dt.UTC))


async def restore(
    connection: Connection,
    path: Path,
    manifest: Manifest,
    planned: list[Step],
    *,
    replicas: int,
    told: Told,
) -> None:
    """Carry out a plan. What is there in the way of it is removed.

    May be repeated after an end at any point: until everything is restored and proved,
    the streams carry a mark.

    Args:
        connection: As admin; no unit works.
        path: Of the backup, which was checked.
        manifest: Its own.
        planned: As `plan` gave it.
        replicas: On how many servers each stream is kept.
        told: Progress.

    Raises:
        BusUnavailable: The server did not take everything, or has not what it was given.
    """
    there = await found(connection)
    to_do = [step for step in planned if step.action not in {"keep", "finish"}]
    if to_do and STREAM in there:
        await _set(connection, backup_plan.marked(there[STREAM].config, manifest.id))
        failpoint("restore.marked")
    wanted = {config.name: config.num_replicas for config in streams(replicas)}
    for step in to_do:
        kept = step.kept
        config = {**kept.config, "num_replicas": wanted.get(kept.name, replicas)}
        config = backup_plan.marked(config, manifest.id)
        await _restore(connection, path, Taken(config, kept.state), kept, told)
        failpoint("restore.stream")
    for step in planned:  # the stream of facts is the last of them
        info = await snapshot.call(connection, f"STREAM.INFO.{step.kept.name}")
        if info and Present(info["config"], info["state"]).mark:
            await _set(connection, backup_plan.marked(info["config"], ""))
            failpoint("restore.finished")


async def _set(connection: Connection, config: Mapping[str, Any]) -> None:
    await snapshot.call(connection, f"STREAM.UPDATE.{config['name']}", config)


async def _restore(
    connection: Connection, path: Path, taken: Taken, kept: Kept, told: Told
) -> None:
    name = kept.name
    for attempt in range(_ATTEMPTS):
        try:
            await snapshot.call(connection, f"STREAM.DELETE.{name}")
            failpoint("restore.removed")
            await _give(connection, path, taken, kept, told)
            break
        except Busy:  # an upload that was killed lives on for some seconds
            if attempt == _ATTEMPTS - 1:
                raise
            await asyncio.sleep(_AGAIN_S)
    # In a cluster the consumers are made, and set, after the server has said that it is done.
    for _ in range(_ATTEMPTS):
        wrong = await _problems(connection, kept)
        if not wrong:
            break
        await asyncio.sleep(_AGAIN_S)
    else:
        raise BusUnavailable(f"{name} is not as in the backup: {'; '.join(wrong)}")
    log.info("bus.restored", stream=name, messages=kept.messages)


async def _give(connection: Connection, path: Path, taken: Taken, kept: Kept, told: Told) -> None:
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        told(kept.name, done, kept.size)
        failpoint("restore.chunk")

    with (path / kept.file).open("rb") as file:
        parts = iter(lambda: file.read(snapshot.CHUNK_BYTES), b"")
        await snapshot.give(connection, taken, parts, count)


async def _problems(connection: Connection, kept: Kept) -> list[str]:
    """What of a restored stream is not as in the backup, by now."""
    infos = {
        name: await snapshot.call(connection, f"CONSUMER.INFO.{kept.name}.{name}")
        for name in kept.consumers
    }
    state = (await snapshot.call(connection, f"STREAM.INFO.{kept.name}")).get("state")
    if state is None:
        return ["it is not there"]
    there = {name: info for name, info in infos.items() if info}
    return backup_plan.problems(kept, state, there, now=dt.datetime.now(dt.UTC))
