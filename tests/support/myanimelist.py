"""A MyAnimeList on loopback: the lists of its API, version 2, and those of its site.

It answers as the documented samples and the recorded rows do, and refuses requests that
the real one would. Answers can be written beforehand.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.discord import Answer, response_of, serving

CLIENT_ID = "canary-0f3c-of-the-client-id"
API_STATUSES = ("watching", "completed", "on_hold", "dropped", "plan_to_watch")
SITE_STATUSES = {"1": "watching", "2": "completed", "3": "on_hold", "4": "dropped"} | {
    "6": "plan_to_watch"
}

Shows = Sequence[dict[str, Any]]


def show(number: int, title: str, *synonyms: str, en: str = "", ja: str = "") -> dict[str, Any]:
    """A show as the API tells it when it is asked for `alternative_titles`."""
    other = {"synonyms": list(synonyms), "en": en, "ja": ja}
    return {"id": number, "title": title, "alternative_titles": other}


UNKNOWN = Answer(404, {"message": "", "error": "not_found"})
PRIVATE = Answer(403, {"message": "", "error": "forbidden"})
BAD_CLIENT = Answer(400, {"message": "Invalid client id", "error": "bad_request"})
NO_LIST = Answer(400, {"errors": [{"message": "invalid request"}]})


@dataclass
class FakeMyAnimeList:
    """The service and what it saw.

    Attributes:
        lists: Shows by user and status, as the API calls them.
        page: Shows on one page of the API.
        site_page: The same of the site.
        asked: Path and query of every request.
        refused: What was wrong with requests.
        script: Answers for the next requests.
        elsewhere: Where the next page is said to be, in place of the right address.
        endless: The next page of the API is always said to be the same one.
    """

    lists: Mapping[str, Mapping[str, Shows]]
    page: int = 1000
    site_page: int = 300
    address: str = ""
    asked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    script: deque[Answer] = field(default_factory=deque)
    elsewhere: str = ""
    endless: bool = False

    @property
    def url(self) -> str:
        return f"http://{self.address}/v2"

    @property
    def site(self) -> str:
        return f"http://{self.address}"

    async def api(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._api_page)

    async def load_json(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._site_page)

    async def _answered(self, request: web.Request, carry_out: Any) -> web.Response:
        self.asked.append(request.path_qs)
        answer = self.script.popleft() if self.script else carry_out(request)
        await asyncio.sleep(answer.after_s)
        if answer.drop:
            assert request.transport is not None
            request.transport.abort()
        return response_of(answer)

    def _api_page(self, request: web.Request) -> Answer:
        if request.headers.get("X-MAL-CLIENT-ID") != CLIENT_ID:
            return BAD_CLIENT
        query, limit = request.query, request.query.get("limit", "100")
        if query.get("status") not in API_STATUSES or not 1 <= int(limit) <= 1000:
            self.refused.append(request.path_qs)
            return Answer(400, {"message": "invalid status", "error": "bad_request"})
        theirs = self.lists.get(request.match_info["user"])
        if theirs is None:
            return UNKNOWN
        shows = theirs.get(query["status"], ())
        first = int(query.get("offset", "0"))
        last = first + min(int(limit), self.page)
        item = {"list_status": {"status": query["status"], "score": 0}}
        body: dict[str, Any] = {"data": [{"node": one} | item for one in shows[first:last]]}
        body["paging"] = {}
        if last < len(shows) or self.endless:
            base = self.elsewhere or f"http://{self.address}"
            following = request.rel_url.update_query(offset="0" if self.endless else str(last))
            body["paging"] = {"next": f"{base}{following}"}
        return Answer(200, body)

    def _site_page(self, request: web.Request) -> Answer:
        status = SITE_STATUSES.get(request.query.get("status", "7"))
        theirs = self.lists.get(request.match_info["user"])
        if theirs is None or status is None:
            return NO_LIST
        shows = theirs.get(status, ())
        first = 0 if self.endless else int(request.query.get("offset", "0"))
        page = shows[first : first + self.site_page]
        return Answer(200, [one if "anime_id" in one else _row(one) for one in page])


def _row(one: dict[str, Any]) -> dict[str, Any]:
    title: Any = one["title"]
    return {
        "status": 1,
        "anime_id": one["id"],
        # As the real one: a title that is a number comes as one.
        "anime_title": int(title) if title.isdecimal() else title,
        "anime_title_eng": one["alternative_titles"]["en"],
    }


@contextlib.asynccontextmanager
async def fake_myanimelist(
    lists: Mapping[str, Mapping[str, Shows]], *, port: int = 0, **more: Any
) -> AsyncIterator[FakeMyAnimeList]:
    """A running one, with these lists."""
    fake = FakeMyAnimeList(lists, **more)
    app = web.Application()
    app.router.add_get("/v2/users/{user}/animelist", fake.api)
    app.router.add_get("/animelist/{user}/load.json", fake.load_json)
    async with serving(app, port=port) as fake.address:
        yield fake
