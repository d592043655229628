"""One worker for every consumer: pull, claim, work, commit, acknowledge.

    take ► claim (compare-and-set in the job log; done already? ► ack) ► handler, with the
    lease kept while it proves progress ► commit (facts + done, one atomic batch, refused
    if anyone claimed after us) ► ack

A handler never sees a message. What it raises decides what happens next; the mapping is
in `_Job._settle` and nowhere else.
"""

import asyncio
import contextlib
import datetime as dt
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from izumi.bus.lease import AlreadyDone, Lease
from izumi.bus.ports import Bus, Delivery, Inbox
from izumi.domain import events, retry, subjects
from izumi.domain.errors import (
    BusUnavailable,
    Cancelled,
    Fenced,
    Held,
    IzumiError,
    Postponed,
    Rejected,
    ToolFailed,
    Unavailable,
)
from izumi.domain.events import Answered, Fact, HeldFile, Progress
from izumi.domain.pace import Pace
from izumi.domain.retry import RetryPolicy
from izumi.runtime.breaker import Breaker
from izumi.runtime.ports import Handler
from izumi.runtime.scratch import Scratch
from izumi.runtime.settings import WorkerSettings
from izumi.runtime.shutdown import Shutdown
from izumi.runtime.supervisor import LeaseBook, PipeBook

log = structlog.get_logger()

_PROGRESS_EVERY_S = 0.5
_TAKERS = 16
"""Slots that ask for a job at once: each leaves a waiting pull with every consumer."""


def utcnow() -> dt.datetime:
    """Now, in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass
class Tally:
    """What became of the jobs of a worker since it was made.

    Attributes:
        claimed: Begun.
        ended: By the word that says how.
        busy_s: Seconds that those took together.
    """

    claimed: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    busy_s: float = 0.0

    def end(self, outcome: str, took_s: float) -> None:
        """A job ended; `outcome` is a word, and a colon before anything more."""
        self.ended[outcome.partition(":")[0]] += 1
        self.busy_s += took_s


@dataclass(kw_only=True)
class Worker:
    """Runs the jobs of one instance of one group.

    Attributes:
        unit: Kind of unit.
        group: Its queue group.
        instance: Name of this instance, unique on the bus.
        bus: Where jobs come from and results go.
        inbox: Membership of the group.
        handler: The work.
        jobs: How many at once.
        scratch: Space for them.
        settings: `[worker]`.
        policy: `[retry]`.
        ack_wait_s: Length of a lease without a sign of life.
        may_work: False while no job may be taken, as outside the hours of its group.
        book: Tells the parent what is held.
        breaker: Stops pulling when this host spoils job after job.
        host: Name of this host, for people.
        now: Wall clock, for records only.
        spread: Random 0 to 1, for backoff.
    """

    unit: str
    group: str
    instance: str
    bus: Bus
    inbox: Inbox
    handler: Handler
    jobs: int
    scratch: Scratch
    settings: WorkerSettings
    policy: RetryPolicy
    ack_wait_s: float
    host: str = ""
    may_work: Callable[[], bool] = lambda: True
    book: LeaseBook = field(default_factory=PipeBook)
    breaker: Breaker = field(default_factory=Breaker)
    now: Callable[[], dt.datetime] = utcnow
    spread: Callable[[], float] = random.random
    running: dict[str, "_Job"] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    _taking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_TAKERS))

    @property
    def most_lost(self) -> int:
        """Instances that may die over a job before it is taken for the cause.

        Each death counts for all that were in work: of hundreds, most only wait.
        """
        return self.policy.lost_attempts * max(1, self.jobs // _TAKERS)

    async def run(self, shutdown: Shutdown) -> None:
        """Work until asked to stop; two steps, as `Shutdown` says.

        Raises:
            UserError: The consumer is missing or configured otherwise.
        """
        slots = [asyncio.create_task(self._slot(shutdown)) for _ in range(self.jobs)]
        asked = asyncio.create_task(shutdown.stopping.wait())
        hurry = asyncio.create_task(shutdown.hurry.wait())
        try:
            await asyncio.wait({*slots, asked}, return_when=asyncio.FIRST_COMPLETED)
            self.inbox.stop()
            if self.running:
                log.info("worker.draining", unit=self.unit, group=self.group, jobs=[*self.running])
            finished = asyncio.create_task(_all(slots))
            await asyncio.wait(
                {finished, hurry},
                timeout=self.settings.drain_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for job in [*self.running.values()]:
                job.give_back()
            await finished
        finally:
            for task in (*slots, asked, hurry):
                task.cancel()
            await asyncio.gather(*slots, return_exceptions=True)
            await self.inbox.aclose()
            log.info("worker.stopped", unit=self.unit, group=self.group)

    async def _slot(self, shutdown: Shutdown) -> None:
        while not shutdown.stopping.is_set():
            wait_s = self.breaker.wait_s()
            if wait_s > 0 or not self.may_work():
                await shutdown.pause(min(wait_s or 1.0, 1.0))
                continue
            async with self._taking:
                delivery = await self.inbox.take()
            if delivery is None:
                continue
            try:
                job = subjects.job_id(delivery.subject)
            except ValueError as exc:
                await self._refuse(delivery, str(exc))
                continue
            again = self.running.get(job)
            if again is not None and again.lease.delivery.seq == delivery.seq:
                # The bus was away for longer than the lease lasts; the work goes on.
                again.lease.adopt(delivery)
                continue
            if self.breaker.wait_s() > 0 or not self.may_work():
                # That came to be while this slot was waiting.
                await delivery.nak()
                continue
            self.breaker.took()
            self.book.took(delivery.reply)
            try:
                await _Job(self, delivery).run()
            finally:
                self.book.settled(delivery.reply)

    async def _refuse(self, delivery: Delivery, reason: str) -> None:
        """Give up a message that can be no job: no log could be called after it."""
        log.error("worker.refused", unit=self.unit, group=self.group, reason=reason)
        with contextlib.suppress(BusUnavailable):  # it comes again
            await delivery.term(reason)


async def _all(tasks: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)


class _Job:
    """One delivery on its way through claim, work and settlement; the handler's context."""

    def __init__(self, worker: Worker, delivery: Delivery) -> None:
        self._worker = worker
        self.unit = worker.unit
        self.group = worker.group
        self.instance = worker.instance
        self.job = subjects.job_id(delivery.subject)
        self.name = self.job
        self.scratch = Path()
        self.lease = Lease(
            worker.bus,
            delivery,
            unit=worker.unit,
            group=worker.group,
            owner=worker.instance,
            ack_wait_s=worker.ack_wait_s,
            now=worker.now,
        )
        self._progressed = time.monotonic()
        self._told = 0.0
        self._telling: set[asyncio.Task[None]] = set()
        self._giving_back = asyncio.Event()
        self._log = log.bind(unit=self.unit, group=self.group, job=self.job)

    # The handler's side: izumi.runtime.ports.JobContext

    @property
    def attempt(self) -> int:
        return self.lease.record.attempt

    @property
    def token(self) -> str:
        return self.lease.token

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        return self.lease.record.checkpoint

    @property
    def lost(self) -> bool:
        return self.lease.lost.is_set()

    def report(
        self,
        step: str,
        fraction: float | None = None,
        detail: str = "",
        pace: Pace | None = None,
    ) -> None:
        self._progressed = time.monotonic()
        if self._progressed - self._told < _PROGRESS_EVERY_S and fraction != 1.0:
            return
        self._told = self._progressed
        progress = Progress(
            unit=self.unit,
            group=self.group,
            job=self.job,
            instance=self.instance,
            name=self.name,
            step=step,
            fraction=fraction,
            detail=detail,
            fps=pace and pace.fps,
            speed=pace and pace.speed,
            eta_s=pace and pace.eta_s,
            at=self._worker.now(),
        )
        telling = asyncio.create_task(self._tell(progress))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self, progress: Progress) -> None:
        with contextlib.suppress(BusUnavailable):
            await self._worker.bus.tell(
                subjects.progress(self.unit, self.group, self.job), events.encode(progress)
            )

    async def save(self, checkpoint: Mapping[str, Any], facts: Sequence[Fact] = ()) -> None:
        self._progressed = time.monotonic()
        await self.lease.save(checkpoint, facts)

    async def still_ours(self) -> None:
        await self.lease.still_ours()

    async def reserve(self, size_bytes: int) -> None:
        await asyncio.to_thread(self._worker.scratch.reserve, self.scratch, size_bytes)

    # The runtime's side

    def give_back(self) -> None:
        """Let go: cancel the work and put the job back at the head of the queue."""
        self._giving_back.set()

    async def run(self) -> None:
        """Claim, work, settle. Never raises for what came of the job."""
        began = time.monotonic()
        self._worker.running[self.job] = self
        try:
            outcome = await self._claimed()
        except Cancelled as exc:
            self._worker.breaker.neutral()
            await self.lease.delivery.ack()
            outcome = f"cancelled: {exc}"
        except Fenced as exc:
            self._worker.breaker.neutral()
            outcome = f"fenced: {exc}"
        except BusUnavailable as exc:
            # Nothing can be settled now; the lease runs out and the job comes again.
            self._worker.breaker.neutral()
            outcome = f"bus away: {exc}"
        finally:
            del self._worker.running[self.job]
        took_s = time.monotonic() - began
        self._worker.tally.end(outcome, took_s)
        self._log.info("job.ended", outcome=outcome, took_s=round(took_s, 3))

    async def _claimed(self) -> str:
        try:
            record = await self.lease.claim()
        except AlreadyDone as exc:
            self._worker.breaker.neutral()
            if exc.record.state == "failed":
                # Whoever parked it may have died before the dead letter was written.
                await self.lease.delivery.term(exc.record.reason)
            else:
                await self.lease.delivery.ack()
            return f"{exc.record.state} before"
        except Unavailable as exc:
            # Nothing was claimed: ordered twice and in work elsewhere, or a newer log.
            if isinstance(exc, BusUnavailable):
                raise
            self._worker.breaker.neutral()
            await self.lease.delivery.nak(exc.retry_after_s or self._worker.policy.first_s)
            return f"later: {exc}"
        if record.lost >= self._worker.most_lost:
            self._worker.breaker.neutral()
            return await self._park(f"{record.lost} instances died or froze over this job")
        self._worker.tally.claimed += 1
        self._log.info("job.claimed", attempt=self.attempt)
        try:
            # Several units of one process work on jobs of one name.
            with self._worker.scratch.folder(f"{self.unit}.{self.group}.{self.job}") as folder:
                self.scratch = folder
                return await self._worked()
        except OSError as exc:
            return await self._settle(Unavailable(f"no scratch folder: {exc}", host=True))

    async def _worked(self) -> str:
        try:
            fact = events.decode_fact(self.lease.delivery.data)
            self.name = _name_of(fact)
            facts = await self._watched(self._worker.handler(fact, self))
            if facts is None:
                return await self._back("given back: the instance is being stopped")
            self._worker.breaker.worked()
            return await self._commit(facts)
        except asyncio.CancelledError:
            await self._back("the instance is being stopped")
            raise
        except Exception as exc:  # noqa: BLE001 - the one place that turns any failure into a settlement
            return await self._settle(exc)

    async def _watched(self, work: Awaitable[Sequence[Fact]]) -> Sequence[Fact] | None:
        """Run the work with its lease kept; None when it was asked to let go.

        Raises:
            Fenced: Someone else claimed the job; the work was cancelled.
            ToolFailed: It made no progress for too long; the work was cancelled.
        """
        working = asyncio.ensure_future(work)
        keeping = asyncio.create_task(self.lease.keep())
        stalled = asyncio.create_task(self._stalled())
        letting_go = asyncio.create_task(self._giving_back.wait())
        try:
            await asyncio.wait(
                {working, keeping, stalled, letting_go}, return_when=asyncio.FIRST_COMPLETED
            )
            if working.done():
                return working.result()
            if letting_go.done():
                return None
            if keeping.done():
                keeping.result()
                raise Fenced("someone else claimed the job")
            message = f"no progress for {self._worker.settings.stall_s:.0f} s"
            raise ToolFailed(message)
        finally:
            for task in (working, keeping, stalled, letting_go):
                task.cancel()
            await asyncio.gather(working, keeping, stalled, letting_go, return_exceptions=True)

    async def _stalled(self) -> None:
        limit_s = self._worker.settings.stall_s
        while (left_s := self._progressed + limit_s - time.monotonic()) > 0:  # noqa: ASYNC110 - each report moves the end; waking at every one would cost more
            await asyncio.sleep(left_s)

    async def _commit(self, facts: Sequence[Fact]) -> str:
        await self.lease.commit(facts)
        await self.lease.delivery.ack()
        return "done"

    async def _settle(self, error: Exception) -> str:
        """What each kind of failure becomes. The only place that decides it."""
        match error:
            case Fenced():
                raise error
            case Held():
                self._worker.breaker.worked()
                return await self._hold(error.reason, error.facts)
            case Rejected():
                self._worker.breaker.worked()
                return await self._park(str(error))
            case Unavailable():
                self._count(error)
                return await self._retry(error)
            case _:
                self._log.error("job.crashed", exc_info=error)
                wrapped = ToolFailed(f"{type(error).__name__}: {error}")
                self._count(wrapped)
                return await self._retry(wrapped)

    def _count(self, error: Unavailable) -> None:
        if not (error.host or isinstance(error, ToolFailed)):
            self._worker.breaker.neutral()
        elif self._worker.breaker.failed(str(error)):
            self._log.error(
                "worker.broken", reason=str(error), wait_s=self._worker.breaker.wait_s()
            )

    async def _retry(self, error: Unavailable) -> str:
        verdict = retry.verdict(
            error,
            policy=self._worker.policy,
            attempt=self.attempt,
            host_failures=self.lease.record.host_failures,
            since=self.lease.record.since or self._worker.now(),
            now=self._worker.now(),
            spread=self._worker.spread(),
        )
        if verdict.what == "park":
            return await self._park(str(error))
        if verdict.what == "hold":
            return await self._hold(f"given up after {self.attempt} attempts: {error}", {})
        postponed = isinstance(error, Postponed)
        await self.lease.waiting(str(error), host=error.host, counts=not postponed)
        await self.lease.delivery.nak(verdict.delay_s)
        say = self._log.info if postponed else self._log.warning
        say("job.waits", reason=str(error), delay_s=round(verdict.delay_s, 1))
        return f"waits: {error}"

    async def _hold(self, reason: str, facts: Mapping[str, str]) -> str:
        held = HeldFile(
            unit=self.unit,
            group=self.group,
            job=self.job,
            name=self.name,
            reason=reason,
            facts=dict(facts),
            origin=events.raw(self.lease.delivery.data),
            at=self._worker.now(),
            host=self._worker.host,
        )
        await self.lease.finish("held", reason, [held])
        await self.lease.delivery.ack()
        self._log.warning("job.held", name=self.name, reason=reason, facts=dict(facts))
        return f"held: {reason}"

    async def _park(self, reason: str) -> str:
        await self.lease.finish("failed", reason)
        await self.lease.delivery.term(reason)
        self._log.error("job.parked", name=self.name, reason=reason)
        return f"parked: {reason}"

    async def _back(self, reason: str) -> str:
        # Recorded first, so that the next claim is not counted as a death.
        with contextlib.suppress(IzumiError, TimeoutError):
            await asyncio.shield(self._waits(reason))
        await asyncio.shield(self.lease.delivery.nak(0))
        self._worker.breaker.neutral()
        return reason

    async def _waits(self, reason: str) -> None:
        async with asyncio.timeout(5):
            await self.lease.waiting(reason, counts=False)


def _name_of(fact: Fact) -> str:
    return fact.name if isinstance(fact, HeldFile | Answered) else fact.file.key
