"""What a release name says: one reader's opinion, and the decision made of several."""

from typing import Final, Literal, NamedTuple

import msgspec

from izumi.domain.fix import Fix
from izumi.domain.keys import MAX_PART_BYTES
from izumi.domain.subjects import Sub

Kind = Literal["episode", "film", "extra"]
Extras = Literal["hold", "file", "ignore"]
"""What becomes of an extra: a person is asked, it goes to the extras of its show, or nothing."""

About = Literal["show", "season", "episode", "name"]
"""What a doubt is about, and what a person settles with an answer."""

_VIDEO: Final = """
    mkv mp4 avi mov webm m4v ts m2ts mts mpg mpeg wmv flv ogm rmvb rm vob divx asf 3gp mk3d
"""
_SIDE: Final = """
    ass ssa srt sub idx sup vtt mks mka flac aac mp3 wav zip rar 7z torrent nfo txt
"""
VIDEO: Final = frozenset(_VIDEO.split())
"""Extensions of files that hold a picture, lower-case, without the dot."""

SIDE: Final = frozenset(_SIDE.split())
"""Other extensions that are cut off a release name."""


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """How the files of one watch folder are filed.

    Attributes:
        extras: What becomes of openings, trailers, samples and the like.
        part_bytes: Most bytes of UTF-8 that a name may have where they go.
        hint: What all of them are, as far as that is settled beforehand.
    """

    extras: Extras = "hold"
    part_bytes: int = MAX_PART_BYTES
    hint: Fix | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one reader makes of a release name; every part may be missing.

    Attributes:
        titles: The title and its alternatives as written, the best first.
        seasons: Season numbers as written; several for a batch of seasons.
        other_seasons: Seasons that the name speaks of beside a single one.
        episode: As written: "07", "12.5", "SP02", "1-12".
        revision: 2 for "v2".
        resolution: "1080p".
        group: The release group.
        year: "(2009)" beside the title.
        extra: "NCOP1", "PV", "menu": what it is when it is no episode.
        extra_sure: How firmly the name says so.
        film: The name says that it is a film.
        unread: The first bracket behind the title of which nothing was understood.
        uncensored: The name says so.
        sure: How firmly the episode stands in the name, 0 to 1: an explicit mark is 1, a
            bare number at a likely place less.
        why: Short reasons, in the order in which they were found.
    """

    titles: tuple[str, ...] = ()
    seasons: tuple[int, ...] = ()
    other_seasons: tuple[int, ...] = ()
    episode: str | None = None
    revision: int | None = None
    resolution: str | None = None
    group: str | None = None
    year: int | None = None
    extra: str | None = None
    extra_sure: float = 0.0
    unread: str | None = None
    film: bool = False
    uncensored: bool = False
    sure: float = 0.0
    why: tuple[str, ...] = ()


class Doubt(NamedTuple):
    """Why a person should look, how likely it is right all the same, and what it is about."""

    reason: str
    confidence: float
    about: About = "name"


class Identification(msgspec.Struct, frozen=True, kw_only=True):
    """The decision about one release name.

    Attributes:
        name: The name that was read, without folders.
        titles: Every title read, as written, the chosen one first.
        title: The chosen title; None when nothing readable is there.
        seasons: Season numbers as written; several only for a batch.
        episode: As written: "07", "12.5", "SP02", "1-12"; None for a film or a single file.
        revision: 2 for "v2"; None where the name has none.
        resolution: "1080p"; None where the name has none.
        group: The release group.
        year: The year beside the title; part of the show's name, since remakes share titles.
        sub: By extension: `.mkv` softsub, `.mp4` hardsub, else none.
        extension: With its dot, lower-case; empty where there is none.
        extra: What it is when it is no episode: "NCOP1", "PV", "menu".
        uncensored: The name says so.
        folders: The folders that were read with it.
        by_folder: The title is the show's folder, not a reading of the name.
        file_title: The title that the file itself has, where the folder has another.
        confidence: 0 to 1.
        held: Why a person should look; None when it is certain enough.
        why: Short reasons, for an explanation.
        doubts: What speaks against going on without a person, the gravest first; the
            first one is the reason in `held`.
        settled: What a person said, by an answer or a rule: not to be doubted again.
        anilist_id: The entry of the catalogue that a person named.
    """

    name: str
    titles: tuple[str, ...] = ()
    title: str | None = None
    seasons: tuple[int, ...] = ()
    episode: str | None = None
    revision: int | None = None
    resolution: str | None = None
    group: str | None = None
    year: int | None = None
    sub: Sub = "none"
    extension: str = ""
    kind: Kind = "episode"
    extra: str | None = None
    uncensored: bool = False
    folders: tuple[str, ...] = ()
    by_folder: bool = False
    file_title: str | None = None
    confidence: float = 0.0
    held: str | None = None
    why: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    settled: tuple[About, ...] = ()
    anilist_id: int | None = None

    @property
    def season(self) -> int | None:
        """The season, where it is one."""
        return self.seasons[0] if len(self.seasons) == 1 else None
