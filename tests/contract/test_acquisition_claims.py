"""Claims of acquisition on both buses: one stores, the others find what it did."""

import asyncio
import contextlib
import datetime as dt

import pytest

from izumi.bus.ports import Conflict, Outgoing
from izumi.domain import events
from izumi.domain.events import Acquired, Episode, File, decode_fact
from izumi.publishers.acquisition.claims import Announced, Claims, Elsewhere

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def claims(bus, owner, clock=None):
    return Claims(bus, owner=owner, claim_s=100.0, now=lambda: NOON, clock=clock or Clock())


def file(sha256="1" * 64, key="Show/Show - 01.mkv"):
    return File(key=key, size=9, sha256=sha256, sub="softsub")


def fact(of, priority="normal"):
    episode = Episode(show="Show")
    return Acquired(file=of, episode=episode, sources=("a",), priority=priority, at=NOON)


async def announced(bus):
    facts = [decode_fact(one.data) for one in await bus.latest("izumi.file.acquired.>")]
    return [fact.file for fact in facts if isinstance(fact, Acquired)]


async def test_who_claims_first_announces_and_the_other_finds_it_done(any_bus):
    one, two = claims(any_bus, "one"), claims(any_bus, "two")
    claim = await one.take(file())
    with pytest.raises(Elsewhere, match="one is storing it"):
        await two.take(file())
    await one.announce(claim, fact(file()))
    with pytest.raises(Announced, match="one"):
        await two.take(file())
    assert await announced(any_bus) == [file()]


async def test_of_many_that_claim_at_once_one_has_it(any_bus):
    many = [claims(any_bus, f"host {number}") for number in range(8)]
    results = await asyncio.gather(*(one.take(file()) for one in many), return_exceptions=True)
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert sum(isinstance(result, Elsewhere) for result in results) == 7


async def test_a_claim_of_an_earlier_life_is_taken_up_at_once(any_bus):
    await claims(any_bus, "one").take(file())
    later = claims(any_bus, "one")
    claim = await later.take(file())
    assert claim.attempt == 2
    await later.announce(claim, fact(file()))


async def test_a_silent_claim_is_taken_over_after_its_time_by_our_own_clock(any_bus):
    clock = Clock()
    one, two = claims(any_bus, "one"), claims(any_bus, "two", clock)
    old = await one.take(file())
    with pytest.raises(Elsewhere):
        await two.take(file())
    clock.now += 99
    with pytest.raises(Elsewhere) as caught:
        await two.take(file())
    assert caught.value.retry_after_s == pytest.approx(1.0)
    clock.now += 2
    new = await two.take(file())
    await two.announce(new, fact(file()))
    with contextlib.suppress(Elsewhere):
        await one.announce(old, fact(file()))
    with pytest.raises(Conflict):
        await one.renew(old)
    assert await announced(any_bus) == [file()]


async def test_a_renewed_claim_is_not_taken_over(any_bus):
    clock = Clock()
    one, two = claims(any_bus, "one"), claims(any_bus, "two", clock)
    claim = await one.take(file())
    for _ in range(4):
        with pytest.raises(Elsewhere):
            await two.take(file())
        clock.now += 60
        claim = await one.renew(claim)
    await one.announce(claim, fact(file()))


async def test_who_was_overtaken_announces_nothing(any_bus):
    one, two = claims(any_bus, "one"), claims(any_bus, "two")
    claim = await one.take(file())
    last = await any_bus.last(claim.subject)
    record = events.JobRecord(state="waiting", owner="a person", source=0, at=NOON)
    await any_bus.publish(Outgoing(claim.subject, events.encode(record), expect=last.seq))
    await two.take(file())
    with pytest.raises(Elsewhere, match="two took over"):
        await one.announce(claim, fact(file()))
    assert await announced(any_bus) == []


async def test_announcing_again_after_a_lost_receipt_changes_nothing(any_bus):
    one = claims(any_bus, "one")
    claim = await one.take(file())
    await one.announce(claim, fact(file()))
    await one.announce(claim, fact(file()))
    assert await announced(any_bus) == [file()]


async def test_a_renewal_whose_receipt_was_lost_does_not_stop_the_announcement(any_bus):
    one = claims(any_bus, "one")
    claim = await one.take(file())
    await one.renew(claim)
    await one.announce(claim, fact(file()))
    assert await announced(any_bus) == [file()]
    with pytest.raises(Announced):
        await one.take(file())


async def test_the_same_file_at_another_priority_is_the_same_thing(any_bus):
    one, two = claims(any_bus, "one"), claims(any_bus, "two")
    await one.announce(await one.take(file()), fact(file(), "high"))
    with pytest.raises(Announced):
        await two.take(file())


async def test_a_fact_that_somebody_else_announced_closes_the_claim(any_bus):
    one = claims(any_bus, "one")
    claim = await one.take(file())
    told = fact(file())
    seq = await any_bus.publish(Outgoing(events.subject_of(told), events.encode(told)))
    await one.announce(claim, told)
    assert (await any_bus.last(events.subject_of(told))).seq == seq
    with pytest.raises(Announced):
        await one.take(file())


async def test_another_content_for_the_same_place_waits_for_the_first(any_bus):
    one, two = claims(any_bus, "one"), claims(any_bus, "two")
    other = file(sha256="2" * 64)
    claim = await one.take(file())
    with pytest.raises(Elsewhere):
        await two.take(other)
    await one.announce(claim, fact(file()))
    claim = await two.take(other)
    await two.release(claim, "something else lies there")
    await two.release(claim, "told twice, no harm")
    assert (await one.take(other)).attempt == 3


async def test_a_log_of_a_newer_version_is_followed(any_bus):
    one = claims(any_bus, "one")
    claim = await one.take(file())
    await any_bus.publish(Outgoing(claim.subject, b'{"type":"job/9"}'))
    assert (await one.take(file())).attempt == 1


async def test_who_comes_later_learns_which_locations_still_miss_the_file(any_bus):
    one, two = claims(any_bus, "one"), claims(any_bus, "two")
    await one.announce(await one.take(file()), fact(file()), missing=("b", "c"))
    with pytest.raises(Announced) as caught:
        await two.take(file())
    assert (caught.value.owner, caught.value.missing) == ("one", ("b", "c"))
    await one.complete(file())
    await one.complete(file())
    with pytest.raises(Announced) as caught:
        await two.take(file())
    assert caught.value.missing == ()


async def test_nothing_is_completed_that_was_not_announced_by_that_content(any_bus):
    one = claims(any_bus, "one")
    await one.complete(file())
    claim = await one.take(file("2" * 64))
    await one.complete(file())
    assert not (await one.renew(claim)).contested


async def test_a_place_that_another_content_was_claimed_for_is_contested(any_bus):
    one = claims(any_bus, "one")
    assert not (await one.take(file())).contested
    assert not (await one.take(file())).contested
    assert (await one.take(file("2" * 64))).contested
    await one.announce(await one.take(file()), fact(file()))
    assert (await one.take(file("3" * 64))).contested
