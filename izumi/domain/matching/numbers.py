"""In which entry an episode is, when releases go on counting from season to season."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from izumi.domain.matching.entry import IN_SERIES, Entry, Wanted
from izumi.domain.matching.redirects import Redirects
from izumi.domain.matching.titles import Name, taken_apart

_WHOLE: Final = re.compile(r"0*(\d{1,4})")


def whole(number: str | None) -> int | None:
    """The number of one whole episode; None for ranges, halves and specials."""
    found = _WHOLE.fullmatch(number or "")
    return int(found[1]) if found else None


def placed(
    wanted: Wanted, entry: Entry, by_id: Mapping[int, Entry], redirects: Redirects
) -> tuple[Entry, str | None]:
    """The entry that holds the episode, and its number there."""
    number = whole(wanted.number)
    if number is None:
        return entry, wanted.number
    target = redirects.of(entry.anilist_id, number)
    if target is not None and target[0] in by_id:
        return by_id[target[0]], str(target[1])
    if entry.episodes is None or number <= entry.episodes:
        return entry, wanted.number
    if (wanted.season or 1) > 1:
        return entry, _counted_on(entry, number, by_id) or wanted.number
    here, left, seen = entry, number, {entry.anilist_id}
    while here.episodes is not None and left > here.episodes:
        following = next_season(here, by_id)
        if following is None or following.anilist_id in seen:
            return entry, wanted.number
        left -= here.episodes
        here = following
        seen.add(here.anilist_id)
    return here, str(left)


def season_by_sequels(first: Entry, season: int, by_id: Mapping[int, Entry]) -> Entry | None:
    """The season that the catalogue calls otherwise, found by its relations.

    A second part of a season, where its title says so, is no season of its own.
    """
    here, seen = first, {first.anilist_id}
    for _ in range(season - 1):
        step: Entry | None = here
        while step is not None and (step is here or _part(step) > 1):
            known = [by_id[i] for i in related(step, "SEQUEL") if i in by_id]
            step = _only(one for one in known if one.format in IN_SERIES)
            if step is not None and step.anilist_id in seen:
                return None
            if step is not None:
                seen.add(step.anilist_id)
        if step is None:
            return None
        here = step
    return here


def next_season(entry: Entry, by_id: Mapping[int, Entry]) -> Entry | None:
    """What goes on where an entry ends; None where that is not known for certain."""
    sequels = [by_id[i] for i in related(entry, "SEQUEL") if i in by_id]
    if entry.relations:
        return _only(one for one in sequels if one.format in IN_SERIES)
    own = _names(entry)[:1]
    if not own or own[0].part is not None:
        return None
    wanted = (own[0].season or 1) + 1
    return _only(
        one
        for one in by_id.values()
        if one.format in IN_SERIES
        and any(name.base == own[0].base and name.season == wanted for name in _names(one))
        and _part(one) == 1
    )


def related(entry: Entry, kind: str) -> list[int]:
    """AniList ids at the other end of relations of a kind."""
    return [one.anilist_id for one in entry.relations if one.kind == kind]


def _counted_on(entry: Entry, number: int, by_id: Mapping[int, Entry]) -> str | None:
    """The number in a season whose release counts on from the seasons before."""
    before, here, seen = 0, entry, {entry.anilist_id}
    while (earlier := _earlier(here, by_id)) is not None and earlier.anilist_id not in seen:
        if earlier.episodes is None:
            return None
        before += earlier.episodes
        here = earlier
        seen.add(here.anilist_id)
    fits = before and entry.episodes is not None and before < number <= before + entry.episodes
    return str(number - before) if fits else None


def _earlier(entry: Entry, by_id: Mapping[int, Entry]) -> Entry | None:
    return _only(
        one
        for one in by_id.values()
        if one is not entry and next_season(one, by_id) is entry and one.format in IN_SERIES
    )


def _part(entry: Entry) -> int:
    return max((name.part or 1 for name in _names(entry)[:1]), default=1)


def _names(entry: Entry) -> list[Name]:
    return [taken_apart(title) for title in (*entry.titles, *entry.synonyms)[:40]]


def _only(entries: Iterable[Entry]) -> Entry | None:
    found = list(entries)
    return found[0] if len(found) == 1 else None
