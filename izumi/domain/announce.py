"""Facts of the bus as news for people: one message's worth. Pure.

News of a show are of one episode or of several that came together, and grow: `announce`
makes them of all facts of a message, in whatever order those came.
"""

import datetime as dt
import difflib
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from izumi.domain.events import Acquired, Distributed, Encoded, File
from izumi.domain.show import Show
from izumi.domain.spans import spans
from izumi.domain.subjects import SUBS, Sub
from izumi.domain.told import News, episode_of, show_of

Kind = Literal["acquired", "encoded", "distributed"]
"""Which facts are news, from the first to the last of an episode."""

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Link(NamedTuple):
    """A page about the show."""

    label: str
    url: str


class Mirror(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file lies as well.

    Attributes:
        destination: Name of the location.
        at: Since when.
    """

    destination: str
    at: dt.datetime


class EpisodeFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of an episode that is there.

    Attributes:
        key: `<show folder>/<episode file>`.
        sub: How its subtitles are.
        size_bytes: Its size.
        revision: 2 for "v2"; else 1.
        at: Since when.
        mirrors: Where else it lies, by name.
    """

    key: str
    sub: Sub
    size_bytes: int
    revision: int = 1
    at: dt.datetime
    mirrors: tuple[Mirror, ...] = ()

    @property
    def name(self) -> str:
        """Of the file, without its folder."""
        return self.key.rpartition("/")[2]


class EpisodeNews(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is there of one episode.

    Attributes:
        season: None where the name has none.
        number: As written; None for a film or a single file.
        resolution: "1080p"; None where the name has none.
        files: At least one; softsubs first, hardsubs next, the others last. Of several
            revisions the newest.
    """

    season: int | None = None
    number: str | None = None
    resolution: str | None = None
    files: tuple[EpisodeFile, ...]

    @property
    def softsub(self) -> EpisodeFile | None:
        """The first file whose subtitles can be chosen."""
        return self._first("softsub")

    @property
    def hardsub(self) -> EpisodeFile | None:
        """The first file whose subtitles are in the picture."""
        return self._first("hardsub")

    @property
    def best(self) -> EpisodeFile:
        """The file that the news name: the hardsub as soon as it is there."""
        return self.hardsub or self.files[0]

    def _first(self, sub: Sub) -> EpisodeFile | None:
        return next((file for file in self.files if file.sub == sub), None)


class Announcement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """News of a show, whatever they are shown on. Texts are as strangers wrote them.

    Attributes:
        kind: The last of what happened to any of the episodes.
        show: Name of the show's folder.
        episodes: At least one, in their order.
        anilist_id: Of the show, as identification found it or the facts have it.
        mal_id: As `anilist_id`, at MyAnimeList.
        facts: What is known of the show; None when it could not be had.
    """

    kind: Kind
    show: str
    episodes: tuple[EpisodeNews, ...]
    anilist_id: int | None = None
    mal_id: int | None = None
    facts: Show | None = None

    @property
    def is_digest(self) -> bool:
        """Whether it tells of several episodes."""
        return len(self.episodes) > 1

    @property
    def files(self) -> tuple[EpisodeFile, ...]:
        """Every file of every episode."""
        return tuple(file for episode in self.episodes for file in episode.files)

    @property
    def subs(self) -> tuple[Sub, ...]:
        """The kinds of subtitles that are there."""
        return tuple(sub for sub in SUBS if any(file.sub == sub for file in self.files))

    @property
    def sub(self) -> Sub:
        """What the news are coloured by: "hardsub" once every episode has one."""
        if all(episode.hardsub for episode in self.episodes):
            return "hardsub"
        return "softsub" if "softsub" in self.subs else self.episodes[0].files[0].sub

    @property
    def at(self) -> dt.datetime:
        """When something happened last."""
        times = [file.at for file in self.files]
        return max(times + [mirror.at for file in self.files for mirror in file.mirrors])

    @property
    def name(self) -> str:
        """The episode's file, or `Show S2 - 01-12 [1080p]`."""
        if not self.is_digest:
            return self.episodes[0].best.name
        heads = {_head(episode) for episode in self.episodes}
        seasons = {episode.season for episode in self.episodes}
        head = heads.pop() if len(heads) == 1 and len(seasons) == 1 else ""
        resolutions = {episode.resolution for episode in self.episodes}
        same = resolutions.pop() if len(resolutions) == 1 else None
        return f"{head or self.show} - {self.span}" + (f" [{same}]" if same else "")

    @property
    def span(self) -> str:
        """Numbers of the episodes: `07`, `01-12, 12.5`, `S1 01-12, S2 01-12`."""
        return span_of(self.episodes)

    @property
    def title(self) -> str:
        """Of the show: as AniList prefers it, else the folder's name."""
        return self.facts.title if self.facts else self.show

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where files lie as well."""
        names = {mirror.destination for file in self.files for mirror in file.mirrors}
        return tuple(sorted(names))

    @property
    def links(self) -> tuple[Link, ...]:
        """Pages about the show; made of numbers alone, never of what a service sent."""
        pages = (
            ("MyAnimeList", "https://myanimelist.net/anime", self.mal_id),
            ("Anilist", "https://anilist.co/anime", self.anilist_id),
            ("Kitsu", "https://kitsu.app/anime", self.facts and self.facts.kitsu_id),
        )
        return tuple(Link(label, f"{base}/{id_}") for label, base, id_ in pages if id_)

    @property
    def studio(self) -> Link | None:
        """The main studio; the address is empty when only its name is known."""
        if self.facts is None or not self.facts.studio:
            return None
        id_ = self.facts.studio_id
        return Link(self.facts.studio, f"https://anilist.co/studio/{id_}" if id_ else "")


def announce(facts: Sequence[News], show: Show | None) -> Announcement:
    """The news that facts are, told together.

    The order of the facts and repeats among them change nothing. A newer revision takes
    the place of an older one, and of a file that was made anew the youngest counts.

    Args:
        facts: What happened to episodes of one show; at least one fact.
        show: What is known of the show; None when it could not be had, then names are all
            there is.
    """
    ordered = sorted(facts, key=_by_time)
    first = ordered[0]
    return Announcement(
        kind=max(map(kind, facts), key=_KINDS.index),
        show=show_of(first) if "/" in first.file.key else first.episode.show,
        episodes=tuple(sorted(map(_episode, _together(ordered, episode_of)), key=_by_number)),
        anilist_id=show.anilist_id if show else _last(f.episode.anilist_id for f in ordered),
        mal_id=(show and show.mal_id) or _last(f.episode.mal_id for f in ordered),
        facts=show,
    )


def kind(fact: News) -> Kind:
    """Which news it is."""
    match fact:
        case Acquired():
            return "acquired"
        case Encoded():
            return "encoded"
        case Distributed():
            return "distributed"


def is_news(fact: News, wanted: Collection[str]) -> bool:
    """Whether a fact is among those that are wanted.

    Args:
        fact: What happened.
        wanted: Kinds of facts, and `distributed.<destination>` for one destination alone.
    """
    if kind(fact) in wanted:
        return True
    return isinstance(fact, Distributed) and f"distributed.{fact.destination}" in wanted


def news_fault(wanted: Iterable[str]) -> str | None:
    """What is wrong with the facts that somebody wants announced; None: nothing."""
    for name in wanted:
        first, dot, destination = name.partition(".")
        if name in _KINDS or (first == "distributed" and dot and destination):
            continue
        near = difflib.get_close_matches(name, _KINDS, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(_KINDS)}"
        return f"announce: {name!r} is no fact; {hint} (distributed.NAME: one destination)"
    return None


def span_of(episodes: Iterable[EpisodeNews]) -> str:
    """The numbers of some episodes, those that follow each other as `01-12`."""
    labels = [(one.season, one.number or _stem(one.best.name)) for one in episodes]
    return spans(labels)


def _episode(facts: Sequence[News]) -> EpisodeNews:
    """One episode of its facts, the oldest first."""
    kept: dict[tuple[Sub, str], EpisodeFile] = {}
    for facts_of_file in _together(facts, _of_file):
        file = _file(facts_of_file)
        slot = (file.sub, _unrevised(file))
        if slot not in kept or _newness(file) > _newness(kept[slot]):
            kept[slot] = file
    newest = max(facts, key=lambda fact: (fact.episode.revision or 1, _by_time(fact)))
    return EpisodeNews(
        season=newest.episode.season,
        number=newest.episode.number,
        resolution=newest.episode.resolution,
        files=tuple(sorted(kept.values(), key=lambda file: (SUBS.index(file.sub), file.key))),
    )


def _file(facts: Sequence[News]) -> EpisodeFile:
    file: File = facts[0].file
    mirrors: dict[str, Mirror] = {}
    for fact in facts:
        if isinstance(fact, Distributed):
            mirror = Mirror(destination=fact.destination, at=fact.at)
            mirrors.setdefault(fact.destination, mirror)
    return EpisodeFile(
        key=file.key,
        sub=file.sub,
        size_bytes=file.size,
        revision=max(fact.episode.revision or 1 for fact in facts),
        at=facts[0].at,
        mirrors=tuple(mirrors[name] for name in sorted(mirrors)),
    )


def _together(facts: Iterable[News], key: Callable[[News], Hashable]) -> Iterable[list[News]]:
    groups: dict[Hashable, list[News]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return groups.values()


def _of_file(fact: News) -> tuple[str, str, int]:
    # What makes `File.id`, which no hostile name can keep from being made.
    return fact.file.key, fact.file.sha256 or "", fact.file.size


def _unrevised(file: EpisodeFile) -> str:
    """The file's name as that of revision 1 would be; other variants keep their own."""
    if file.revision == 1:
        return file.name
    return re.sub(rf" ?v{file.revision}(?!.*v{file.revision})", "", file.name)


def _newness(file: EpisodeFile) -> tuple[int, dt.datetime, str]:
    return file.revision, file.at, file.key


def _by_time(fact: News) -> tuple[dt.datetime, tuple[str, str, int], str, str]:
    return fact.at, _of_file(fact), kind(fact), getattr(fact, "destination", "")


def _by_number(episode: EpisodeNews) -> tuple[int, float, str]:
    number = episode.number or ""
    begins = re.match(r"[0-9]{1,6}(?:\.[0-9]{1,3})?", number)
    # Names without a number come last, and specials after what is counted.
    order = float(begins[0]) if begins else float("inf")
    return episode.season or 0, order, number or episode.best.name


def _head(episode: EpisodeNews) -> str:
    """What stands before the number in the file's name."""
    return episode.best.name.rpartition(" - ")[0] if episode.number else ""


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _last(values: Iterable[int | None]) -> int | None:
    """The youngest that is known."""
    return next((value for value in reversed(list(values)) if value), None)
