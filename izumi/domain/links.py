"""Addresses under which people can have the files. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from izumi.domain.announce import Announcement, EpisodeFile, EpisodeNews
from izumi.domain.subjects import Sub

LONGEST_ADDRESS: Final = 2048
"""https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""

LONGEST_BASE: Final = 500
"""Its links fit into an address with any name."""

_BRACKETS: Final = str.maketrans({char: quote(char) for char in '()<>"\\'})


class LinkBases(NamedTuple):
    """Where links begin.

    Attributes:
        hardsub: For hardsubs, as a target has it: the folders of shows lie right below.
        mirrors: By destination and kind of subtitles: the same of each location that
            people can reach.
    """

    hardsub: str | None = None
    mirrors: Mapping[str, Mapping[Sub, str]] = {}


class Download(NamedTuple):
    """A file, and where it can be had."""

    episode: EpisodeNews
    file: EpisodeFile
    url: str


NO_LINKS: Final = LinkBases()


def base_fault(key: str, base: str) -> str | None:
    """Why a text of the configuration is nothing that links can begin with."""
    whole = base.startswith(("https://", "http://")) and base.isascii() and base.isprintable()
    if whole and len(base) <= LONGEST_BASE and not set(base) & set(' "<>\\^`{|}?#@()'):
        return None
    return (
        f"{key}: {base!r} must begin with https:// or http://, be at most {LONGEST_BASE} long, "
        "and have nothing that an address has not (no spaces, brackets, `?`, `#` or `@`)"
    )


def direct_link(base: str, key: str) -> str | None:
    """`<base>/<show>/<episode>`, both quoted; None for a name that would lead elsewhere."""
    parts = key.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return None
    return "/".join([base.rstrip("/"), *(quote(part, safe="", errors="replace") for part in parts)])


def downloads(news: Announcement, bases: LinkBases) -> Iterator[Download]:
    """Hardsubs with the target's own links."""
    for episode in news.episodes if bases.hardsub else ():
        for file in episode.files:
            url = direct_link(bases.hardsub or "", file.key)
            if file.sub == "hardsub" and url:
                yield Download(episode, file, url)


def mirrored(news: Announcement, bases: LinkBases, destination: str) -> Iterator[Download]:
    """Files at a destination; their address is "" where people cannot reach it."""
    for episode in news.episodes:
        for file in episode.files:
            if any(mirror.destination == destination for mirror in file.mirrors):
                base = bases.mirrors.get(destination, {}).get(file.sub)
                yield Download(episode, file, (base and direct_link(base, file.key)) or "")


def web_address(url: str | None) -> str | None:
    """The address, where it is one that Discord takes: http or https with a host.

    It may stand in a link of any markup: brackets that would end it are quoted.
    """
    url = (url or "").translate(_BRACKETS)
    if len(url) > LONGEST_ADDRESS or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    ours = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return url if ours else None
