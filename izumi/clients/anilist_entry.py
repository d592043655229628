"""Entries of the catalogue as AniList's GraphQL gives them: queries and what they mean.

Relations are edges to other shows: https://docs.anilist.co/reference/object/mediaedge.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from izumi.clients.anilist_show import count
from izumi.domain.matching.entry import Entry, Relation

IDS_A_PAGE: Final = 50
"""AniList's longest page."""

_FOUND: Final = 25
_FIELDS: Final = """{
  id idMal synonyms format status(version: 2) episodes popularity
  title { romaji english native } startDate { year month day }
  relations { edges { relationType(version: 2) node { id type } } }
}"""
BY_IDS: Final = (
    f"query ($ids: [Int]) {{ Page(perPage: {IDS_A_PAGE}) "
    f"{{ media(id_in: $ids, type: ANIME) {_FIELDS} }} }}"
)

_LONGEST: Final = 300
"""Characters of a title: more is no title, and costs whoever compares it."""
_MOST_NAMES: Final = 100
_MOST_RELATIONS: Final = 300


def search_query(texts: int) -> str:
    """A query for so many searches at once: `$q0`, `$q1`, ... answered as `a0`, `a1`, ..."""
    variables = ", ".join(f"$q{place}: String" for place in range(texts))
    pages = " ".join(
        f"a{place}: Page(perPage: {_FOUND}) "
        f"{{ media(search: $q{place}, type: ANIME, sort: [SEARCH_MATCH]) {_FIELDS} }}"
        for place in range(texts)
    )
    return f"query ({variables}) {{ {pages} }}"


def entries_of(page: Any) -> tuple[Entry, ...] | None:
    """The entries of a page, once each; None where it is no page.

    An entry without a number is left out, whatever else it lacks is unknown.
    """
    media = page.get("media") if isinstance(page, dict) else None
    if not isinstance(media, list):
        return None
    found = {entry.anilist_id: entry for entry in map(_entry, media) if entry is not None}
    return tuple(found.values())


def _entry(media: Any) -> Entry | None:
    if not isinstance(media, dict) or (number := count(media.get("id"))) is None:
        return None
    title = media.get("title")
    named = title if isinstance(title, dict) else {}
    titles = names_of([named.get("romaji"), named.get("english"), named.get("native")])
    return Entry(
        anilist_id=number,
        mal_id=count(media.get("idMal")),
        titles=titles,
        synonyms=tuple(name for name in names_of(media.get("synonyms")) if name not in titles),
        format=_word(media.get("format")),
        status=_word(media.get("status")),
        episodes=count(media.get("episodes")),
        started=_day(media.get("startDate")),
        popularity=count(media.get("popularity")),
        relations=tuple(_relations(media.get("relations"), number)),
    )


def names_of(given: Any) -> tuple[str, ...]:
    """Those of some titles that are any, once each."""
    texts = (one.strip() for one in _list(given)[:_MOST_NAMES] if isinstance(one, str))
    return tuple(dict.fromkeys(text for text in texts if 0 < len(text) <= _LONGEST))


def _word(given: Any) -> str | None:
    """A value of an enumeration: "TV_SHORT"."""
    known = isinstance(given, str) and given.isascii() and given.isupper() and len(given) < 40
    return given if known else None


def _day(given: Any) -> str | None:
    """As much of "2013-04-07" as is known."""
    fields = given if isinstance(given, dict) else {}
    year, month, day = (count(fields.get(name)) for name in ("year", "month", "day"))
    if year is None or not 1900 <= year < 2200:
        return None
    try:
        whole = dt.date(year, month or 1, day or 1).isoformat()
    except ValueError:
        return str(year)
    return whole if month and day else whole[:7] if month else whole[:4]


def _relations(given: Any, own: int) -> Iterator[Relation]:
    edges = given.get("edges") if isinstance(given, dict) else None
    for edge in _list(edges)[:_MOST_RELATIONS]:
        node = edge.get("node") if isinstance(edge, dict) else None
        if not isinstance(node, dict) or node.get("type") != "ANIME":
            continue
        kind, number = _word(edge.get("relationType")), count(node.get("id"))
        if kind is not None and number is not None and number != own:
            yield Relation(kind=kind, anilist_id=number)


def _list(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list) else ()
