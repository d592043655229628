"""Which episode a person means, of those that the bus knows. Pure.

It is named by a job or file id or its beginning, by a key or a path that ends with one, by a
file's or a release's name, or by words of the show and the number.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from izumi.domain import subjects
from izumi.domain.errors import Declined, Unknown
from izumi.domain.events import Acquired, Encoded, HeldFile
from izumi.domain.show import sameness
from izumi.domain.timeline import Kept
from izumi.domain.told import episode_of, show_of
from izumi.tools.typed import near

_SHORTEST_ID: Final = 4
_SHOWN: Final = 10
_WORDS: Final = re.compile(r"[^\W_]+")
_SEASON_AND_NUMBER: Final = re.compile(r"s(\d+)e(\d+)")
_NUMBER_AND_VERSION: Final = re.compile(r"(\d+)(v\d+)")
_ID: Final = re.compile(r"[0-9a-f]{4,32}")
_OF_A_COPY: Final = re.compile(r"distributed-.*-([0-9a-f]{4,32})")


@dataclass(kw_only=True)
class Known:
    """An episode that the bus knows.

    Attributes:
        show: Folder of its show.
        name: What people call it: the name of its first file, without the ending.
        said: The words by which it is meant alone: show, season but for the first, number.
        facts: That tell of its files.
        orders: To single groups, of its files.
        keys: Of its files.
        releases: Names under which they came, or are held.
        files: Ids of its files.
        jobs: Ids of the work that its facts and orders are for.
    """

    show: str
    name: str
    said: tuple[str, ...] = ()
    facts: list[Kept] = field(default_factory=list)
    orders: list[Kept] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """What it is called, so that no other one is called so."""
        return self.name if self.name.startswith(self.show) else f"{self.show}/{self.name}"


def episodes(facts: Iterable[Kept], orders: Iterable[Kept]) -> list[Known]:
    """Every episode of these facts and orders; held releases that are none yet, too."""
    found: dict[tuple[str, str], Known] = {}
    by_release: dict[str, Known] = {}
    holds: list[Kept] = []
    for kept in facts:
        fact = kept.fact
        if isinstance(fact, Acquired | Encoded):
            known = _of(found, fact)
            known.facts.append(kept)
            known.jobs.add(subjects.job_id(kept.subject))
            if isinstance(fact, Acquired) and fact.release:
                known.releases.add(fact.release)
                by_release[fact.release] = known
        elif isinstance(fact, HeldFile) and not fact.group:
            holds.append(kept)
    for kept in orders:
        if isinstance(kept.fact, Acquired | Encoded):
            known = _of(found, kept.fact)
            known.orders.append(kept)
            known.jobs.add(subjects.job_id(kept.subject))
    for kept in holds:
        assert isinstance(kept.fact, HeldFile)  # noqa: S101 - as chosen above
        name = kept.fact.name.rpartition("/")[2]
        if name not in by_release:
            by_release[name] = found.setdefault(("", name), Known(show="", name=name))
            by_release[name].releases.add(name)
        by_release[name].facts.append(kept)
        by_release[name].jobs.add(kept.fact.job)
    return list(found.values())


def _of(found: dict[tuple[str, str], Known], fact: Acquired | Encoded) -> Known:
    origin = fact.origin if isinstance(fact, Encoded) else fact.file
    name = origin.key.rpartition("/")[2].rpartition(".")[0] or origin.key
    key = (show_of(fact), episode_of(fact))
    known = found.setdefault(key, Known(show=key[0], name=name, said=_said(fact)))
    known.keys.add(fact.file.key)
    known.files.add(fact.file.id)
    return known


def _said(fact: Acquired | Encoded) -> tuple[str, ...]:
    episode = fact.episode
    season = "" if episode.season in {None, 1} else f"s{episode.season}"
    return tuple(_words(f"{show_of(fact)} {season} {episode.number or ''}"))


def meant(text: str, known: Sequence[Known]) -> Known:
    """The episode that somebody means.

    Raises:
        Unknown: None; names the nearest.
        Declined: Several; names all that may be meant. Or nothing was said.
    """
    wanted = text.strip()
    if not wanted:
        raise Declined("name an episode, a file or a job; see izumi-admin jobs list")
    for found in _tiers(wanted, known):
        if len(found) == 1:
            return found[0]
        if found:
            names = sorted(one.text for one in found)
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            several = ", ".join(map(repr, names[:_SHOWN]))
            raise Declined(f"{_shown(text)} may be {several}{more}; give more of the name")
    close = near(wanted, [one.text for one in known])
    if not close:
        raise Unknown(f"the bus knows no episode, file or job {_shown(text)}")
    raise Unknown(
        f"the bus knows no episode, file or job {_shown(text)}; did you mean "
        f"{' or '.join(map(repr, close))}?"
    )


def _tiers(wanted: str, known: Sequence[Known]) -> Iterator[list[Known]]:
    """Who is meant by what was typed, the surest way of reading it first."""
    yield [one for one in known if wanted in one.jobs or wanted in one.files]
    yield [one for one in known if any(_ends_with(wanted, key) for key in one.keys)]
    yield [one for one in known if _is_named(wanted, one)]
    if _ID.fullmatch(wanted) or "-" in wanted:
        yield [one for one in known if _begins(wanted, one)]
    words = _words(wanted)
    same = sameness(wanted)
    yield [one for one in known if (words and (*words,) == one.said) or sameness(one.text) == same]
    yield [one for one in known if words and _says(words, one)]


def _ends_with(path: str, key: str) -> bool:
    return path == key or path.endswith(f"/{key}")


def _is_named(name: str, one: Known) -> bool:
    last = name.rpartition("/")[2]
    names = {key.rpartition("/")[2] for key in one.keys} | one.releases
    return last in names or last in {each.rpartition(".")[0] for each in names}


def _begins(wanted: str, one: Known) -> bool:
    if copy := _OF_A_COPY.fullmatch(wanted):
        wanted = copy[1]
    claims = (f"key-{subjects.file_id('', key)}" for key in one.keys)
    ids = (*one.jobs, *one.files, *claims)
    return len(wanted) >= _SHORTEST_ID and any(id_.startswith(wanted) for id_ in ids)


def _says(words: Sequence[str], one: Known) -> bool:
    """Whether the episode has every word: numbers as they stand, others inside of it."""
    own = _words(" ".join([one.show, one.name, *(key.rpartition("/")[2] for key in one.keys)]))
    whole = "".join(own)
    return all(word in own if word.isdigit() else word in whole for word in words)


def _words(text: str) -> list[str]:
    """Words in one spelling; numbers without zeros before them, s02e05 and 07v2 as two words."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    found: list[str] = []
    for word in _WORDS.findall(folded):
        parts = [word]
        if both := _SEASON_AND_NUMBER.fullmatch(word):
            parts = [f"s{int(both[1])}", both[2]]
        elif both := _NUMBER_AND_VERSION.fullmatch(word):
            parts = [both[1], both[2]]
        found += [part.lstrip("0") or "0" if part.isdigit() else part for part in parts]
    return found


def _shown(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:117]}...")
