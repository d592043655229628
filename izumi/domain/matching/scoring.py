"""How well an entry of the catalogue fits a release.

Likeness of titles counts from 0 to 1; season, form, length and year then tell apart what is
called alike. The weights were set by looking at release names whose show is known.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from rapidfuzz import fuzz

from izumi.domain.matching.entry import IN_SERIES, Entry, Wanted
from izumi.domain.matching.numbers import whole
from izumi.domain.matching.titles import Name, taken_apart

LEAST: Final = 0.6
"""Titles less like than this are not considered."""

MOST_TITLES: Final = 120
"""Titles of an entry, and readings of a release, that are compared."""

_AS_EPISODES: Final = {
    "TV": 0.0,
    "ONA": -0.02,
    "TV_SHORT": -0.02,
    "OVA": -0.04,
    "SPECIAL": -0.06,
    "MOVIE": -0.1,
    "MUSIC": -0.16,
}
_AS_FILM: Final = {
    "MOVIE": 0.0,
    "SPECIAL": -0.02,
    "OVA": -0.02,
    "ONA": -0.04,
    "TV": -0.04,
    "TV_SHORT": -0.05,
    "MUSIC": -0.1,
}
_AS_SPECIAL: Final = {
    "OVA": 0.0,
    "SPECIAL": 0.0,
    "ONA": -0.04,
    "TV": -0.06,
    "TV_SHORT": -0.06,
    "MOVIE": -0.06,
    "MUSIC": -0.16,
}


class Scored(NamedTuple):
    """An entry, how well it fits, and how like its title alone is."""

    entry: Entry
    score: float
    like: float
    why: str


def ranked(wanted: Wanted, entries: Collection[Entry]) -> list[Scored]:
    """The entries whose titles are like the release's at all, the best first."""
    found = [one for one in _scored(wanted, entries) if one.like >= LEAST]
    return sorted(found, key=lambda one: (-one.score, one.entry.anilist_id))


def _scored(wanted: Wanted, entries: Collection[Entry]) -> Iterator[Scored]:
    ours = [taken_apart(title) for title in wanted.titles[:MOST_TITLES]]
    if not ours:
        return
    for entry in entries:
        theirs = [taken_apart(t) for t in (*entry.titles, *entry.synonyms)[:MOST_TITLES]]
        official = theirs[: len(entry.titles)]
        like, how, own, other = _likeness(wanted, ours, theirs, entry)
        steps = [
            _by_season(wanted, (own, other), _same_base(own, theirs), official),
            _by_form(wanted, ours[0], entry),
            _by_length(wanted, entry),
            _by_year(wanted, own, entry, official),
        ]
        yield Scored(
            entry,
            round(like + sum(step for step, _ in steps), 4),
            like,
            ", ".join([how, *(f"{why} {step:+.2f}" for step, why in steps if step)]),
        )


def _same_base(own: Name, theirs: Sequence[Name]) -> list[Name]:
    """Titles that differ from ours in their marks alone; all, where there are none."""
    return [name for name in theirs if name.base == own.base] or [*theirs]


def _likeness(
    wanted: Wanted, ours: Sequence[Name], theirs: Sequence[Name], entry: Entry
) -> tuple[float, str, Name, Name]:
    """The best pair of titles: how like they are, why, and which two."""
    nothing = taken_apart("")
    best = (0.0, "unlike", nothing, nothing)
    seasons = {name.season for name in theirs} if entry.format in IN_SERIES else set()
    for place, own in enumerate(ours):
        season = wanted.season or own.season or 1
        # An alternative reading counts a little less than the title, a part of it much less.
        cost = 0.01 * min(place, 3)
        if place and ours[0].base.startswith(own.base) and ours[0].base != own.base:
            cost += 0.05
        for rank, other in enumerate(theirs):
            like, how = _like(own, other)
            if like < 0.9 and season > 1 and season in seasons and _begins(other, own):
                like, how = 0.9, "the title and the season"
            like -= cost + 0.004 * (rank >= len(entry.titles))
            if like > best[0]:
                best = like, how, own, other
    return best


def _begins(name: Name, with_: Name) -> bool:
    return len(with_.base) >= 5 and name.base.startswith(with_.base)


def _like(own: Name, other: Name) -> tuple[float, str]:
    if own.base == other.base:
        return _same_base_like(own, other)
    if own.sound == other.sound:
        return 0.96, "sounds the same"
    if own.words == other.words:
        return 0.95, "the same words"
    if len(own.base) > 3 and own.base == other.head:
        return 0.88, "the title without its subtitle"
    more = other.words - own.words
    if len(own.words) > 2 and len(more) <= 3 and own.words <= other.words:
        return 0.92 - 0.02 * len(more), "all its words"
    return _nearly(own, other)


def _same_base_like(own: Name, other: Name) -> tuple[float, str]:
    if own.written == other.written:
        return 1.0, "the same title"
    if own.whole == other.whole:
        return 0.98, "the same title"
    strange = other.form not in {own.form, "TV", None}
    return (0.95 if strange else 0.975), "the same title but for marks"


def _nearly(own: Name, other: Name) -> tuple[float, str]:
    if len(other.base) > 3 and own.head == other.base:
        return 0.78, "the title and something behind it"
    short = min(len(own.base), len(other.base))
    if short < 5:
        return 0.0, "unlike"
    ratio = fuzz.ratio(own.sound, other.sound, score_cutoff=75) / 100
    if ratio:
        # One letter of eight is another title more often than one of thirty.
        ratio -= (1 - ratio) * (2.0 if short < 10 else 0.5)
        return 0.955 * ratio, "nearly the same"
    if short >= 10 and _begins(other, own):
        return 0.84, "begins like it"
    return 0.0, "unlike"


def _by_season(
    wanted: Wanted, pair: tuple[Name, Name], alike: Sequence[Name], official: Sequence[Name]
) -> tuple[float, str]:
    own, other = pair
    season = wanted.season if wanted.season is not None else own.season
    seasons = {name.season for name in alike if name.season is not None}
    step = 0.0
    if season is None or season <= 1:
        same = own.whole == other.whole
        exact = own.written == other.written and other in official
        # A later season that some call by the name of the show.
        known = seasons | {name.season for name in official if name.season is not None}
        if min(known, default=1) > 1 and not exact:
            step -= 0.03 if same else 0.12
    elif season in seasons:
        step += 0.01
    elif not (own.whole == other.whole and wanted.season is None):
        step -= 0.4 if seasons else 0.25
    parts = {name.part or 1 for name in alike if name.part is not None}
    if parts and (own.part or 1) not in parts:
        step -= 0.05
    if own.final and not any(name.final for name in alike):
        step -= 0.1
    return step, "season"


def _by_form(wanted: Wanted, first: Name, entry: Entry) -> tuple[float, str]:
    if first.form is not None:
        series = first.form == "TV" and entry.format in {"ONA", "TV_SHORT"}
        alike = entry.format == first.form or series
        return (0.02 if alike else -0.08), f"{first.form} wanted"
    if (wanted.number or "")[:1].isalpha():
        table, kind = _AS_SPECIAL, "special"
    elif wanted.kind == "film" and wanted.season is None:
        table, kind = _AS_FILM, "film"
    else:
        table, kind = _AS_EPISODES, "episode"
    return table.get(entry.format or "", -0.03), f"as {kind}"


def _by_length(wanted: Wanted, entry: Entry) -> tuple[float, str]:
    number = whole(wanted.number)
    if number is None or entry.episodes is None or number <= entry.episodes:
        return 0.0, ""
    return (-0.2 if entry.episodes == 1 else -0.02), f"has {entry.episodes} episodes"


def _by_year(
    wanted: Wanted, own: Name, entry: Entry, official: Sequence[Name]
) -> tuple[float, str]:
    year = wanted.year or own.year
    if year is None:
        # A remake whose official title needs its year, where the release names none.
        remake = any(name.year is not None for name in official)
        return (-0.02 if remake else 0.0), "a remake"
    if entry.year is None:
        return 0.0, ""
    gap = abs(year - entry.year)
    if gap == 0:
        return 0.03, f"of {entry.year}"
    # The year of a disc is often written for the year of the film.
    close = gap == 1 or (wanted.kind == "film" and gap <= 3)
    return (-0.03 if close else -0.25), f"of {entry.year}"
