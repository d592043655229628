"""What a claim on a job promises, whatever the bus."""

import asyncio
from collections.abc import Sequence

import pytest

from izumi import failpoints
from izumi.bus.clock import boottime
from izumi.bus.lease import AlreadyDone, Busy, Lease
from izumi.bus.ports import Bus, Delivery, Outgoing
from izumi.domain.errors import Fenced, UnknownEvent
from izumi.domain.events import Acquired, Encoded, Episode, File, encode, subject_of
from tests.support.bus import ACK_WAIT_S, NOON, acquired, announcement, taken


def lease_on(bus: Bus, delivery: Delivery, owner: str = "one") -> Lease:
    return Lease(
        bus,
        delivery,
        unit="encoder",
        group="main",
        owner=owner,
        ack_wait_s=ACK_WAIT_S,
        now=lambda: NOON,
    )


async def ordered(bus: Bus, fact: Acquired | None = None) -> Delivery:
    """A delivery of new work."""
    await bus.publish(announcement(fact or acquired()))
    return await taken(bus.inbox("encoder", "main"))


async def delivered_again(bus: Bus, delivery: Delivery) -> Delivery:
    """The same order, as its next holder gets it."""
    await delivery.nak()
    return await taken(bus.inbox("encoder", "main"))


def made(name: str = "Show - 01.mp4") -> Encoded:
    origin = acquired()
    return Encoded(
        file=File(key=f"Show/{name}", size=1, sha256="1" * 64, sub="hardsub"),
        episode=Episode(show="Show"),
        sources=("library",),
        origin=origin.file,
        profile="hardsub",
        at=NOON,
    )


async def published(bus: Bus) -> list[str]:
    """Subjects of the results that are stored, with repeats."""
    return [message.subject for message in await bus.latest("izumi.file.encoded.>")]


def facts_of(results: Sequence[Encoded]) -> list[str]:
    return [subject_of(result) for result in results]


async def test_a_claim_is_the_first_entry_of_the_log(any_bus: Bus):
    lease = lease_on(any_bus, await ordered(any_bus))
    record = await lease.claim()
    assert (record.state, record.owner, record.attempt, record.lost) == ("claimed", "one", 1, 0)
    assert (record.source, record.since) == (1, NOON)
    last = await any_bus.last(lease.subject)
    assert last is not None
    assert last.data == encode(record)
    assert lease.token.startswith(f"{last.seq}-")


async def test_results_and_the_end_of_the_job_are_stored_together(any_bus: Bus):
    delivery = await ordered(any_bus)
    lease = lease_on(any_bus, delivery)
    await lease.claim()
    await lease.commit([made("a.mp4"), made("b.mp4")])
    await delivery.ack()
    assert await published(any_bus) == facts_of([made("a.mp4"), made("b.mp4")])
    assert lease.record.state == "done"


async def test_work_without_results_is_settled_too(any_bus: Bus):
    lease = lease_on(any_bus, await ordered(any_bus))
    await lease.claim()
    await lease.commit([])
    with pytest.raises(AlreadyDone):
        await lease_on(any_bus, lease.delivery, "two").claim()


@pytest.mark.parametrize("state", ["done", "held", "failed"])
async def test_what_was_settled_is_not_claimed_again(any_bus: Bus, state):
    delivery = await ordered(any_bus)
    lease = lease_on(any_bus, delivery)
    await lease.claim()
    await lease.finish(state, "because", [made()])
    again = await delivered_again(any_bus, delivery)
    with pytest.raises(AlreadyDone) as caught:
        await lease_on(any_bus, again, "two").claim()
    assert (caught.value.record.state, caught.value.record.reason) == (state, "because")
    assert len(await published(any_bus)) == 1


async def test_the_same_file_announced_again_is_the_same_job(any_bus: Bus):
    first = await ordered(any_bus)
    lease = lease_on(any_bus, first)
    await lease.claim()
    await lease.commit([made()])
    await first.ack()
    fact = acquired(priority="high")
    await any_bus.publish(Outgoing(subject_of(fact), encode(fact), msg_id="a day later"))
    again = await taken(any_bus.inbox("encoder", "main"))
    with pytest.raises(AlreadyDone):
        await lease_on(any_bus, again).claim()


async def test_the_last_claim_wins_and_carries_on(any_bus: Bus):
    delivery = await ordered(any_bus)
    dead = lease_on(any_bus, delivery)
    await dead.claim()
    await dead.save({"part": 3})
    heir = lease_on(any_bus, await delivered_again(any_bus, delivery), "two")
    record = await heir.claim()
    assert (record.owner, record.attempt, record.lost) == ("two", 2, 1)
    assert (record.checkpoint, record.since) == ({"part": 3}, NOON)
    assert heir.token != dead.token


async def test_a_zombie_changes_nothing(any_bus: Bus):
    delivery = await ordered(any_bus)
    zombie = lease_on(any_bus, delivery)
    await zombie.claim()
    heir = lease_on(any_bus, await delivered_again(any_bus, delivery), "two")
    await heir.claim()
    for attempt in (
        zombie.save({"part": 9}, [made("zombie.mp4")]),
        zombie.commit([made("zombie.mp4")]),
        zombie.waiting("tired"),
        zombie.still_ours(),
    ):
        with pytest.raises(Fenced):
            await attempt
    assert zombie.lost.is_set()
    assert await published(any_bus) == []
    await heir.commit([made()])
    assert await published(any_bus) == facts_of([made()])


async def test_of_many_claims_at_the_same_time_one_can_commit(any_bus: Bus):
    delivery = await ordered(any_bus)
    leases = [lease_on(any_bus, delivery, f"instance {number}") for number in range(4)]
    claims = await asyncio.gather(*(lease.claim() for lease in leases), return_exceptions=True)
    commits = await asyncio.gather(
        *(
            lease.commit([made()])
            for lease, claim in zip(leases, claims, strict=True)
            if not isinstance(claim, BaseException)
        ),
        return_exceptions=True,
    )
    assert [outcome for outcome in commits if outcome is None] == [None]
    assert await published(any_bus) == facts_of([made()])


async def test_an_attempt_that_waits_is_counted_and_is_not_lost(any_bus: Bus):
    delivery = await ordered(any_bus)
    first = lease_on(any_bus, delivery)
    await first.claim()
    await first.save({"part": 3})
    await first.waiting("no space", host=True)
    delivery = await delivered_again(any_bus, delivery)
    second = lease_on(any_bus, delivery, "two")
    record = await second.claim()
    assert (record.attempt, record.host_failures, record.lost) == (2, 1, 0)
    assert record.checkpoint == {"part": 3}
    await second.waiting("stopped", counts=False)
    third = lease_on(any_bus, await delivered_again(any_bus, delivery), "three")
    assert (await third.claim()).attempt == 2


async def test_facts_may_be_published_on_the_way(any_bus: Bus):
    lease = lease_on(any_bus, await ordered(any_bus))
    await lease.claim()
    parts = [made("a.mp4"), made("b.mp4"), made("c.mp4")]
    await lease.save({"sent": 1}, parts[:1])
    await lease.save({"sent": 2}, parts[1:2])
    await lease.commit(parts[2:])
    assert await published(any_bus) == facts_of(parts)


async def test_a_delivery_that_went_stale_on_its_way_is_not_claimed(any_bus: Bus):
    delivery = await ordered(any_bus)
    delivery.received -= ACK_WAIT_S
    lease = lease_on(any_bus, delivery)
    with pytest.raises(Fenced):
        await lease.claim()
    assert await any_bus.last(lease.subject) is None


async def test_another_message_does_not_disturb_who_is_at_the_same_work(any_bus: Bus):
    holder = lease_on(any_bus, await ordered(any_bus))
    await holder.claim()
    fact = acquired(priority="high")
    await any_bus.publish(Outgoing(subject_of(fact), encode(fact), msg_id="again"))
    other = await taken(any_bus.inbox("encoder", "main"))
    with pytest.raises(Busy) as caught:
        await lease_on(any_bus, other, "two").claim()
    assert caught.value.retry_after_s is not None
    await holder.commit([made()])
    with pytest.raises(AlreadyDone):
        await lease_on(any_bus, other, "two").claim()


async def test_another_message_does_not_wait_for_ever(any_bus: Bus):
    await lease_on(any_bus, await ordered(any_bus)).claim()
    fact = acquired(priority="high")
    await any_bus.publish(Outgoing(subject_of(fact), encode(fact), msg_id="again"))
    other = await taken(any_bus.inbox("encoder", "main"))
    other.attempt = 500
    assert (await lease_on(any_bus, other, "two").claim()).attempt == 2


async def test_a_log_of_a_newer_version_is_left_alone(any_bus: Bus):
    delivery = await ordered(any_bus)
    lease = lease_on(any_bus, delivery)
    seq = await any_bus.publish(Outgoing(lease.subject, b'{"type": "job/2", "state": "new"}'))
    with pytest.raises(UnknownEvent):
        await lease.claim()
    last = await any_bus.last(lease.subject)
    assert last is not None
    assert last.seq == seq


async def test_a_kept_job_stays_where_it_is_until_someone_else_claims(any_bus: Bus):
    delivery = await ordered(any_bus)
    lease = lease_on(any_bus, delivery)
    await lease.claim()
    keeping = asyncio.create_task(lease.keep())
    next_one = asyncio.create_task(taken(any_bus.inbox("encoder", "main")))
    done, _ = await asyncio.wait({next_one}, timeout=1.4 * ACK_WAIT_S)
    assert not done
    delivery.received = boottime()  # as if it had come to someone else now
    heir = lease_on(any_bus, delivery, "two")
    await heir.claim()
    await keeping
    assert lease.lost.is_set()
    # Nobody keeps it now.
    assert (await next_one).attempt == 2


async def test_an_order_that_comes_again_while_we_work_can_be_adopted(any_bus: Bus):
    delivery = await ordered(any_bus)
    lease = lease_on(any_bus, delivery)
    await lease.claim()
    again = await delivered_again(any_bus, delivery)
    lease.adopt(again)
    await lease.commit([made()])
    await lease.delivery.ack()
    assert lease.delivery is again


@pytest.fixture
def armed():
    yield failpoints.arm
    failpoints.arm("")


async def test_a_death_before_the_claim_leaves_no_trace(any_bus: Bus, armed):
    armed("lease.before_claim=raise")
    delivery = await ordered(any_bus)
    lease = lease_on(any_bus, delivery)
    with pytest.raises(failpoints.FailpointHit):
        await lease.claim()
    assert await any_bus.last(lease.subject) is None


async def test_a_death_after_the_claim_is_counted_by_the_next_one(any_bus: Bus, armed):
    armed("lease.after_claim=raise")
    delivery = await ordered(any_bus)
    with pytest.raises(failpoints.FailpointHit):
        await lease_on(any_bus, delivery).claim()
    again = lease_on(any_bus, await delivered_again(any_bus, delivery), "two")
    record = await again.claim()
    assert (record.attempt, record.lost) == (2, 1)


@pytest.mark.parametrize(
    ("place", "stored"), [("lease.before_commit", 0), ("lease.after_commit", 1)]
)
async def test_a_death_around_the_commit_loses_and_doubles_nothing(
    any_bus: Bus, armed, place: str, stored: int
):
    armed(f"{place}=raise")
    delivery = await ordered(any_bus)
    lease = lease_on(any_bus, delivery)
    await lease.claim()
    with pytest.raises(failpoints.FailpointHit):
        await lease.commit([made()])
    assert len(await published(any_bus)) == stored
    again = lease_on(any_bus, await delivered_again(any_bus, delivery), "two")
    if stored:
        with pytest.raises(AlreadyDone):
            await again.claim()
    else:
        await again.claim()
        await again.commit([made()])
    assert await published(any_bus) == facts_of([made()])
