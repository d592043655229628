"""One user's list at one service: kept over restarts, renewed, and counted on for a while."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from izumi.clients.facts_cache import FactsCache, Kept
from izumi.clients.rest import Rest
from izumi.domain.errors import Unavailable
from izumi.domain.userlist import ListEntry, Status, UserList

log = structlog.get_logger()

_WITHIN_S: Final = 20.0
_entries: Final = msgspec.json.Decoder(tuple[ListEntry, ...])


class ListService(Protocol):
    """Where users keep lists."""

    @property
    def name(self) -> str:
        """What people call it."""

    async def entries(self, user: str, statuses: Sequence[Status]) -> tuple[ListEntry, ...]:
        """All of them, or Unavailable with the reason."""


class Times(NamedTuple):
    """How long lists count, and the clocks.

    Attributes:
        fresh_s: Seconds after which a list is read again.
        stale_s: Seconds for which one counts that cannot be read again.
        within_s: Longest wait for one that is being read.
        now: Seconds since the epoch.
        clock: Monotonic seconds.
    """

    fresh_s: float = 1800.0
    stale_s: float = 168 * 3600.0
    within_s: float = _WITHIN_S
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic


class Reading(NamedTuple):
    """A list, and what is to be said of it: its age where it is an old one.

    None in place of a list: it cannot be read, and `note` says why.
    """

    entries: UserList | None
    note: str = ""


class _Held(NamedTuple):
    entries: UserList
    at: float


class CachedUserList:
    """A list that is read once in a while, by one request at a time.

    Args:
        service: Where it is.
        user: Whose it is.
        statuses: Which entries.
        cache: Survives restarts; several processes may share it.
        times: How long it counts.
    """

    def __init__(
        self,
        service: ListService,
        user: str,
        statuses: Sequence[Status],
        cache: FactsCache,
        times: Times,
    ) -> None:
        self._service = service
        self._user = user
        self._statuses = tuple(sorted(set(statuses)))
        self._cache = cache
        self._times = times
        self._key = f"{service.name}/{user.casefold()}/{','.join(self._statuses)}"
        self._held: _Held | None = None
        self._reason = ""
        self._rest = Rest(times.clock)
        self._renewing: asyncio.Task[None] | None = None

    async def read(self) -> Reading:
        """The list, as new as it can be had within the time. Raises nothing."""
        if self._age_s() >= self._times.fresh_s:
            if self._renewing is None:
                self._renewing = asyncio.create_task(self._renew())
                self._renewing.add_done_callback(self._renewed)
            # Whoever loses patience leaves the answer to the others and to the cache.
            await asyncio.wait({self._renewing}, timeout=self._times.within_s)
        age_s = self._age_s()
        if self._held is None or age_s >= self._times.stale_s:
            return Reading(None, self._reason or self._complain("no answer yet"))
        if age_s < self._times.fresh_s:
            return Reading(self._held.entries)
        reason = self._reason or self._complain("no answer yet")
        return Reading(self._held.entries, f"of {_ago(age_s)}: {reason}")

    async def aclose(self) -> None:
        """Give up what is being read. May be called twice."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})

    def _age_s(self) -> float:
        """Of what is held; one that comes from the future, by a clock put back, is old."""
        if self._held is None:
            return float("inf")
        age_s = self._times.now() - self._held.at
        return age_s if age_s >= 0 else self._times.fresh_s

    async def _renew(self) -> None:
        """Take what another process read, else ask, unless that failed a moment ago."""
        await self._recall(await self._cache.get(self._key))
        if self._age_s() < self._times.fresh_s:
            return self._mended()
        if self._rest.left_s > 0:
            return None
        try:
            entries = await self._service.entries(self._user, self._statuses)
        except Unavailable as exc:
            self._rest.begin()
            self._complain(str(exc))
            return None
        at = self._times.now()
        self._held = _Held(await asyncio.to_thread(UserList, entries), at)
        self._mended()
        await self._cache.put(self._key, msgspec.json.encode(entries), at)
        return None

    def _mended(self) -> None:
        self._rest.over()
        if self._reason:
            log.info("list.readable", service=self._service.name, user=self._user)
            self._reason = ""

    def _renewed(self, task: asyncio.Task[None]) -> None:
        self._renewing = None
        if not task.cancelled() and (failure := task.exception()) is not None:
            # Nothing that is expected; nobody waits for it, and it must not be silent.
            log.error("list.failed", user=self._user, exc_info=failure)

    async def _recall(self, kept: Kept | None) -> None:
        """Hold what is kept, where it is newer; a version of old may have written it."""
        if kept is None or (self._held is not None and kept.at <= self._held.at):
            return
        try:
            entries = _entries.decode(kept.value)
        except msgspec.DecodeError:
            return
        self._held = _Held(await asyncio.to_thread(UserList, entries), kept.at)

    def _complain(self, reason: str) -> str:
        """Say in the log that it cannot be read: once, until it can."""
        if not self._reason:
            log.warning(
                "list.unreadable",
                service=self._service.name,
                user=self._user,
                reason=reason,
                kept=None if self._held is None else _ago(self._age_s()),
            )
        self._reason = reason
        return reason


def _ago(seconds: float) -> str:
    hours, minutes = divmod(int(seconds // 60), 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min"]
    return f"{' '.join(part for part in parts[: 2 if days else 3] if part)} ago"
