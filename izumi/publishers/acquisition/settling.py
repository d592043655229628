"""The files that are watched until they are quiet, looked at a few times in that time."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from izumi.domain.errors import Unavailable
from izumi.storage.items import Item
from izumi.storage.quiet import Quiet
from izumi.storage.settle import Fingerprint, look

_LONGEST_S: Final = 1.0
_SHORTEST_S: Final = 0.02
_SHARE: Final = 10
"""Looking may take one part in so many of the time."""
_MOST: Final = 1000
"""Files looked at in one go, so that a crowd of others does not make one wait."""


class Settling:
    """Looks at the files that settle, and says which are due.

    Args:
        on_due: Called with the id of a file that was quiet long enough.
        on_missing: Called with ids of files that do not have their name any more.
        on_restless: Called with ids of files that were never quiet for `restless_s`.
        restless_s: See there.
        stands: Whether a watch folder is there: what is missing below one that is not waits
            for it.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        *,
        on_due: Callable[[int], None],
        on_missing: Callable[[Sequence[int]], None],
        on_restless: Callable[[Sequence[int]], None],
        restless_s: float,
        stands: Callable[[str], Awaitable[bool]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_due = on_due
        self._on_missing = on_missing
        self._on_restless = on_restless
        self._restless_s = restless_s
        self._stands = stands
        self._clock = clock
        self._quiet = Quiet()
        self._paths: dict[int, tuple[str, str]] = {}
        self._watched: dict[tuple[str, str], int] = {}
        self._due: dict[int, Fingerprint] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._quiet)

    def tried(self, id_: int) -> bool:
        """Whether the file was examined since its last change, and was not ready."""
        return self._quiet.tried(id_)

    def is_watched(self, root: str, path: str) -> bool:
        """Whether the file under this path is among them."""
        return (root, path) in self._watched

    def add(self, item: Item, quiet_s: float, *, hurry: bool = False) -> None:
        """Watch a file; `hurry`: somebody says that it is complete."""
        place = (item.root, item.path)
        if self._paths.get(item.id, place) != place:
            self.drop(item.id)
        self._paths[item.id] = place
        self._watched[place] = item.id
        now = self._clock()
        self._quiet.add(item.id, now, quiet_s, tried=item.judged)
        if hurry:
            self._quiet.hurry(item.id, now, quiet_s)
        self._wake.set()

    def drop(self, id_: int) -> None:
        """Watch it no more."""
        self._quiet.drop(id_)
        self._due.pop(id_, None)
        place = self._paths.pop(id_, None)
        if place is not None and self._watched.get(place) == id_:
            del self._watched[place]

    def take(self, id_: int) -> Fingerprint | None:
        """What the file looked like while it was quiet; None: it is not due any more."""
        return self._due.pop(id_, None)

    def seen(self, id_: int, fingerprint: Fingerprint) -> None:
        """It changed after it was due: its quiet time begins anew."""
        self._quiet.observe(id_, fingerprint, self._clock())
        self._wake.set()

    def failed(self, id_: int, *, passing: bool) -> bool:
        """It is not ready. Whether it had been quiet for its whole quiet time."""
        now = self._clock()
        judged = self._quiet.was_quiet(id_, now)
        self._quiet.failed(id_, now, passing=passing)
        self._wake.set()
        return judged

    def unproved(self, id_: int) -> bool:
        """Whether a file whose container proves nothing must be quiet for longer."""
        longer = self._quiet.unproved(id_, self._clock())
        self._wake.set()
        return longer

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._wake.clear()
            began = self._clock()
            await self._look()
            await asyncio.sleep(max(_SHORTEST_S, _SHARE * (self._clock() - began)))
            pause_s = self._pause_s() if self._paths else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    def _pause_s(self) -> float:
        next_s = self._quiet.next_s(self._clock())
        return _LONGEST_S if next_s is None else min(_LONGEST_S, max(_SHORTEST_S, next_s))

    async def _look(self) -> None:
        ids = self._quiet.to_look_at(self._clock(), _MOST)
        places = [(id_, self._paths[id_]) for id_ in ids]
        seen = await asyncio.to_thread(_look_at, places)
        away = await self._away({root for _, (root, _), found in seen if found is None})
        now = self._clock()
        missing = []
        for id_, place, fingerprint in seen:
            if self._paths.get(id_) != place:
                continue
            if fingerprint is not None:
                self._quiet.observe(id_, fingerprint, now)
            elif place[0] not in away:
                missing.append(id_)
                self.drop(id_)
        if missing:
            self._on_missing(missing)
        for id_, fingerprint in self._quiet.due(now):
            self._due[id_] = fingerprint
            self._on_due(id_)
        if restless := self._quiet.restless(now, self._restless_s):
            self._on_restless(restless)

    async def _away(self, roots: Collection[str]) -> set[str]:
        """Those of the watch folders that are not there, or of which that cannot be told."""
        away = set()
        for root in roots:
            try:
                if not await self._stands(root):
                    away.add(root)
            except Unavailable:
                away.add(root)
        return away


def _look_at(
    places: Sequence[tuple[int, tuple[str, str]]],
) -> list[tuple[int, tuple[str, str], Fingerprint | None]]:
    return [(id_, place, look(Path(place[0]), place[1])) for id_, place in places]
