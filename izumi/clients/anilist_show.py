"""Facts of a show as AniList's GraphQL gives them: what is asked for, and what it means."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec

from izumi.domain.errors import Unavailable
from izumi.domain.show import Show

FIELDS: Final = """{
  id idMal status(version: 2) episodes duration averageScore popularity synonyms
  title { userPreferred romaji english native }
  coverImage { large }
  studios(isMain: true) { edges { isMain node { id name } } }
}"""


def shows_of(page: Any) -> Iterator[Show]:
    """The shows of a page; one that is not as documented hides no other."""
    media = page.get("media") if isinstance(page, dict) else None
    for one in media if isinstance(media, list) else ():
        try:
            yield show_of(one)
        except Unavailable:
            continue


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


def show_of(data: Any) -> Show:
    """One show. Raises Unavailable when it is not as documented."""
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
        mal_id=count(media.idMal),
        title=title.userPreferred or (names[0] if names else f"AniList {media.id}"),
        names=tuple(names),
        status=media.status,
        episodes=count(media.episodes),
        duration_min=count(media.duration),
        score=count(media.averageScore),
        popularity=count(media.popularity),
        cover_url=media.coverImage.large if media.coverImage else None,
        studio=main.name if main else None,
        studio_id=count(main.id) if main else None,
    )


def count(value: Any) -> int | None:
    """A number that can be shown; whatever else a service sends is unknown."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value < 10**9 else None
