"""Everything that the bus keeps of one episode, read by subject instead of as a whole.

Two steps: the facts that name episodes are read once, so that a person can say which one is
meant; then the logs of its jobs, and what else is kept of its files, each by its own subject.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec
import structlog

from izumi.bus import reading, topology
from izumi.bus.deadletters import JetStreamDeadLetters, Notice
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.letters import words
from izumi.bus.ports import Stored
from izumi.domain import events, subjects
from izumi.domain.errors import BadEvent, UnknownEvent
from izumi.domain.events import HeldFile, JobRecord, LibraryChanged, Progress, Told
from izumi.domain.job_log import Entry
from izumi.domain.timeline import GivenUp, JobName, Kept, Life

log = structlog.get_logger("izumi.bus")

T = TypeVar("T")

_AT_ONCE: Final = 16
_NAMING: Final = ("izumi.file.acquired.>", "izumi.file.encoded.>", "izumi.file.held.>")
_ACQUISITION: Final = "acquisition"

_records: Final = msgspec.json.Decoder(JobRecord)
_changes: Final = msgspec.json.Decoder(LibraryChanged)
_told: Final = msgspec.json.Decoder(Told)
_progress: Final = msgspec.json.Decoder(Progress)
_notices: Final = msgspec.json.Decoder(Notice)


class Naming(NamedTuple):
    """What the bus keeps that names episodes: facts, and orders to single groups."""

    facts: Sequence[Kept]
    orders: Sequence[Kept]


def moment_of(stored: Stored) -> dt.datetime:
    """When the bus stored a message."""
    return dt.datetime.fromisoformat(stored.at)


def kept_of(stored: Iterable[Stored]) -> list[Kept]:
    """Facts, or orders that carry one; what is none to this version is left out, and told."""
    found = []
    for one in stored:
        try:
            subjects.job_id(one.subject)
            fact = events.decode_fact(one.data)
        except (BadEvent, UnknownEvent, ValueError) as exc:
            log.warning("bus.fact_not_understood", subject=one.subject, error=str(exc))
            continue
        found.append(Kept(one.subject, one.seq, moment_of(one), fact))
    return found


async def naming(bus: JetStreamBus) -> Naming:
    """Every fact and order by which an episode can be found. Raises BusUnavailable."""
    *facts, orders = await asyncio.gather(
        *(reading.every(bus.connection, topology.STREAM, name) for name in _NAMING),
        reading.every(bus.connection, topology.STREAM, "izumi.do.>"),
    )
    return Naming([kept for some in facts for kept in kept_of(some)], kept_of(orders))


async def changes(bus: JetStreamBus) -> list[tuple[dt.datetime, LibraryChanged]]:
    """What people did to the library, in the end, and since when. Raises BusUnavailable."""
    stored = await reading.every(bus.connection, topology.LIBRARY, subjects.LIBRARY)
    return [
        (moment_of(one), change)
        for one in stored
        if (change := _decoded(_changes, one)) is not None
    ]


class Wanted(NamedTuple):
    """Of which episode everything is wanted: what `naming` found, and its files."""

    show: str
    name: str
    facts: Sequence[Kept]
    orders: Sequence[Kept]
    files: Sequence[str]
    keys: Sequence[str]


async def life(bus: JetStreamBus, wanted: Wanted) -> Life:
    """Everything that is kept of an episode. Raises BusUnavailable."""
    reader = _Reader(bus)
    distributed = kept_of(
        await reader.every(f"izumi.file.distributed.*.*.{file}" for file in wanted.files)
    )
    facts = [*wanted.facts, *distributed]
    logs = await _logs(reader, facts, wanted)
    notified = [subjects.notified(name.group, name.job) for name in logs if name.unit == "notifier"]
    holds = {(name.unit, f"{name.group}-{name.job}"): name for name in logs}
    held = [
        *(subjects.held(*hold) for hold in holds),
        *(kept.subject for kept in wanted.facts if isinstance(kept.fact, HeldFile)),
    ]
    answers = [subject.replace(".held.", ".answered.", 1) for subject in dict.fromkeys(held)]
    more = kept_of(await reader.every([*notified, *dict.fromkeys(held), *answers]))
    facts = list({kept.seq: kept for kept in (*facts, *more)}.values())
    told, dead, changed, progress = await asyncio.gather(
        reader.told(wanted.show),
        reader.dead({kept.seq for kept in (*facts, *wanted.orders)}),
        changes(bus),
        reader.progress(logs),
    )
    return Life(wanted.show, wanted.name, facts, wanted.orders, logs, told, dead, changed, progress)


async def _logs(
    reader: "_Reader", facts: Sequence[Kept], wanted: Wanted
) -> dict[JobName, list[Entry]]:
    """The logs of every job that facts and orders are for, and of the claims of their names."""
    broadcast = [
        f"izumi.job.*.*.{subjects.token(subjects.job_id(kept.subject))}"
        for kept in facts
        if not isinstance(kept.fact, HeldFile)
    ]
    ordered = []
    for kept in wanted.orders:
        _, _, unit, group, *_ = kept.subject.split(".")
        ordered.append(f"izumi.job.{unit}.{group}.{subjects.token(subjects.job_id(kept.subject))}")
    claims = [
        subjects.job(_ACQUISITION, "all", f"key-{subjects.file_id('', key)}") for key in wanted.keys
    ]
    found: dict[JobName, list[Entry]] = {}
    for stored in await reader.every([*broadcast, *ordered, *claims]):
        unit, group, job = (subjects.untoken(part) for part in stored.subject.split(".")[2:])
        try:
            record = _records.decode(stored.data)
        except msgspec.DecodeError as exc:
            log.warning("bus.log_not_understood", subject=stored.subject, error=str(exc))
            continue
        entry = Entry(stored.seq, moment_of(stored), record)
        found.setdefault(JobName(unit, group, job), []).append(entry)
    return found


class _Reader:
    """Reads from one bus, a few subjects at once."""

    def __init__(self, bus: JetStreamBus) -> None:
        self._bus = bus
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def every(self, patterns: Iterable[str]) -> list[Stored]:
        """All messages of these subjects, oldest first, each once."""
        some = await asyncio.gather(
            *(
                self._calm(reading.every(self._bus.connection, topology.STREAM, pattern))
                for pattern in dict.fromkeys(patterns)
            )
        )
        by_seq = {one.seq: one for stored in some for one in stored}
        return [by_seq[seq] for seq in sorted(by_seq)]

    async def told(self, show: str) -> list[Told]:
        """What each notifier group recorded of a show."""
        pattern = f"izumi.told.*.{subjects.told('', show).rpartition('.')[2]}"
        return [
            record
            for stored in await self._bus.latest(pattern)
            if (record := _decoded(_told, stored)) is not None
        ]

    async def progress(self, logs: Mapping[JobName, Sequence[Entry]]) -> list[Progress]:
        """How far those are that are in work."""
        working = {
            (name.unit, name.group, name.job, entries[-1].record.owner)
            for name, entries in logs.items()
            if entries[-1].record.state == "claimed"
        }
        found = []
        for unit, group, job, _ in working:
            stored = await self._bus.last(subjects.progress(unit, group, job))
            told = None if stored is None else _decoded(_progress, stored)
            if told and (told.unit, told.group, told.job, told.instance) in working:
                found.append(told)
        return found

    async def dead(self, sources: set[int]) -> list[GivenUp]:
        """Dead letters of these messages, and what was said of them."""
        letters = JetStreamDeadLetters(self._bus)
        found = []
        for stored in await reading.every(
            self._bus.connection, topology.DEAD, "$JS.EVENT.ADVISORY.>"
        ):
            notice = _decoded(_notices, stored)
            if notice is None or notice.stream_seq not in sources:
                continue
            letter = await letters.entry(stored.seq)
            if letter is not None:
                found.append(
                    GivenUp(
                        letter.seq,
                        letter.who,
                        letter.source,
                        letter.reason,
                        moment_of(stored),
                        "" if letter.answer is None else words(letter.answer),
                    )
                )
        return found

    async def _calm(self, work: Awaitable[T]) -> T:
        async with self._free:
            return await work


def _decoded(decoder: "msgspec.json.Decoder[T]", stored: Stored) -> T | None:
    """What a message says; None, and a word of it, where a newer version wrote it."""
    try:
        return decoder.decode(stored.data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as exc:
        log.warning("bus.not_understood", subject=stored.subject, error=str(exc))
        return None
