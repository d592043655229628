"""What every bus does, the one in memory and the real one alike."""

import asyncio

import pytest

from izumi.bus.memory import MemoryBus
from izumi.bus.ports import Bus, Conflict, Outgoing
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, Rejected, UserError
from izumi.domain.subjects import PRIORITIES
from tests.support.bus import ACK_WAIT_S, acquired, announcement, eventually, taken

LOG = subjects.job("encoder", "main", "acquired-1")


async def test_a_receipt_is_the_place_in_the_stream(any_bus: Bus):
    assert await any_bus.publish(Outgoing(LOG, b"1")) == 1
    assert await any_bus.publish(Outgoing(LOG, b"2")) == 2


async def test_a_known_id_gives_the_first_receipt_and_stores_nothing(any_bus: Bus):
    first = await any_bus.publish(Outgoing(LOG, b"1", msg_id="one"))
    await any_bus.publish(Outgoing(LOG, b"2", msg_id="two"))
    assert await any_bus.publish(Outgoing(LOG, b"1", msg_id="one")) == first
    last = await any_bus.last(LOG)
    assert last is not None
    assert (last.data, last.seq) == (b"2", 2)


async def test_an_expectation_that_does_not_hold_stores_nothing(any_bus: Bus):
    seq = await any_bus.publish(Outgoing(LOG, b"1", expect=0))
    with pytest.raises(Conflict):
        await any_bus.publish(Outgoing(LOG, b"2", expect=0))
    assert await any_bus.publish(Outgoing(LOG, b"3", expect=seq)) == seq + 1


async def test_a_repeat_of_what_was_stored_under_an_expectation_is_no_conflict(any_bus: Bus):
    first = await any_bus.publish(Outgoing(LOG, b"1", msg_id="one", expect=0))
    assert await any_bus.publish(Outgoing(LOG, b"1", msg_id="one", expect=0)) == first


async def test_an_expectation_is_about_its_own_subject(any_bus: Bus):
    await any_bus.publish(Outgoing(LOG, b"1"))
    await any_bus.publish(Outgoing(subjects.job("encoder", "main", "other"), b"2", expect=0))


async def test_a_message_is_stored_unless_there_is_something_on_another_subject(any_bus: Bus):
    order = "izumi.do.encoder.main.normal.1"
    message = Outgoing(order, b"1", msg_id="one", unless=LOG)
    first = await any_bus.publish(message)
    assert await any_bus.publish(message) == first
    assert await any_bus.publish(Outgoing(order, b"1", msg_id="two", unless=LOG)) == first + 1
    await any_bus.publish(Outgoing(LOG, b"begun"))
    # The same request as one that was stored before: nobody may take it for stored now.
    for msg_id in ("one", "two", "three"):
        with pytest.raises(Conflict):
            await any_bus.publish(message._replace(msg_id=msg_id))
    with pytest.raises(Conflict):
        await any_bus.commit([message._replace(msg_id="four")])
    last = await any_bus.last(order)
    assert last is not None
    assert last.seq == first + 1


async def test_a_message_that_no_stream_takes_is_not_lost_without_a_word(any_bus: Bus):
    if not isinstance(any_bus, MemoryBus):
        any_bus._publish_s = 0.5  # type: ignore[attr-defined]  # the default is for real outages
    with pytest.raises(BusUnavailable):
        await any_bus.publish(Outgoing("nowhere.at.all", b"1"))


async def test_a_message_too_big_is_rejected_and_the_bus_goes_on(any_bus: Bus):
    with pytest.raises(Rejected):
        await any_bus.publish(Outgoing(LOG, bytes(1 << 20)))
    with pytest.raises(Rejected):
        await any_bus.commit([Outgoing(LOG, bytes(1 << 20))])
    assert await any_bus.publish(Outgoing(LOG, b"1")) == 1


async def test_a_batch_is_stored_whole_and_in_order(any_bus: Bus):
    fact = announcement(acquired())
    seq = await any_bus.commit([fact, Outgoing(LOG, b"done", expect=0)])
    assert (await any_bus.last(fact.subject), await any_bus.last(LOG)) != (None, None)
    stored = [message.seq for message in await any_bus.latest("izumi.>")]
    assert stored == [1, 2]
    assert seq == 2


async def test_a_batch_with_one_conflict_stores_nothing(any_bus: Bus):
    await any_bus.publish(Outgoing(LOG, b"claimed"))
    fact = announcement(acquired())
    with pytest.raises(Conflict):
        await any_bus.commit([fact, Outgoing(LOG, b"done", expect=0)])
    assert await any_bus.last(fact.subject) is None
    assert await any_bus.commit([fact, Outgoing(LOG, b"done", expect=1)]) == 3


async def test_a_batch_that_repeats_an_id_is_a_conflict(any_bus: Bus):
    fact = announcement(acquired())
    await any_bus.publish(fact)
    with pytest.raises(Conflict):
        await any_bus.commit([fact, Outgoing(LOG, b"done", expect=0)])
    assert await any_bus.last(LOG) is None


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_is_of_one_to_a_thousand(any_bus: Bus, count: int):
    with pytest.raises(Rejected):
        await any_bus.commit([Outgoing(LOG, b"1")] * count)


async def test_nothing_is_last_where_nothing_was(any_bus: Bus):
    assert await any_bus.last(LOG) is None


async def test_the_latest_are_one_a_subject_and_oldest_first(any_bus: Bus):
    for job in ("b", "a", "b"):
        await any_bus.publish(Outgoing(subjects.job("encoder", "main", job), job.encode()))
    found = await any_bus.latest("izumi.job.encoder.>")
    assert [(message.data, message.seq) for message in found] == [(b"a", 2), (b"b", 3)]
    assert await any_bus.latest("izumi.job.notifier.>") == []


async def test_progress_is_kept_as_the_last_of_its_job(any_bus: Bus):
    subject = subjects.progress("encoder", "main", "job")
    await any_bus.tell(subject, b"1")
    await any_bus.tell(subject, b"2")
    await until(any_bus, "izumi.progress.>", [b"2"])


async def test_presence_ends_when_it_is_not_repeated(any_bus: Bus):
    await any_bus.tell(subjects.node("encoder", "host"), b"here", ttl_s=1)
    await until(any_bus, "izumi.node.>", [b"here"])
    await until(any_bus, "izumi.node.>", [])


async def until(any_bus: Bus, pattern: str, expected: list[bytes]) -> None:
    async def found() -> bool:
        return [message.data for message in await any_bus.latest(pattern)] == expected

    await eventually(found)


async def test_a_listener_hears_what_matches(any_bus: Bus):
    heard = any_bus.listen("izumi.ctl.encoder.*")
    first = asyncio.ensure_future(anext(heard))
    while not first.done():
        await any_bus.tell(subjects.control("notifier"), b"not for us")
        await any_bus.tell(subjects.control("encoder", "host"), b"for us")
        await asyncio.sleep(0.01)
    message = await first
    assert (message.subject, message.data, message.seq) == ("izumi.ctl.encoder.host", b"for us", 0)
    await heard.aclose()  # type: ignore[attr-defined]  # both are generators


async def test_a_group_gets_every_message_once_and_its_instances_compete(any_bus: Bus):
    one, two = any_bus.inbox("encoder", "main"), any_bus.inbox("encoder", "main")
    takes = [asyncio.create_task(inbox.take()) for inbox in (one, two)]
    for name in ("a", "b"):
        await any_bus.publish(announcement(acquired(name)))
    jobs = await asyncio.gather(*takes)
    assert sorted(job.seq for job in jobs if job) == [1, 2]
    assert all(job.attempt == 1 for job in jobs if job)


async def test_two_groups_each_get_the_message(any_bus: Bus):
    await any_bus.publish(announcement(acquired()))
    for group in ("public", "private"):
        job = await taken(any_bus.inbox("distributor", group))
        assert job.seq == 1


async def test_an_order_reaches_its_group_alone(any_bus: Bus):
    order = subjects.order("distributor", "public", "low", "again")
    await any_bus.publish(Outgoing(order, b"{}"))
    await any_bus.publish(announcement(acquired()))
    inbox = any_bus.inbox("distributor", "private")
    job = await taken(inbox)
    assert job.seq == 2
    inbox = any_bus.inbox("distributor", "public")
    assert [(await taken(inbox)).seq for _ in range(2)] == [2, 1]


async def test_priorities_are_strict_over_a_backlog(any_bus: Bus):
    for priority in reversed(PRIORITIES):
        for name in ("a", "b"):
            fact = acquired(f"{priority} {name}", priority=priority)
            await any_bus.publish(announcement(fact))
    inbox = any_bus.inbox("encoder", "main")
    order = []
    for _ in range(6):
        job = await taken(inbox)
        order.append(job.subject.split(".")[4])
        await job.ack()
    assert order == ["high", "high", "normal", "normal", "low", "low"]


async def test_what_is_acked_does_not_come_again(any_bus: Bus):
    await any_bus.publish(announcement(acquired()))
    inbox = any_bus.inbox("encoder", "main")
    job = await taken(inbox)
    await job.ack()
    await asyncio.sleep(1.2 * ACK_WAIT_S)  # the lease of an unsettled one would be over
    await any_bus.publish(announcement(acquired("other")))
    job = await taken(inbox)
    assert job.seq == 2


async def test_a_lease_without_a_sign_of_life_goes_to_someone_else(any_bus: Bus):
    await any_bus.publish(announcement(acquired()))
    first = await taken(any_bus.inbox("encoder", "main"))
    second = await taken(any_bus.inbox("encoder", "main"))
    assert (first.seq, first.attempt, second.seq, second.attempt) == (1, 1, 1, 2)


async def test_a_sign_of_life_prolongs_the_lease(any_bus: Bus):
    await any_bus.publish(announcement(acquired()))
    inbox = any_bus.inbox("encoder", "main")
    job = await taken(inbox)
    other = asyncio.create_task(taken(inbox))
    for _ in range(5):
        await asyncio.sleep(ACK_WAIT_S / 3)
        await job.in_progress()
    assert not other.done()
    await job.nak()
    assert (await other).attempt == 2


async def test_what_is_given_back_comes_again_at_once(any_bus: Bus):
    await any_bus.publish(announcement(acquired()))
    inbox = any_bus.inbox("encoder", "main")
    job = await taken(inbox)
    await any_bus.publish(announcement(acquired("next")))
    await job.nak()
    await any_bus.last(LOG)  # the server answers in order: it has read the nak by now
    job = await taken(inbox)
    assert (job.seq, job.attempt) == (1, 2)


async def test_what_is_given_back_with_a_delay_comes_after_it(any_bus: Bus):
    inbox = any_bus.inbox("encoder", "main")
    for name, delay_s in (("a", 0.8), ("b", 0.2)):
        await any_bus.publish(announcement(acquired(name)))
        job = await taken(inbox)
        await job.nak(delay_s)
    assert [(await taken(inbox)).seq for _ in range(2)] == [2, 1]


async def test_what_is_terminated_does_not_come_again(any_bus: Bus):
    await any_bus.publish(announcement(acquired()))
    inbox = any_bus.inbox("encoder", "main")
    job = await taken(inbox)
    await job.term("cannot be done")
    await any_bus.publish(announcement(acquired("other")))
    job = await taken(inbox)
    assert job.seq == 2


async def test_a_higher_tier_gets_work_only_while_the_lower_is_full(any_bus: Bus):
    first, second = any_bus.inbox("encoder", "main"), any_bus.inbox("encoder", "main", tier=1)
    fallback = asyncio.create_task(taken(second))
    for name in "abcd":
        work = asyncio.create_task(taken(first))
        await asyncio.sleep(0.2)  # both wait now
        await any_bus.publish(announcement(acquired(name)))
        job = await work
        await job.ack()
    assert not fallback.done()
    await any_bus.publish(announcement(acquired("while the first one is full")))
    assert (await fallback).seq == 5


async def test_a_stopped_inbox_hands_out_nothing(any_bus: Bus):
    inbox = any_bus.inbox("encoder", "main")
    waiting = [asyncio.create_task(inbox.take()) for _ in range(3)]
    await asyncio.sleep(0.1)
    inbox.stop()
    inbox.stop()
    assert await asyncio.gather(*waiting) == [None] * 3
    await any_bus.publish(announcement(acquired()))
    assert await inbox.take() is None
    await inbox.aclose()
    await inbox.aclose()
    job = await taken(any_bus.inbox("encoder", "main"))
    assert job.attempt == 1


async def test_a_taker_that_is_cancelled_takes_nothing_with_it(any_bus: Bus):
    inbox = any_bus.inbox("encoder", "main")
    for _ in range(5):
        taker = asyncio.create_task(inbox.take())
        await asyncio.sleep(0.05)
        await any_bus.publish(Outgoing(announcement(acquired()).subject, b"{}"))
        taker.cancel()
        await asyncio.wait({taker})
        if not taker.cancelled() and (job := taker.result()) is not None:
            await job.nak()  # it was there before it was cancelled
    seen: set[int] = set()
    while len(seen) < 5:
        job = await taken(any_bus.inbox("encoder", "main"))
        seen.add(job.seq)
        await job.ack()
    assert seen == {1, 2, 3, 4, 5}


async def test_a_group_that_does_not_exist_is_one_clear_error(any_bus: Bus):
    with pytest.raises(UserError, match="encoder_nobody_high does not exist"):
        await any_bus.inbox("encoder", "nobody").take()
