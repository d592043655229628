"""The number of a show at Kitsu, for a link: https://kitsu.docs.apiary.io."""

from typing import Any, Final

import msgspec

from izumi.clients.budget import Budget
from izumi.clients.http import Http, Reply, retry_after_s
from izumi.clients.settings import KitsuSettings
from izumi.domain.errors import Unavailable
from izumi.domain.show import Show, sameness

_TYPE: Final = "application/vnd.api+json"
_AWAY_S: Final = 60.0


class Kitsu:
    """Kitsu's JSON:API service.

    Args:
        http: Makes the requests.
        settings: `[kitsu]`.
        budget: Its request limit, of our own making: Kitsu names none.
    """

    def __init__(
        self, http: Http, settings: KitsuSettings, *, budget: Budget | None = None
    ) -> None:
        self._http = http
        self._settings = settings
        self._budget = budget or Budget("Kitsu", per_minute=30)

    async def id_of(self, show: Show) -> int | None:
        """Its number there, by what Kitsu says of other sites' numbers, else by title.

        A link is not worth waiting for: one try, and a pause for all when it fails.

        Raises:
            Unavailable: Kitsu did not answer as documented.
        """
        await self._budget.turn(self._settings.timeout_s)
        try:
            reply = await self._http.ask(
                "Kitsu",
                "GET",
                f"{self._settings.url.rstrip('/')}/anime",
                timeout_s=self._settings.timeout_s,
                params={"filter[text]": show.title, "include": "mappings", "page[limit]": "10"},
                headers={"Accept": _TYPE, "Content-Type": _TYPE},
            )
            found = _decoded(reply)
        except Unavailable as exc:
            self._budget.shut(max(exc.retry_after_s or 0.0, _AWAY_S))
            raise
        return _matching(found, show)


class _Link(msgspec.Struct):
    type: str = ""
    id: str = ""


class _Relationship(msgspec.Struct):
    data: list[_Link] | None = None


class _Relationships(msgspec.Struct):
    mappings: _Relationship | None = None


class _Attributes(msgspec.Struct):
    titles: dict[str, str | None] | None = None
    canonicalTitle: str | None = None  # noqa: N815 - Kitsu's name
    abbreviatedTitles: list[str | None] | None = None  # noqa: N815 - Kitsu's name
    externalSite: str | None = None  # noqa: N815 - Kitsu's name
    externalId: Any = None  # noqa: N815 - Kitsu's name


class _Resource(msgspec.Struct):
    id: str
    type: str
    attributes: _Attributes = msgspec.field(default_factory=_Attributes)
    relationships: _Relationships | None = None


class _Found(msgspec.Struct):
    data: list[_Resource]
    included: list[_Resource] = []


def _decoded(reply: Reply) -> _Found:
    if reply.status != 200:
        wait_s = retry_after_s(reply, _AWAY_S)
        raise Unavailable(f"Kitsu: it answered {reply.status}", retry_after_s=wait_s)
    try:
        return msgspec.json.decode(reply.body, type=_Found)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Unavailable(f"Kitsu: its answer is not as documented: {exc}") from exc


def _matching(found: _Found, show: Show) -> int | None:
    ours = {("anilist/anime", str(show.anilist_id)), ("myanimelist/anime", str(show.mal_id))}
    elsewhere = {one.id: one.attributes for one in found.included if one.type == "mappings"}
    by_title: list[str] = []
    for one in found.data:
        links = one.relationships and one.relationships.mappings and one.relationships.mappings.data
        known = [elsewhere[link.id] for link in links or () if link.id in elsewhere]
        numbers = {(mapping.externalSite, str(mapping.externalId)) for mapping in known}
        if numbers & ours:
            return _number(one.id)
        # A different number at one of the two sites: another show of the same name.
        another = {site for site, _ in numbers} & {site for site, _ in ours}
        if not another and _called_alike(one.attributes, show):
            by_title.append(one.id)
    return _number(by_title[0]) if by_title else None


def _called_alike(attributes: _Attributes, show: Show) -> bool:
    own = [
        attributes.canonicalTitle,
        *(attributes.titles or {}).values(),
        *(attributes.abbreviatedTitles or ()),
    ]
    wanted = {sameness(show.title), *map(sameness, show.names[:3])}
    return any(name and sameness(name) in wanted for name in own)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
