"""Stopping in two steps: finish what runs, then (asked again, or late) let go of it."""

import asyncio
import signal


class Shutdown:
    """What every unit watches. The first request drains, the second hurries.

    Attributes:
        stopping: Take nothing new; finish what runs.
        hurry: Let go of what runs, saved and given back.
    """

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.hurry = asyncio.Event()
        self._parts: list[Shutdown] = []

    def request(self) -> None:
        """Ask to stop; asking again means now. Parts are asked too."""
        if self.stopping.is_set():
            self.hurry.set()
        self.stopping.set()
        for part in self._parts:
            part.request()

    def part(self) -> "Shutdown":
        """One that can be asked alone, and is asked whenever this one is."""
        made = Shutdown()
        self._parts.append(made)
        return made

    def install(self) -> None:
        """Make SIGTERM and SIGINT requests. Call it on the running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request)

    async def pause(self, seconds: float) -> bool:
        """Sleep, unless asked to stop; True when it was asked."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return False
        return True
