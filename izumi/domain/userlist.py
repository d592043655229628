"""The shows on a user's list, and whether a show is one of them. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from izumi.domain.show import sameness

Status = Literal["watching", "paused", "planning", "completed", "dropped"]


class ListEntry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A show on a list.

    Attributes:
        anilist_id: Its number at AniList.
        mal_id: Its number at MyAnimeList.
        names: Titles and synonyms, as far as the service tells them.
    """

    anilist_id: int | None = None
    mal_id: int | None = None
    names: tuple[str, ...] = ()


class Sought(NamedTuple):
    """A show to be looked for.

    Attributes:
        anilist_id: Its number at AniList.
        mal_id: Its number at MyAnimeList.
        names: Its folder, titles, synonyms.
        certain: The numbers are those of the episode, not of a show of that name: then an
            entry with another number is another show, whatever it is called.
    """

    anilist_id: int | None
    mal_id: int | None
    names: tuple[str, ...]
    certain: bool


class UserList:
    """Entries that can be looked up by number, and by name.

    Args:
        entries: At most some thousands.
    """

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        self._anilist: set[int | None] = set()
        self._mal: set[int | None] = set()
        self._named: dict[str, list[ListEntry]] = defaultdict(list)
        for entry in entries:
            self._anilist.add(entry.anilist_id)
            self._mal.add(entry.mal_id)
            for name in {sameness(name) for name in entry.names}:
                self._named[name].append(entry)
        self._anilist.discard(None)
        self._mal.discard(None)

    def __len__(self) -> int:
        return len(self._anilist | self._mal)

    def holds(self, show: Sought) -> bool:
        """Whether the show is here: by a number, else by a name.

        A season has the folder of its show, and other seasons may have that very name:
        where both numbers are known they alone decide.
        """
        if show.anilist_id in self._anilist or show.mal_id in self._mal:
            return True
        alike = (one for name in show.names for one in self._named.get(sameness(name), ()))
        return any(not (show.certain and _tells_apart(show, one)) for one in alike)


def _tells_apart(show: Sought, entry: ListEntry) -> bool:
    """Whether both have a number at the same service; they are known to differ."""
    pairs = ((show.anilist_id, entry.anilist_id), (show.mal_id, entry.mal_id))
    return any(None not in pair for pair in pairs)
