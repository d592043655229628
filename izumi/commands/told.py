"""`izumi-admin notify`: what was told where, told again, and a target tried out."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, NamedTuple

import msgspec
import structlog
from cyclopts import Parameter

from izumi import compose
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Conflict, Outgoing
from izumi.clients.discord import Gate
from izumi.clients.http import Http
from izumi.commands.console import Json, on_bus, show_rows
from izumi.commands.options import ConfigFile, load
from izumi.domain import events, subjects, told
from izumi.domain.announce import announce
from izumi.domain.errors import IzumiError, UserError
from izumi.domain.events import Acquired, Episode, File, Note, Told
from izumi.domain.told_state import states
from izumi.settings import Settings

log = structlog.get_logger()

_records = msgspec.json.Decoder(Told)
_COLUMNS = ("id", "group", "show", "episodes", "target", "state", "at", "news", "message")
_TRIES = 5


class _Entry(NamedTuple):
    """One note, and the record that it is in."""

    subject: str
    seq: int
    record: Told
    note: Note

    @property
    def id(self) -> str:
        return f"{self.note.id.rpartition('-')[2][:12]}"


def told_list(
    *,
    show: Annotated[str, Parameter(help="Only shows whose folder has this in its name.")] = "",
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """List the state of every episode at every target.

    "told": with how much of the news its message shows; "not told": nothing of it is news
    there. What "waits" is tried again, what is "lost" was refused or its target is off, what is
    "filtered" is not for it; as JSON with the reason.

    Args:
        show: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    rows: list[dict[str, object]] = []
    for entry in on_bus(settings, _entries):
        if show.casefold() not in entry.record.show.casefold():
            continue
        group = settings.notifier.get(entry.record.group)
        rows += _rows(entry, group.told_names if group else ())
    show_rows(rows, _COLUMNS, json=json)
    return 0


def _rows(entry: _Entry, configured: Sequence[str]) -> Iterator[dict[str, object]]:
    record, note = entry.record, entry.note
    for state in states(note, configured):
        at = note.at if state.message is None else state.message.at
        yield {
            "id": entry.id,
            "group": record.group,
            "show": record.show,
            "episodes": announce(state.facts, note.show).span,
            "note": note.id,
            "target": state.target,
            "state": state.state,
            "at": at.isoformat(timespec="seconds"),
            "news": f"{state.told}/{len(state.facts)}",
            "message": "" if state.message is None else state.message.id,
            "reason": state.reason,
        }


def told_again(
    *ids: str,
    target: Annotated[
        tuple[str, ...], Parameter(help="Only at these targets; at all when left out.")
    ] = (),
    config: ConfigFile = None,
) -> int:
    """Tell again in a new message; the old one stays as it is.

    Args:
        ids: As `izumi-admin notify list` shows them; their beginning is enough.
        target: See below.
        config: See below.
    """
    if not ids:
        raise UserError("name at least one message; see izumi-admin notify list")

    async def work(bus: JetStreamBus) -> None:
        known = await _entries(bus)
        for entry in [_found(id_, known) for id_ in ids]:
            await _again(bus, entry, target)
            print(f"{entry.id}: ordered again from notifier.{entry.record.group}")

    on_bus(load(config, level="warning"), work)
    return 0


def told_test(group: str, *targets: str, config: ConfigFile = None) -> int:
    """Send a message to targets of this host, to see that it arrives and what it looks like.

    Args:
        group: Of `[notifier.<group>]`.
        targets: Their names; all that the group tells when left out.
        config: See below.

    Returns:
        The exit code: 1 when one could not be told.
    """
    settings = load(config, level="warning")
    if group not in settings.notifier:
        names = ", ".join(settings.notifier) or "none"
        raise UserError(f"there is no [notifier.{group}]; known are {names}")
    return asyncio.run(_test(settings, group, targets))


async def _test(settings: Settings, group: str, names: tuple[str, ...]) -> int:
    async with AsyncExitStack() as stack:
        http = Http()
        stack.push_async_callback(http.aclose)
        known = {
            one.channel.name: one.channel
            for one in compose.targets(settings, group, http=http, gate=Gate(), stack=stack)
        }
        for name in names:
            if name not in known:
                raise UserError(f"{group} tells no {name!r}; it tells {', '.join(known)}")
        news = announce([_sample(settings.host)], None)
        failed = 0
        for name in names or known:
            try:
                await known[name].send(news, f"test-{uuid.uuid4().hex}")
            except IzumiError as exc:
                failed += 1
                print(f"{name}: {exc}")
            else:
                print(f"{name}: told")
    return int(failed > 0)


def _sample(host: str) -> Acquired:
    file = File(
        key="Izumi/Izumi - 01 [1080p].mkv", size=368_258_123, sha256="0" * 64, sub="softsub"
    )
    episode = Episode(show="Izumi", number="01", resolution="1080p")
    now = dt.datetime.now(dt.UTC)
    return Acquired(file=file, episode=episode, sources=("test",), at=now, host=host)


async def _entries(bus: JetStreamBus) -> list[_Entry]:
    """Every note that is kept, the youngest last."""
    found: list[_Entry] = []
    for message in await bus.latest("izumi.told.>"):
        try:
            record = _records.decode(message.data)
        except msgspec.DecodeError as exc:
            log.warning("told.not_understood", subject=message.subject, error=str(exc))
            continue
        found += [_Entry(message.subject, message.seq, record, note) for note in record.notes]
    return sorted(found, key=lambda entry: entry.note.at)


def _found(id_: str, known: list[_Entry]) -> _Entry:
    meant = [entry for entry in known if id_ and (entry.id.startswith(id_) or entry.note.id == id_)]
    if len(meant) != 1:
        what = "no message is" if not meant else "several messages are"
        raise UserError(f"{what} called {id_!r}; see izumi-admin notify list")
    return meant[0]


async def _again(bus: JetStreamBus, entry: _Entry, targets: tuple[str, ...]) -> None:
    """Forget the messages, and order the news; a notifier finds that they are not told."""
    unknown = [name for name in targets if name not in entry.note.messages]
    if unknown:
        names = ", ".join(entry.note.messages) or "none"
        raise UserError(f"{entry.id} was not told at {unknown[0]!r}; it was at {names}")
    await _forget(bus, entry, targets)
    job = f"told-again-{uuid.uuid4().hex[:12]}"
    # One of each kind: a target is told of the kinds that are news there.
    for number, fact in enumerate({type(fact): fact for fact in entry.note.facts}.values()):
        subject = subjects.order("notifier", entry.record.group, "normal", f"{job}-{number}")
        await bus.publish(Outgoing(subject, events.encode(fact)))


async def _forget(bus: JetStreamBus, entry: _Entry, targets: tuple[str, ...]) -> None:
    for _ in range(_TRIES):
        stored = await bus.last(entry.subject)
        record = entry.record if stored is None else _records.decode(stored.data)
        if record.holder:
            await asyncio.sleep(0.5)
            continue
        wanted = told.forgotten(record, entry.note.id, targets)
        seq = 0 if stored is None else stored.seq
        try:
            await bus.publish(Outgoing(entry.subject, events.encode(wanted), expect=seq))
        except Conflict:
            continue
        return
    raise UserError(f"{entry.record.show}: a notifier is at it; try again in a moment")
