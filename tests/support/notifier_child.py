"""One attempt of a notifier in a process of its own, to be killed at a failpoint.

`python -m tests.support.notifier_child RECORD HOST:PORT WEBHOOK...`
"""

import asyncio
import datetime as dt
import sys
from pathlib import Path

from izumi.clients.discord import DiscordChannel
from izumi.clients.discord_address import WebhookAddress
from izumi.clients.http import Http
from izumi.consumers.notifier import Notifier, Target
from tests.support.discord import FakeDiscord
from tests.support.job import FakeJob
from tests.support.news import BOOKS, acquired


def notifier(host: str, webhooks: list[str], http: Http) -> Notifier:
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
        facts=None,
        now=lambda: dt.datetime.now(dt.UTC),
    )


async def attempt(record: Path, host: str, webhooks: list[str]) -> None:
    """Work on the job of which `record` is the log."""
    http = Http()
    try:
        job = FakeJob(record.parent, unit="notifier", record=record)
        await notifier(host, webhooks, http)(acquired(anilist_id=BOOKS.anilist_id), job)
    finally:
        await http.aclose()


if __name__ == "__main__":
    asyncio.run(attempt(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
