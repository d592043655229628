"""Entries of lists at MyAnimeList, as its API and its site give them."""

from typing import Any

from izumi.clients.anilist_entry import names_of
from izumi.clients.anilist_show import count
from izumi.domain.userlist import ListEntry


def api_entry(item: Any) -> ListEntry | None:
    """One of `data`: https://myanimelist.net/apiconfig/references/api/v2."""
    node = item.get("node") if isinstance(item, dict) else None
    if not isinstance(node, dict):
        return None
    other = node.get("alternative_titles")
    other = other if isinstance(other, dict) else {}
    synonyms = other.get("synonyms")
    synonyms = synonyms if isinstance(synonyms, list) else []
    return _entry(node.get("id"), [node.get("title"), other.get("en"), other.get("ja"), *synonyms])


def site_entry(row: Any) -> ListEntry | None:
    """One row of `load.json`. A title that looks like a number is one there: 86."""
    if not isinstance(row, dict):
        return None
    titles = [row.get("anime_title"), row.get("anime_title_eng")]
    return _entry(row.get("anime_id"), titles)


def _entry(given: Any, titles: list[Any]) -> ListEntry | None:
    number = count(given)
    if number is None:
        return None
    texts = [str(one) if isinstance(one, int | float) else one for one in titles]
    return ListEntry(mal_id=number, names=names_of(texts))
