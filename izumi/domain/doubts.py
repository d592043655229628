"""When a person should look, and how sure a decision is."""

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from izumi.domain.reading import patterns
from izumi.domain.reading.text import fold
from izumi.domain.reading.titles import split
from izumi.domain.reading.vocabulary import FILM, is_cjk_meta, is_known
from izumi.domain.release import VIDEO, Doubt, Extras, Identification, Reading

FIRM: Final = 0.8
"""How sure a mark must be to count against readers that see none."""

MOST_IN_A_FILE: Final = 4
"""Episodes that one video file may plausibly hold."""

_VERY_FIRM: Final = 0.9
_NUMBER_AT_AN_END: Final = re.compile(r"^0\d+(?= )|(?<=[^\W\d_])0\d+$")
_NUMBER_END: Final = re.compile(r" \d+(?:\.\d+)?$")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_PUNCTUATION: Final = re.compile(r"[\W_]+")


class Opinions(NamedTuple):
    """What the readers say of one name."""

    own: Reading
    others: tuple[Reading, ...]


def agreed(opinions: Opinions) -> bool:
    """Whether a firm reading is confirmed, so that no further reader need be asked."""
    return opinions.own.sure >= FIRM and _same_episode(opinions) and _same_title(opinions)


def doubts(found: Identification, opinions: Opinions, extras: Extras) -> Iterator[Doubt]:
    """What speaks against going on without a person, the gravest first."""
    yield from _no_show(found, opinions.own)
    if found.extra:
        yield from _extra(found, opinions.own, extras)
    else:
        yield from _no_episode(found, opinions.own)
    yield from _too_much(found)
    if opinions.own.other_seasons:
        said = " or ".join(map(str, (*found.seasons, *opinions.own.other_seasons)))
        yield Doubt(f"the season is {said}", 0.4, "season")
    if not found.extra and not _same_episode(opinions):
        yield Doubt(f"the episode is {_differing(opinions)}", 0.49, "episode")
    if opinions.own.titles and not found.by_folder and not _same_title(opinions):
        theirs = next((title for other in opinions.others for title in other.titles), None)
        yield Doubt(f"the title is {opinions.own.titles[0]!r} or {theirs!r}", 0.5, "show")


def confidence(opinions: Opinions) -> float:
    """How sure an undoubted decision is: every reader that agrees adds to it."""
    own, others = opinions
    episodes = sum(_ends(other.episode) == _ends(own.episode) for other in others)
    known = {folded(title) for title in own.titles}
    titles = sum(any(folded(title) in known for title in other.titles) for other in others)
    firm = 0.2 if agreed(opinions) else 0.02 * (own.sure >= 1)
    return round(min(0.99, 0.6 + 0.1 * episodes + 0.09 * titles + firm), 2)


@functools.lru_cache(maxsize=256)
def folded(title: str) -> str:
    """A title for comparing: without case, width, spaces and punctuation."""
    return _PUNCTUATION.sub("", unicodedata.normalize("NFKC", title).casefold())


def _no_show(found: Identification, own: Reading) -> Iterator[Doubt]:
    if not found.titles:
        reason = "no show can be read in the name; put the file into a folder of its show"
        yield Doubt(reason, 0.0, "show")
    elif not own.titles and not found.by_folder:
        reason = f"the show may be {found.titles[0]!r}, but nothing stands where titles do"
        yield Doubt(reason, 0.3, "show")


def _extra(found: Identification, own: Reading, extras: Extras) -> Iterator[Doubt]:
    if own.extra and own.extra_sure < FIRM:
        yield Doubt(f"it may be an extra ({found.extra})", 0.5, "episode")
    elif extras == "hold":
        yield Doubt(f"an extra ({found.extra}), no episode", 0.9, "episode")


def _no_episode(found: Identification, own: Reading) -> Iterator[Doubt]:
    if found.episode and found.episode.startswith("Vol"):
        yield Doubt(f"a volume ({found.episode}), no episode", 0.5, "episode")
    if found.kind != "film":
        return
    if len(found.seasons) == 1 and found.extension[1:] in VIDEO:
        reason = f"a season ({found.seasons[0]}), but no episode number"
        yield Doubt(reason, 0.4, "episode")
    if own.unread and found.extension[1:] in VIDEO:
        yield Doubt(f"no episode number, and {own.unread!r} may say what it is", 0.4, "episode")
    if day := patterns.DAY.search(fold(found.name)):
        yield Doubt(f"a day ({day[0]}), but no episode number", 0.4, "episode")
    if not own.film and (number := _NUMBER_AT_AN_END.search(found.title or "")):
        yield Doubt(f"the episode may be {number[0]!r}", 0.4, "episode")
    facts = (own.film, found.group, found.year, found.resolution, found.seasons)
    if not any(facts):
        reason = "no episode number, and nothing says that it is a film or a release"
        yield Doubt(reason, 0.4, "episode")


def _too_much(found: Identification) -> Iterator[Doubt]:
    if len(found.seasons) > 1 and found.extension[1:] in VIDEO:
        reason = f"several seasons ({found.seasons[0]} to {found.seasons[-1]}) in one"
        yield Doubt(reason, 0.9, "season")
    ends = _ends(found.episode)
    count = int(ends[1] - ends[0]) + 1 if ends else 0
    if found.extension[1:] in VIDEO and count > MOST_IN_A_FILE:
        yield Doubt(f"{count} episodes ({found.episode}) in one file", 0.7, "episode")


def _ends(episode: str | None) -> tuple[float, float] | None:
    """The first and the last number, for comparing "01" with "1"."""
    numbers = [float(number) for number in _NUMBER.findall(episode or "")]
    return (numbers[0], numbers[-1]) if numbers else None


def _same_episode(opinions: Opinions) -> bool:
    """Whether the others leave no doubt about the episode.

    A firm mark needs no consent, a loose one that of all. A reader that sees no number, or
    one that is of the title, does not speak against one at a likely place; a single one
    that sees a number where the others see none is outvoted; a film's is of its title.
    """
    own, others = opinions
    mine = _ends(own.episode)
    theirs = [_ends(other.episode) for other in others]
    if own.sure >= 1 or (mine is None and (own.film or None in theirs)):
        return True
    if own.sure >= FIRM:
        titled = {float(n) for title in own.titles for n in _NUMBER.findall(title)}
        return mine in theirs or all(not ends or titled & {*ends} for ends in theirs)
    return all(ends == mine for ends in theirs)


def _differing(opinions: Opinions) -> str:
    own = opinions.own.episode
    said = dict.fromkeys((own, *(other.episode for other in opinions.others)))
    return " or ".join("none" if episode is None else repr(episode) for episode in said)


def _same_title(opinions: Opinions) -> bool:
    """Whether another reader sees one of the titles, alone or among its alternatives."""
    own, others = opinions
    if not own.titles:
        return False
    known = {folded(title) for title in own.titles}
    theirs = [title for other in others for title in other.titles]
    if all(of_the_trade(title) and folded(title) not in known for title in theirs):
        return own.sure >= FIRM or own.film
    alternatives = [part for title in theirs for part in (title, *split(title))]
    seen = {form for part in alternatives for form in (folded(part), folded(_markless(part)))}
    if own.film or own.sure >= _VERY_FIRM:
        # "Show 2 - 05", where another reader takes the 2 for a season or an episode.
        known |= {folded(_NUMBER_END.sub("", title)) for title in own.titles[:1]}
    return any(
        ours in seen or (len(ours) > 5 and any(ours in one for one in seen)) for ours in known
    )


def of_the_trade(title: str) -> bool:
    """Whether a reader took "GB" or "MP4" for the title."""
    view = fold(title)
    if patterns.ALONE.fullmatch(view):
        return True
    return is_cjk_meta(view) or bool(FILM.fullmatch(view)) or all(map(is_known, view.split()))


def _markless(title: str) -> str:
    """A title without season and episode marks, which other readers leave in it."""
    text = fold(title)
    for mark in (patterns.SXXEYY, patterns.CROSS, patterns.WORD, patterns.SEASONS):
        text = mark.sub(" ", text)
    return text
