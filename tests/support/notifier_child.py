"""One attempt of a notifier in a process of its own, to be killed at a failpoint.

`python -m tests.support.notifier_child RECORD BUS HOST:PORT WEBHOOK...`
"""

import asyncio
import datetime as dt
import sys
from pathlib import Path

from izumi.bus.ports import Bus
from izumi.clients.discord import DiscordChannel
from izumi.clients.discord_address import WebhookAddress
from izumi.clients.http import Http
from izumi.consumers.board import Board
from izumi.consumers.notifier import Notifier
from izumi.consumers.telling import Target
from tests.support.bus import connected
from tests.support.discord import FakeDiscord
from tests.support.job import FakeJob
from tests.support.news import BOOKS, acquired


def notifier(bus: Bus, host: str, webhooks: list[str], http: Http) -> Notifier:
    """A group that tells these webhooks of a fake Discord."""
    discord = FakeDiscord(address=host)
    channels = [
        DiscordChannel(
            name=f"hook{webhook}",
            address=WebhookAddress(discord.url(webhook), place="test", hosts=[host]),
            http=http,
        )
        for webhook in webhooks
    ]
    return Notifier(
        group="main",
        targets=[Target(channel) for channel in channels],
        board=Board(bus=bus, group="main", now=lambda: dt.datetime.now(dt.UTC)),
        facts=None,
        now=lambda: dt.datetime.now(dt.UTC),
    )


async def attempt(record: Path, url: str, host: str, webhooks: list[str]) -> None:
    """Work on the job of which `record` is the log, over the bus at `url`."""
    http = Http()
    try:
        async with connected(url) as bus:
            job = FakeJob(record.parent, unit="notifier", record=record)
            unit = notifier(bus, host, webhooks, http)
            await unit(acquired(anilist_id=BOOKS.anilist_id), job)
    finally:
        await http.aclose()


if __name__ == "__main__":
    asyncio.run(attempt(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]))
