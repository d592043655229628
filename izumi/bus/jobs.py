"""What a person does to jobs: cancel them, and order them again. Over any bus.

The job log decides, as everywhere: an entry "cancelled" takes the job from whoever works
on it, and its holder sees that at the latest when it prolongs its lease.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from izumi.bus.ports import Bus, Conflict, Outgoing, Stored
from izumi.domain import subjects
from izumi.domain.errors import Declined, TooLate
from izumi.domain.events import JobRecord, Progress, encode

_TRIES = 20
_OPEN = frozenset({"claimed", "waiting"})

_EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)
"""When what has no log was noted."""

_records = msgspec.json.Decoder(JobRecord)
_progress = msgspec.json.Decoder(Progress)


class Holder(NamedTuple):
    """Whose word on a job is meant: of the instance that has it."""

    unit: str
    group: str
    job: str
    instance: str


class Job(NamedTuple):
    """The last entry of a job's log. `seq` is its place in the stream; 0: it has none yet."""

    unit: str
    group: str
    job: str
    record: JobRecord
    seq: int

    @property
    def who(self) -> str:
        """Unit and group, as people write them."""
        return ".".join(filter(None, (self.unit, self.group)))

    @property
    def is_open(self) -> bool:
        """It is in work or waits for another attempt."""
        return self.record.state in _OPEN

    @property
    def holder(self) -> Holder:
        """Who has it, or had it last."""
        return Holder(self.unit, self.group, self.job, self.record.owner)

    def working(self, told: Mapping[Holder, Progress]) -> Progress | None:
        """How far it is, of what instances told; None: nobody is at it, or has told."""
        return told.get(self.holder) if self.record.state == "claimed" else None


def job_of(entry: Stored) -> Job:
    """A job from the last entry of its log.

    Raises:
        msgspec.DecodeError: A newer version wrote it.
    """
    unit, *group, job = map(subjects.untoken, entry.subject.split(".")[2:])
    return Job(unit, "".join(group), job, _records.decode(entry.data), entry.seq)


async def progress(
    bus: Bus, unit: str | None = None, group: str | None = None, job: str | None = None
) -> dict[Holder, Progress]:
    """The last word of instances on the jobs that they have or had, by whose it is.

    Args:
        bus: Where it is told.
        unit: Of this kind of unit alone.
        group: Of the groups of this name alone.
        job: Of the jobs of this name alone.

    Raises BusUnavailable.
    """
    wanted = ["*" if one is None else subjects.token(one) for one in (unit, group, job)]
    found = {}
    for entry in await bus.latest(".".join(["izumi", "progress", *wanted])):
        with contextlib.suppress(msgspec.DecodeError):  # of a newer version
            told = _progress.decode(entry.data)
            found[Holder(told.unit, told.group, told.job, told.instance)] = told
    return found


async def ordered(bus: Bus, unit: str, group: str, job: str) -> Job | None:
    """A job that its group was ordered to do, and nobody has begun; None: there is no order.

    Raises BusUnavailable.
    """
    kind, _, name = job.partition("-")
    if kind != "do" or not name:
        return None
    pattern = subjects.order(unit, group, "x", name).split(".")
    pattern[4] = "*"
    found = await bus.latest(".".join(pattern))
    if not found:
        return None
    source = found[0].seq
    record = JobRecord(state="waiting", owner="", source=source, attempt=0, at=_EPOCH)
    return Job(unit, group, job, record, 0)


async def cancel(bus: Bus, job: Job, *, by: str, now: Callable[[], dt.datetime]) -> bool:
    """Record that nobody shall do it; False: it was settled before.

    Raises:
        TooLate: Its log is written faster than it can be read.
        BusUnavailable: No receipt came.
    """
    subject = subjects.job(job.unit, job.group, job.job)
    for _ in range(_TRIES):
        entry = await bus.last(subject)
        last = job if entry is None else job_of(entry)
        if not last.is_open or (entry is None and job.seq):
            return False
        record = msgspec.structs.replace(
            last.record, state="cancelled", reason=f"cancelled by {by}", at=now()
        )
        try:
            await bus.publish(Outgoing(subject, encode(record), expect=entry.seq if entry else 0))
        except Conflict:
            continue  # its holder wrote meanwhile
        return True
    raise TooLate(f"{job.who} {job.job} changes all the time; try again")


async def retry(
    bus: Bus, job: Job, source: Stored | None, *, now: Callable[[], dt.datetime], by: str = ""
) -> str:
    """Order the work of a settled job again, from its group alone; the new job's id.

    What its attempts recorded goes with it. Repeated for the same entry it orders nothing
    more.

    Args:
        bus: Where to.
        job: Settled.
        source: The message that ordered it.
        now: The time of day.
        by: Who says so, for people.

    Raises:
        TooLate: It is open.
        Declined: Its message is not kept any more.
        BusUnavailable: No receipt came.
    """
    if job.is_open:
        raise TooLate(f"{job.who} {job.job} is {job.record.state}; cancel it first")
    if source is None:
        raise Declined(f"the message that ordered {job.job} is not kept any more")
    name = f"retry-{job.record.source}-{job.seq}"
    order = subjects.order(job.unit, job.group, subjects.priority(source.subject), name)
    new = subjects.job_id(order)
    record = JobRecord(
        state="waiting",
        owner="",
        source=job.record.source,
        attempt=0,
        checkpoint=job.record.checkpoint,
        reason=f"{job.job} is ordered again" + (f" by {by}" if by else ""),
        at=now(),
    )
    log = subjects.job(job.unit, job.group, new)
    # It was ordered before where the log is there; the order itself may be missing.
    with contextlib.suppress(Conflict):
        await bus.publish(Outgoing(log, encode(record), expect=0))
    await bus.publish(Outgoing(order, source.data, msg_id=f"{job.who}-{name}"))
    return new
