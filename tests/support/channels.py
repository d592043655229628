"""A channel in memory, and facts that are known or cannot be had."""

import asyncio
from collections import deque

from izumi.domain.announce import Announcement
from izumi.domain.show import Show


class MemoryChannel:
    """A `Channel` whose people are lists.

    Attributes:
        edits: Whether messages can be changed.
        sent: Message id -> every news that it said, oldest first.
        failures: Raised by the next calls, one each; None lets one through.
        asked: Calls so far.
        arrived: Set when a call has begun.
        held: While it is not set, calls wait; like an answer that does not come.
    """

    def __init__(self, name: str = "memory", *, edits: bool = True) -> None:
        self.name = name
        self.edits = edits
        self.sent: dict[str, list[Announcement]] = {}
        self.failures: deque[Exception | None] = deque()
        self.asked = 0
        self.arrived = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()

    async def send(self, news: Announcement, job: str) -> str:
        await self._asked()
        message = f"{job}-{len(self.sent)}"
        self.sent[message] = [news]
        return message

    async def edit(self, message: str, news: Announcement, job: str) -> None:
        await self._asked()
        self.sent[message].append(news)

    async def _asked(self) -> None:
        self.asked += 1
        self.arrived.set()
        await self.held.wait()
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure


class KnownFacts:
    """`ShowFacts` of one show, or of none, or of a service that is away."""

    def __init__(self, show: Show | None = None, failure: Exception | None = None) -> None:
        self.show = show
        self.failure = failure
        self.asked: list[tuple[int | None, str]] = []

    async def lookup(self, *, anilist_id: int | None, title: str) -> Show | None:
        self.asked.append((anilist_id, title))
        if self.failure is not None:
            raise self.failure
        return self.show
