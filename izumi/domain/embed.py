"""News as a Discord embed: the one of the earlier system, within Discord's limits. Pure.

The embed is our own typed data. `clients/discord_payload.py` turns it into JSON through
the library discord-webhook, which brings an HTTP client along and so cannot live here.
"""

import datetime as dt
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from izumi.domain.announce import Announcement, direct_link
from izumi.domain.discord_text import cut_markup, formatted_name, plain_name
from izumi.domain.graphemes import units

Template = Literal["full", "compact"]
"""`full` is the earlier system's embed; `compact` leaves out cover, studio and stats."""

# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
TITLE: Final = 256
DESCRIPTION: Final = 4096
FIELDS: Final = 25
FIELD_NAME: Final = 256
FIELD_VALUE: Final = 1024
FOOTER: Final = 2048
AUTHOR: Final = 256
URL: Final = 2048
TOTAL: Final = 6000

_CYAN: Final = 0x00FFFF
_GREEN: Final = 0x00FF00


class Field(NamedTuple):
    """A small heading and the text below it; both may format."""

    name: str
    value: str


class Embed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message shows. Title, description and fields may format, the rest does not.

    Attributes:
        title: The heading; leads to `url` where there is one.
        colour: Of the bar at its side, 0xRRGGBB.
        thumbnail: Address of a small picture.
        author: The line above the title, which leads to `author_url`.
    """

    title: str
    description: str
    colour: int
    timestamp: dt.datetime
    footer: str
    url: str | None = None
    thumbnail: str | None = None
    author: str | None = None
    author_url: str | None = None
    fields: tuple[Field, ...] = ()


def embed(news: Announcement, template: Template = "full", link_base: str | None = None) -> Embed:
    """The embed of a piece of news.

    Args:
        news: What to tell; names in it are cleaned, escaped and cut.
        template: How much of it.
        link_base: Where hardsubs can be had; the title of theirs leads there.
    """
    full = template == "full"
    links = ", ".join(f"[{label}]({url})" for label, url in news.links)
    fields = [Field("Stats", news.stats)] if full and news.stats else []
    if links:
        fields.append(Field("Links", links))
    place = f" at {formatted_name(news.destination, TITLE)}" if news.destination else ""
    studio = news.studio if full else None
    return fitted(
        Embed(
            title=formatted_name(news.name, TITLE),
            description=f"{news.summary}{place}",
            colour=_GREEN if news.sub == "hardsub" else _CYAN,
            timestamp=news.at,
            footer=plain_name(news.title, FOOTER),
            url=direct_link(link_base, news) if link_base and news.sub == "hardsub" else None,
            thumbnail=news.facts.cover_url if full and news.facts else None,
            author=plain_name(studio.label, AUTHOR) if studio else None,
            author_url=studio.url or None if studio else None,
            fields=tuple(fields),
        )
    )


def fitted(wanted: Embed) -> Embed:
    """The embed within every limit, the sum of 6000 over all texts included.

    Title, author and footer come first, then the description; a field is left out whole,
    since half a link is worse than none. Addresses that Discord would refuse are dropped.
    """
    title = cut_markup(wanted.title, TITLE)
    author = wanted.author and cut_markup(wanted.author, AUTHOR)
    footer = cut_markup(wanted.footer, FOOTER)
    left = TOTAL - units(title) - units(author or "") - units(footer)
    description = cut_markup(wanted.description, min(DESCRIPTION, left))
    return msgspec.structs.replace(
        wanted,
        title=title,
        description=description,
        footer=footer,
        url=_web_address(wanted.url),
        thumbnail=_web_address(wanted.thumbnail),
        author=author,
        author_url=_web_address(wanted.author_url),
        fields=_fitting(wanted.fields, left - units(description)),
    )


def _fitting(fields: tuple[Field, ...], left: int) -> tuple[Field, ...]:
    kept: list[Field] = []
    for field in fields:
        name, value = units(field.name), units(field.value)
        blank = not field.name.strip() or not field.value.strip()
        if blank or name > FIELD_NAME or value > FIELD_VALUE or name + value > left:
            continue
        left -= name + value
        kept.append(field)
    return tuple(kept[:FIELDS])


def _web_address(url: str | None) -> str | None:
    """The address, where it is one that Discord takes: http or https with a host."""
    if not url or units(url) > URL or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    ours = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return url if ours else None
