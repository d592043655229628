"""Filters put to work: rules of the configuration, users' lists, and facts of shows."""

import asyncio
import datetime as dt
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from izumi.clients.ports import ShowFacts
from izumi.clients.user_lists import UserLists
from izumi.domain import filters
from izumi.domain.errors import Unavailable
from izumi.domain.filters import About, Answer, Filter, Verdict
from izumi.domain.show import Show
from izumi.domain.told import News
from izumi.domain.userlist import Sought

_REMEMBERED_S: Final = 60.0
"""A season that comes at once is asked about once, and is one answer."""

_MOST_REMEMBERED: Final = 256
_FACTS_WITHIN_S: Final = 20.0

_Key = tuple[str, str, int | None, int | None]


@dataclass(kw_only=True)
class FilterSieve:
    """A `Sieve` of one filter.

    Attributes:
        rules: The filter.
        lists: Has every list that it names.
        facts: Know numbers and names of shows; None: what the file says is all there is.
        facts_within_s: Longest wait for them.
        now: The clock.
        clock: Monotonic seconds.
    """

    rules: Filter
    lists: UserLists
    facts: ShowFacts | None
    facts_within_s: float = _FACTS_WITHIN_S
    now: Callable[[], dt.datetime]
    clock: Callable[[], float] = time.monotonic
    _answers: "OrderedDict[_Key, tuple[float, Verdict]]" = field(default_factory=OrderedDict)

    async def judge(self, fact: News) -> Verdict:
        """As `Sieve.judge`."""
        about = filters.about(fact)
        verdict = filters.decide(self.rules, about, self.now())
        return await self._asked(about) if verdict is None else verdict

    async def _asked(self, about: About) -> Verdict:
        key = (about.title, about.folder, about.anilist_id, about.mal_id)
        until, verdict = self._answers.get(key, (float("-inf"), None))
        if verdict is None or self.clock() >= until:
            verdict = filters.by_lists(await self._ask(about))
            self._answers[key] = (self.clock() + _REMEMBERED_S, verdict)
            if len(self._answers) > _MOST_REMEMBERED:
                self._answers.popitem(last=False)
        return verdict

    async def _ask(self, about: About) -> Sequence[Answer]:
        own = about.anilist_id, about.mal_id
        certain = own != (None, None)
        show = Sought(*own, names=(about.title, about.folder), certain=certain)
        doubt = ""
        if not all(self.lists.tells(name, show) for name in self.rules.lists):
            show, doubt = await self._known(show)
        return await asyncio.gather(
            *(self.lists.answer(name, show, doubt) for name in self.rules.lists)
        )

    async def _known(self, show: Sought) -> tuple[Sought, str]:
        """The show with what else is known of it, and why that is not all."""
        if self.facts is None:
            return show, ""
        title = show.names[0]
        try:
            async with asyncio.timeout(self.facts_within_s):
                found = await self.facts.lookup(anilist_id=show.anilist_id, title=title)
        except (Unavailable, TimeoutError) as exc:
            return show, f"which show {title} is cannot be asked: {str(exc) or 'no answer yet'}"
        if found is None:
            return show, ""
        if show.certain and not _is_same(show, found):
            # Only called alike: neither its numbers nor its other names are ours.
            return show, ""
        names = (*show.names, found.title, *found.names)
        return Sought(found.anilist_id, found.mal_id, names, show.certain), ""


def _is_same(show: Sought, found: Show) -> bool:
    if show.anilist_id is not None:
        return show.anilist_id == found.anilist_id
    return show.mal_id == found.mal_id
