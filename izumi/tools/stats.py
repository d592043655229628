"""What lies where, and what is missing where: from listings and duties. Pure.

Nothing is guessed: a file ought to be at a location when the configuration says that every
such file goes there. What a filter, or a choice between several watch folders, decides is
not known here and is not asked for.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from izumi.domain.errors import BadKey
from izumi.domain.names import EXTRAS
from izumi.tools.shelves import Sub, fold
from izumi.tools.videos import Found

HardsubKey = Callable[[str, str], str]
"""Where the hardsub of a key lies that is made with a suffix; raises BadKey."""


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Every file of a kind goes to these locations, says a part of the configuration."""

    by: str
    sub: Sub
    at: tuple[str, ...]


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """A hardsub is made of every softsub, and goes to these locations."""

    by: str
    suffix: str
    at: tuple[str, ...]


class Duties(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration promises, and what of it cannot be judged, for people."""

    keeps: tuple[Duty, ...] = ()
    makes: tuple[Making, ...] = ()
    notes: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A show at a location, or all of them.

    Attributes:
        show: Its folder; empty for all.
        place: The location.
        episodes: However many files an episode has.
        softsubs: Files.
        hardsubs: Files.
        bytes: Of these files.
        newest: When the last of them changed.
        superseded: Files of which there is a later revision.
        missing: Files that ought to be there.
    """

    show: str
    place: str
    episodes: int
    softsubs: int
    hardsubs: int
    bytes: int
    newest: dt.datetime | None
    superseded: int
    missing: int


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A file that ought to be at a location, and who says so."""

    show: str
    place: str
    sub: Sub
    key: str
    by: str


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is told, in order."""

    rows: tuple[Row, ...]
    totals: tuple[Row, ...]
    missing: tuple[Missing, ...]


def compute(there: Mapping[str, Sequence[Found]], duties: Duties, hardsub_key: HardsubKey) -> Stats:
    """The figures of every show and location, and what is missing.

    Args:
        there: The videos of each location that was looked at, as `files` gives them.
        duties: What ought to be.
        hardsub_key: Where hardsubs lie.
    """
    suffixes = tuple(dict.fromkeys(making.suffix for making in duties.makes)) or ("",)
    hardsubs = _Hardsubs(hardsub_key, suffixes)
    sorted_ = {name: _told_apart(some, hardsubs) for name, some in there.items()}
    everything = [one for some in sorted_.values() for one in some]
    of = _Known(_superseded(everything), hardsubs.sources(everything))
    missing = sorted(
        _missing(sorted_, duties, of, hardsubs),
        key=lambda one: (fold(one.show), fold(one.key), one.place),
    )
    lacks: dict[tuple[str, str], int] = defaultdict(int)
    for one in missing:
        lacks[one.show, one.place] += 1
    rows: list[Row] = []
    totals: list[Row] = []
    for place, some in sorted_.items():
        shows: dict[str, list[Found]] = defaultdict(list)
        for found in some:
            shows[found.show].append(found)
        names = {*shows, *(show for show, at in lacks if at == place)}
        rows += [_row(place, show, shows[show], of, lacks[show, place]) for show in names]
        all_lacks = sum(count for (_, at), count in lacks.items() if at == place)
        totals.append(_row(place, "", some, of, all_lacks))
    rows.sort(key=lambda row: (fold(row.show), row.show, row.place))
    return Stats(rows=tuple(rows), totals=tuple(totals), missing=tuple(missing))


class _Hardsubs:
    """The keys of hardsubs; each is asked for once."""

    def __init__(self, key: HardsubKey, suffixes: Sequence[str]) -> None:
        self._key = key
        self._suffixes = suffixes
        self._known: dict[tuple[str, str], str | None] = {}

    def of(self, key: str, suffix: str) -> str | None:
        """Where the hardsub of a softsub lies; None: no hardsub can have such a name."""
        asked = key, suffix
        if asked not in self._known:
            try:
                self._known[asked] = self._key(key, suffix)
            except BadKey:
                self._known[asked] = None
        return self._known[asked]

    def sources(self, some: Iterable[Found]) -> dict[str, Found]:
        """The folded keys of the hardsubs of every softsub -> the softsub."""
        softsubs = {one.folded: one for one in some if one.sub != "hardsub"}
        found: dict[str, Found] = {}
        for one in softsubs.values():
            for suffix in self._suffixes:
                if made := self.of(one.key, suffix):
                    found.setdefault(fold(made), one)
        return found


class _Known(NamedTuple):
    """Folded keys of what was superseded; those of hardsubs, and what they are made of."""

    old: frozenset[str]
    made: Mapping[str, Found]


def _row(place: str, show: str, some: Sequence[Found], of: _Known, missing: int) -> Row:
    times = [one.changed for one in some if one.changed is not None]
    main = [one for one in some if f"/{EXTRAS}/" not in one.key]
    return Row(
        show=show,
        place=place,
        episodes=len({of.made.get(one.folded, one).episode for one in main}),
        softsubs=sum(one.sub == "softsub" for one in some),
        hardsubs=sum(one.sub == "hardsub" for one in some),
        bytes=sum(one.size for one in some),
        newest=max(times, default=None),
        superseded=sum(one.folded in of.old for one in some),
        missing=missing,
    )


def _told_apart(some: Sequence[Found], hardsubs: _Hardsubs) -> list[Found]:
    """In a folder that both kinds share, what is another file's hardsub is one."""
    made = hardsubs.sources([one for one in some if one.sub is None])
    hard = {folded for folded, source in made.items() if source.folded != folded}
    return [
        one
        if one.sub is not None
        else one._replace(sub="hardsub" if one.folded in hard else "softsub")
        for one in some
    ]


def _superseded(some: Sequence[Found]) -> frozenset[str]:
    """The folded keys of files of which there is a later revision anywhere."""
    newest: dict[tuple[Sub | None, str], int] = {}
    for one in some:
        if one.revision > 1:
            same = one.sub, one.episode
            newest[same] = max(newest.get(same, 1), one.revision)
    if not newest:
        return frozenset()
    return frozenset(
        one.folded for one in some if one.revision < newest.get((one.sub, one.episode), 1)
    )


class _Ought(NamedTuple):
    show: str
    sub: Sub
    key: str
    at: Mapping[str, Sequence[str]]
    """Location -> who says so."""


def _missing(
    there: Mapping[str, Sequence[Found]], duties: Duties, of: _Known, hardsubs: _Hardsubs
) -> Iterator[Missing]:
    have = {
        (place, sub): {one.folded for one in some if one.sub == sub}
        for place, some in there.items()
        for sub in ("softsub", "hardsub")
    }
    everything = [one for some in there.values() for one in some]
    for ought in _oughts(everything, duties, of, hardsubs):
        folded = fold(ought.key)
        for place, by in ought.at.items():
            if place in there and folded not in have[place, ought.sub]:
                yield Missing(
                    show=ought.show, place=place, sub=ought.sub, key=ought.key, by=", ".join(by)
                )


def _oughts(
    some: Iterable[Found], duties: Duties, of: _Known, hardsubs: _Hardsubs
) -> Iterator[_Ought]:
    """Every file that ought to be somewhere, once; what was superseded is none."""
    kept = {
        sub: [(place, duty.by) for duty in duties.keeps if duty.sub == sub for place in duty.at]
        for sub in ("softsub", "hardsub")
    }
    at = {sub: _by_place(said) for sub, said in kept.items()}
    made_at = {
        suffix: _by_place(
            [(place, one.by) for one in duties.makes if one.suffix == suffix for place in one.at]
            + kept["hardsub"]
        )
        for suffix in dict.fromkeys(one.suffix for one in duties.makes)
    }
    seen: set[tuple[Sub | None, str]] = set()
    for one in some:
        if (one.sub, one.folded) in seen or one.folded in of.old:
            continue
        seen.add((one.sub, one.folded))
        if one.sub == "hardsub":
            if not made_at or one.folded not in of.made:
                yield _Ought(one.show, "hardsub", one.key, at["hardsub"])
            continue
        yield _Ought(one.show, "softsub", one.key, at["softsub"])
        for suffix, places in made_at.items():
            if made := hardsubs.of(one.key, suffix):
                yield _Ought(one.show, "hardsub", made, places)


def _by_place(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for place, by in said:
        if by not in found[place]:
            found[place].append(by)
    return found
