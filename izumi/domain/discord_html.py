"""What Discord makes of the Markdown in an embed, as HTML. Pure.

The parts of it that names could abuse and templates use: escapes, links, emphasis, code,
quotes, headings. Everything else is text.
"""

import html
import re
from typing import Final

_INLINE: Final = re.compile(
    r"""
      \\(?P<escaped>[^0-9A-Za-z\s])
    | \[(?P<label>(?:\\.|[^\]\\])+)\]\((?P<url>https?://[^\s)]+)\)
    | (?P<bare>https?://[^\s<>]+)
    | `(?P<code>[^`]+)`
    | \*\*(?P<strong>(?:\\.|[^\\])+?)\*\*
    | __(?P<u>(?:\\.|[^\\])+?)__
    | ~~(?P<s>(?:\\.|[^\\])+?)~~
    | \*(?P<em>(?:\\.|[^*\\])+)\*
    | (?<!\w)_(?P<i>(?:\\.|[^_\\])+)_(?!\w)
    """,
    re.VERBOSE | re.DOTALL,
)
_LINE: Final = (("# ", "h1"), ("## ", "h2"), ("### ", "h3"), ("-# ", "small"), ("> ", "blockquote"))


def shown(markdown: str) -> str:
    """HTML of several lines."""
    parts = []
    for line in markdown.split("\n"):
        mark, tag = next(((m, t) for m, t in _LINE if line.startswith(m)), ("", "div"))
        parts.append(f"<{tag}>{_inline(line.removeprefix(mark)) or '<br>'}</{tag}>")
    return "".join(parts)


def shown_line(markdown: str) -> str:
    """HTML of one line, as titles and names of fields are."""
    return _inline(markdown)


def anchor(url: str, inner: str) -> str:
    """A link; `inner` is HTML already."""
    return f'<a href="{html.escape(url)}" rel="noopener noreferrer">{inner}</a>'


def _inline(text: str) -> str:
    found, end = "", 0
    for match in _INLINE.finditer(text):
        found += html.escape(text[end : match.start()]) + _token(match)
        end = match.end()
    return found + html.escape(text[end:])


def _token(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    inner = match[kind]
    match kind:
        case "escaped":
            return html.escape(inner)
        case "url":
            return anchor(inner, _inline(match["label"]))
        case "bare":
            return anchor(inner, html.escape(inner))
        case "code":
            return f"<code>{html.escape(inner)}</code>"
        case _:
            return f"<{kind}>{_inline(inner)}</{kind}>"
