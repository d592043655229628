"""Other services, through the real Apprise and over real connections."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from izumi.clients.apprise_channel import AppriseChannel
from izumi.clients.apprise_service import AppriseService
from izumi.clients.ports import ChannelOff
from izumi.domain.announce import Announcement, announce
from izumi.domain.errors import ConfigError, Rejected, Unavailable
from izumi.domain.secret import Secret
from izumi.domain.template import COMPACT, Template
from izumi.runtime import telemetry
from tests.support.gatherer import CANARY, Gatherer, gatherer
from tests.support.hand_clock import HandClock
from tests.support.news import BOOKS, HOSTILE, acquired, distributed, encoded, file

JOB = "f" * 32
NEWS = announce([acquired()], BOOKS)


class Phones:
    """Channels to one service, with a clock that is moved by hand."""

    def __init__(self, service: Gatherer) -> None:
        self.service = service
        self.clock = HandClock()
        self.opened: list[AppriseChannel] = []

    def url(self, form: str = "json://me:{key}@{host}/{key}") -> Secret:
        return Secret(form.format(host=self.service.address, key=CANARY))

    def open(self, form: str = "json://me:{key}@{host}/{key}", **more) -> AppriseChannel:
        service = AppriseService(self.url(form), place="x")
        self.opened.append(AppriseChannel(name="phone", service=service, clock=self.clock, **more))
        return self.opened[-1]


@pytest.fixture
async def phones() -> AsyncIterator[Phones]:
    async with gatherer() as service:
        found = Phones(service)
        yield found
        service.open.set()
        for channel in found.opened:
            await channel.aclose()
            await channel.aclose()


@pytest.fixture
def written() -> Iterator[Callable[[], str]]:
    """Everything that is logged, at every level that a library has."""
    stream = io.StringIO()
    telemetry.configure("debug", "json", stream=stream)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.setLevel(before)
    telemetry.configure()


def hardsub(number: int) -> Announcement:
    return announce([encoded(file(f"Show - {number:02}.mp4", sub="hardsub"))], None)


async def test_a_json_hook_gets_title_and_text(phones):
    channel = phones.open(template=COMPACT)
    assert await channel.send(NEWS, JOB) == ""
    assert not channel.edits
    (request,) = phones.service.received
    assert request.path == f"/{CANARY}"
    assert request.body["title"] == "Hon no Mori - 07 [1080p].mkv"
    assert request.body["message"] == (
        "24 mins, 351.2 MiB [Softsub]\n"
        "Links: MyAnimeList: https://myanimelist.net/anime/8001, "
        "Anilist: https://anilist.co/anime/9001, Kitsu: https://kitsu.app/anime/7001\n"
        "Hon no Mori"
    )


async def test_html_is_html_where_the_service_takes_it_and_text_elsewhere(phones):
    await phones.open("json://{host}/x", format="html", template=COMPACT).send(NEWS, JOB)
    await phones.open("gotify://{host}/{key}", format="html", template=COMPACT).send(NEWS, JOB)
    page, plain = (request.body["message"] for request in phones.service.received)
    assert '<a href="https://anilist.co/anime/9001">Anilist</a>' in page
    assert "<br>" in page
    assert "Anilist" in plain
    assert "<" not in plain


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("ntfy://{host}/{key}", "message"),
        ("gotify://{host}/{key}", "message"),
        ("form://{host}/{key}", "Hon+no+Mori+-+07"),
    ],
)
async def test_services_of_many_kinds_are_told(phones, form, text):
    await phones.open(form).send(NEWS, JOB)
    assert text in str(phones.service.received[0].body)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_arrives_as_text(phones, name):
    news = announce([acquired(file(f"{name}x.mkv", show=f"{name}x"))], None)
    await phones.open("json://{host}/x", format="html").send(news, JOB)
    (request,) = phones.service.received
    message = request.body["message"]
    assert "<" not in message.replace("<br>", "")
    assert "@everyone" not in message
    assert len(request.body["title"]) <= 250


async def test_messages_come_in_the_order_they_were_sent(phones):
    channel = phones.open()
    await asyncio.gather(*(channel.send(hardsub(number), JOB) for number in range(20)))
    titles = [request.body["title"] for request in phones.service.received]
    assert titles == [f"Show - {number:02}.mp4" for number in range(20)]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_service_that_knows_us_no_more_is_off(phones, written, status):
    channel = phones.open()
    phones.service.statuses.append(status)
    with pytest.raises(ChannelOff, match=f"phone: its service answered {status}"):
        await channel.send(NEWS, JOB)
    with pytest.raises(ChannelOff):
        await channel.send(NEWS, JOB)
    assert len(phones.service.received) == 1
    assert "apprise.off" in written()


async def test_a_message_that_is_refused_is_not_tried_again(phones):
    channel = phones.open()
    phones.service.statuses.append(413)
    with pytest.raises(Rejected, match="413"):
        await channel.send(NEWS, JOB)
    await channel.send(NEWS, JOB)


@pytest.mark.parametrize("status", [302, 429, 500, 503])
async def test_a_service_that_fails_rests_longer_each_time(phones, status):
    channel = phones.open()
    phones.service.statuses.extend([status] * 2)
    for rest_s in (15.0, 30.0):
        with pytest.raises(Unavailable, match=f"phone: .*{status}") as caught:
            await channel.send(NEWS, JOB)
        assert caught.value.retry_after_s == rest_s
        with pytest.raises(Unavailable, match="did not answer just now"):
            await channel.send(NEWS, JOB)
        phones.clock.now += rest_s
    await channel.send(NEWS, JOB)
    assert len(phones.service.received) == 3
    phones.service.statuses.append(500)
    with pytest.raises(Unavailable) as caught:
        await channel.send(NEWS, JOB)
    assert caught.value.retry_after_s == 15.0


async def test_a_service_that_is_not_there_is_tried_later(phones):
    service = AppriseService(Secret(f"json://127.0.0.1:1/{CANARY}"), place="x")
    channel = AppriseChannel(name="phone", service=service)
    phones.opened.append(channel)
    with pytest.raises(Unavailable, match="phone: its service failed"):
        await channel.send(NEWS, JOB)


async def test_a_service_that_hangs_holds_nobody(phones):
    channel, other = phones.open(timeout_s=0.2), phones.open("json://{host}/other")
    phones.service.open.clear()
    with pytest.raises(Unavailable, match=r"no answer within 0\.2 s") as caught:
        await channel.send(NEWS, JOB)
    phones.clock.now += caught.value.retry_after_s
    with pytest.raises(Unavailable, match="still at the message before"):
        await channel.send(NEWS, JOB)
    assert len(phones.service.received) == 1
    telling = asyncio.create_task(other.send(NEWS, JOB))
    while len(phones.service.received) < 2:
        await asyncio.sleep(0.01)
    phones.service.open.set()
    await telling


async def test_what_waits_too_long_behind_others_is_given_back(phones):
    channel = phones.open("ntfy://{host}/{key}", patience_s=0.0)
    phones.service.open.clear()
    first = asyncio.create_task(channel.send(NEWS, JOB))
    while not phones.service.received:
        await asyncio.sleep(0.01)
    with pytest.raises(Unavailable, match="1 messages go before") as caught:
        await channel.send(NEWS, JOB)
    assert caught.value.retry_after_s == channel.service.pause_s > 0
    phones.service.open.set()
    await first
    assert len(phones.service.received) == 1


async def test_nothing_waits_behind_what_was_told(phones):
    channel = phones.open(patience_s=0.0)
    channel.service.pause_s = 1.0
    for number in range(3):
        await channel.send(hardsub(number), JOB)
    assert len(phones.service.received) == 3


async def test_what_is_too_long_for_a_service_is_cut(phones):
    await phones.open("ntfy://{host}/{key}", template=Template(description="x" * 9000)).send(
        NEWS, JOB
    )
    (request,) = phones.service.received
    assert 7000 < len(request.body["message"]) <= 7800


async def test_an_edit_tells_nothing_new(phones):
    channel = phones.open()
    await channel.edit("", announce([distributed()], BOOKS), JOB)
    assert phones.service.received == []


@pytest.mark.parametrize(
    "form",
    [
        "json://me:{key}@{host}/{key}",
        "jsons://me:{key}@{host}/{key}",
        "ntfy://{host}/{key}",
        "gotify://{host}/{key}",
        "json://{key}:{key}@nowhere.invalid/{key}",
        "mailto://me:{key}@example.invalid:1/?smtp=127.0.0.1&mode=insecure&to=a@example.invalid",
    ],
)
@pytest.mark.parametrize("status", [200, 302, 401, 429, 500])
async def test_no_key_is_logged_or_told_in_an_error(phones, written, form, status):
    phones.service.statuses.append(status)
    channel = phones.open(form)
    said = ""
    try:
        await channel.send(NEWS, JOB)
    except (Unavailable, Rejected) as exc:
        said = f"{exc!r} {exc.__cause__!r} {exc.__context__!r}"
    assert CANARY not in said + repr(channel) + written()
    assert phones.service.address not in said + written()


@pytest.mark.parametrize(
    "url", ["", f"{CANARY}", f"nope://{CANARY}", f"https:///{CANARY}", f"ntfy://[{CANARY}"]
)
def test_an_address_that_apprise_does_not_know_is_an_error_that_does_not_show_it(url, written):
    with pytest.raises(ConfigError, match=r"^\[\[x\]\] phone: not the address") as caught:
        AppriseService(Secret(url), place="[[x]] phone")
    assert CANARY not in f"{caught.value!r}" + written()


async def test_a_redirect_is_not_followed_with_the_key(phones):
    phones.service.statuses.append(302)
    with pytest.raises(Unavailable):
        await phones.open().send(NEWS, JOB)
    assert [request.path for request in phones.service.received] == [f"/{CANARY}"]
