"""An embed as a page that looks like Discord's, for a preview. Pure.

It loads nothing from anywhere and runs nothing: its policy allows its own style alone. In
place of the cover there is a frame of its size.
"""

import base64
import datetime as dt
import hashlib
import html
from typing import Final

from izumi.domain.discord_html import anchor, shown, shown_line
from izumi.domain.embed import Embed, Field

_STYLE: Final = """
body { margin: 0; padding: 24px; background: #313338; color: #dbdee1; font: 16px/1.375
  "gg sans", "Noto Sans", "Noto Sans CJK JP", "Helvetica Neue", Helvetica, Arial, sans-serif; }
a { color: #00a8fc; text-decoration: none; }
a:hover { text-decoration: underline; }
.message { display: flex; gap: 16px; }
.avatar { flex: none; width: 40px; height: 40px; border-radius: 50%; background: #5865f2;
  color: #fff; text-align: center; line-height: 40px; }
.who { font-weight: 500; color: #f2f3f5; }
.app { padding: 0 4px; margin: 0 4px; border-radius: 3px; background: #5865f2; color: #fff;
  font-size: 10px; vertical-align: middle; }
time { color: #949ba4; font-size: 12px; }
.embed { display: grid; grid-template-columns: 1fr auto; box-sizing: border-box;
  max-width: 516px; margin-top: 4px; padding: 2px 16px 16px 12px; border-left: 4px solid COLOUR;
  border-radius: 4px; background: #2b2d31; font-size: 14px; line-height: 18px;
  overflow-wrap: anywhere; }
.author, .title, .description, .fields, footer { grid-column: 1; margin-top: 8px; }
.author { font-weight: 600; color: #f2f3f5; }
.author a { color: inherit; }
.title { font-size: 16px; line-height: 20px; font-weight: 600; color: #f2f3f5; }
.fields { display: grid; grid-template-columns: repeat(12, 1fr); gap: 8px; }
.fields > div { grid-column: span 12; }
.fields > .of2 { grid-column: span 6; }
.fields > .of3 { grid-column: span 4; }
.fields b { display: block; color: #f2f3f5; }
.thumbnail { grid-column: 2; grid-row: 1 / 6; width: 80px; height: 80px; margin: 8px 0 0 16px;
  border-radius: 4px; background: #1e1f22; color: #949ba4; text-align: center;
  line-height: 80px; font-size: 12px; }
footer { font-size: 12px; line-height: 16px; }
code { padding: 0 2px; border-radius: 3px; background: #1e1f22; }
blockquote { margin: 0; padding-left: 12px; border-left: 4px solid #4e5058; }
h1, h2, h3 { margin: 4px 0; font-size: 18px; color: #f2f3f5; }
small { display: block; color: #949ba4; }
"""


def page(embed: Embed, who: str = "Izumi") -> str:
    """A whole HTML document.

    Args:
        embed: What the message shows.
        who: Who the message is from.
    """
    style = _STYLE.replace("COLOUR", f"#{embed.colour:06x}")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    sender = f'<span class="who">{html.escape(who)}</span> <span class="app">APP</span>'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(embed.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<div class="message"><div class="avatar">{html.escape(who[:1])}</div><div>\n'
        f"<div>{sender} <time>{_time(embed.timestamp)}</time></div>\n"
        f'<article class="embed">\n{_embed(embed)}\n</article>\n</div></div>\n</body>\n</html>\n'
    )


def _embed(embed: Embed) -> str:
    parts = []
    if embed.author:
        name = html.escape(embed.author)
        parts.append(_div("author", anchor(embed.author_url, name) if embed.author_url else name))
    title = shown_line(embed.title)
    parts.append(_div("title", anchor(embed.url, title) if embed.url else title))
    if embed.description:
        parts.append(_div("description", shown(embed.description)))
    if embed.fields:
        parts.append(_div("fields", "".join(_fields(embed.fields))))
    if embed.thumbnail:
        address = html.escape(embed.thumbnail)
        parts.append(f'<div class="thumbnail" title="{address}">cover</div>')
    footer = f"{html.escape(embed.footer)} • " if embed.footer else ""
    parts.append(f"<footer>{footer}{_time(embed.timestamp)}</footer>")
    return "\n".join(parts)


def _fields(fields: tuple[Field, ...]) -> list[str]:
    """Fields, those that may stand beside each other three in a row."""
    return [
        _div(_width(fields, place), f"<b>{shown_line(field.name)}</b>{shown(field.value)}")
        for place, field in enumerate(fields)
    ]


def _width(fields: tuple[Field, ...], place: int) -> str:
    if not fields[place].inline:
        return "of1"
    start = place
    while start > 0 and fields[start - 1].inline:
        start -= 1
    end = place
    while end + 1 < len(fields) and fields[end + 1].inline:
        end += 1
    # Rows of three from where such fields begin; what is left shares the last row.
    row = start + (place - start) // 3 * 3
    return f"of{min(3, end + 1 - row)}"


def _div(kind: str, inner: str) -> str:
    return f'<div class="{kind}">{inner}</div>'


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
