"""The facts of the bus as server-sent events, resumable by their place in the stream.

Progress is told between them on request, without a place: of what was missed, only the last
word on each job is kept.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from izumi.bus.ports import History, Stored
from izumi.domain.errors import BusUnavailable
from izumi.publishers.gateway.views import event_of

FACTS: Final = "izumi.file.>"
_PROGRESS: Final = "izumi.progress.>"
_LOOK_S: Final = 0.5
_ALIVE_S: Final = 15.0
_PAGE: Final = 100


class Full(Exception):
    """As many clients follow already as may."""


class Events:
    """Streams of facts.

    Args:
        history: Where they are read: page by page, so that a slow client costs one page.
        most: Clients at once.
    """

    def __init__(self, history: History, *, most: int) -> None:
        self._history = history
        self._most = most
        self._following = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every stream; clients come back by themselves, elsewhere."""
        self._closing.set()

    def follow(self, after: int, *, progress: bool = False) -> AsyncIterator[bytes]:
        """Facts after a place, and those to come.

        Args:
            after: The place.
            progress: Tell how far jobs are as well: the last word on each, and what comes.

        Raises:
            Full: Too many follow already.
        """
        if self._following >= self._most:
            raise Full
        return self._followed(after, progress=progress)

    async def _followed(self, after: int, *, progress: bool) -> AsyncIterator[bytes]:
        self._following += 1
        silent_s, far = 0.0, 0
        try:
            # Said at once, so that the client knows that it is heard.
            yield b"retry: 2000\n\n"
            while not self._closing.is_set():
                found = await self._page(after, FACTS)
                for entry in found:
                    yield event_of(entry)
                told = await self._page(far, _PROGRESS) if progress else ()
                for entry in told:
                    yield event_of(entry, resumable=False)
                after = found[-1].seq if found else after
                far = told[-1].seq if told else far
                if found or told:
                    silent_s = 0.0
                if found or len(told) == _PAGE:
                    continue
                silent_s += _LOOK_S
                if silent_s >= _ALIVE_S:
                    silent_s = 0.0
                    yield b": alive\n\n"
                await self._rest()
        finally:
            self._following -= 1

    async def _page(self, after: int, pattern: str) -> Sequence[Stored]:
        """Some messages after a place; none while the bus is away."""
        try:
            return await self._history.after(after, pattern, most=_PAGE)
        except BusUnavailable:
            return ()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._closing.wait()
