"""A lease over a bus that loses answers, goes away, or has not heard the latest."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from izumi.bus.lease import AlreadyDone, Lease
from izumi.bus.memory import MemoryBus, MemoryInbox
from izumi.bus.ports import Conflict, Delivery, Outgoing, Stored
from izumi.domain.errors import BusUnavailable, Fenced
from izumi.domain.events import subject_of
from tests.support.bus import MEMBERSHIPS, NOON, acquired, announcement, taken
from tests.support.hand_clock import HandClock


class WornBus:
    """A bus between which and us things happen.

    Attributes:
        away: Nothing comes through.
        lose_answers: So many commits are stored and their receipts lost.
        stale: What `last` says instead of the truth, so many times.
    """

    def __init__(self) -> None:
        self.inner = MemoryBus(MEMBERSHIPS)
        self.away = False
        self.lose_answers = 0
        self.stale: list[Stored] = []
        self.commits = 0

    async def publish(self, message: Outgoing) -> int:
        self._reach()
        return await self.inner.publish(message)

    async def commit(self, batch: Sequence[Outgoing]) -> int:
        self.commits += 1
        self._reach()
        seq = await self.inner.commit(batch)
        if self.lose_answers:
            self.lose_answers -= 1
            raise BusUnavailable("no answer")
        return seq

    async def last(self, subject: str) -> Stored | None:
        self._reach()
        return self.stale.pop() if self.stale else await self.inner.last(subject)

    async def latest(self, pattern: str) -> list[Stored]:
        return await self.inner.latest(pattern)

    async def tell(self, subject: str, data: bytes, *, ttl_s: int | None = None) -> None:
        await self.inner.tell(subject, data, ttl_s=ttl_s)

    def listen(self, subject: str) -> AsyncIterator[Stored]:
        return self.inner.listen(subject)

    def inbox(self, unit: str, group: str, *, tier: int = 0) -> MemoryInbox:
        return self.inner.inbox(unit, group, tier=tier)

    def _reach(self) -> None:
        if self.away:
            raise BusUnavailable("away")


class Silent:
    """A delivery whose signs of life are counted."""

    def __init__(self, inner: Delivery, bus: WornBus) -> None:
        self.subject, self.data, self.headers = inner.subject, inner.data, inner.headers
        self.seq, self.attempt, self.reply = inner.seq, inner.attempt, inner.reply
        self.received = 0.0
        self.kept = 0
        self._bus = bus

    async def ack(self) -> None:
        raise AssertionError

    async def nak(self, delay_s: float = 0.0) -> None:
        raise AssertionError(delay_s)

    async def term(self, reason: str) -> None:
        raise AssertionError(reason)

    async def in_progress(self) -> None:
        self._bus._reach()
        self.kept += 1


@pytest.fixture
def bus() -> WornBus:
    return WornBus()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(0.0)


@pytest.fixture
async def lease(bus: WornBus, clock: HandClock) -> Lease:
    """A claimed job."""
    await bus.publish(announcement(acquired()))
    delivery = Silent(await taken(bus.inbox("encoder", "main")), bus)
    made = lease_of(bus, delivery, clock)
    await made.claim()
    return made


def lease_of(bus: WornBus, delivery: Delivery, clock: HandClock, owner: str = "one") -> Lease:
    return Lease(
        bus,
        delivery,
        unit="encoder",
        group="main",
        owner=owner,
        ack_wait_s=9,
        cut_off_s=60,
        now=lambda: NOON,
        clock=clock,
        sleep=clock.sleep,
    )


async def moved_to(clock: HandClock, seconds: float) -> None:
    """Let whoever sleeps on this clock move it on."""
    while clock.now < seconds:
        await asyncio.sleep(0)


RESULT = acquired("result")


async def results(bus: WornBus) -> int:
    subject = subject_of(RESULT)
    return sum(message.subject == subject for message in bus.inner._messages)


async def test_a_commit_whose_receipt_was_lost_is_known_to_be_stored(bus: WornBus, lease: Lease):
    bus.lose_answers = 1
    await lease.commit([RESULT])
    assert await results(bus) == 1
    assert lease.record.state == "done"
    with pytest.raises(AlreadyDone):
        await lease_of(bus, lease.delivery, HandClock(0.0), "two").claim()


async def test_a_save_whose_receipt_was_lost_does_not_fence_us(bus: WornBus, lease: Lease):
    bus.lose_answers = 1
    await lease.save({"part": 1})
    await lease.commit([RESULT])
    assert await results(bus) == 1


async def test_a_commit_waits_for_a_bus_that_comes_back(
    bus: WornBus, lease: Lease, clock: HandClock
):
    bus.away = True
    committing = asyncio.create_task(lease.commit([RESULT]))
    await moved_to(clock, 40)
    assert not committing.done()
    bus.away = False
    await committing
    assert await results(bus) == 1


async def test_a_commit_gives_up_when_the_bus_stays_away(
    bus: WornBus, lease: Lease, clock: HandClock
):
    bus.away = True
    with pytest.raises(BusUnavailable):
        await lease.commit([RESULT])
    assert clock.now > 60
    assert len(clock.slept) < 60


async def test_a_commit_that_came_late_and_was_stored_after_all_is_not_repeated(
    bus: WornBus, lease: Lease, clock: HandClock
):
    bus.lose_answers = 100
    await lease.commit([RESULT])
    assert (await results(bus), bus.commits) == (1, 2)


async def test_a_stale_replica_fences_nobody(bus: WornBus, lease: Lease):
    old = Stored(lease.subject, b"old", lease._fence - 1, {})
    bus.stale = [old]
    await lease.still_ours()
    bus.lose_answers = 1
    bus.stale = [old, old]
    await lease.commit([RESULT])
    assert await results(bus) == 1


async def test_a_claim_on_a_stale_replica_is_tried_again(
    bus: WornBus, lease: Lease, clock: HandClock
):
    stale = await bus.last(lease.subject)
    assert stale is not None
    await lease.waiting("once more")
    clock.now = 0.0
    bus.stale = [stale, stale]
    lease.delivery.attempt = 2
    assert (await lease_of(bus, lease.delivery, clock, "two").claim()).lost == 0


async def test_claimers_that_always_come_too_late_give_up(bus: WornBus, lease: Lease):
    class Contended(WornBus):
        async def publish(self, message: Outgoing) -> int:
            raise Conflict(message.subject)

    contended = Contended()
    contended.inner = bus.inner
    lease.delivery.attempt = 2
    with pytest.raises(Fenced):
        await lease_of(contended, lease.delivery, HandClock(0.0), "two").claim()


async def test_a_log_that_is_gone_ends_the_job_some_time(
    bus: WornBus, lease: Lease, clock: HandClock
):
    bus.inner._last.clear()
    with pytest.raises(Fenced):
        await lease.commit([RESULT])
    assert await results(bus) == 0


async def test_a_short_outage_does_not_cost_the_work(bus: WornBus, lease: Lease, clock: HandClock):
    keeping = asyncio.create_task(lease.keep())
    bus.away = True
    await moved_to(clock, 50)
    bus.away = False
    assert not lease.lost.is_set()
    assert isinstance(lease.delivery, Silent)
    kept = lease.delivery.kept
    await moved_to(clock, 80)
    assert lease.delivery.kept > kept
    assert not lease.lost.is_set()
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_an_instance_that_is_cut_off_stops_some_time(
    bus: WornBus, lease: Lease, clock: HandClock
):
    bus.away = True
    await lease.keep()
    assert lease.lost.is_set()
    assert 60 < clock.now < 70


async def test_a_thawed_instance_finds_that_it_lost_the_job(
    bus: WornBus, lease: Lease, clock: HandClock
):
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(0)
    lease.delivery.received = clock.now = 1000.0
    heir = lease_of(bus, lease.delivery, clock, "two")
    lease.delivery.attempt = 2
    await heir.claim()
    await keeping
    assert lease.lost.is_set()
    assert isinstance(lease.delivery, Silent)
    assert lease.delivery.kept == 0
