"""When files that settle are looked at, and when they were quiet for long enough. Pure."""

import heapq
import math
from typing import Final

from izumi.storage.settle import Fingerprint

_LONGEST_QUIET_S: Final = 600.0
_LONGEST_AGAIN_S: Final = 3600.0
_SOON_S: Final = 30.0
_UNPROVED_TIMES: Final = 6
"""A container that cannot prove its end must be quiet so many times longer."""


class _Watched:
    """`wait_s` passes from `since` on without a change before the file is examined."""

    def __init__(self, now: float, quiet_s: float, *, tried: bool = False) -> None:
        self.seen: Fingerprint | None = None
        self.looked = -math.inf
        self.added = self.since = self.still = now
        self.changes = 0
        self.told = False
        self.quiet_s = quiet_s
        self.wait_s = quiet_s
        self.failures = 0
        self.tried_before = tried
        self.hurried = False
        self.handed_out = False

    @property
    def tried(self) -> bool:
        return self.tried_before or self.failures > 0

    def waits(self, now: float) -> bool:
        """Whether its time is not over."""
        return self.handed_out or now - self.since < self.wait_s


class Quiet:
    """Decides when files that settle are examined. Pure: time comes from outside.

    Times are seconds of one monotonic clock.
    """

    def __init__(self) -> None:
        self._files: dict[int, _Watched] = {}

    def __len__(self) -> int:
        return len(self._files)

    def to_look_at(self, now: float, most: int) -> list[int]:
        """The files that should be looked at now: all, or those for which it matters most.

        In a crowd what was never seen comes first, then what is due; what was examined before
        behind the new. The others take turns.
        """
        if len(self._files) <= most:
            looked = list(self._files)
        else:
            looked = heapq.nsmallest(most, self._files, key=lambda id_: self._turn(id_, now))
        for id_ in looked:
            self._files[id_].looked = now
        return looked

    def _turn(self, id_: int, now: float) -> tuple[int, float]:
        watched = self._files[id_]
        if watched.seen is None:
            rank = 2 if watched.tried else 0
        elif not watched.waits(now):
            rank = 2 if watched.tried else 1
        else:
            rank = 3
        return rank, watched.looked

    def add(self, id_: int, now: float, quiet_s: float, *, tried: bool = False) -> None:
        """Watch a file from now on; one that is watched already is left as it is.

        Args:
            id_: Of the file.
            now: The time.
            quiet_s: Its quiet time.
            tried: It was examined before, as in an earlier life, and was not ready.
        """
        self._files.setdefault(id_, _Watched(now, quiet_s, tried=tried))

    def hurry(self, id_: int, now: float, quiet_s: float) -> None:
        """Examine it at once: somebody says that it is complete."""
        watched = self._files.setdefault(id_, _Watched(now, quiet_s))
        watched.wait_s, watched.hurried = 0.0, True

    def drop(self, id_: int) -> None:
        """Watch it no more."""
        self._files.pop(id_, None)

    def observe(self, id_: int, seen: Fingerprint, now: float) -> None:
        """What the file looks like now; a change begins its quiet time anew."""
        watched = self._files.get(id_)
        if watched is None:
            return
        if watched.seen == seen:
            watched.still = now
            return
        if watched.seen is not None:
            # Who paused longer than the quiet time once will pause again.
            still_s = watched.still - watched.since
            paused = watched.failures or watched.handed_out or still_s >= watched.quiet_s
            longer = min(watched.quiet_s * 2, max(_LONGEST_QUIET_S, watched.quiet_s))
            watched.quiet_s = longer if paused else watched.quiet_s
            watched.wait_s, watched.since, watched.failures = watched.quiet_s, now, 0
            watched.still = now
            watched.tried_before = False
            watched.hurried = watched.handed_out = False
        watched.seen = seen
        watched.changes += 1

    def restless(self, now: float, after_s: float) -> list[int]:
        """Files that were never quiet for so long; each is told once."""
        told = []
        for id_, watched in self._files.items():
            changing = watched.changes > 1 and watched.failures == 0
            if changing and not watched.told and now - watched.added >= after_s:
                watched.told = True
                told.append(id_)
        return told

    def next_s(self, now: float) -> float | None:
        """Seconds until one is due if none changes; None: none is waited for."""
        waits = [
            watched.since + watched.wait_s - now
            for watched in self._files.values()
            if not watched.handed_out
        ]
        return max(0.0, min(waits)) if waits else None

    def due(self, now: float) -> list[tuple[int, Fingerprint]]:
        """Files that were quiet long enough; each is handed out until `failed` or a change."""
        due = []
        for id_, watched in self._files.items():
            if watched.seen is not None and not watched.waits(now):
                watched.handed_out = True
                due.append((id_, watched.seen))
        return due

    def was_quiet(self, id_: int, now: float) -> bool:
        """Whether the file was quiet for its whole quiet time, not hurried."""
        watched = self._files.get(id_)
        return watched is not None and now - watched.since >= watched.quiet_s

    def tried(self, id_: int) -> bool:
        """Whether it was examined since its last change, and was not ready."""
        watched = self._files.get(id_)
        return watched is not None and watched.tried

    def unproved(self, id_: int, now: float) -> bool:
        """Its container does not prove its end: whether it must be quiet longer for that."""
        watched = self._files.get(id_)
        longer_s = _UNPROVED_TIMES * watched.quiet_s if watched is not None else 0.0
        if watched is None or watched.hurried or now - watched.since >= longer_s:
            return False
        watched.wait_s, watched.handed_out = longer_s, False
        return True

    def failed(self, id_: int, now: float, *, passing: bool) -> None:
        """It is not ready: examine it again later, sooner when the cause may pass."""
        watched = self._files.get(id_)
        if watched is None:
            return
        watched.failures += 1
        again_s = max(watched.quiet_s, 0.2) * 2 ** min(watched.failures - 1, 20)
        longest_s = max(_SOON_S, watched.quiet_s) if passing else _LONGEST_AGAIN_S
        # Counted from the last change, as every wait is.
        watched.wait_s = now - watched.since + min(again_s, longest_s)
        watched.hurried = watched.handed_out = False
