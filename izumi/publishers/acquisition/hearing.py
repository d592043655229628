"""Hears that something came over the bus, so that a look need not wait for its time."""

import asyncio
import contextlib
from typing import Final, Self

from izumi.bus.ports import Bus
from izumi.domain.errors import BusUnavailable

_AGAIN_S: Final = 1.0


class Hearing:
    """Listens while it is entered.

    Args:
        bus: Where something may come.
        pattern: What to listen to.
    """

    def __init__(self, bus: Bus, pattern: str) -> None:
        self._bus = bus
        self._pattern = pattern
        self._woken = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None  # noqa: S101 - narrows for mypy
        self._listening.cancel()
        await asyncio.wait({self._listening})

    def wake(self) -> None:
        """End the present wait, or the next one."""
        self._woken.set()

    async def wait(self, timeout_s: float) -> None:
        """Wait until something came since the last wait, at most so long.

        Raises:
            UserError: Our role may not hear this.
        """
        if self._listening is not None and self._listening.done():
            self._listening.result()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        self._woken.clear()

    async def _listen(self) -> None:
        while True:
            try:
                async for _ in self._bus.listen(self._pattern):
                    self.wake()
            except BusUnavailable:
                await asyncio.sleep(_AGAIN_S)
            else:
                return  # the bus was closed
