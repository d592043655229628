"""Users' lists at AniList: https://docs.anilist.co/guide/graphql/queries/media-list."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from izumi.clients.anilist import Anilist
from izumi.clients.anilist_entry import names_of
from izumi.clients.anilist_show import count
from izumi.domain.errors import Unavailable
from izumi.domain.userlist import ListEntry, Status

_QUERY: Final = """query ($user: String, $statuses: [MediaListStatus], $chunk: Int) {
  MediaListCollection(
    userName: $user, type: ANIME, status_in: $statuses, chunk: $chunk, perChunk: 500
  ) {
    hasNextChunk
    lists { entries { media { id idMal synonyms title { romaji english native } } } }
  }
}"""
_MOST_CHUNKS: Final = 30
"""Of 500 entries each; the service gives the 11,000 newest of a list."""

_STATUSES: Final[dict[Status, tuple[str, ...]]] = {
    "watching": ("CURRENT", "REPEATING"),
    "paused": ("PAUSED",),
    "planning": ("PLANNING",),
    "completed": ("COMPLETED",),
    "dropped": ("DROPPED",),
}


class AnilistLists:
    """Lists of AniList's users.

    Args:
        anilist: Asks, within the one limit of everything that asks there.
    """

    name: Final = "AniList"

    def __init__(self, anilist: Anilist) -> None:
        self._anilist = anilist

    async def entries(self, user: str, statuses: Sequence[Status]) -> tuple[ListEntry, ...]:
        """What is on a user's list, custom lists included.

        Raises:
            Unavailable: It cannot be read; the text says why.
        """
        wanted = [word for status in statuses for word in _STATUSES[status]]
        found: dict[int, ListEntry] = {}
        for chunk in range(1, _MOST_CHUNKS + 1):
            variables = {"user": user, "statuses": wanted, "chunk": chunk}
            data = await self._anilist.ask(_QUERY, variables)
            collection = data.get("MediaListCollection")
            if not isinstance(collection, dict):
                raise Unavailable(f"AniList: there is no public list of {user}")
            before = len(found)
            found.update(_entries(collection))
            # One that says for ever that there is more brings nothing new.
            if collection.get("hasNextChunk") is not True or len(found) == before:
                break
        return tuple(found.values())


def _entries(collection: dict[str, Any]) -> dict[int, ListEntry]:
    """What can be understood, by number; lists may lack `entries`.

    Raises:
        Unavailable: There is something, and nothing of it can be understood.
    """
    lists = collection.get("lists")
    given = [one for group in _dicts(lists) for one in _list(group.get("entries"))]
    media = _dicts([entry.get("media") for entry in _dicts(given)])
    found = {one.anilist_id: one for one in map(_entry, media) if one.anilist_id is not None}
    if not isinstance(lists, list) or (given and not found):
        raise Unavailable("AniList: a list is not as documented")
    return found


def _entry(media: dict[str, Any]) -> ListEntry:
    titles = next(_dicts([media.get("title")]), {})
    official = [titles.get(key) for key in ("romaji", "english", "native")]
    return ListEntry(
        anilist_id=count(media.get("id")),
        mal_id=count(media.get("idMal")),
        names=names_of([*official, *_list(media.get("synonyms"))]),
    )


def _dicts(given: Any) -> Iterator[dict[str, Any]]:
    return (one for one in _list(given) if isinstance(one, dict))


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []
