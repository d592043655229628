"""Channels are told apart from each other, in the order of the news, and their state is kept."""

import asyncio
import datetime as dt
from collections.abc import Sequence

import msgspec
import pytest

from izumi.bus.memory import MemoryBus
from izumi.clients.ports import ChannelOff, ShowFacts
from izumi.consumers.board import Board
from izumi.consumers.notifier import Notifier
from izumi.consumers.telling import Target
from izumi.domain import subjects
from izumi.domain.announce import Announcement
from izumi.domain.errors import Fenced, Unavailable
from izumi.domain.events import Note, Told
from izumi.domain.filters import Drop, Verdict
from izumi.domain.told import News
from izumi.domain.told_state import states
from tests.support.channels import KnownFacts, MemoryChannel
from tests.support.job import FakeJob
from tests.support.news import AT, BOOKS, acquired, distributed, encoded

decode = msgspec.json.Decoder(Told).decode


def unit(bus: MemoryBus, targets: Sequence[Target], facts: ShowFacts | None = None) -> Notifier:
    return Notifier(
        group="public",
        targets=targets,
        board=Board(bus=bus, group="public", now=lambda: AT),
        facts=facts or KnownFacts(BOOKS),
        digest_s=0,
        now=lambda: AT,
    )


@pytest.fixture
def jobs(tmp_path):
    made = iter(range(10_000))
    return lambda: FakeJob(tmp_path, unit="notifier", group="public", job=f"{next(made):032x}")


async def note(bus: MemoryBus) -> Note:
    last = await bus.last(subjects.told("public", "Hon no Mori"))
    assert last is not None
    return decode(last.data).notes[-1]


async def until(true) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_channel_that_does_not_answer_keeps_no_other_from_news_of_the_same_show(jobs):
    dead, good = MemoryChannel("dead"), MemoryChannel("good")
    dead.held.clear()
    group = unit(MemoryBus(), [Target(dead), Target(good)])
    working = [asyncio.create_task(group(acquired(), jobs()))]
    await until(lambda: good.asked == 1)
    working.append(asyncio.create_task(group(encoded(), jobs())))
    await until(lambda: good.asked == 2)
    assert dead.asked == 1
    assert not any(task.done() for task in working)
    dead.held.set()
    await asyncio.gather(*working)
    assert [len(says) for says in (*dead.sent.values(), *good.sent.values())] == [2, 2]


async def test_a_channel_that_does_not_answer_keeps_no_other_from_a_thousand_shows(jobs):
    dead, good = MemoryChannel("dead"), MemoryChannel("good")
    dead.held.clear()
    group = unit(MemoryBus(), [Target(dead), Target(good)])
    shows = [f"Show {number:03}" for number in range(1000)]
    working = [asyncio.create_task(group(acquired(show=show), jobs())) for show in shows]
    await until(lambda: good.asked == 1000)
    assert [news.show for (news,) in good.sent.values()] == shows
    dead.held.set()
    await asyncio.gather(*working)
    assert len(dead.sent) == 1000


class SlowFacts:
    """Knows of every show at another time."""

    def __init__(self) -> None:
        self.known: dict[str, asyncio.Event] = {}

    async def lookup(self, *, anilist_id: int | None, title: str) -> None:
        await self.known.setdefault(title, asyncio.Event()).wait()


async def test_news_go_out_in_their_order_whenever_their_facts_are_known(jobs):
    channel, facts = MemoryChannel(), SlowFacts()
    group = unit(MemoryBus(), [Target(channel)], facts)
    shows = ["A", "B", "C", "D"]
    # Episodes of `tests.support.news` are of one show; here the folder is the show.
    news = [msgspec.structs.replace(acquired(show=show), episode=episode(show)) for show in shows]
    working = [asyncio.create_task(group(fact, jobs())) for fact in news]
    await until(lambda: len(facts.known) == 4)
    working[2].cancel()
    for show in reversed(shows):
        facts.known[show].set()
        await asyncio.sleep(0.02)
    await asyncio.gather(*working, return_exceptions=True)
    assert [told.show for (told,) in channel.sent.values()] == ["A", "B", "D"]


def episode(show: str):
    return msgspec.structs.replace(acquired().episode, show=show)


class Speechless(MemoryChannel):
    """Takes messages and does not say how it calls them."""

    async def send(self, news: Announcement, job: str) -> str:
        await super().send(news, job)
        return ""


async def test_what_comes_after_a_message_without_an_id_is_a_message_of_its_own(jobs):
    channel, bus = Speechless(), MemoryBus()
    await unit(bus, [Target(channel)], KnownFacts(None))(acquired(), jobs())
    await unit(bus, [Target(channel)])(acquired(), jobs())
    assert len(channel.sent) == 1, "to say it better is not worth another one"
    await unit(bus, [Target(channel)])(encoded(), jobs())
    assert [says[0].sub for says in channel.sent.values()] == ["softsub", "hardsub"]


class Deaf:
    """A filter that keeps everything back."""

    async def judge(self, fact: News) -> Verdict:
        return Drop("not for it")


async def test_the_state_of_every_target_is_kept(jobs):
    good, late, off = MemoryChannel("good"), MemoryChannel("late"), MemoryChannel("off")
    late.failures.append(Unavailable("it did not answer"))
    off.failures.append(ChannelOff("it is gone"))
    bus = MemoryBus()
    deaf = Target(MemoryChannel("deaf"), sieve=Deaf())
    group = unit(bus, [Target(good), Target(late), Target(off), deaf])
    job = jobs()
    with pytest.raises(Unavailable):
        await group(acquired(), job)
    found = {one.target: (one.state, one.reason) for one in states(await note(bus), ["new"])}
    assert found == {
        "good": ("told", ""),
        "late": ("waits", "it did not answer"),
        "off": ("lost", "it is gone"),
        "deaf": ("filtered", "not for it"),
        "new": ("not told", ""),
    }
    await group(acquired(), job)
    told = {one.target: one.state for one in states(await note(bus))}
    assert told == {"good": "told", "late": "told", "off": "told", "deaf": "filtered"}


async def test_episodes_of_a_digest_that_are_told_differently_are_told_apart(jobs):
    channel, bus = MemoryChannel(), MemoryBus()
    group = unit(bus, [Target(channel, ("acquired", "encoded"))])
    for fact in (acquired(), encoded(), distributed()):
        await group(fact, jobs())
    late = acquired()
    late = msgspec.structs.replace(
        late, episode=msgspec.structs.replace(late.episode, number="8"), at=AT + dt.timedelta(1)
    )
    kept = await note(bus)
    kept = msgspec.structs.replace(kept, facts=(*kept.facts, late))
    assert [(one.state, one.told, len(one.facts)) for one in states(kept)] == [
        ("told", 2, len(kept.facts) - 1),
        ("not told", 0, 1),
    ]


async def test_a_job_that_leaves_a_shared_record_does_not_take_it_along():
    bus = MemoryBus()
    here = Board(bus=bus, group="public", now=lambda: AT, patience_s=0.2)
    there = Board(bus=bus, group="public", now=lambda: AT, patience_s=1.5)
    async with here.open("Mori", "t1", "first") as page:
        async with here.open("Mori", "t2", "second") as same:
            assert same is page
        leaving = here.open("Mori", "t3", "third")
        await leaving.__aenter__()
    # "first" may come again elsewhere; the record is still in use.
    assert page.told.holder == "third t3"
    with pytest.raises(Unavailable, match="third"):
        async with asyncio.timeout(60), there.open("Mori", "t4", "first"):
            pass
    await leaving.__aexit__(None, None, None)
    assert page.told.holder == ""


async def test_a_job_that_comes_again_behind_others_takes_what_it_held_at_once():
    bus = MemoryBus()
    killed = Board(bus=bus, group="public", now=lambda: AT, patience_s=3600.0)
    here = Board(bus=bus, group="public", now=lambda: AT, patience_s=3600.0)
    left = killed.open("Mori", "t1", "first")
    await left.__aenter__()

    async def opened(job: str) -> None:
        async with here.open("Mori", "t2", job):
            pass

    async with asyncio.timeout(60):
        other = asyncio.create_task(opened("other"))
        await asyncio.sleep(0.1)
        assert not other.done()
        await asyncio.gather(other, opened("first"))


async def test_a_record_that_was_taken_over_is_claimed_anew_by_the_next_job():
    bus = MemoryBus()
    frozen = Board(bus=bus, group="public", now=lambda: AT, patience_s=3600.0)
    other = Board(bus=bus, group="public", now=lambda: AT, patience_s=0.1)
    async with asyncio.timeout(60), frozen.open("Mori", "t1", "first") as old:
        async with other.open("Mori", "t2", "second"):
            with pytest.raises(Fenced):
                await old.renew()
        async with frozen.open("Mori", "t3", "third") as new:
            assert new is not old
            await new.renew()
