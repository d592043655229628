"""Which shows releases belong to, by AniList's catalogue as far as it is known here.

What is known stays known: an entry that was seen once is found again by any of its titles
while AniList is away, and a show that is not known then is left open.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from izumi.clients.anilist import Anilist
from izumi.clients.catalogue_answers import AT_ONCE, CatalogueAnswers, Freshness, Known
from izumi.clients.catalogue_store import CatalogueStore
from izumi.domain.matching.entry import Entry, Match, Wanted
from izumi.domain.matching.match import match, missing
from izumi.domain.matching.questions import questions
from izumi.domain.matching.redirects import NONE, Redirects

SETTLED: Final = 0.9
"""Score of a match that no further search would change."""

_ROUNDS: Final = 3
"""How often a decision may turn out to need entries beyond those that were found."""


@dataclass
class _Case:
    """One question on its way to its answer."""

    wanted: Wanted
    texts: tuple[str, ...]
    asked: int = 0
    entries: dict[int, Entry] = field(default_factory=dict)
    match: Match = field(default_factory=Match)
    lacks: bool = False

    @property
    def is_settled(self) -> bool:
        chosen = self.match.entry is not None or bool(self.match.candidates)
        return self.asked == len(self.texts) or (chosen and self.match.score >= SETTLED)


class Catalogue:
    """Matches releases to entries, and never raises for a service that is away.

    Args:
        store: What is kept between processes and restarts.
        anilist: Asked for what is not kept; None: never.
        redirects: Of absolute episode numbers.
        freshness: How long answers are not asked for again.
        patience_s: Longest wait for AniList's turns in one call; a request that is on its
            way is waited for besides.
        now: Seconds since the epoch.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        store: CatalogueStore,
        anilist: Anilist | None,
        *,
        redirects: Redirects = NONE,
        freshness: Freshness | None = None,
        patience_s: float = 60.0,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._answers = CatalogueAnswers(
            store, anilist, freshness=freshness or Freshness(), now=now, clock=clock
        )
        self._redirects = redirects
        self._patience_s = patience_s
        self._clock = clock

    async def match(self, wanted: Sequence[Wanted]) -> list[Match]:
        """The show of each, in the same order.

        An open match says in `why` when AniList did not answer.
        """
        until = self._clock() + self._patience_s
        known = Known()
        cases = {one: _Case(one, questions(one)) for one in wanted if one.titles}
        unsettled = [*cases.values()]
        while unsettled:
            texts = await self._next_texts(unsettled, known)
            await self._answers.search(texts, known, until)
            await self._gather(unsettled, known)
            await self._decide(unsettled, known, until)
            unsettled = [case for case in unsettled if not case.is_settled]
        return [_told(cases[one], known) if one in cases else Match() for one in wanted]

    async def entry(self, anilist_id: int) -> Entry | None:
        """The entry with this number, as far as it can be had."""
        known = Known()
        await self._answers.entries([anilist_id], known, self._clock() + self._patience_s)
        return known.entries.get(anilist_id)

    async def aclose(self) -> None:
        """Close the store. May be called twice."""
        await self._store.aclose()

    async def _next_texts(self, cases: Collection[_Case], known: Known) -> list[str]:
        """What to search for next: everything where one request does, else a text each."""
        rest = dict.fromkeys(text for case in cases for text in case.texts[case.asked :])
        some = not known.away and len(await self._answers.stale(rest)) > AT_ONCE
        texts = dict[str, None]()
        for case in cases:
            end = case.asked + 1 if some else len(case.texts)
            texts |= dict.fromkeys(case.texts[case.asked : end])
            case.asked = min(end, len(case.texts))
        return [*texts]

    async def _gather(self, cases: Collection[_Case], known: Known) -> None:
        """Give each case the entries that its searches found, and those of its names."""
        names = {text for case in cases for text in (*case.wanted.titles, *case.texts)}
        # While AniList is away, names that begin alike stand in for its search.
        away = {text for case in cases for text in case.texts if text in known.unanswered}
        named = await self._store.named(names - away, widely=False)
        named |= await self._store.named(away, widely=True)
        await self._answers.remembered({one for ids in named.values() for one in ids}, known)
        for case in cases:
            found = (known.searches[one].ids for one in case.texts if one in known.searches)
            by_name = (named.get(one, ()) for one in (*case.wanted.titles, *case.texts))
            for ids in (*found, *by_name):
                _add(case, ids, known)

    async def _decide(self, cases: Collection[_Case], known: Known, until: float) -> None:
        needing = cases
        for _ in range(_ROUNDS):
            needed = await asyncio.to_thread(self._needed, needing)
            ids = {number for _, numbers in needed for number in numbers}
            if not ids:
                break
            await self._answers.entries(ids, known, until)
            for case, numbers in needed:
                _add(case, numbers, known)
                case.lacks |= bool(known.away) and not numbers <= case.entries.keys()
            needing = [case for case, numbers in needed if numbers & case.entries.keys()]
        # Comparing titles takes a while, and the event loop has other things to do.
        await asyncio.to_thread(self._match, cases)

    def _needed(self, cases: Iterable[_Case]) -> list[tuple[_Case, frozenset[int]]]:
        return [
            (case, frozenset(missing(case.wanted, case.entries.values(), self._redirects)))
            for case in cases
        ]

    def _match(self, cases: Iterable[_Case]) -> None:
        for case in cases:
            case.match = match(case.wanted, case.entries.values(), self._redirects)


def _add(case: _Case, ids: Iterable[int], known: Known) -> None:
    case.entries |= {number: known.entries[number] for number in ids if number in known.entries}


def _told(case: _Case, known: Known) -> Match:
    """The match, with a word on what could not be asked."""
    if not known.away or not (case.lacks or known.unanswered.intersection(case.texts)):
        return case.match
    note = f"{known.away}; this is by what is known here"
    return msgspec.structs.replace(case.match, why=(*case.match.why, note))
