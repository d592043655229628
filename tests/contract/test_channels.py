"""The contract of `Channel`, on a webhook, on the log and in memory."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest

from izumi.clients.apprise_channel import AppriseChannel
from izumi.clients.apprise_service import AppriseService
from izumi.clients.discord import DiscordChannel
from izumi.clients.discord_address import WebhookAddress
from izumi.clients.http import Http
from izumi.clients.journal import Journal
from izumi.clients.ports import Channel
from izumi.domain.announce import announce
from izumi.domain.secret import Secret
from tests.support.channels import MemoryChannel
from tests.support.discord import fake_discord
from tests.support.gatherer import gatherer
from tests.support.news import BOOKS, acquired, encoded

JOB = "0123456789abcdef" * 2


class Opened(NamedTuple):
    """A channel, and what people see on it: a text for each thing that was told."""

    channel: Channel
    seen: Callable[[], list[str]]


@pytest.fixture(params=["discord", "log", "memory", "apprise"])
async def opened(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Opened]:
    if request.param == "memory":
        memory = MemoryChannel()
        yield Opened(memory, lambda: [f"{news[-1]}" for news in memory.sent.values()])
    elif request.param == "log":
        path = tmp_path / "announcements.jsonl"
        yield Opened(Journal(path), lambda: list(path.read_text().splitlines()))
    elif request.param == "apprise":
        async with gatherer() as phone:
            service = AppriseService(Secret(f"json://{phone.address}/x"), place="x")
            told = AppriseChannel(name="phone", service=service)
            yield Opened(told, lambda: [json.dumps(one.body) for one in phone.received])
            await told.aclose()
    else:
        http = Http()
        async with fake_discord() as discord:
            address = WebhookAddress(discord.url(), place="x", hosts=[discord.address])
            channel = DiscordChannel(name="hook", address=address, http=http)
            yield Opened(channel, lambda: [json.dumps(one) for one in discord.messages.values()])
            await http.aclose()


async def test_what_is_sent_is_seen(opened):
    await opened.channel.send(announce([acquired()], BOOKS), JOB)
    assert len(opened.seen()) == 1
    assert "Hon no Mori - 07 [1080p].mkv" in opened.seen()[0]


async def test_each_job_is_told_on_its_own(opened):
    for job in (JOB, "f" * 32):
        await opened.channel.send(announce([acquired()], BOOKS), job)
    assert len(opened.seen()) == 2


async def test_an_edit_is_seen_where_messages_can_be_changed(opened):
    message = await opened.channel.send(announce([encoded()], None), JOB)
    assert "Studio Kodama" not in "".join(opened.seen())
    await opened.channel.edit(message, announce([encoded()], BOOKS), JOB)
    assert ("Studio Kodama" in opened.seen()[-1]) is opened.channel.edits


async def test_an_edit_may_be_repeated(opened):
    message = await opened.channel.send(announce([encoded()], None), JOB)
    await opened.channel.edit(message, announce([encoded()], BOOKS), JOB)
    seen = opened.seen()
    await opened.channel.edit(message, announce([encoded()], BOOKS), JOB)
    assert opened.seen() == seen


async def test_a_channel_has_a_name(opened):
    assert opened.channel.name
