"""The way to one location: a few uploads at once, and none while it is away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from izumi.domain.errors import StorageUnavailable, Unavailable
from izumi.domain.retry import RetryPolicy, backoff_s


@dataclass(kw_only=True)
class Lane:
    """Keeps a location that is away, or slow, from holding up anything but itself.

    Attributes:
        name: Of the location.
        width: So many uploads of files that wait to be announced run at once, and as many
            of files that were: a backlog does not hold up what is new.
        policy: How long it is left alone after a failure.
        clock: Seconds, monotonic.
        spread: Random, 0 to 1, for backoff.
    """

    name: str
    width: int
    policy: RetryPolicy
    clock: Callable[[], float]
    spread: Callable[[], float]
    _failures: int = 0
    _until: float = 0.0
    _why: str = ""
    _rooms: dict[bool, asyncio.Semaphore] = field(init=False)

    def __post_init__(self) -> None:
        """Make the two rooms."""
        self._rooms = {patient: asyncio.Semaphore(self.width) for patient in (False, True)}

    async def run(self, upload: Callable[[], Awaitable[None]], *, patient: bool) -> None:
        """Run an upload when there is room.

        Args:
            upload: One attempt.
            patient: Wait while the location is away; else that is a failure at once.

        Raises:
            Unavailable: Of the upload, or the location is away.
        """
        while True:
            away_s = self._until - self.clock()
            if away_s > 0:
                if not patient:
                    raise StorageUnavailable(self._why, retry_after_s=away_s)
                await asyncio.sleep(away_s)
                continue
            async with self._rooms[patient]:
                # It may have been found to be away while this one waited for room.
                if self._until <= self.clock():
                    await self._try(upload)
                    return

    async def _try(self, upload: Callable[[], Awaitable[None]]) -> None:
        try:
            await upload()
        except Unavailable as exc:
            self._failures += 1
            pause_s = backoff_s(self.policy, self._failures, self.spread())
            self._until = self.clock() + max(pause_s, exc.retry_after_s or 0.0)
            self._why = str(exc)
            raise
        self._failures = 0
