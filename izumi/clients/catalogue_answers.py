"""Answers about the catalogue: from what is kept while it is fresh, else from AniList."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from izumi.clients.anilist import Anilist
from izumi.clients.anilist_entry import IDS_A_PAGE
from izumi.clients.anilist_reply import Refused
from izumi.clients.catalogue_store import CatalogueStore, Searched, Stored
from izumi.domain.errors import Unavailable
from izumi.domain.matching.entry import Entry

log = structlog.get_logger()

AT_ONCE: Final = 15
"""Searches in a request: AniList counts some 25 points for each, and takes 500."""

_PARTLY: Final = "AniList: it answered only a part of what was asked"
_NOT_ASKED: Final = "AniList is not asked"
_BUSY: Final = "AniList: others ask it, for longer than there is time"


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """For how many seconds an answer is not asked for again.

    Attributes:
        found_s: When something was found.
        nothing_s: When nothing was: a new show may get its entry soon.
    """

    found_s: float = 7 * 86400.0
    nothing_s: float = 86400.0


@dataclass
class Known:
    """What is known for one question, or for many.

    Attributes:
        searches: What each text found, whether fresh or not.
        entries: The entries of these searches, and those that were asked for by number.
        unanswered: Texts for which there is no fresh answer.
        away: Why; empty when there is none.
    """

    searches: dict[str, Searched] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    away: str = ""


class CatalogueAnswers:
    """What is kept, and AniList where that is too little.

    Args:
        store: What is kept.
        anilist: Asked when nothing fresh is kept; None: never.
        freshness: How long answers are fresh.
        now: Seconds since the epoch.
        clock: Monotonic seconds, in which patience is counted.
    """

    def __init__(
        self,
        store: CatalogueStore,
        anilist: Anilist | None,
        *,
        freshness: Freshness,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._anilist = anilist
        self._freshness = freshness
        self._now = now
        self._clock = clock
        self._at_once = AT_ONCE
        self._refusals = 0
        # One asks at a time: a whole season that arrives asks once.
        self._turn = asyncio.Lock()

    async def stale(self, texts: Collection[str]) -> set[str]:
        """Those of these searches that would have to be asked for."""
        if self._anilist is None:
            return set()
        return self._stale(texts, await self._store.searches(texts))

    async def search(self, texts: Collection[str], known: Known, until: float) -> None:
        """Learn what these texts find, AniList being asked until then at most."""
        kept = await self._store.searches(texts)
        if self._stale(texts, kept):
            await self._in_turn(lambda: self._search(texts, known, until), known, until)
        known.searches = kept | known.searches
        known.unanswered |= self._stale(texts, known.searches)
        ids = {number for text in texts if (one := known.searches.get(text)) for number in one.ids}
        await self.remembered(ids, known)

    async def remembered(self, ids: Iterable[int], known: Known) -> None:
        """Learn what is kept of these entries."""
        kept = await self._store.entries(number for number in ids if number not in known.entries)
        known.entries |= _there(kept)

    async def entries(self, ids: Iterable[int], known: Known, until: float) -> None:
        """Learn what these entries are, AniList being asked until then at most."""
        wanted = [number for number in dict.fromkeys(ids) if number not in known.entries]
        kept = await self._store.entries(wanted)
        known.entries |= _there(kept)
        wanted = [number for number in wanted if not self._is_fresh_entry(kept.get(number))]
        if wanted:
            await self._in_turn(lambda: self._load(wanted, known, until), known, until)

    async def _load(self, wanted: list[int], known: Known, until: float) -> None:
        for start in range(0, len(wanted), IDS_A_PAGE):
            some = wanted[start : start + IDS_A_PAGE]
            found = await self._asked().entries(some, patience_s=self._left(until))
            known.entries |= {entry.anilist_id: entry for entry in found}
            absent = set(some) - {entry.anilist_id for entry in found}
            await self._store.keep(found, self._now(), absent=absent)

    async def _search(self, texts: Collection[str], known: Known, until: float) -> None:
        # While this one waited for its turn, another may have asked the same.
        kept = await self._store.searches(texts)
        known.searches |= kept
        stale = self._stale(texts, kept)
        await self._ask([text for text in texts if text in stale], known, until)

    async def _ask(self, wanted: list[str], known: Known, until: float) -> None:
        """Search for many texts, as many at once as AniList takes.

        Raises:
            Unavailable: It does not answer any more; what it said before is kept.
        """
        anilist = self._asked()
        size, refused = self._at_once, dict[str, tuple[Entry, ...]]()
        one_alone, reason = False, ""
        while wanted:
            some = wanted[:size]
            try:
                found = await anilist.search(some, patience_s=self._left(until))
            except Refused as exc:
                log.info("catalogue.refused", searches=len(some), reason=str(exc))
                if len(some) > 1:
                    size = len(some) // 2
                    continue
                self._refusals += 1
                if self._refusals > 1:
                    # One may be the fault of its text; two are the fault of something else.
                    anilist.leave_alone()
                    raise
                refused, one_alone, reason = {some[0]: ()}, True, str(exc)
            else:
                self._refusals = 0
                await self._keep(found | refused, known)
                if refused:
                    size, refused = self._at_once, {}
                if len(found) < len(some):
                    known.away = _PARTLY
            wanted = wanted[len(some) :]
        known.away = reason if refused else known.away
        if not one_alone:
            self._at_once = size

    async def _keep(self, found: Mapping[str, tuple[Entry, ...]], known: Known) -> None:
        at = self._now()
        searches = {text: [one.anilist_id for one in entries] for text, entries in found.items()}
        everyone = {entry.anilist_id: entry for entries in found.values() for entry in entries}
        known.entries |= everyone
        known.searches |= {text: Searched(tuple(ids), at) for text, ids in searches.items()}
        await self._store.keep(everyone.values(), at, searches=searches)

    async def _in_turn(
        self, ask: Callable[[], Awaitable[None]], known: Known, until: float
    ) -> None:
        """Ask AniList; that it is away, or busy for too long, is only noted."""
        try:
            async with asyncio.timeout(max(self._left(until), 0.0)):
                await self._turn.acquire()
        except TimeoutError:
            known.away = _BUSY
            return
        try:
            await ask()
        except Unavailable as exc:
            known.away = str(exc)
        finally:
            self._turn.release()

    def _asked(self) -> Anilist:
        if self._anilist is None:
            raise Unavailable(_NOT_ASKED)
        return self._anilist

    def _left(self, until: float) -> float:
        return until - self._clock()

    def _stale(self, texts: Iterable[str], kept: Mapping[str, Searched]) -> set[str]:
        return {text for text in texts if not self._is_fresh_search(kept.get(text))}

    def _is_fresh_search(self, kept: Searched | None) -> bool:
        return kept is not None and self._is_fresh(kept.at, found=bool(kept.ids))

    def _is_fresh_entry(self, kept: Stored | None) -> bool:
        return kept is not None and self._is_fresh(kept.at, found=kept.entry is not None)

    def _is_fresh(self, at: float, *, found: bool) -> bool:
        limit_s = self._freshness.found_s if found else self._freshness.nothing_s
        return 0 <= self._now() - at < limit_s


def _there(kept: Mapping[int, Stored]) -> dict[int, Entry]:
    return {number: one.entry for number, one in kept.items() if one.entry is not None}
