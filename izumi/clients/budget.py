"""How often a service may be asked."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from izumi.clients.shared_turns import SharedTurns
from izumi.domain.errors import Unavailable


class Budget:
    """At most so many requests in any minute, fewer at once, and none during a pause.

    A pause is waited for, as a limit is; while the service is shut nobody waits. Turns are
    dealt out in the order they were asked for, each at its own time, so that no window of
    a minute ever holds more than allowed (a bucket that refills would let a full bucket
    and a minute's refill through).

    Args:
        service: What errors call it.
        per_minute: Most turns in any 60 seconds.
        at_once: Most turns in any `at_once` seconds: the burst limit.
        clock: Monotonic seconds.
        sleep: Waits.
        shared: Turns of the other processes, which count too.
    """

    def __init__(
        self,
        service: str,
        *,
        per_minute: int,
        at_once: int = 5,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        shared: SharedTurns | None = None,
    ) -> None:
        self._service = service
        self._shared = shared
        self._per_minute = per_minute
        self._at_once = min(at_once, per_minute)
        self._clock = clock
        self._sleep = sleep
        self._turns: deque[float] = deque(maxlen=per_minute)
        self._paused_until = self._shut_until = float("-inf")

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long; a longer pause that runs already stays."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)
        if self._shared is not None:
            self._shared.pause(self._service, seconds)

    def shut(self, seconds: float) -> None:
        """Send everybody away for so long: it does not work, and waiting does not help."""
        self._shut_until = max(self._shut_until, self._clock() + seconds)

    async def turn(self, patience_s: float) -> None:
        """Wait until a request may be made.

        Raises:
            Unavailable: That is more than `patience_s` away, or the service is shut;
                `retry_after_s` says until when.
        """
        until = self._clock() + patience_s
        await self._turn(patience_s)
        while wait_s := await self._others():
            self._refuse_if_late(self._clock() + wait_s, until - self._clock())
            await self._sleep(wait_s)

    async def _others(self) -> float:
        """Seconds until the turns of other processes leave room for ours; 0: it is taken."""
        if self._shared is None:
            return 0.0
        return await self._shared.take(
            self._service, per_minute=self._per_minute, at_once=self._at_once
        )

    async def _turn(self, patience_s: float) -> None:
        while True:
            at = self._next()
            self._refuse_if_late(at, patience_s)
            self._turns.append(at)
            while (wait_s := at - self._clock()) > 0:
                await self._sleep(wait_s)
            # A turn that a pause has overtaken is lost: all of them at once, as soon as
            # the pause is over, would be a burst.
            if max(self._paused_until, self._shut_until) <= self._clock():
                return

    def _next(self) -> float:
        at = max(self._clock(), self._paused_until)
        if len(self._turns) == self._per_minute:
            at = max(at, self._turns[0] + 60.0)
        if len(self._turns) >= self._at_once:
            at = max(at, self._turns[-self._at_once] + self._at_once)
        # In order: a turn of someone who waits is never given to who comes later.
        return max([at, *list(self._turns)[-1:]])

    def _refuse_if_late(self, at: float, patience_s: float) -> None:
        shut_s = self._shut_until - self._clock()
        wait_s = max(at - self._clock(), shut_s)
        if wait_s > patience_s or shut_s > 0:
            raise Unavailable(
                f"{self._service}: not to be asked for another {wait_s:.0f} s",
                retry_after_s=wait_s,
            )
