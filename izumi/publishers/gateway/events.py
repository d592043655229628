"""The facts of the bus as server-sent events, resumable by their place in the stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from izumi.bus.ports import History
from izumi.domain.errors import BusUnavailable
from izumi.publishers.gateway.views import event_of

FACTS: Final = "izumi.file.>"
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

    def follow(self, after: int) -> AsyncIterator[bytes]:
        """Facts after a place, and those to come.

        Raises:
            Full: Too many follow already.
        """
        if self._following >= self._most:
            raise Full
        return self._followed(after)

    async def _followed(self, after: int) -> AsyncIterator[bytes]:
        self._following += 1
        silent_s = 0.0
        try:
            # Said at once, so that the client knows that it is heard.
            yield b"retry: 2000\n\n"
            while not self._closing.is_set():
                try:
                    found = await self._history.after(after, FACTS, most=_PAGE)
                except BusUnavailable:
                    found = ()
                for entry in found:
                    yield event_of(entry)
                if found:
                    after, silent_s = found[-1].seq, 0.0
                    continue
                silent_s += _LOOK_S
                if silent_s >= _ALIVE_S:
                    silent_s = 0.0
                    yield b": alive\n\n"
                await self._rest()
        finally:
            self._following -= 1

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._closing.wait()
