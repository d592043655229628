"""Choosing the show among entries of the catalogue.

Titles are compared first, and what is as like as another is told apart by season, year,
form and length. Where that leaves several, a person chooses.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from izumi.domain.matching.entry import Entry, Match, Wanted
from izumi.domain.matching.numbers import placed, related, season_by_sequels, whole
from izumi.domain.matching.redirects import NONE, Redirects
from izumi.domain.matching.scoring import Scored, ranked

SURE: Final = 0.8
"""The least score of a title that is taken for the show's."""

MARGIN: Final = 0.015
"""By how much the best entry must be better than the next."""

LIKE: Final = 0.94
"""The least likeness of the title that the seasons of a show are counted from."""


def match(wanted: Wanted, entries: Collection[Entry], redirects: Redirects = NONE) -> Match:
    """The show that a release belongs to.

    Args:
        wanted: What the release says.
        entries: What the catalogue offers, and what `missing` asked for.
        redirects: Known redirects of absolute numbers.
    """
    by_id = {entry.anilist_id: entry for entry in entries}
    ranking = ranked(wanted, by_id.values())
    why = tuple(f"{_said(one.entry)}: {one.score:.2f}, {one.why}" for one in ranking[:5])
    best, why = _chosen(wanted, ranking, by_id, why)
    if not best:
        return Match(score=ranking[0].score if ranking else 0.0, why=why)
    if len(best) > 1:
        candidates = tuple(one.entry for one in best[:6])
        return Match(candidates=candidates, score=best[0].score, why=why)
    entry, number = placed(wanted, best[0].entry, by_id, redirects)
    if number != wanted.number:
        why = (*why, f"episode {wanted.number} is {number} of {entry.title}")
    return Match(
        entry=entry,
        number=number if number != wanted.number else None,
        score=best[0].score,
        why=why,
    )


def _chosen(
    wanted: Wanted,
    ranking: Sequence[Scored],
    by_id: Mapping[int, Entry],
    why: tuple[str, ...],
) -> tuple[list[Scored], tuple[str, ...]]:
    """The best, all that are as good, or none; and why."""
    if not ranking or ranking[0].score < SURE:
        later = _later_season(wanted, ranking, by_id)
        if later is None:
            return [], (*why, "no entry is like it")
        return [later], (*why, f"{_said(later.entry)}: {later.why}")
    best = [one for one in ranking if ranking[0].score - one.score < MARGIN]
    if len(best) == 1:
        return best, why
    airing = [one for one in best if one.entry.status == "RELEASING"]
    if len(airing) == 1:
        return airing, (*why, "of several, the one that is airing")
    return best, (*why, "several are as like it")


def _later_season(
    wanted: Wanted, ranking: Sequence[Scored], by_id: Mapping[int, Entry]
) -> Scored | None:
    """A season whose title says nothing of the show's, by the relations of the first."""
    season = wanted.season or 1
    firsts = [one for one in ranking if one.like >= LIKE and one.entry.relations]
    if season < 2 or not firsts:
        return None
    found = season_by_sequels(firsts[0].entry, season, by_id)
    if found is None:
        return None
    how = f"season {season} by the sequels of {firsts[0].entry.title}"
    return Scored(found, SURE, firsts[0].like, how)


def missing(
    wanted: Wanted, entries: Collection[Entry], redirects: Redirects = NONE
) -> tuple[int, ...]:
    """AniList ids of entries that a decision needs besides these."""
    by_id = {entry.anilist_id: entry for entry in entries}
    number = whole(wanted.number)
    ranking = ranked(wanted, by_id.values())
    needed: dict[int, None] = {}
    for one in ranking[:3]:
        target = redirects.of(one.entry.anilist_id, number) if number is not None else None
        if target is not None:
            needed.setdefault(target[0])
        if one.like >= LIKE:
            needed.update(dict.fromkeys(_behind(wanted, number, one.entry, by_id)))
    return tuple(i for i in needed if i not in by_id)


def _behind(
    wanted: Wanted, number: int | None, entry: Entry, by_id: Mapping[int, Entry]
) -> Iterator[int]:
    """The next ones that are not here along the sequels of an entry, where they matter."""
    beyond = number is not None and entry.episodes is not None and number > entry.episodes
    if not beyond and (wanted.season or 1) < 2:
        return
    yield from related(entry, "PREQUEL")
    line, seen = [entry.anilist_id], set[int]()
    while line:
        here = line.pop()
        if here not in by_id:
            yield here
        elif here not in seen:
            seen.add(here)
            line += related(by_id[here], "SEQUEL")


def _said(entry: Entry) -> str:
    facts = (entry.format, entry.year, entry.anilist_id)
    return f"{entry.title} ({', '.join(str(fact) for fact in facts if fact is not None)})"
