"""The circuit breaker of a host: one that fails job after job must not eat the queue."""

import time
from collections.abc import Callable
from typing import Literal


class Breaker:
    """Opens after `threshold` host failures in a row; tries one job after `cooldown_s`.

    Args:
        threshold: Failures in a row that open it.
        cooldown_s: Seconds without work; doubles each time the trial fails too, up to
            eight times.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        threshold: int = 5,
        cooldown_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._cooldown_s = cooldown_s
        self._clock = clock
        self._failures = 0
        self._opened = 0.0
        self._trips = 0
        self._trying = False
        self.reason = ""

    @property
    def state(self) -> Literal["closed", "open", "trying"]:
        """`trying`: one job is let through to see whether the host works again."""
        if not self._trips:
            return "closed"
        return "trying" if self._trying or self.wait_s() <= 0 else "open"

    def wait_s(self) -> float:
        """Seconds until a job may be taken; 0: now. Infinite while a trial runs."""
        if not self._trips:
            return 0.0
        if self._trying:
            return float("inf")
        pause_s = self._cooldown_s * (1 << min(self._trips - 1, 3))
        return max(0.0, self._opened + pause_s - self._clock())

    def took(self) -> None:
        """A job was taken."""
        self._trying = self._trips > 0

    def worked(self) -> None:
        """The host did its part, whatever came of the job."""
        self._failures = self._trips = 0
        self._trying = False
        self.reason = ""

    def neutral(self) -> None:
        """A job ended without telling anything about the host."""
        self._trying = False

    def failed(self, reason: str) -> bool:
        """The host spoilt a job; True when that opens the breaker."""
        self._failures += 1
        if self._failures < self._threshold and not self._trying:
            return False
        self._trips += 1
        self._trying = False
        self._opened = self._clock()
        self.reason = reason
        return True
