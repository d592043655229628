"""How long a channel that fails is left alone, so that no other job finds out on its own."""

from collections.abc import Callable
from typing import Final

_FIRST_S: Final = 15.0
_LONGEST_S: Final = 300.0


class Rest:
    """Rests of one channel: each is twice as long as the one before, until it works again.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._next_s = _FIRST_S

    @property
    def left_s(self) -> float:
        """Seconds until it may be asked again; 0 or less: now."""
        return self._until - self._clock()

    def begin(self) -> float:
        """It failed: the seconds that it rests."""
        rest_s = self._next_s
        self._until = self._clock() + rest_s
        self._next_s = min(rest_s * 2, _LONGEST_S)
        return rest_s

    def over(self) -> None:
        """It works: the next rest is a short one."""
        self._next_s = _FIRST_S
