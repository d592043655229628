"""The groups of the bus, what each works on, and that work ordered again from one alone."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from izumi.bus import reading, topology
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Conflict, Outgoing, Stored
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable
from izumi.domain.events import JobRecord, encode

log = structlog.get_logger("izumi.bus")

_ANSWER_S: Final = 10.0
_FACTS: Final = "izumi.file."
_TOGETHER: Final = 100

_records: Final = msgspec.json.Decoder(JobRecord)


class Consumer(NamedTuple):
    """What one consumer of a group hears, and the place up to which all of it is settled."""

    filters: tuple[str, ...]
    settled: int


class Group(NamedTuple):
    """A queue group that the bus knows, whichever host's configuration made it."""

    unit: str
    group: str
    consumers: tuple[Consumer, ...]

    @property
    def who(self) -> str:
        """As people write it."""
        return f"{self.unit}.{self.group}"


class Heard(NamedTuple):
    """Facts that a group works on, and the places of those that it has not settled."""

    facts: Sequence[Stored]
    unsettled: frozenset[int]


class Order(NamedTuple):
    """A fact for one group alone.

    Attributes:
        name: Of the order; none of that name was given before.
        fact: As the bus keeps it.
        checkpoint: What the work begins with.
        reason: For people.
    """

    name: str
    fact: Stored
    checkpoint: Mapping[str, Any]
    reason: str


async def groups(bus: JetStreamBus) -> list[Group]:
    """Every group of Izumi that has consumers. Raises BusUnavailable."""
    found: dict[tuple[str, str], list[Consumer]] = {}
    offset, total = 0, 1
    while offset < total:
        answer = await bus.connection.request(
            f"$JS.API.CONSUMER.LIST.{topology.STREAM}",
            json.dumps({"offset": offset}).encode(),
            timeout_s=_ANSWER_S,
        )
        page = msgspec.json.decode(answer.data)
        if "error" in page:
            raise BusUnavailable(f"stream {topology.STREAM}: {page['error'].get('description')}")
        infos = page.get("consumers") or ()
        for info in infos:
            try:
                unit, group, _ = topology.parse_consumer(info["name"])
            except ValueError:
                continue  # somebody made it by hand
            config = info["config"]
            filters = config.get("filter_subjects") or [config.get("filter_subject", "")]
            settled = info["ack_floor"]["stream_seq"]
            found.setdefault((unit, group), []).append(Consumer(tuple(filters), settled))
        if not infos:
            break
        offset, total = offset + len(infos), page["total"]
    return [Group(*name, tuple(consumers)) for name, consumers in sorted(found.items())]


async def heard(bus: JetStreamBus, group: Group) -> Heard:
    """Every fact that the bus keeps and the group works on. Raises BusUnavailable."""
    facts: dict[int, Stored] = {}
    unsettled: set[int] = set()
    for consumer in group.consumers:
        for pattern in consumer.filters:
            if not pattern.startswith(_FACTS):
                continue
            for stored in await reading.every(bus.connection, topology.STREAM, pattern):
                facts[stored.seq] = stored
                if stored.seq > consumer.settled:
                    unsettled.add(stored.seq)
    return Heard([facts[seq] for seq in sorted(facts)], frozenset(unsettled))


async def orders(bus: JetStreamBus, group: Group) -> list[Stored]:
    """Every order that the group got. Raises BusUnavailable."""
    pattern = subjects.order(group.unit, group.group, "", "").rsplit(".", 2)[0] + ".>"
    return await reading.every(bus.connection, topology.STREAM, pattern)


async def states(bus: JetStreamBus, group: Group, jobs: Iterable[str]) -> dict[str, JobRecord]:
    """The last entry of each job's log; without those that have none. Raises BusUnavailable."""
    names = {subjects.job(group.unit, group.group, job): job for job in jobs}
    found: dict[str, JobRecord] = {}
    for stored in await reading.last_of_each(bus.connection, topology.STREAM, [*names]):
        try:
            found[names[stored.subject]] = _records.decode(stored.data)
        except msgspec.DecodeError as exc:
            log.warning("bus.log_not_understood", subject=stored.subject, error=str(exc))
    return found


async def order(
    bus: JetStreamBus, group: Group, wanted: Sequence[Order], *, at: dt.datetime
) -> int:
    """Order the work of facts again, and begin the log of each job with why.

    Of each fact both are stored or neither; many together, since the bus syncs every batch.

    Returns:
        How many were ordered; the others were before, by orders of the same name.

    Raises:
        BusUnavailable: No receipt came; asking again is safe.
    """
    done = 0
    for first in range(0, len(wanted), _TOGETHER):
        done += await _together(bus, group, wanted[first : first + _TOGETHER], at)
    return done


async def _together(
    bus: JetStreamBus, group: Group, wanted: Sequence[Order], at: dt.datetime
) -> int:
    """All of these at once; where one was ordered before, the halves by themselves."""
    messages = [message for one in wanted for message in _messages(group, one, at)]
    try:
        await bus.commit(messages)
    except Conflict:
        if len(wanted) == 1:
            return 0
        half = len(wanted) // 2
        done = await _together(bus, group, wanted[:half], at)
        return done + await _together(bus, group, wanted[half:], at)
    return len(wanted)


def _messages(group: Group, wanted: Order, at: dt.datetime) -> tuple[Outgoing, Outgoing]:
    priority = subjects.priority(wanted.fact.subject)
    subject = subjects.order(group.unit, group.group, priority, wanted.name)
    record = JobRecord(
        state="waiting",
        owner="",
        source=wanted.fact.seq,
        attempt=0,
        checkpoint=dict(wanted.checkpoint),
        reason=wanted.reason,
        at=at,
    )
    job = subjects.job(group.unit, group.group, subjects.job_id(subject))
    return (
        Outgoing(job, encode(record), expect=0),
        Outgoing(subject, wanted.fact.data, expect=0),
    )
