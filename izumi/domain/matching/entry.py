"""What is known of a show, what is wanted, and what was decided."""

from typing import Final

import msgspec

from izumi.domain.release import Kind

IN_SERIES: Final = frozenset({"TV", "ONA", "TV_SHORT", None})
"""Formats whose episodes are counted from season to season; None is not known."""


class Relation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An edge of AniList's relations.

    Attributes:
        kind: `relationType`: "SEQUEL", "PREQUEL", "SIDE_STORY", ...
        anilist_id: The entry at its other end.
    """

    kind: str
    anilist_id: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the catalogue: a season, a film, a special. Unknown is None.

    Attributes:
        anilist_id: Its number at AniList.
        mal_id: Its number at MyAnimeList.
        titles: Romaji, English, native: as many as it has.
        synonyms: Its other titles.
        format: AniList's `MediaFormat`.
        status: AniList's `MediaStatus`.
        episodes: How many there are or will be.
        started: First day, as much of "2013-04-07" as is known.
        popularity: People who have it on a list.
        relations: To other entries.
    """

    anilist_id: int
    mal_id: int | None = None
    titles: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    format: str | None = None
    status: str | None = None
    episodes: int | None = None
    started: str | None = None
    popularity: int | None = None
    relations: tuple[Relation, ...] = ()

    @property
    def title(self) -> str:
        """What to call it."""
        return next(iter((*self.titles, *self.synonyms)), f"AniList {self.anilist_id}")

    @property
    def year(self) -> int | None:
        """Of its first day."""
        return int(self.started[:4]) if self.started else None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a release says of its show.

    Attributes:
        titles: As read, the best first.
        season: As written; None where the name has none.
        number: The episode as written: "07", "12.5", "1-12", "SP02".
        year: Beside the title.
        kind: Episode, film or extra.
    """

    titles: tuple[str, ...]
    season: int | None = None
    number: str | None = None
    year: int | None = None
    kind: Kind = "episode"


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The decision about one release.

    Attributes:
        entry: The show; None: it is left open.
        number: The episode's number in that entry, where it differs from the one written.
        candidates: The entries between which only a person can choose; then `entry` is None.
        score: 0 to 1, of the best candidate.
        why: Short reasons, for an explanation.
    """

    entry: Entry | None = None
    number: str | None = None
    candidates: tuple[Entry, ...] = ()
    score: float = 0.0
    why: tuple[str, ...] = ()
