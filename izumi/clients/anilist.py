"""Facts of shows from AniList: one GraphQL query a show, within its limits.

https://docs.anilist.co: an answer with HTTP 200 may hold errors, "not found" is 404, and
too many requests are a pause of a minute.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, Final

import msgspec

from izumi.clients.budget import Budget
from izumi.clients.http import Http, Reply, retry_after_s
from izumi.clients.settings import AnilistSettings
from izumi.domain.discord_text import clean
from izumi.domain.errors import Unavailable
from izumi.domain.show import Show

_FIELDS: Final = """{
  id idMal status(version: 2) episodes duration averageScore popularity synonyms
  title { userPreferred romaji english native }
  coverImage { large }
  studios(isMain: true) { edges { isMain node { id name } } }
}"""
BY_ID: Final = f"query ($id: Int) {{ Media(id: $id, type: ANIME) {_FIELDS} }}"
BY_TITLE: Final = (
    "query ($search: String) { Page(perPage: 25) "
    f"{{ media(search: $search, type: ANIME, sort: [SEARCH_MATCH]) {_FIELDS} }} }}"
)
_ORDER: Final = ("RELEASING", "FINISHED", "NOT_YET_RELEASED")

_TRIES: Final = 2
_RETRY_S: Final = 1.0
_LIMITED_S: Final = 60.0
"""The documented length of the pause after too many requests."""
_AWAY_S: Final = 30.0
_SWITCHED_OFF_S: Final = 300.0
"""403: AniList suspended its API, or blocked this address; both last."""


class Anilist:
    """AniList's GraphQL service.

    Args:
        http: Makes the requests.
        settings: `[anilist]`.
        budget: Its request limit; one for everything in this process that asks AniList.
        patience_s: Longest wait for a turn.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        http: Http,
        settings: AnilistSettings,
        *,
        budget: Budget | None = None,
        patience_s: float = 60.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._settings = settings
        self._budget = budget or Budget("AniList", per_minute=settings.per_minute)
        self._patience_s = patience_s
        self._sleep = sleep

    async def by_id(self, anilist_id: int) -> Show | None:
        """The show with this number. Raises Unavailable."""
        data = await self._ask(BY_ID, {"id": anilist_id})
        media = data.get("Media")
        return None if media is None else _show(media)

    async def by_title(self, title: str) -> Show | None:
        """The show of which a title or synonym equals `title` but for punctuation.

        Of several, one that is airing comes before a finished one, and that before one
        that is announced. Raises Unavailable.
        """
        data = await self._ask(BY_TITLE, {"search": title})
        found = [show for show in _page(data) if show.is_called(title)]
        return min(found, key=lambda show: _rank(show.status), default=None)

    async def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of the answer; empty when there is no such show."""
        body = msgspec.json.encode({"query": query, "variables": variables})
        for attempt in range(1, _TRIES + 1):
            await self._budget.turn(self._patience_s)
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
            if attempt < _TRIES:
                await self._sleep(_RETRY_S)
        # Others need not find out one by one, each after its own time-out.
        self._budget.shut(_AWAY_S)
        raise failure

    def _read(self, reply: Reply) -> dict[str, Any]:
        pause_s = _pause_s(reply)
        if reply.status == 403:
            pause_s = retry_after_s(reply, _SWITCHED_OFF_S)
            self._budget.shut(pause_s)
        elif pause_s:
            self._budget.pause(pause_s)
        try:
            return _data(reply)
        except Unavailable as exc:
            if not pause_s:
                raise
            raise Unavailable(str(exc), retry_after_s=pause_s) from None


def _pause_s(reply: Reply) -> float:
    """How long its limits say to wait after this answer."""
    if reply.status == 429 or 429 in _statuses(_decoded(reply)):
        return retry_after_s(reply, _LIMITED_S)
    return _LIMITED_S if reply.headers.get("x-ratelimit-remaining") == "0" else 0.0


def _data(reply: Reply) -> dict[str, Any]:
    """What an answer holds.

    Raises:
        Unavailable: It holds neither data nor the word that there is no such show.
    """
    decoded = _decoded(reply)
    if not isinstance(decoded, dict):
        raise Unavailable(f"AniList: it answered {reply.status} without GraphQL")
    data, errors = decoded.get("data"), decoded.get("errors")
    if isinstance(data, dict) and any(value is not None for value in data.values()):
        return data
    statuses = _statuses(decoded)
    if errors and statuses != {404}:
        raise Unavailable(f"AniList: it answered {reply.status}: {_message(errors)}")
    if not errors and (reply.status != 200 or not isinstance(data, dict)):
        raise Unavailable(f"AniList: it answered {reply.status} without data")
    return {}


def _decoded(reply: Reply) -> Any:
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _statuses(decoded: Any) -> set[Any]:
    errors = decoded.get("errors") if isinstance(decoded, dict) else None
    if not isinstance(errors, list):
        return set()
    found = (error.get("status") for error in errors if isinstance(error, dict))
    return {status for status in found if isinstance(status, int)}


def _message(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors else None
    message = first.get("message") if isinstance(first, dict) else None
    return clean(str(message))[:200]


def _page(data: dict[str, Any]) -> Iterator[Show]:
    page = data.get("Page")
    media = page.get("media") if isinstance(page, dict) else None
    for one in media if isinstance(media, list) else ():
        # One entry that is not as documented is no reason to know nothing of the others.
        try:
            yield _show(one)
        except Unavailable:
            continue


def _rank(status: str | None) -> int:
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)


class _Title(msgspec.Struct):
    userPreferred: str | None = None  # noqa: N815 - AniList's name
    romaji: str | None = None
    english: str | None = None
    native: str | None = None


class _Cover(msgspec.Struct):
    large: str | None = None


class _Studio(msgspec.Struct):
    id: Any
    name: str


class _StudioEdge(msgspec.Struct):
    isMain: bool = False  # noqa: N815 - AniList's name
    node: _Studio | None = None


class _Studios(msgspec.Struct):
    edges: list[_StudioEdge | None] | None = None


class _Media(msgspec.Struct):
    """What the query asks for; https://docs.anilist.co/reference/object/media."""

    id: Annotated[int, msgspec.Meta(gt=0, lt=10**9)]
    title: _Title
    idMal: Any = None  # noqa: N815 - AniList's name
    status: str | None = None
    episodes: Any = None
    duration: Any = None
    averageScore: Any = None  # noqa: N815 - AniList's name
    popularity: Any = None
    synonyms: list[str | None] | None = None
    coverImage: _Cover | None = None  # noqa: N815 - AniList's name
    studios: _Studios | None = None


def _show(data: Any) -> Show:
    try:
        media = msgspec.convert(data, _Media)
    except msgspec.ValidationError as exc:
        raise Unavailable(f"AniList: a show is not as documented: {exc}") from exc
    title = media.title
    official = [title.romaji, title.english, title.native]
    names = [name for name in (*official, *(media.synonyms or ())) if name]
    edges = (media.studios and media.studios.edges) or ()
    main = next((edge.node for edge in edges if edge and edge.isMain and edge.node), None)
    return Show(
        anilist_id=media.id,
        mal_id=_count(media.idMal),
        title=title.userPreferred or (names[0] if names else f"AniList {media.id}"),
        names=tuple(names),
        status=media.status,
        episodes=_count(media.episodes),
        duration_min=_count(media.duration),
        score=_count(media.averageScore),
        popularity=_count(media.popularity),
        cover_url=media.coverImage.large if media.coverImage else None,
        studio=main.name if main else None,
        studio_id=_count(main.id) if main else None,
    )


def _count(value: Any) -> int | None:
    """A number that can be shown; whatever else a service sends is unknown."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value < 10**9 else None
