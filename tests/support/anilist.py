"""An AniList and a Kitsu on loopback, with few shows of their own or many recorded ones.

Queries are validated and carried out by graphql-core over the published schema, where it
is there. Answers can be written beforehand.
"""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from aiohttp import web

from izumi.domain.show import sameness
from tests.support.discord import Answer, response_of, serving
from tests.support.graphql_service import carry_out, complexity
from tests.support.published import rows

BOOKS: dict[str, Any] = {
    "id": 9001,
    "idMal": 8001,
    "type": "ANIME",
    "status": "RELEASING",
    "episodes": 13,
    "duration": 24,
    "averageScore": 84,
    "popularity": 51234,
    "synonyms": ["The Library: Once More", "本の森"],
    "title": {
        "userPreferred": "Hon no Mori",
        "romaji": "Hon no Mori",
        "english": "A Forest of Books",
        "native": "本の森",
    },
    "coverImage": {"large": "https://s4.anilist.co/file/cover/medium/bx9001.png"},
    "studios": {
        "edges": [
            {"isMain": False, "node": {"id": 5, "name": "Music Maker"}},
            {"isMain": True, "node": {"id": 6, "name": "Studio Kodama"}},
        ]
    },
}
"""A show of our own, with everything that can be known."""

SPARSE: dict[str, Any] = {
    "id": 9002,
    "idMal": None,
    "type": "ANIME",
    "status": "NOT_YET_RELEASED",
    "episodes": None,
    "duration": None,
    "averageScore": None,
    "popularity": None,
    "synonyms": None,
    "title": {"userPreferred": "Umi", "romaji": "Umi", "english": None, "native": None},
    "coverImage": None,
    "studios": {"edges": []},
}
"""A show of which nothing is known yet: AniList has many like it."""


OWN: dict[str, Any] = {"id": "7001", "title": "Hon no Mori", "myanimelist/anime": "8001"}
"""`BOOKS` at Kitsu."""


def errors(status: int, *messages: tuple[str, int], data: Any = None, **headers: str) -> Answer:
    """AniList's errors: text and GraphQL status of each."""
    listed = [{"message": text, "status": code, "locations": []} for text, code in messages]
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"data": data, "errors": listed}, names)


NO_USER = errors(404, ("User not found", 404), data={"MediaListCollection": None})
PRIVATE = errors(404, ("Private User", 404), data={"MediaListCollection": None})
NOT_FOUND = errors(404, ("Not Found.", 404), data={"Media": None})
LIMITED = errors(429, ("Too Many Requests.", 429), Retry_After="60")


@dataclass
class FakeAnilist:
    """Both services and what they saw.

    Attributes:
        asked: Variables of each query.
        at: When each came, by `clock`.
        refused: What was wrong with queries.
        script: Answers for the next queries.
        kitsu_asked: Texts that Kitsu was searched for.
        kitsu_script: As `script`.
        search: Finds shows by a text, in place of a simple way of its own.
        most_complex: Most fields that a query may name.
        lists: What users have on their lists: by user, status -> shows. A status without
            any shows has no `entries` at all, as is recorded of the real one.
        chunk: Most entries of a list that an answer holds.
    """

    shows: Sequence[dict[str, Any]]
    kitsu_shows: Sequence[dict[str, Any]] = ()
    address: str = ""
    clock: Callable[[], float] = time.monotonic
    asked: list[dict[str, Any]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    script: deque[Answer] = field(default_factory=deque)
    kitsu_asked: list[str] = field(default_factory=list)
    kitsu_script: deque[Answer] = field(default_factory=deque)
    search: Callable[[str], Iterable[dict[str, Any]]] | None = None
    most_complex: int = 500
    lists: dict[str, dict[str, Sequence[dict[str, Any]]]] = field(default_factory=dict)
    chunk: int = 500

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    @property
    def kitsu_url(self) -> str:
        return f"http://{self.address}/api/edge"

    async def graphql(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        self.asked.append(body["variables"])
        self.at.append(self.clock())
        answer = self.script.popleft() if self.script else None
        if answer is None:
            answer = self._carry_out(body["query"], body["variables"])
        await asyncio.sleep(answer.after_s)
        return response_of(answer)

    def _carry_out(self, query: str, variables: dict[str, Any]) -> Answer:
        root = {
            "Media": self._media,
            "Page": lambda _info, **page: _Page(self, **page),
            "MediaListCollection": self._collection,
        }
        outcome = carry_out(query, variables, root)
        if outcome.data is None:
            self.refused.extend(outcome.problems)
            return errors(400, *((text, 400) for text in outcome.problems))
        if (points := complexity(query)) > self.most_complex:
            text = f"Max query complexity should be {self.most_complex} but got {points}."
            return errors(400, (text, 400))
        if outcome.data.get("MediaListCollection", ...) is None:
            return NO_USER
        missing = outcome.data.get("Media", ...) is None
        return NOT_FOUND if missing else Answer(200, {"data": outcome.data})

    def _collection(self, _info: Any, **wanted: Any) -> dict[str, Any] | None:
        theirs = self.lists.get(wanted["userName"])
        if theirs is None:
            return None
        statuses = wanted.get("status_in") or list(theirs)
        shows = [(status, show) for status in statuses for show in theirs.get(status, ())]
        size = min(wanted.get("perChunk", 500), self.chunk)
        last = wanted.get("chunk", 1) * size
        lists: list[dict[str, Any]] = [{"status": status} for status in statuses]
        for group in lists:
            page = shows[last - size : last]
            if entries := [{"media": show} for status, show in page if status == group["status"]]:
                group["entries"] = entries
        return {"hasNextChunk": len(shows) > last, "lists": lists}

    def _media(self, _info: Any, **wanted: Any) -> dict[str, Any] | None:
        return self.by_id.get(wanted["id"])

    @cached_property
    def by_id(self) -> dict[int, dict[str, Any]]:
        """Every show by its number."""
        return {show["id"]: show for show in self.shows}

    def found(self, text: str) -> Iterable[dict[str, Any]]:
        """What a search for `text` finds, the best first."""
        if self.search is not None:
            return self.search(text)
        # AniList's search is a loose one: whatever shares much of the text.
        wanted = sameness(text)
        return (
            show
            for show in self.shows
            if any(wanted in name or name in wanted for name in map(sameness, names_of(show)))
        )

    async def kitsu(self, request: web.Request) -> web.Response:
        self.kitsu_asked.append(request.query["filter[text]"])
        answer = self.kitsu_script.popleft() if self.kitsu_script else None
        if answer is None:
            answer = Answer(200, kitsu_document(*self.kitsu_shows))
        await asyncio.sleep(answer.after_s)
        return response_of(answer)


class _Page:
    """One page of shows: `media` of the query."""

    def __init__(self, anilist: FakeAnilist, *, page: int = 1, perPage: int = 50) -> None:  # noqa: N803 - AniList's name
        self._anilist = anilist
        self._first = (page - 1) * min(perPage, 50)
        self._last = self._first + min(perPage, 50)

    def media(self, _info: Any, **wanted: Any) -> list[dict[str, Any]]:
        if "id_in" in wanted:
            known = self._anilist.by_id
            found: Iterable[dict[str, Any]] = (
                known[one] for one in sorted(set(wanted["id_in"])) if one in known
            )
        else:
            found = self._anilist.found(wanted["search"])
        return list(islice(found, self._first, self._last))


def names_of(show: dict[str, Any]) -> list[str]:
    """Every title and synonym."""
    return [name for name in (*show["title"].values(), *(show.get("synonyms") or ())) if name]


def kitsu_document(*shows: dict[str, Any]) -> dict[str, Any]:
    """A JSON:API answer: shows with `id`, `title` and the numbers of other sites."""
    data, included = [], []
    for show in shows:
        sites = [(site, number) for site, number in show.items() if "/" in site]
        ids = [f"{show['id']}0{place}" for place in range(len(sites))]
        data.append(
            {
                "id": show["id"],
                "type": "anime",
                "attributes": {"canonicalTitle": show["title"], "titles": {"en": show["title"]}},
                "relationships": {
                    "mappings": {"data": [{"type": "mappings", "id": id_} for id_ in ids]}
                },
            }
        )
        included += [
            {
                "id": id_,
                "type": "mappings",
                "attributes": {"externalSite": site, "externalId": number},
            }
            for id_, (site, number) in zip(ids, sites, strict=True)
        ]
    return {"data": data, "included": included, "meta": {"count": len(data)}, "links": {}}


def recorded_shows() -> list[dict[str, Any]]:
    """Some 1,600 shows as AniList told them; skips the test where they are not there."""
    return [row["media"] for row in rows("anilist/media.jsonl.gz")]


@contextlib.asynccontextmanager
async def fake_anilist(
    *shows: dict[str, Any],
    kitsu: Sequence[dict[str, Any]] = (),
    clock: Callable[[], float] = time.monotonic,
    search: Callable[[str], Iterable[dict[str, Any]]] | None = None,
    port: int = 0,
) -> AsyncIterator[FakeAnilist]:
    """A running one; with no shows given, it knows those of this module."""
    anilist = FakeAnilist(shows or (BOOKS, SPARSE), kitsu, clock=clock, search=search)
    app = web.Application()
    app.router.add_post("/", anilist.graphql)
    app.router.add_get("/api/edge/anime", anilist.kitsu)
    async with serving(app, port=port) as anilist.address:
        yield anilist
