"""News as text or HTML, by the same templates as embeds. Pure."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from izumi.domain.announce import Announcement
from izumi.domain.embed import Embed, rendered
from izumi.domain.graphemes import cut
from izumi.domain.links import NO_LINKS, LinkBases
from izumi.domain.markup import HTML, TEXT
from izumi.domain.template import FULL, Template

Format = Literal["text", "html"]

LONGEST_TITLE: Final = 250
"""The shortest limit for titles that a service is known to have."""


class Text(NamedTuple):
    """A message. The title formats nothing, whatever the body is."""

    title: str
    body: str


def text(
    news: Announcement,
    template: Template = FULL,
    bases: LinkBases = NO_LINKS,
    format_: Format = "text",
) -> Text:
    """News as a message of one title and some lines.

    Args:
        news: What to tell; names in it are cleaned and escaped.
        template: How.
        bases: Where files can be had.
        format_: What the lines are.
    """
    plain = rendered(news, template, bases, TEXT, TEXT)
    title = cut(plain.title.replace("\n", " "), LONGEST_TITLE)
    if format_ == "text":
        return Text(title, "\n".join(_lines(plain)))
    formatted = "\n".join(_lines(rendered(news, template, bases, HTML, HTML)))
    return Text(title, formatted.replace("\n", "<br>\n"))


def lines(news: Announcement) -> tuple[str, ...]:
    """The news for a terminal or a log; no control or direction characters."""
    title, body = text(news)
    return title, *body.split("\n")


def _lines(shown: Embed) -> Iterator[str]:
    """What an embed says below its title."""
    yield from filter(None, [shown.description])
    for name, value, _ in shown.fields:
        if value:
            yield f"{name}: {value}" if name.strip("\u200b") else value
    yield from filter(None, [" · ".join(filter(None, [shown.footer, shown.author]))])
