"""A job of ours: claimed, kept, and its result committed, over any bus.

The server does not fence: what a frozen instance sends after its lease ran out still
counts. So the right to a job is an entry in the job log, made by compare-and-set. The
last claim wins, every later write demands that no entry came since, and the result is
stored together with the entry "done" or not at all.

    claim -> work, while `keep` runs -> commit -> delivery.ack()

After Fenced, or when `lost` is set, the delivery is neither acked nor given back: both
would hit the next holder's.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from izumi.bus.clock import boottime
from izumi.bus.ports import Bus, Conflict, Delivery, Outgoing, Stored
from izumi.domain import subjects
from izumi.domain.errors import (
    BusUnavailable,
    Cancelled,
    Fenced,
    IzumiError,
    Unavailable,
    UnknownEvent,
)
from izumi.domain.events import Fact, JobRecord, encode, subject_of
from izumi.failpoints import failpoint

_TRIES: Final = 5
_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 2.0
_SETTLED: Final = frozenset({"done", "failed", "held", "cancelled"})
_BUSY_S: Final = 30.0
_PATIENT: Final = 500

_records = msgspec.json.Decoder(JobRecord)


class AlreadyDone(IzumiError):
    """The job was settled before: acknowledge, do nothing. `record` tells how."""

    def __init__(self, record: JobRecord) -> None:
        super().__init__(f"job is {record.state} already, by {record.owner}")
        self.record = record


class Busy(Unavailable):
    """The same work was ordered twice, and another message's holder is at it."""


def utcnow() -> dt.datetime:
    """The time of day, for people; no decision hangs on it."""
    return dt.datetime.now(dt.UTC)


class Lease:
    """The claim of one instance on one job.

    Args:
        bus: Where the job log is.
        delivery: The message that orders the job.
        unit: Of the instance.
        group: Of the instance.
        owner: Name of the instance.
        ack_wait_s: How long the server waits for a sign of life.
        cut_off_s: How long the work goes on while the bus cannot be reached. Nobody else
            gets the job when the bus is down, and a short outage must not cost hours of
            work; but an instance that is cut off alone should stop some time.
        now: The time of day.
        clock: Seconds that run on while this process is frozen.
        sleep: Waits so many seconds.

    Attributes:
        job: Identity of the work.
        subject: Its job log.
        record: Our last entry.
        token: Unique to this claim; empty before it.
        lost: Set when the job is not ours any more.
    """

    def __init__(
        self,
        bus: Bus,
        delivery: Delivery,
        *,
        unit: str,
        group: str,
        owner: str,
        ack_wait_s: float = 10.0,
        cut_off_s: float = 60.0,
        now: Callable[[], dt.datetime] = utcnow,
        clock: Callable[[], float] = boottime,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.delivery = delivery
        self.job = subjects.job_id(delivery.subject)
        self.subject = subjects.job(unit, group, self.job)
        self.token = ""
        self.lost = asyncio.Event()
        self._bus = bus
        self._owner = owner
        self._ack_wait_s = ack_wait_s
        self._cut_off_s = cut_off_s
        self._now = now
        self._clock = clock
        self._sleep = sleep
        self._fence = 0
        self._writing = asyncio.Lock()
        self.record = JobRecord(
            state="claimed", owner=owner, source=delivery.seq, attempt=0, at=now()
        )

    async def claim(self) -> JobRecord:
        """Make the job ours, whoever had it.

        Returns:
            Our entry: `attempt` counted on, the checkpoint of the last holder carried
            over, `lost` counted when that one ended without a word.

        Raises:
            AlreadyDone: It was settled before.
            Busy: Another message ordered the same work, and its holder is at it.
            Fenced: The delivery went stale on its way, or others claim as fast as we do.
            UnknownEvent: The log was written by a newer version.
            BusUnavailable: The log could not be written.
        """
        nonce = uuid.uuid4().hex
        # The first delivery of a job has no log as a rule: the read is saved.
        previous = await self._last() if self.delivery.attempt > 1 else None
        for turn in range(_TRIES):
            record = self._claim_after(previous)
            if self._clock() - self.delivery.received > self._ack_wait_s / 2:
                raise Fenced(f"the delivery of {self.job} went stale before it was claimed")
            failpoint("lease.before_claim")
            try:
                self._fence = await self._bus.publish(
                    Outgoing(
                        self.subject,
                        encode(record),
                        msg_id=nonce,
                        expect=previous.seq if previous else 0,
                    )
                )
            except Conflict:
                # Another claim, or a replica that has not heard of the last entry yet.
                await self._sleep(turn * _PAUSE_S)
                previous = await self._last()
                continue
            failpoint("lease.after_claim")
            self.record = record
            self.token = f"{self._fence}-{nonce[:8]}"
            return record
        raise Fenced(f"others claim {self.job} at the same time")

    async def save(self, checkpoint: Mapping[str, Any], facts: Sequence[Fact] = ()) -> None:
        """Record what a later attempt needs, and publish facts with it, all or nothing.

        Raises:
            Fenced: The job is not ours any more; nothing was stored.
            BusUnavailable: The bus was away for longer than `cut_off_s`.
        """
        await self._write(facts, checkpoint=dict(checkpoint), at=self._now())

    async def commit(self, facts: Sequence[Fact]) -> None:
        """Publish the results and settle the job as done. Raises as `save`."""
        await self.finish("done", facts=facts)

    async def finish(
        self,
        state: Literal["done", "held", "failed"],
        reason: str = "",
        facts: Sequence[Fact] = (),
    ) -> None:
        """Settle the job, and publish facts with it, all or nothing. Raises as `save`."""
        failpoint("lease.before_commit")
        await self._write(facts, state=state, reason=reason, at=self._now())
        failpoint("lease.after_commit")

    async def waiting(self, reason: str, *, host: bool = False, counts: bool = True) -> None:
        """Record that the job waits for another attempt; call it before the nak.

        Args:
            reason: Why this attempt ended.
            host: Because of this host, not because of the job.
            counts: False takes the attempt back, as after a shutdown.

        Raises:
            Fenced: As `save`.
            BusUnavailable: As `save`.
        """
        await self._write(
            (),
            state="waiting",
            reason=reason,
            attempt=self.record.attempt - (not counts),
            host_failures=self.record.host_failures + host,
            at=self._now(),
        )

    async def still_ours(self) -> None:
        """Ask the log, right before an effect outside.

        Raises:
            Fenced: Someone else claimed; Cancelled, where a person wrote that.
            BusUnavailable: The log could not be read.
        """
        async with self._writing:
            last = await self._last()
        if last is not None and last.seq > self._fence:
            raise self._loss(last)

    def _loss(self, newer: Stored) -> Fenced:
        """What it means that someone wrote to our log."""
        self.lost.set()
        record = self._decode(newer)
        if record.state == "cancelled":
            return Cancelled(record.reason)
        return Fenced(f"{self.job} was claimed by someone else")

    async def keep(self) -> None:
        """Prolong the lease until cancelled; return once the job is lost.

        Run it as a task beside the work, and only while the work gets on.

        Raises:
            Cancelled: A person cancelled the job.
        """
        pace_s = self._ack_wait_s / 3
        confirmed = self._clock()
        while not self.lost.is_set():
            await self._sleep(pace_s)
            try:
                async with asyncio.timeout(pace_s):
                    await self.still_ours()
                    await self.delivery.in_progress()
            except (BusUnavailable, TimeoutError):
                if self._clock() - confirmed > self._cut_off_s:
                    self.lost.set()
            except Cancelled:
                raise
            except Fenced:
                return
            else:
                confirmed = self._clock()

    def adopt(self, delivery: Delivery) -> None:
        """Answer this delivery from now on: the same order, delivered to us again.

        It comes when the bus was away for longer than the lease lasts.
        """
        self.delivery = delivery

    def _claim_after(self, previous: Stored | None) -> JobRecord:
        now = self._now()
        if previous is None:
            return JobRecord(
                state="claimed", owner=self._owner, source=self.delivery.seq, since=now, at=now
            )
        record = self._decode(previous)
        if record.state in _SETTLED:
            raise AlreadyDone(record)
        other = record.state == "claimed" and record.source != self.delivery.seq
        # When that holder died, its own message comes again. After hours of asking it was
        # perhaps dropped by hand, and this one must not wait for ever.
        if other and self.delivery.attempt < _PATIENT:
            raise Busy(f"{record.owner} is at {self.job} already", retry_after_s=_BUSY_S)
        return msgspec.structs.replace(
            record,
            state="claimed",
            owner=self._owner,
            source=self.delivery.seq,
            attempt=record.attempt + 1,
            lost=record.lost + (record.state == "claimed"),
            since=record.since or now,
            at=now,
        )

    async def _last(self) -> Stored | None:
        return await self._bus.last(self.subject)

    def _decode(self, entry: Stored) -> JobRecord:
        try:
            return _records.decode(entry.data)
        except msgspec.DecodeError as exc:
            raise UnknownEvent(f"job log {entry.subject}, entry {entry.seq}: {exc}") from exc

    async def _write(self, facts: Sequence[Fact], **changed: Any) -> None:
        """Add an entry to the log, and facts with it; the last word on whether we may."""
        record = msgspec.structs.replace(self.record, **changed)
        data = encode(record)
        batch = [
            Outgoing(subject_of(fact), encode(fact), msg_id=f"{self.job}-{self._fence}-{place}")
            for place, fact in enumerate(facts)
        ]
        async with self._writing:
            batch.append(Outgoing(self.subject, data, expect=self._fence))
            self._fence = await self._committed(batch, data)
        self.record = record

    async def _committed(self, batch: Sequence[Outgoing], data: bytes) -> int:
        """Commit until it is known to be stored; the entry's sequence."""
        began, pause_s = self._clock(), _PAUSE_S
        while True:
            try:
                return await self._bus.commit(batch)
            except Conflict as exc:
                conflict: Conflict | None = exc
            except BusUnavailable:
                # It may have been stored all the same; then the next try conflicts.
                if self._clock() - began > self._cut_off_s:
                    raise
                conflict = None
            if conflict is not None:
                last = await self._last()
                if last is not None and last.data == data:
                    return last.seq
                if last is not None and last.seq > self._fence:
                    raise self._loss(last) from conflict
                # A replica that has not heard of the last entry yet, or a log that is gone.
                if self._clock() - began > self._cut_off_s:
                    raise Fenced(f"the log of {self.job} is not what it was") from conflict
            await self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
