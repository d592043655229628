"""A service is asked no more often than it allows."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izumi.clients.budget import Budget
from izumi.domain.errors import Unavailable
from tests.support.hand_clock import HandClock


def budget(clock: HandClock, per_minute: int = 25, at_once: int = 5) -> Budget:
    return Budget("AniList", per_minute=per_minute, at_once=at_once, clock=clock, sleep=clock.sleep)


@settings(max_examples=50)
@given(
    per_minute=st.integers(1, 30),
    at_once=st.integers(1, 8),
    pauses=st.lists(st.floats(0, 40), max_size=90),
)
def test_no_minute_holds_more_than_allowed(per_minute, at_once, pauses):
    clock = HandClock()
    limit = budget(clock, per_minute, at_once)
    turns = []

    async def ask() -> None:
        for pause in pauses:
            await limit.turn(1e9)
            turns.append(clock())
            clock.now += pause if pause > 20 else 0

    asyncio.run(ask())
    for place, at in enumerate(turns):
        assert sum(at <= other < at + 60 for other in turns[place:]) <= per_minute
        most = min(at_once, per_minute)
        assert sum(at <= other < at + most for other in turns[place:]) <= most


async def test_turns_come_in_the_order_they_were_asked_for():
    clock = HandClock()
    limit = budget(clock, per_minute=10, at_once=2)
    order = []

    async def ask(number: int) -> None:
        await limit.turn(1e9)
        order.append((clock(), number))

    await asyncio.gather(*(ask(number) for number in range(20)))
    assert [number for _, number in order] == list(range(20))
    assert [at for at, _ in order] == sorted(at for at, _ in order)


async def test_whoever_would_wait_too_long_is_told_when_instead():
    clock = HandClock()
    limit = budget(clock, per_minute=1)
    await limit.turn(0)
    with pytest.raises(Unavailable, match="AniList: not to be asked for another 60 s") as caught:
        await limit.turn(59)
    assert caught.value.retry_after_s == 60
    await limit.turn(60)


async def test_nobody_passes_during_a_pause_not_even_who_waited_before():
    clock = HandClock()
    limit = budget(clock, per_minute=60, at_once=1)
    await limit.turn(0)
    waiting = asyncio.create_task(limit.turn(30))
    await asyncio.sleep(0)
    limit.pause(20)
    limit.pause(5)
    await waiting
    assert clock() == 1020.0


async def test_who_waited_through_a_pause_does_not_come_all_at_once():
    clock = HandClock()
    limit = budget(clock, per_minute=20, at_once=2)
    turns = []

    async def ask() -> None:
        await limit.turn(1e9)
        turns.append(clock())

    waiting = [asyncio.create_task(ask()) for _ in range(8)]
    await asyncio.sleep(0)
    limit.pause(30)
    await asyncio.gather(*waiting)
    late = sorted(at for at in turns if at > 1000)
    assert late[0] >= 1030
    assert all(later - earlier >= 2 for earlier, later in zip(late, late[2:], strict=False))


async def test_while_it_is_shut_nobody_waits():
    clock = HandClock()
    limit = budget(clock)
    limit.shut(30)
    with pytest.raises(Unavailable) as caught:
        await limit.turn(1e9)
    assert caught.value.retry_after_s == 30
    assert clock.slept == []
    clock.now += 30
    await limit.turn(0)


async def test_who_waited_while_it_was_shut_is_sent_away_as_well():
    clock = HandClock()
    limit = budget(clock, per_minute=60, at_once=1)
    await limit.turn(0)
    waiting = asyncio.create_task(limit.turn(1e9))
    await asyncio.sleep(0)
    limit.shut(30)
    with pytest.raises(Unavailable):
        await waiting


async def test_a_pause_that_outlasts_patience_ends_the_wait():
    clock = HandClock()
    limit = budget(clock, per_minute=60, at_once=1)
    await limit.turn(0)
    waiting = asyncio.create_task(limit.turn(10))
    await asyncio.sleep(0)
    limit.pause(300)
    with pytest.raises(Unavailable):
        await waiting
