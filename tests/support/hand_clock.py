"""A clock that is moved by hand: waiting takes no time and is written down."""

import asyncio


class HandClock:
    """Monotonic seconds for whoever takes `clock` and `sleep` as parameters."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the others run, then be so much later; sleepers wake in their order."""
        until = self.now + seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now = max(self.now, until)
