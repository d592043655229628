"""Facts of shows, asked for once a day.

From the cache while they are fresh, else from AniList and Kitsu, and from the cache again,
however old, when those are away.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec
import structlog

from izumi.clients.anilist import Anilist
from izumi.clients.facts_cache import FactsCache, Kept
from izumi.clients.kitsu import Kitsu
from izumi.domain.errors import Unavailable
from izumi.domain.show import Show, sameness

log = structlog.get_logger()

_T = TypeVar("_T")
_UNKNOWN_S: Final = 3600.0
"""A show that nobody knows today may get its entry, or the right synonym, soon."""
_LASTING_S: Final = 30 * 86400.0
"""A number, once given, stays."""


@dataclass(frozen=True)
class _Question(Generic[_T]):
    """What to ask for, under which key the answer is kept, and for how many seconds."""

    key: str
    kind: type[_T]
    ask: Callable[[], Awaitable[_T | None]]
    fresh_s: float


class CachedFacts:
    """`ShowFacts` of AniList, with Kitsu's number added where it can be had.

    Args:
        anilist: Knows shows.
        kitsu: Knows its own numbers; None: no such links.
        cache: Survives restarts.
        fresh_s: Seconds before a kept answer is asked for again.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        anilist: Anilist,
        kitsu: Kitsu | None,
        cache: FactsCache,
        *,
        fresh_s: float = 86400.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._anilist = anilist
        self._kitsu = kitsu
        self._cache = cache
        self._fresh_s = fresh_s
        self._now = now
        self._asking: dict[str, asyncio.Task[Any]] = {}

    async def lookup(self, *, anilist_id: int | None, title: str) -> Show | None:
        """As `ShowFacts.lookup`."""
        show = None
        if anilist_id is not None:
            question = _Question(
                f"id:{anilist_id}", Show, lambda: self._anilist.by_id(anilist_id), self._fresh_s
            )
            show = await self._once(question)
        if show is None and title.strip():
            question = _Question(
                f"title:{sameness(title)}",
                Show,
                lambda: self._anilist.by_title(title),
                self._fresh_s,
            )
            show = await self._once(question)
        return show and await self._with_kitsu(show)

    async def aclose(self) -> None:
        """Give up what is being asked, and close the cache."""
        asking = [*self._asking.values()]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._cache.aclose()

    async def _with_kitsu(self, show: Show) -> Show:
        kitsu = self._kitsu
        if kitsu is None:
            return show
        key = f"kitsu:{show.anilist_id}"
        try:
            number = await self._once(_Question(key, int, lambda: kitsu.id_of(show), _LASTING_S))
        except Unavailable as exc:
            log.info("facts.without_kitsu", show=show.title, reason=str(exc))
            return show
        return msgspec.structs.replace(show, kitsu_id=number)

    async def _once(self, question: "_Question[_T]") -> _T | None:
        """One question at a time: a whole season that arrives asks once."""
        task = self._asking.get(question.key)
        if task is None:
            task = asyncio.create_task(self._answer(question))
            self._asking[question.key] = task
            task.add_done_callback(lambda done: self._answered(question.key, done))
        # Whoever loses patience leaves the answer to the others and to the cache.
        answer: _T | None = await asyncio.shield(task)
        return answer

    def _answered(self, key: str, task: asyncio.Task[Any]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # seen, also when nobody waits any more

    async def _answer(self, question: "_Question[_T]") -> _T | None:
        kept, known = _understood(await self._cache.get(question.key), question.kind)
        if kept and self._is_fresh(kept, question.fresh_s if known is not None else _UNKNOWN_S):
            return known
        try:
            answer = await question.ask()
        except Unavailable as exc:
            if known is None:
                raise
            log.info("facts.stale", key=question.key, reason=str(exc))
            return known
        await self._cache.put(question.key, msgspec.json.encode(answer), self._now())
        return answer

    def _is_fresh(self, kept: Kept, fresh_s: float) -> bool:
        return 0 <= self._now() - kept.at < fresh_s


def _understood(kept: Kept | None, kind: type[_T]) -> tuple[Kept | None, _T | None]:
    """What was kept; nothing where a version of old wrote what is not read today."""
    try:
        return kept, msgspec.json.decode(kept.value, type=kind | None) if kept else None
    except msgspec.DecodeError:
        return None, None
