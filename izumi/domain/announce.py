"""A fact of the bus as news for people. Pure; `embed.py` dresses it for Discord."""

import datetime as dt
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from izumi.domain.discord_text import clean
from izumi.domain.events import Acquired, Distributed, Encoded
from izumi.domain.graphemes import cut
from izumi.domain.show import Show
from izumi.domain.subjects import Sub

Kind = Literal["acquired", "encoded", "distributed"]
"""Which facts are news."""

UNKNOWN: Final = "\u3007\u3007"
"""Two ideographic zeros."""
_SUB_NAMES: Final[dict[Sub, str]] = {
    "softsub": "Softsub",
    "hardsub": "Hardsub",
    "none": "No subtitles",
}


class Link(NamedTuple):
    """A page about the show."""

    label: str
    url: str


class Announcement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One piece of news, whatever it is shown on. Texts are as strangers wrote them.

    Attributes:
        kind: What happened to the file.
        show: Name of the show's folder.
        name: Name of the episode's file.
        sub: How its subtitles are.
        size_bytes: Its size.
        at: When it happened.
        destination: Where it lies now as well, for `distributed`.
        anilist_id: Of the show, as identification found it or the facts have it.
        mal_id: As `anilist_id`, at MyAnimeList.
        facts: What is known of the show; None when it could not be had.
    """

    kind: Kind
    show: str
    name: str
    sub: Sub
    size_bytes: int
    at: dt.datetime
    destination: str | None = None
    anilist_id: int | None = None
    mal_id: int | None = None
    facts: Show | None = None

    @property
    def summary(self) -> str:
        """`24 mins, 351.2 MiB [Softsub]`."""
        minutes = number(self.facts.duration_min if self.facts else None)
        return f"{minutes} mins, {size(self.size_bytes)} [{_SUB_NAMES[self.sub]}]"

    @property
    def title(self) -> str:
        """Of the show: as AniList prefers it, else the folder's name."""
        return self.facts.title if self.facts else self.show

    @property
    def stats(self) -> str | None:
        """`Score: 84/100, Pop: 305734, Total: 12 Eps.`; None without facts."""
        if self.facts is None:
            return None
        facts = self.facts
        score, popularity = number(facts.score), number(facts.popularity)
        return f"Score: {score}/100, Pop: {popularity}, Total: {number(facts.episodes)} Eps."

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


def announce(fact: Acquired | Encoded | Distributed, facts: Show | None) -> Announcement:
    """The news that a fact is.

    Args:
        fact: What happened.
        facts: Of its show; None when they could not be had, then names are all there is.
    """
    show, _, name = fact.file.key.rpartition("/")
    return Announcement(
        kind=kind(fact),
        show=show or fact.episode.show,
        name=name,
        sub=fact.file.sub,
        size_bytes=fact.file.size,
        at=fact.at,
        destination=fact.destination if isinstance(fact, Distributed) else None,
        anilist_id=facts.anilist_id if facts else fact.episode.anilist_id,
        mal_id=(facts and facts.mal_id) or fact.episode.mal_id,
        facts=facts,
    )


def kind(fact: Acquired | Encoded | Distributed) -> Kind:
    """Which news it is."""
    match fact:
        case Acquired():
            return "acquired"
        case Encoded():
            return "encoded"
        case Distributed():
            return "distributed"


def direct_link(base: str, news: Announcement) -> str:
    """Where the file can be had: `<base>/<show>/<episode>`, both quoted."""
    folder, name = (quote(part, safe="", errors="replace") for part in (news.show, news.name))
    return f"{base.rstrip('/')}/{folder}/{name}"


def lines(news: Announcement, link_base: str | None = None) -> tuple[str, ...]:
    """The news as plain text for a terminal or a log; no control or direction characters."""
    studio = f" ({_short(news.studio.label)})" if news.studio else ""
    place = f" at {_short(news.destination)}" if news.destination else ""
    text = [_short(news.name), f"{_short(news.title)}{studio}", f"{news.summary}{place}"]
    if news.stats:
        text.append(news.stats)
    text.extend(f"{label}: {url}" for label, url in news.links)
    if link_base and news.sub == "hardsub":
        text.append(f"Direct link: {direct_link(link_base, news)}")
    return tuple(text)


def _short(name: str) -> str:
    return cut(clean(name), 300)


def number(value: int | None) -> str:
    """A count for people; `UNKNOWN` where it is not known."""
    return UNKNOWN if value is None else str(value)


def size(size_bytes: int) -> str:
    """`351.2 MiB`."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
