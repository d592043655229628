"""How a channel shows names and links: Discord's Markdown, its plain places, text, HTML. Pure.

Each makes text of what strangers wrote that neither pings, links nor formats there.
"""

import html
import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote

from izumi.domain import graphemes
from izumi.domain.discord_text import clean, formatted_name, plain_name

# Chats know names behind `@` and commands behind `<`, and link what looks like an address.
_ARMED: Final = re.compile(r"(?<!\w)@(?=\w)|<(?=[!@#:/\w])|:(?=//)")


class Markup(NamedTuple):
    """Makes safe text.

    Attributes:
        name: Of any text, and of the most units that may come out.
        link: Of a label that is safe already, and of an address that we made.
    """

    name: Callable[[str, int], str]
    link: Callable[[str, str], str]


def disarmed(text: str) -> str:
    """A cleaned text for chats that nobody knows beforehand: an invisible space does it."""
    return _ARMED.sub("\\g<0>\u200b", text)


def _text_name(text: str, limit: int) -> str:
    return graphemes.cut(clean(text), limit, disarmed)


def _html_name(text: str, limit: int) -> str:
    return html.escape(_text_name(text, limit))


def _quoted(text: str, limit: int) -> str:
    return quote(clean(text)[:limit], safe="", errors="replace")


def _masked(label: str, url: str) -> str:
    """A link; brackets in its label that are not escaped yet would end it, or begin another."""
    return f"[{_BRACKET.sub(_backslashed, label)}]({url})"


_BRACKET: Final = re.compile(r"\\.|[\[\]]")


def _backslashed(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("\\") else f"\\{match[0]}"


DISCORD: Final = Markup(formatted_name, _masked)
"""Titles, descriptions and fields of an embed."""

DISCORD_PLAIN: Final = Markup(plain_name, lambda label, _: label)
"""Authors and footers, which format nothing."""

TEXT: Final = Markup(_text_name, lambda label, url: f"{label}: {url}")
"""Channels that show text as it is."""

HTML: Final = Markup(_html_name, lambda label, url: f'<a href="{html.escape(url)}">{label}</a>')
"""Channels that show HTML, or something that is made of it."""

ADDRESS: Final = Markup(_quoted, lambda _, url: url)
"""Addresses that names are inserted into."""
