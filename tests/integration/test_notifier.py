"""News are told once on every channel, whatever is down, slow, stopped or killed."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from izumi import failpoints
from izumi.bus.memory import MemoryBus
from izumi.bus.ports import Bus
from izumi.clients.anilist import Anilist
from izumi.clients.facts import CachedFacts
from izumi.clients.facts_cache import FactsCache
from izumi.clients.http import Http
from izumi.clients.journal import Journal
from izumi.clients.ports import Channel, ChannelOff, ShowFacts
from izumi.clients.settings import AnilistSettings
from izumi.consumers.board import Board
from izumi.consumers.notifier import Notifier
from izumi.consumers.telling import Target
from izumi.domain import events, subjects
from izumi.domain.announce import Kind
from izumi.domain.errors import Fenced, Held, Rejected, Unavailable
from izumi.domain.events import HeldFile, Notified, Told
from tests.support.anilist import fake_anilist
from tests.support.bus import provisioned
from tests.support.channels import KnownFacts, MemoryChannel
from tests.support.discord import (
    CANARY,
    UNKNOWN_WEBHOOK,
    FakeDiscord,
    cloudflare,
    error,
    fake_discord,
    limited,
)
from tests.support.job import FakeJob
from tests.support.news import AT, BOOKS, acquired, distributed, encoded
from tests.support.notifier_child import attempt, notifier

NOW = dt.datetime(2026, 11, 3, 18, 0, tzinfo=dt.UTC)
CHILD = (sys.executable, "-m", "tests.support.notifier_child")
decode = msgspec.json.Decoder(Told).decode


def group(
    *channels: Channel,
    facts: ShowFacts | None = None,
    announce: Sequence[Kind] | None = None,
    bus: Bus | None = None,
    **more: Any,
) -> Notifier:
    wanted = tuple(announce or ("acquired", "encoded"))
    return Notifier(
        group="public",
        targets=[Target(channel, wanted) for channel in channels],
        board=Board(bus=bus or MemoryBus(), group="public", now=lambda: NOW),
        facts=facts or KnownFacts(BOOKS),
        host="here",
        now=lambda: NOW,
        **more,
    )


async def messages(unit: Notifier, show: str = "Hon no Mori") -> list[set[str]]:
    """Targets that have a message, of each note."""
    last = await unit.board.bus.last(subjects.told("public", show))
    record = Told(group="", show="", at=NOW) if last is None else decode(last.data)
    return [set(note.messages) for note in record.notes]


@pytest.fixture
def job(tmp_path: Path) -> FakeJob:
    return FakeJob(tmp_path, unit="notifier", group="public")


async def test_every_target_is_told_and_named(job):
    one, other = MemoryChannel("one"), MemoryChannel("other")
    facts = KnownFacts(BOOKS)
    fact = acquired(anilist_id=9001)
    unit = group(one, other, facts=facts)
    told = await unit(fact, job)
    assert told == [
        Notified(
            file=fact.file,
            episode=fact.episode,
            group="public",
            job=job.job,
            targets=("one", "other"),
            at=NOW,
            host="here",
        )
    ]
    events.decode_fact(events.encode(told[0]))
    assert facts.asked == [(9001, "Hon no Mori")]
    assert await messages(unit) == [{"one", "other"}]
    for channel in (one, other):
        (news,) = channel.sent.values()
        assert news[0].facts == BOOKS
        assert news[0].at == AT


@pytest.mark.parametrize(
    ("fact", "announce", "told"),
    [
        (acquired(), ["acquired"], True),
        (acquired(), ["encoded"], False),
        (encoded(), ["acquired", "encoded"], True),
        (distributed(), ["acquired", "encoded"], False),
        (distributed(), ["distributed"], True),
    ],
)
async def test_a_target_is_told_the_facts_that_are_news_there(job, fact, announce, told):
    channel, facts = MemoryChannel(), KnownFacts(BOOKS)
    assert len(await group(channel, facts=facts, announce=announce)(fact, job)) == told
    assert len(channel.sent) == told
    assert len(facts.asked) == told


async def test_what_is_no_news_is_rejected(job):
    held = HeldFile(unit="encoder", job="x", name="x", reason="x", at=AT)
    with pytest.raises(Rejected, match="nothing to tell of HeldFile"):
        await group(MemoryChannel())(held, job)


@pytest.mark.parametrize(
    "facts", [KnownFacts(), KnownFacts(failure=Unavailable("AniList: it answered 502"))]
)
async def test_without_facts_the_news_has_plain_names(job, facts):
    channel = MemoryChannel()
    with contextlib.suppress(Unavailable):
        await group(channel, facts=facts)(acquired(), job)
    (news,) = channel.sent.values()
    assert news[0].facts is None
    assert news[0].title == "Hon no Mori"


async def test_facts_that_do_not_come_are_not_waited_for(job):
    class Endless(KnownFacts):
        async def lookup(self, *, anilist_id: int | None, title: str) -> None:
            await asyncio.Event().wait()

    channel = MemoryChannel()
    with capture_logs() as logs, pytest.raises(Unavailable, match="plain names"):
        await group(channel, facts=Endless(), facts_within_s=0.05)(acquired(), job)
    assert len(channel.sent) == 1
    assert [line["reason"] for line in logs if line["event"] == "facts.unavailable"] == ["too slow"]


async def test_one_that_is_down_neither_blocks_nor_repeats_the_others(job):
    good, down = MemoryChannel("good"), MemoryChannel("down")
    down.failures.extend([Unavailable("down: no answer", retry_after_s=30.0), None])
    unit = group(good, down)
    with pytest.raises(Unavailable, match="down: down: no answer") as caught:
        await unit(acquired(), job)
    assert caught.value.retry_after_s == 30.0
    assert len(good.sent) == 1
    assert await messages(unit) == [{"good"}]

    (told,) = await unit(acquired(), job.again())
    assert isinstance(told, Notified)
    assert told.targets == ("good", "down")
    assert (good.asked, down.asked) == (1, 2)
    assert len(down.sent) == 1


async def test_a_slow_one_does_not_delay_the_others(job):
    slow, quick = MemoryChannel("slow"), MemoryChannel("quick")
    slow.held.clear()
    unit = group(slow, quick)
    working = asyncio.create_task(unit(acquired(), job))
    async with asyncio.timeout(10):
        while await messages(unit) != [{"quick"}]:
            await asyncio.sleep(0.01)
    slow.held.set()
    await working
    assert await messages(unit) == [{"quick", "slow"}]


async def test_a_repeat_that_knows_more_edits_instead_of_posting_again(job):
    channel, down = MemoryChannel(), MemoryChannel("down")
    down.failures.append(Unavailable("down: later"))
    facts = KnownFacts(failure=Unavailable("AniList: away"))
    unit = group(channel, down, facts=facts)
    with pytest.raises(Unavailable):
        await unit(acquired(), job)
    facts.show, facts.failure = BOOKS, None
    await unit(acquired(), job.again())
    ((plain, full),) = channel.sent.values()
    assert (plain.facts, full.facts) == (None, BOOKS)
    assert len(down.sent) == 1


async def test_a_target_that_is_lost_raises_an_alarm_and_the_others_are_told(job):
    good, gone = MemoryChannel("good"), MemoryChannel("gone")
    gone.failures.append(ChannelOff("webhook gone: Discord answered 404"))
    with capture_logs() as logs:
        (told,) = await group(good, gone)(acquired(), job)
    assert isinstance(told, Notified)
    assert told.targets == ("good",)
    alarm = next(line for line in logs if line["event"] == "notifier.target_lost")
    assert (alarm["target"], alarm["log_level"]) == ("gone", "error")


async def test_news_that_nobody_can_be_told_wait_for_a_person(job):
    one, other = MemoryChannel("one"), MemoryChannel("other")
    one.failures.append(ChannelOff("webhook one: Discord answered 404"))
    other.failures.append(Rejected("webhook other: Discord answered 400"))
    with pytest.raises(Held, match="nobody was told") as caught:
        await group(one, other)(acquired(), job)
    assert caught.value.facts["one"] == "webhook one: Discord answered 404"


async def test_a_full_disk_under_the_log_is_this_hosts_fault(tmp_path, job):
    with pytest.raises(Unavailable) as caught:
        await group(Journal(tmp_path))(acquired(), job)
    assert caught.value.host


async def test_a_job_of_someone_else_tells_nobody(job):
    channel = MemoryChannel()
    job.fenced = True
    with pytest.raises(Fenced):
        await group(channel)(acquired(), job)
    assert channel.asked == 0


async def test_stopping_lets_a_message_that_is_on_its_way_be_recorded(job):
    channel = MemoryChannel()
    channel.held.clear()
    unit = group(channel)
    working = asyncio.create_task(unit(acquired(), job))
    await channel.arrived.wait()
    working.cancel()
    await asyncio.sleep(0)
    channel.held.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await messages(unit) == [{"memory"}]
    await unit(acquired(), job.again())
    assert channel.asked == 1


async def test_stopping_does_not_wait_for_ever(job):
    channel = MemoryChannel()
    channel.held.clear()
    unit = group(channel, last_words_s=0.05)
    working = asyncio.create_task(unit(acquired(), job))
    await channel.arrived.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await messages(unit) == [set()]


async def test_a_second_request_to_stop_does_not_wait_at_all(job):
    channel = MemoryChannel()
    channel.held.clear()
    working = asyncio.create_task(group(channel, last_words_s=60.0)(acquired(), job))
    await channel.arrived.wait()
    for _ in range(2):
        working.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await working


async def test_an_error_of_ours_is_not_hidden_by_one_of_theirs(job):
    bad, down = MemoryChannel("bad"), MemoryChannel("down")
    bad.failures.append(ZeroDivisionError())
    down.failures.append(Unavailable("x"))
    with pytest.raises(ZeroDivisionError):
        await group(down, bad)(acquired(), job)


@pytest.mark.parametrize(
    "place", ["notifier.before_send", "notifier.after_send", "notifier.after_save"]
)
async def test_each_failpoint_is_reached(job, place):
    failpoints.arm(f"{place}=raise")
    try:
        with pytest.raises(failpoints.FailpointHit, match=place):
            await group(MemoryChannel())(acquired(), job)
    finally:
        failpoints.arm("")


@pytest.mark.parametrize(
    ("place", "posts"),
    [
        ("notifier.before_send", 1),
        # The one case that nothing can exclude: Discord answered, nobody wrote it down.
        ("notifier.after_send", 2),
        ("notifier.after_save", 1),
    ],
)
async def test_killed_anywhere_no_news_is_lost_and_one_kill_doubles_at_most_one(
    tmp_path, nats_server, place, posts
):
    record = tmp_path / "job.json"
    async with provisioned(nats_server):
        pass
    async with fake_discord() as discord:
        child = await asyncio.to_thread(
            subprocess.run,
            [*CHILD, record, nats_server.url, discord.address, "1"],
            env={**os.environ, failpoints.VARIABLE: f"{place}=kill"},
            timeout=60,
        )
        assert child.returncode == -signal.SIGKILL
        await attempt(record, nats_server.url, discord.address, ["1"])
        assert [one.method for one in discord.received] == ["POST"] * posts
        await attempt(record, nats_server.url, discord.address, ["1"])
        assert len(discord.received) == posts
        assert discord.refused == []


async def test_redelivery_after_everything_was_told_asks_nothing(tmp_path, nats_server):
    record = tmp_path / "job.json"
    async with provisioned(nats_server):
        pass
    async with fake_discord() as discord:
        for _ in range(3):
            await attempt(record, nats_server.url, discord.address, ["1"])
        assert len(discord.received) == 1


async def test_a_hundred_news_with_a_dead_webhook_and_a_limited_one(tmp_path):
    """Nothing lost, nothing twice, the dead one asked at most three times."""
    async with fake_discord() as discord:
        http = Http()
        unit = notifier(MemoryBus(), discord.address, ["1", "2", "3"], http)
        discord.script["2"].extend([UNKNOWN_WEBHOOK] * 100)
        discord.script["3"].extend([limited(0.05), limited(0.02, "global")])
        jobs = [FakeJob(tmp_path, unit="notifier", job=f"{number:032x}") for number in range(100)]
        told = await asyncio.gather(
            *(unit(acquired(show=f"Show {n}"), job) for n, job in enumerate(jobs))
        )
        await http.aclose()
        assert {one.targets for (one,) in told if isinstance(one, Notified)} == {("hook1", "hook3")}
        assert len(discord.messages) == 200
        asked = discord.requests_by_webhook()
        assert asked == {"1": 100, "2": 1, "3": asked["3"]}
        assert asked["3"] <= 102
        assert discord.refused == []


async def test_from_anilist_to_the_message(tmp_path, job):
    """The whole way: facts by title from a service, one message with everything."""
    async with fake_discord() as discord, fake_anilist() as anilist:
        http = Http()
        facts = CachedFacts(
            Anilist(http, AnilistSettings(url=anilist.url)), None, FactsCache(tmp_path / "f")
        )
        unit = notifier(MemoryBus(), discord.address, ["1"], http)
        unit = dataclasses.replace(unit, facts=facts)
        await unit(acquired(), job)
        await facts.aclose()
        await http.aclose()
        (body,) = discord.messages.values()
        assert body["embeds"][0]["author"]["name"] == "Studio Kodama"
        assert (discord.refused, anilist.refused) == ([], [])


async def test_no_log_error_or_event_holds_the_address_of_a_webhook(tmp_path, capfd, caplog):
    """A canary in the token, through every kind of failure, with everything logged."""
    caplog.set_level(0)
    spoken: list[str] = []
    async with fake_discord() as discord:
        http = Http()
        unit = notifier(MemoryBus(), discord.address, ["1", "2"], http)
        discord.script["1"].extend(
            [
                error(400, 50035, f"Invalid {CANARY}", errors={"embeds": [CANARY]}),
                error(401, 50027, f"Bad token {CANARY}"),
            ]
        )
        discord.script["2"].extend([limited(9999.0), *[cloudflare(502)] * 3])
        with capture_logs() as logs:
            for number in range(6):
                job = FakeJob(tmp_path, job=f"{number:032x}")
                try:
                    fact = acquired(show=f"Show {number}")
                    spoken += [str(events.encode(one)) for one in await unit(fact, job)]
                except (Unavailable, Held) as exc:
                    spoken += [repr(exc), str(exc), repr(exc.__cause__), repr(exc.__context__)]
                    spoken += [repr(getattr(exc, "facts", ""))]
                spoken += [repr(job.saves)]
        spoken += [repr(unit), repr(unit.targets), repr(logs), caplog.text]
        spoken += [repr(vars(target.channel)) for target in unit.targets]
        await http.aclose()
    out, err = capfd.readouterr()
    assert "webhook.off" in repr(logs)
    assert CANARY not in "".join([*spoken, out, err])
    assert f"http://{discord.address}" not in "".join(spoken)


async def test_no_traceback_of_a_network_error_holds_it_either():
    http = Http()
    url = FakeDiscord(address="127.0.0.1:1").url()
    with pytest.raises(Unavailable, match="no connection: Connection refused") as caught:
        await http.ask("webhook x", "POST", url, timeout_s=5, body=b"{}")
    await http.aclose()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
