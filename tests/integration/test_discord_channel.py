"""Webhooks: in order, at Discord's pace, off when Discord says so."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from izumi.clients import discord
from izumi.clients.discord import DiscordChannel, Gate
from izumi.clients.discord_address import WebhookAddress
from izumi.clients.http import Http
from izumi.clients.ports import ChannelOff
from izumi.domain.announce import Announcement, announce
from izumi.domain.errors import Rejected, Unavailable
from izumi.domain.links import NO_LINKS, LinkBases
from tests.support.discord import (
    CANARY,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    Answer,
    FakeDiscord,
    body_problems,
    cloudflare,
    error,
    exhausted,
    fake_discord,
    limited,
)
from tests.support.hand_clock import HandClock
from tests.support.news import BOOKS, acquired, encoded, file

JOB = "f" * 32
NEWS = announce([acquired()], BOOKS)


class Webhooks:
    """Channels of one process on a fake Discord, with a clock that is moved by hand."""

    def __init__(self, discord: FakeDiscord, http: Http, clock: HandClock) -> None:
        self.discord = discord
        self.clock = clock
        self._http = http
        self._gate = Gate()

    def open(
        self, webhook: str = "1", *, timeout_s: float = 5.0, bases: LinkBases = NO_LINKS
    ) -> DiscordChannel:
        return DiscordChannel(
            name=f"hook{webhook}",
            address=WebhookAddress(
                self.discord.url(webhook), place="x", hosts=[self.discord.address]
            ),
            http=self._http,
            gate=self._gate,
            bases=bases,
            timeout_s=timeout_s,
            clock=self.clock,
            sleep=self.clock.sleep,
            spread=lambda: 1.0,
        )


@pytest.fixture
async def hooks() -> AsyncIterator[Webhooks]:
    clock = HandClock()
    http = Http()
    async with fake_discord(clock) as discord:
        yield Webhooks(discord, http, clock)
        await http.aclose()


def episode(number: int) -> Announcement:
    return announce([acquired(file(f"Show - {number:02} [1080p].mkv"))], BOOKS)


async def test_a_message_is_told_and_its_id_known(hooks):
    message = await hooks.open().send(NEWS, JOB)
    assert list(hooks.discord.messages) == [message]
    assert hooks.discord.messages[message]["embeds"][0]["title"] == "Hon no Mori - 07 [1080p].mkv"
    assert hooks.discord.refused == []


async def test_a_message_is_edited_in_place(hooks):
    channel = hooks.open(bases=LinkBases("https://files.example"))
    message = await channel.send(announce([encoded()], None), JOB)
    await channel.edit(message, announce([encoded()], BOOKS), JOB)
    assert len(hooks.discord.messages) == 1
    told = hooks.discord.messages[message]["embeds"][0]
    assert told["author"]["name"] == "Studio Kodama"
    assert told["url"].startswith("https://files.example/Hon%20no%20Mori/")
    assert [one.method for one in hooks.discord.received] == ["POST", "PATCH"]
    assert hooks.discord.refused == []


async def test_a_message_that_people_removed_stays_away(hooks):
    channel = hooks.open()
    message = await channel.send(NEWS, JOB)
    hooks.discord.script["1"].append(UNKNOWN_MESSAGE)
    await channel.edit(message, NEWS, JOB)
    await channel.send(NEWS, JOB)
    assert len(hooks.discord.received) == 3


async def test_a_message_without_an_id_cannot_be_edited_and_is_left(hooks):
    channel = hooks.open()
    hooks.discord.script["1"].append(Answer(204, None))
    assert await channel.send(NEWS, JOB) == ""
    await channel.edit("", NEWS, JOB)
    assert len(hooks.discord.received) == 1


async def test_messages_come_in_the_order_they_were_sent(hooks):
    channel = hooks.open()
    hooks.discord.script["1"].extend([limited(2.0), Answer(200), cloudflare(502), exhausted(3.0)])
    await asyncio.gather(*(channel.send(episode(number), JOB) for number in range(12)))
    titles = [body["embeds"][0]["title"] for body in hooks.discord.messages.values()]
    assert titles == [f"Show - {number:02} [1080p].mkv" for number in range(12)]


@pytest.mark.parametrize(
    ("answer", "wait_s"),
    [
        (limited(0.3), 1.0),
        (limited(12.5), 13.0),
        (limited(30.2, "shared"), 31.0),
        (limited(8.0, "global"), 9.0),
        (cloudflare(429, Retry_After="45"), 45.0),
        (Answer(429, {"retry_after": 2.5, "global": False}), 2.5),
        (exhausted(4.25), 4.25),
    ],
)
async def test_nothing_is_sent_before_discord_allows_it(hooks, answer, wait_s):
    channel = hooks.open()
    hooks.discord.script["1"].append(answer)
    await channel.send(NEWS, JOB)
    await channel.send(NEWS, JOB)
    first, second = hooks.discord.received[:2]
    assert second.at - first.at >= wait_s
    assert hooks.discord.refused == []


@pytest.mark.parametrize("answer", [limited(9.0, "global"), cloudflare(429, Retry_After="9")])
async def test_what_is_for_all_holds_all_webhooks(hooks, answer):
    one, other = hooks.open("1"), hooks.open("2")
    hooks.discord.script["1"].append(answer)
    await one.send(NEWS, JOB)
    await other.send(NEWS, JOB)
    assert hooks.discord.received[-1].webhook == "2"
    assert hooks.discord.received[-1].at - hooks.discord.received[0].at >= 9


async def test_a_limit_of_one_webhook_holds_no_other(hooks):
    one, other = hooks.open("1"), hooks.open("2")
    hooks.discord.script["1"].append(limited(3000.0))
    with pytest.raises(Unavailable):
        await one.send(NEWS, JOB)
    await other.send(NEWS, JOB)
    assert hooks.discord.received[-1].at == 1000.0


@pytest.mark.parametrize("answer", [limited(1336.57, "shared"), cloudflare(429), cloudflare(403)])
async def test_a_long_wait_gives_the_job_back_and_asks_nothing_meanwhile(hooks, answer):
    channel = hooks.open()
    hooks.discord.script["1"].append(answer)
    with pytest.raises(Unavailable, match="hook1") as caught:
        await channel.send(NEWS, JOB)
    wait_s = caught.value.retry_after_s
    assert wait_s is not None
    assert wait_s >= 300
    with pytest.raises(Unavailable):
        await channel.send(NEWS, JOB)
    assert len(hooks.discord.received) == 1
    hooks.clock.now += wait_s
    await channel.send(NEWS, JOB)
    assert len(hooks.discord.messages) == 1


async def test_limits_without_end_give_the_job_back(hooks):
    hooks.discord.script["1"].extend([limited(0.5)] * 50)
    with pytest.raises(Unavailable, match="again and again"):
        await hooks.open().send(NEWS, JOB)
    assert len(hooks.discord.received) == 20


@pytest.mark.parametrize(
    "answer",
    [
        cloudflare(500),
        cloudflare(502),
        Answer(503, {"message": "503: Service Unavailable", "code": 0}),
        Answer(200, None, drop=True),
        Answer(302, "", {"Location": "http://127.0.0.1:1/"}),
    ],
)
async def test_a_failure_is_tried_again_and_then_told(hooks, answer):
    hooks.discord.script["1"].extend([answer._replace(status=answer.status)] * 2)
    await hooks.open().send(NEWS, JOB)
    assert len(hooks.discord.received) == 3
    assert hooks.clock.slept == [2.0, 4.0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (cloudflare(502), "Discord answered 502"),
        (Answer(503, None, drop=True), "closed the connection"),
        (Answer(200, None, after_s=5.0), r"no answer within 0\.2 s"),
    ],
)
async def test_failures_without_end_give_the_job_back_and_the_webhook_rests(hooks, answer, reason):
    channel = hooks.open(timeout_s=0.2)
    hooks.discord.script["1"].extend([answer] * 5)
    with pytest.raises(Unavailable, match=f"hook1: .*{reason}") as caught:
        await channel.send(NEWS, JOB)
    assert caught.value.retry_after_s == 15.0
    with pytest.raises(Unavailable, match="did not answer just now"):
        await channel.send(NEWS, JOB)
    assert len(hooks.discord.received) == 5
    hooks.clock.now += 15.0
    await channel.send(NEWS, JOB)


@pytest.mark.parametrize(
    "asked", ["40", "Tue, 03 Nov 2037 08:00:40 GMT"], ids=["seconds", "a date"]
)
async def test_a_failure_that_says_when_is_not_asked_before(hooks, asked, monkeypatch):
    monkeypatch.setattr(
        time, "time", lambda: dt.datetime(2037, 11, 3, 8, tzinfo=dt.UTC).timestamp()
    )
    channel = hooks.open()
    hooks.discord.script["1"].append(cloudflare(503, Retry_After=asked))
    await channel.send(NEWS, JOB)
    first, second = hooks.discord.received
    assert second.at - first.at >= 40.0


async def test_a_line_that_is_too_long_sends_news_away(hooks, monkeypatch):
    monkeypatch.setattr(discord, "_MOST_WAITING", 3)
    channel = hooks.open()
    hooks.discord.script["1"].append(Answer(200, None, after_s=0.3))
    sent = [asyncio.create_task(channel.send(episode(n), JOB)) for n in range(5)]
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert [isinstance(one, Unavailable) for one in outcomes] == [False] * 3 + [True] * 2
    await channel.send(NEWS, JOB)


async def test_a_webhook_that_stays_away_rests_longer_each_time(hooks):
    channel = hooks.open()
    rests = []
    for _ in range(7):
        hooks.discord.script["1"].extend([cloudflare(502)] * 5)
        with pytest.raises(Unavailable) as caught:
            await channel.send(NEWS, JOB)
        rests.append(caught.value.retry_after_s)
        hooks.clock.now += rests[-1]
    assert rests == [15.0, 30.0, 60.0, 120.0, 240.0, 300.0, 300.0]
    await channel.send(NEWS, JOB)
    hooks.discord.script["1"].extend([cloudflare(502)] * 5)
    with pytest.raises(Unavailable) as caught:
        await channel.send(NEWS, JOB)
    assert caught.value.retry_after_s == 15.0


@pytest.mark.parametrize(
    "answer",
    [
        UNKNOWN_WEBHOOK,
        Answer(404, None),
        error(401, 50027, f"Invalid Webhook Token {CANARY}"),
        error(403, 50013, "Missing Permissions"),
    ],
)
async def test_a_webhook_that_is_gone_is_off_with_an_alarm_and_never_asked_again(hooks, answer):
    channel = hooks.open()
    hooks.discord.script["1"].append(answer)
    with capture_logs() as logs:
        for _ in range(5):
            with pytest.raises(ChannelOff, match=f"hook1: Discord answered {answer.status}"):
                await channel.send(NEWS, JOB)
        with pytest.raises(ChannelOff):
            await channel.edit("1", NEWS, JOB)
    assert len(hooks.discord.received) == 1
    alarms = [line for line in logs if line["log_level"] == "error"]
    assert [line["event"] for line in alarms] == ["webhook.off"]
    assert alarms[0]["target"] == "hook1"
    assert CANARY not in str(logs)


async def test_a_redirect_is_not_followed_with_the_news(hooks):
    elsewhere = f"{hooks.discord.url('2').reveal()}?wait=true"
    hooks.discord.script["1"].append(Answer(307, "", {"Location": elsewhere}))
    await hooks.open().send(NEWS, JOB)
    assert hooks.discord.requests_by_webhook() == {"1": 2}


async def test_a_form_that_discord_refuses_is_rejected_and_the_webhook_stays(hooks):
    channel = hooks.open()
    hooks.discord.script["1"].append(
        error(400, 50035, "Invalid Form Body", errors={"embeds": {"0": "too long"}})
    )
    with pytest.raises(Rejected, match=r"50035 Invalid Form Body .*too long") as caught:
        await channel.send(NEWS, JOB)
    assert not isinstance(caught.value, ChannelOff)
    await channel.send(NEWS, JOB)


async def test_a_hundred_webhooks_and_a_dead_one(hooks):
    """The dead one is asked at most three times and delays no other."""
    channels = [hooks.open(str(number)) for number in range(100)]
    hooks.discord.script["13"].extend([UNKNOWN_WEBHOOK] * 100)
    for number in range(3):
        outcomes = await asyncio.gather(
            *(channel.send(episode(number), JOB) for channel in channels), return_exceptions=True
        )
        assert sum(isinstance(one, ChannelOff) for one in outcomes) == 1
    asked = hooks.discord.requests_by_webhook()
    assert asked["13"] == 1
    assert all(asked[str(number)] == 3 for number in range(100) if number != 13)
    assert hooks.clock.now == 1000.0
    assert hooks.discord.refused == []


async def test_a_sender_that_is_cancelled_lets_the_next_one_through(hooks):
    channel = hooks.open()
    hooks.discord.script["1"].append(Answer(200, None, after_s=2.0))
    first = asyncio.create_task(channel.send(episode(1), JOB))
    second = asyncio.create_task(channel.send(episode(2), JOB))
    async with asyncio.timeout(10):
        await hooks.discord.busy.wait()
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    assert await second


async def test_an_answer_without_end_is_cut_off():
    http = Http(longest_reply_bytes=1000)
    async with fake_discord() as discord:
        discord.script["1"].append(Answer(500, "x" * 100_000))
        with pytest.raises(Unavailable, match="a service: more than 1000 bytes came back"):
            await http.ask("a service", "POST", discord.url(), timeout_s=5, body=b"{}")
    await http.aclose()
    await http.aclose()


@pytest.mark.parametrize(
    "url",
    ["http://no-such-host.invalid/x", "http://127.0.0.1:1/x", "http://[::1/x", "nonsense", ""],
)
async def test_an_address_that_leads_nowhere_is_unavailable_without_showing_it(url):
    http = Http()
    with pytest.raises(Unavailable) as caught:
        await http.ask("a service", "GET", url, timeout_s=5)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert not url or url not in str(caught.value)
    await http.aclose()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"embeds": [], "allowed_mentions": {"parse": []}}, "50006"),
        ({"embeds": [{"title": "x"}]}, "pinged"),
        ({"embeds": [{"title": " "}], "allowed_mentions": {"parse": []}}, "blank"),
        ({"embeds": [{"title": "x" * 257}], "allowed_mentions": {"parse": []}}, "title"),
        (
            {
                "embeds": [{"description": "x" * 3001}, {"description": "x" * 3000}],
                "allowed_mentions": {"parse": []},
            },
            "6000",
        ),
        (
            {
                "embeds": [{"footer": {"text": "x", "icon_url": None}}],
                "allowed_mentions": {"parse": []},
            },
            "null",
        ),
    ],
)
def test_the_fake_refuses_what_discord_would(body, why):
    assert any(why in problem for problem in body_problems(body))
