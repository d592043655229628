"""One message tells of an episode and grows; episodes that come together share one."""

import asyncio
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from izumi.bus.memory import MemoryBus
from izumi.bus.ports import Bus
from izumi.clients.http import Http
from izumi.consumers.board import Board
from izumi.consumers.notifier import Notifier
from izumi.consumers.telling import Target
from izumi.domain.announce import Kind
from izumi.domain.errors import Unavailable
from izumi.domain.events import Acquired, Distributed, Encoded, Episode, File
from tests.support.channels import KnownFacts, MemoryChannel
from tests.support.discord import UNKNOWN_WEBHOOK, fake_discord, limited
from tests.support.job import FakeJob
from tests.support.news import BOOKS
from tests.support.notifier_child import notifier

NOON = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
ALL: tuple[Kind, ...] = ("acquired", "encoded", "distributed")


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def later(self, **more: float) -> None:
        self.now += dt.timedelta(**more)


def group(
    *channels: MemoryChannel,
    bus: Bus | None = None,
    clock: Clock | None = None,
    kinds: Sequence[str] = ALL,
    facts: Any = None,
    **more: Any,
) -> Notifier:
    now = clock or Clock()
    return Notifier(
        group="public",
        targets=[Target(channel, tuple(kinds)) for channel in channels],
        board=Board(bus=bus or MemoryBus(), group="public", now=now),
        facts=facts or KnownFacts(BOOKS),
        now=now,
        **more,
    )


def file(number: str, suffix: str, show: str) -> File:
    sub: Any = "softsub" if suffix == ".mkv" else "hardsub"
    key = f"{show}/{show} - {number}{suffix}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    return File(key=key, size=10_000_000, sha256=digest, sub=sub)


def acquired(number: str = "01", show: str = "Mori") -> Acquired:
    episode = Episode(show=show, number=number)
    return Acquired(file=file(number, ".mkv", show), episode=episode, sources=("n",), at=NOON)


def encoded(number: str = "01", show: str = "Mori") -> Encoded:
    return Encoded(
        file=file(number, ".mp4", show),
        episode=Episode(show=show, number=number),
        sources=("n",),
        origin=file(number, ".mkv", show),
        profile="hardsub",
        at=NOON,
    )


def mirrored(destination: str, number: str = "01", show: str = "Mori") -> Distributed:
    return Distributed(
        file=file(number, ".mp4", show),
        episode=Episode(show=show, number=number),
        group="g",
        destination=destination,
        at=NOON,
    )


@pytest.fixture
def jobs(tmp_path):
    """Makes jobs, one for each fact."""
    made = iter(range(10_000))
    return lambda: FakeJob(tmp_path, unit="notifier", group="public", job=f"{next(made):032x}")


async def test_one_message_grows_with_the_hardsub_and_each_mirror(jobs):
    channel = MemoryChannel()
    unit = group(channel)
    for fact in (acquired(), encoded(), mirrored("vault"), mirrored("cloud")):
        await unit(fact, jobs())
    ((first, second, third, fourth),) = channel.sent.values()
    assert first.episodes[0].hardsub is None
    assert second.episodes[0].hardsub is not None
    assert (third.destinations, fourth.destinations) == (("vault",), ("cloud", "vault"))


async def test_a_message_grows_also_on_another_host_and_after_a_restart(jobs):
    channel, bus = MemoryChannel(), MemoryBus()
    await group(channel, bus=bus)(acquired(), jobs())
    await group(channel, bus=bus)(encoded(), jobs())
    assert [len(says) for says in channel.sent.values()] == [2]


async def test_a_fact_told_again_asks_nothing(jobs):
    channel, bus = MemoryChannel(), MemoryBus()
    for _ in range(3):
        await group(channel, bus=bus)(acquired(), jobs())
    assert channel.asked == 1


async def test_two_hosts_that_hear_of_one_episode_at_once_make_one_message(jobs):
    channel, bus = MemoryChannel(), MemoryBus()
    here, there = group(channel, bus=bus), group(channel, bus=bus)
    facts: list[Acquired | Encoded | Distributed] = [
        acquired(),
        encoded(),
        mirrored("vault"),
        mirrored("cloud"),
    ]
    async with asyncio.timeout(60):
        await asyncio.gather(*([here, there][n % 2](f, jobs()) for n, f in enumerate(facts)))
    ((*_, last),) = channel.sent.values()
    assert last.destinations == ("cloud", "vault")


async def test_episodes_that_come_together_become_one_digest(jobs):
    channel, clock = MemoryChannel(), Clock()
    unit = group(channel, clock=clock)
    for number in range(1, 13):
        await unit(acquired(f"{number:02}"), jobs())
        clock.later(seconds=100)
    ((*_, digest),) = channel.sent.values()
    assert digest.span == "01-12"
    clock.later(hours=2)
    for number in range(1, 13):
        await unit(encoded(f"{number:02}"), jobs())
    assert len(channel.sent) == 1
    ((*_, digest),) = channel.sent.values()
    assert digest.sub == "hardsub"


@pytest.mark.parametrize(
    ("pause_s", "digest_s", "count"), [(200, 120, 2), (0, 0, 2), (100, 120, 1)]
)
async def test_the_window_decides_what_comes_together(jobs, pause_s, digest_s, count):
    channel, clock = MemoryChannel(), Clock()
    unit = group(channel, clock=clock, digest_s=digest_s)
    await unit(acquired("01"), jobs())
    clock.later(seconds=pause_s)
    await unit(acquired("02"), jobs())
    assert len(channel.sent) == count


async def test_what_waits_for_the_page_is_told_in_one_request(jobs):
    channel = MemoryChannel()
    channel.held.clear()
    unit = group(channel)
    working = [
        asyncio.create_task(unit(acquired(f"{number:02}"), jobs())) for number in range(1, 51)
    ]
    await channel.arrived.wait()
    channel.held.set()
    told = await asyncio.gather(*working)
    assert all(len(facts) == 1 for facts in told)
    assert channel.asked <= 2
    ((*_, digest),) = channel.sent.values()
    assert digest.span == "01-50"


async def test_a_target_that_cannot_edit_gets_what_is_new_and_nothing_twice(jobs):
    channel = MemoryChannel(edits=False)
    unit = group(channel)
    for fact in (acquired(), encoded(), encoded(), mirrored("vault")):
        await unit(fact, jobs())
    sent = [says for (says,) in channel.sent.values()]
    assert [news.kind for news in sent] == ["acquired", "encoded", "distributed"]
    assert [len(news.files) for news in sent] == [1, 1, 1]


async def test_a_target_is_told_only_what_is_news_there_also_when_a_message_grows(jobs):
    channel = MemoryChannel()
    unit = group(channel, kinds=["encoded"])
    for fact in (acquired(), encoded(), mirrored("vault")):
        await unit(fact, jobs())
    ((news,),) = channel.sent.values()
    assert news.episodes[0].softsub is None
    assert not news.destinations


async def test_a_target_may_want_copies_at_one_destination_alone(jobs):
    channel = MemoryChannel()
    unit = group(channel, kinds=["distributed.vault"])
    for fact in (acquired(), encoded(), mirrored("cloud"), mirrored("vault")):
        await unit(fact, jobs())
    ((news,),) = channel.sent.values()
    assert news.destinations == ("vault",)


async def test_a_target_that_was_away_is_told_all_in_one_message(jobs):
    good, down = MemoryChannel("good"), MemoryChannel("down")
    down.failures.append(Unavailable("down: away"))
    unit = group(good, down)
    first, second = jobs(), jobs()
    with pytest.raises(Unavailable):
        await unit(acquired(), first)
    await unit(encoded(), second)
    await unit(acquired(), first.again())
    assert [len(says) for says in good.sent.values()] == [2]
    assert [len(says) for says in down.sent.values()] == [1]


async def test_news_with_plain_names_are_completed_when_facts_can_be_had(jobs):
    channel, facts = MemoryChannel(), KnownFacts(failure=Unavailable("AniList: away"))
    unit, job = group(channel, facts=facts), jobs()
    with pytest.raises(Unavailable, match="plain names") as caught:
        await unit(acquired(), job)
    assert caught.value.retry_after_s is not None
    with pytest.raises(Unavailable):
        await unit(acquired(), job.again())
    assert channel.asked == 1
    facts.show, facts.failure = BOOKS, None
    await unit(acquired(), job.again())
    ((plain, full),) = channel.sent.values()
    assert (plain.facts, full.facts) == (None, BOOKS)


async def test_facts_that_never_come_are_not_waited_for_without_end(jobs):
    channel, clock = MemoryChannel(), Clock()
    facts = KnownFacts(failure=Unavailable("AniList: away"))
    unit, job = group(channel, facts=facts, clock=clock, facts_later_s=3600), jobs()
    with pytest.raises(Unavailable):
        await unit(acquired(), job)
    clock.later(hours=1)
    assert len(await unit(acquired(), job.again())) == 1
    assert channel.asked == 1


async def test_what_was_known_of_a_show_is_not_forgotten_when_its_source_is_away(jobs):
    channel, facts = MemoryChannel(), KnownFacts(BOOKS)
    unit = group(channel, facts=facts)
    await unit(acquired(), jobs())
    facts.failure = Unavailable("AniList: away")
    await unit(encoded(), jobs())
    ((_, grown),) = channel.sent.values()
    assert grown.facts == BOOKS


async def test_a_thousand_facts_at_once_lose_nothing_and_a_dead_webhook_stops_no_other(tmp_path):
    async with fake_discord() as discord:
        http = Http()
        unit = notifier(MemoryBus(), discord.address, ["1", "2", "3"], http)
        unit = dataclasses.replace(
            unit, targets=[dataclasses.replace(target, announce=ALL) for target in unit.targets]
        )
        discord.script["2"].extend([UNKNOWN_WEBHOOK] * 1000)
        discord.script["3"].extend([limited(0.05), limited(0.02, "global")])
        made = iter(range(1000))
        slots = asyncio.Semaphore(16)

        async def work(fact) -> None:
            async with slots:
                await unit(fact, FakeJob(tmp_path, job=f"{next(made):032x}"))

        facts = [
            fact
            for number in range(250)
            for fact in (
                acquired(show=f"Show {number}"),
                encoded(show=f"Show {number}"),
                mirrored("a", show=f"Show {number}"),
                mirrored("b", show=f"Show {number}"),
            )
        ]
        await asyncio.gather(*map(work, facts))
        await http.aclose()
        assert discord.refused == []
        assert len(discord.messages) == 500
        assert discord.requests_by_webhook()["2"] == 1
        for body in discord.messages.values():
            assert "a" in str(body)
            assert ".mp4" in body["embeds"][0]["title"]
