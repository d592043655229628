"""News as a Discord embed: the one of the earlier system, within Discord's limits. Pure.

The embed is our own typed data. `clients/discord_payload.py` turns it into JSON through
the library discord-webhook, which brings an HTTP client along and so cannot live here.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from izumi.domain.announce import Announcement
from izumi.domain.discord_text import NAMELESS, cut_markup
from izumi.domain.graphemes import units
from izumi.domain.links import LONGEST_ADDRESS, NO_LINKS, LinkBases, web_address
from izumi.domain.markup import ADDRESS, DISCORD, DISCORD_PLAIN, Markup
from izumi.domain.phrases import values
from izumi.domain.placeholders import Values, filled, spread
from izumi.domain.template import FULL, FieldTemplate, Template

# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
TITLE: Final = 256
DESCRIPTION: Final = 4096
FIELDS: Final = 25
FIELD_NAME: Final = 256
FIELD_VALUE: Final = 1024
FOOTER: Final = 2048
AUTHOR: Final = 256
URL: Final = LONGEST_ADDRESS
TOTAL: Final = 6000

_SPREAD: Final = 3
_NO_HEADING: Final = "\u200b"


class Field(NamedTuple):
    """A small heading and the text below it; both may format."""

    name: str
    value: str
    inline: bool = False


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


def embed(news: Announcement, template: Template = FULL, bases: LinkBases = NO_LINKS) -> Embed:
    """The embed of news.

    Args:
        news: What to tell; names in it are cleaned, escaped and cut.
        template: How.
        bases: Where files can be had.
    """
    return fitted(rendered(news, template, bases, DISCORD, DISCORD_PLAIN))


def rendered(
    news: Announcement, template: Template, bases: LinkBases, markup: Markup, plain: Markup
) -> Embed:
    """News in the places of an embed, as long as they are; lists alone are made to fit.

    Args:
        news: What to tell.
        template: How.
        bases: Where files can be had.
        markup: Of places that may format.
        plain: Of those that do not.
    """
    words = template.wording
    rich, bare, address = (values(news, bases, one, words) for one in (markup, plain, ADDRESS))
    colour = getattr(template.colours, news.sub)
    return Embed(
        title=filled(template.title, rich, TITLE) or NAMELESS,
        description=filled(template.description, rich, DESCRIPTION),
        colour=int(colour.removeprefix("#"), 16),
        timestamp=news.at,
        footer=filled(template.footer, bare, FOOTER),
        url=filled(template.url, address, URL) or None,
        thumbnail=filled(template.thumbnail, address, URL) or None,
        author=filled(template.author, bare, AUTHOR) or None,
        author_url=filled(template.author_url, address, URL) or None,
        fields=tuple(one for field in template.fields for one in _fields(field, rich)),
    )


def _fields(template: FieldTemplate, rich: Values) -> Iterator[Field]:
    """A field; a list that is too long for one goes on in others below it."""
    name = filled(template.name, rich, FIELD_NAME)
    for text in spread(template.value, rich, FIELD_VALUE, _SPREAD):
        yield Field(name, text, template.inline)
        name = _NO_HEADING


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
        url=web_address(wanted.url),
        thumbnail=web_address(wanted.thumbnail),
        author=author,
        author_url=web_address(wanted.author_url),
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
