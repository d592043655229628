"""AniList's GraphQL service, asked within its limits.

https://docs.anilist.co: one budget for everything that this process asks, a pause of a
minute after too many requests, and nothing at all for a while once it does not answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from izumi.clients.anilist_entry import BY_IDS, IDS_A_PAGE, entries_of, search_query
from izumi.clients.anilist_reply import Refused, data_of, pause_s
from izumi.clients.anilist_show import FIELDS, show_of, shows_of
from izumi.clients.budget import Budget
from izumi.clients.http import Http, Reply, retry_after_s
from izumi.clients.settings import AnilistSettings
from izumi.domain.errors import Unavailable
from izumi.domain.matching.entry import Entry
from izumi.domain.show import Show

BY_ID: Final = f"query ($id: Int) {{ Media(id: $id, type: ANIME) {FIELDS} }}"
BY_TITLE: Final = (
    "query ($search: String) { Page(perPage: 25) "
    f"{{ media(search: $search, type: ANIME, sort: [SEARCH_MATCH]) {FIELDS} }} }}"
)
_ORDER: Final = ("RELEASING", "FINISHED", "NOT_YET_RELEASED")

_RETRY_S: Final = 1.0
_AWAY_S: Final = 30.0
_SWITCHED_OFF_S: Final = 300.0
"""403: AniList suspended its API, or blocked this address; both last."""


class Anilist:
    """AniList, behind one request limit.

    Args:
        http: Makes the requests.
        settings: `[anilist]`.
        budget: Its request limit; one for everything in this process that asks AniList.
        patience_s: Longest wait for a turn.
        tries: How often a request without an answer is made.
        away_s: How long nobody asks after that.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        http: Http,
        settings: AnilistSettings,
        *,
        budget: Budget | None = None,
        patience_s: float = 60.0,
        tries: int = 2,
        away_s: float = _AWAY_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._settings = settings
        self._budget = budget or Budget("AniList", per_minute=settings.per_minute)
        self._patience_s = patience_s
        self._tries = tries
        self._away_s = away_s
        self._sleep = sleep

    async def by_id(self, anilist_id: int) -> Show | None:
        """The show with this number. Raises Unavailable."""
        data = await self.ask(BY_ID, {"id": anilist_id})
        media = data.get("Media")
        return None if media is None else show_of(media)

    async def by_title(self, title: str) -> Show | None:
        """The show of which a title or synonym equals `title` but for punctuation.

        Of several, one that is airing comes before a finished one, and that before one
        that is announced. Raises Unavailable.
        """
        data = await self.ask(BY_TITLE, {"search": title})
        found = [show for show in shows_of(data.get("Page")) if show.is_called(title)]
        return min(found, key=lambda show: _rank(show.status), default=None)

    async def search(
        self, texts: Sequence[str], *, patience_s: float | None = None
    ) -> dict[str, tuple[Entry, ...]]:
        """What each of these searches finds, best first, in one request.

        A text that got no answer, while others did, is left out.

        Raises:
            Refused: The query is too much at once, or a text is not taken.
            Unavailable: There is no answer.
        """
        variables = {f"q{place}": text for place, text in enumerate(texts)}
        data = await self.ask(search_query(len(texts)), variables, patience_s)
        pages = {text: entries_of(data.get(f"a{place}")) for place, text in enumerate(texts)}
        return {text: page for text, page in pages.items() if page is not None}

    async def entries(
        self, ids: Sequence[int], *, patience_s: float | None = None
    ) -> tuple[Entry, ...]:
        """Those of at most `IDS_A_PAGE` entries that there are.

        Raises:
            Refused: The query is not taken.
            Unavailable: There is no answer.
        """
        data = await self.ask(BY_IDS, {"ids": list(ids[:IDS_A_PAGE])}, patience_s)
        page = entries_of(data.get("Page", {"media": []}))
        if page is None:
            raise Unavailable("AniList: its answer holds no page")
        return page

    def leave_alone(self) -> None:
        """Ask nothing for a while: it answers, but nothing of use."""
        self._budget.shut(self._away_s)

    async def ask(
        self, query: str, variables: dict[str, Any], patience_s: float | None = None
    ) -> dict[str, Any]:
        """The `data` of the answer; empty when there is nothing such.

        Raises:
            Refused: The query is not taken.
            Unavailable: There is no answer.
        """
        body = msgspec.json.encode({"query": query, "variables": variables})
        patience_s = self._patience_s if patience_s is None else patience_s
        for attempt in range(1, self._tries + 1):
            await self._budget.turn(patience_s)
            try:
                reply = await self._http.ask(
                    "AniList",
                    "POST",
                    self._settings.url,
                    timeout_s=self._settings.timeout_s,
                    body=body,
                    headers={"Accept": "application/json"},
                )
            except Unavailable as exc:
                failure = exc
            else:
                if reply.status < 500:
                    return self._read(reply)
                failure = Unavailable(f"AniList: it answered {reply.status}")
                if asked_s := retry_after_s(reply, 0.0):
                    self._budget.shut(max(asked_s, self._away_s))
                    raise Unavailable(str(failure), retry_after_s=asked_s)
            if attempt < self._tries:
                await self._sleep(_RETRY_S)
        # Others need not find out one by one, each after its own time-out.
        self._budget.shut(self._away_s)
        raise failure

    def _read(self, reply: Reply) -> dict[str, Any]:
        wait_s = pause_s(reply)
        if reply.status == 403:
            wait_s = retry_after_s(reply, _SWITCHED_OFF_S)
            self._budget.shut(wait_s)
        elif wait_s:
            self._budget.pause(wait_s)
        try:
            return data_of(reply)
        except Refused:
            raise
        except Unavailable as exc:
            if not wait_s:
                raise
            raise Unavailable(str(exc), retry_after_s=wait_s) from None


def _rank(status: str | None) -> int:
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)
