"""Names of strangers as text that Discord shows as it is: nothing pings, links or formats.

What is no danger stays as it is, so that an ordinary file name reads the same in the raw
message. `@` before a word that could ping gets an invisible space behind it, since a
backslash does not stop a ping; everything else that formats gets a backslash.
"""

import re
import unicodedata
from typing import Final

from izumi.domain import graphemes

NAMELESS: Final = "(no name)"

_BEFORE_PING: Final = re.compile(r"@(?=everyone|here|[!&]?[0-9])", re.IGNORECASE)
_FORMATS: Final = re.compile(
    r"""
      [\\*_`<]                      # emphasis, code, mentions, emoji, timestamps
    | ~(?=~) | (?<=~)~              # strike
    | \|(?=\|) | (?<=\|)\|          # spoiler
    | \](?=\() | (?<=\])\(          # [label](address)
    | :(?=//)                       # a bare address
    | :(?=[\w+-]+:)                 # :emoji:
    | ^(?:[#]{1,3}|-[#]|>{1,3}|[-+])(?=\s)     # heading, subtext, quote, list
    """,
    re.VERBOSE,
)
_NUMBERED: Final = re.compile(r"^([0-9]+)(?=\.\s)")
# Format characters that carry meaning: joined emoji, Persian and Indic words, flags.
_KEPT_FORMATS: Final = frozenset("\u200c\u200d") | {chr(n) for n in range(0xE0020, 0xE0080)}


def clean(text: str) -> str:
    """One line without controls, direction overrides, invisible or broken characters.

    Never empty: a text of which nothing is left is `(no name)`.
    """
    return "".join(map(_cleaned, text)).strip() or NAMELESS


def _cleaned(char: str) -> str:
    match unicodedata.category(char):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cs":
            return "\ufffd"  # half a surrogate pair is no character on the wire
        case "Cf" if char not in _KEPT_FORMATS:
            return ""
    return char


def escape(text: str) -> str:
    """A cleaned text for the places where Discord formats: title, description, fields."""
    numbered = _NUMBERED.sub(r"\1\\", _FORMATS.sub(r"\\\g<0>", text))
    return unpinged(numbered)


def unpinged(text: str) -> str:
    """A cleaned text for the places that show text as it is: author and footer."""
    return _BEFORE_PING.sub("@\u200b", text)


def formatted_name(text: str, limit: int) -> str:
    """Any text, cleaned, escaped and cut to `limit`."""
    return graphemes.cut(clean(text), limit, escape)


def plain_name(text: str, limit: int) -> str:
    """Any text for a place that does not format, cleaned and cut to `limit`."""
    return graphemes.cut(clean(text), limit, unpinged)


def cut_markup(text: str, limit: int) -> str:
    """Text that is escaped already, cut to `limit` without leaving half an escape."""
    short = graphemes.cut(text, limit)
    if short == text:
        return text
    kept = short.removesuffix(graphemes.ELLIPSIS)
    dangling = len(kept) - len(kept.rstrip("\\"))
    return kept[: len(kept) - dangling % 2] + graphemes.ELLIPSIS
