"""The language of templates: text with placeholders such as `{name}`. Pure.

It is no `str.format`: the names below are all that it knows, and nothing can be reached
through them. A line whose placeholders are all empty is left out.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from izumi.domain.graphemes import units

Values = Mapping[str, str | Sequence[str]]
"""By placeholder: text, or a list of which as much is shown as there is room for."""

PLACEHOLDERS: Final[Mapping[str, str]] = {
    "show": "name of the show's folder",
    "title": "title of the show as AniList prefers it; else as `show`",
    "name": "name of the episode's file; of several episodes `Show - 01-12 [1080p]`",
    "episode": "number of the episode; of several `01-12, 12.5`",
    "season": "number of the season",
    "resolution": "`1080p`",
    "count": "how many episodes the message tells of",
    "news": "what happened last, in the template's `wording`",
    "subs": "`Softsub, Hardsub`: what is there, in the template's `wording`",
    "size": "size of all files together",
    "softsub_size": "size of the softsubs",
    "hardsub_size": "size of the hardsubs",
    "duration": "minutes of an episode",
    "summary": "`24 mins, 351.2 MiB [Softsub]`",
    "list": "of several episodes: which have what",
    "downloads": "direct links to hardsubs, where the target has a `link_base`",
    "mirrors": "destinations, with links where their location has a `link_base`",
    "links": "pages about the show at MyAnimeList, AniList and Kitsu",
    "stats": "`Score: 84/100, Pop: 305734, Total: 12 Eps.`",
    "score": "average score of 100",
    "popularity": "people who have it on a list",
    "total": "episodes that the show has or will have",
    "studio": "the main studio",
    "link": "address of the hardsub, where the target has a `link_base`; of one episode",
    "cover": "address of the large cover",
    "studio_link": "address of the studio's page",
    "anilist": "address of the show's page at AniList",
    "mal": "address of its page at MyAnimeList",
    "kitsu": "address of its page at Kitsu",
}
"""What may stand in braces, and what comes in its place."""

_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
_MORE_UNITS: Final = 16


class _Slot(NamedTuple):
    name: str


def filled(template: str, values: Values, limit: int) -> str:
    """The text of a template.

    Args:
        template: As `problem` finds it good.
        values: Of every placeholder; safe for where the text goes.
        limit: Units (`graphemes.units`) that lists leave room for; only they are shortened
            here.
    """
    lines = [
        parts
        for line in template.split("\n")
        for parts in [list(_parts(line))]
        if not _is_void(parts, values)
    ]
    room = limit - sum(units(_fixed(part, values)) for parts in lines for part in parts)
    room -= max(len(lines) - 1, 0)
    texts: list[str] = []
    for parts in lines:
        text = ""
        for part in parts:
            value = values[part.name] if isinstance(part, _Slot) else part
            shown = value if isinstance(value, str) else packed(value, room)
            room -= 0 if isinstance(value, str) else units(shown)
            text += shown
        texts.append(text)
    return "\n".join(texts).strip()


def spread(template: str, values: Values, limit: int, most: int) -> list[str]:
    """As `filled`, where a list alone may go on in further texts: `most` in all."""
    slots = [part for part in _parts(template) if part]
    items = values[slots[0].name] if len(slots) == 1 and isinstance(slots[0], _Slot) else ""
    if isinstance(items, str):
        return [filled(template, values, limit)]
    texts: list[str] = []
    rest = list(items)
    while rest and len(texts) + 1 < most and units(", ".join(rest)) > limit:
        fits = _fitting(rest, limit)
        if not fits:
            break
        texts.append(", ".join(rest[:fits]))
        rest = rest[fits:]
    return [*texts, packed(rest, limit)]


def _fitting(items: Sequence[str], room: int) -> int:
    """How many items fit, with commas between them."""
    used = -2
    for number, item in enumerate(items):
        used += units(item) + 2
        if used > room:
            return number
    return len(items)


def packed(items: Sequence[str], room: int) -> str:
    """As many items as fit, with commas, and how many more there are."""
    if units(whole := ", ".join(items)) <= room:
        return whole
    kept = _fitting(items, room - _MORE_UNITS)
    rest = len(items) - kept
    return f"{', '.join(items[:kept])} … and {rest} more" if kept else ""


def fault(template: str) -> str | None:
    """What is wrong with a template, as the end of a sentence."""
    for token in _TOKEN.finditer(template):
        name = token[1]
        if name is None and token[0] not in {"{{", "}}"}:
            return f"has a lone `{token[0]}`; a brace itself is written `{token[0] * 2}`"
        if name is not None and name not in PLACEHOLDERS:
            near = difflib.get_close_matches(name, PLACEHOLDERS, n=1, cutoff=0.5)
            hint = (
                f"did you mean `{{{near[0]}}}`?" if near else f"known are {', '.join(PLACEHOLDERS)}"
            )
            return f"has the unknown placeholder `{{{name}}}`; {hint}"
    return None


def _parts(line: str) -> Iterator[str | _Slot]:
    end = 0
    for token in _TOKEN.finditer(line):
        yield line[end : token.start()]
        yield token[0][0] if token[1] is None else _Slot(token[1])
        end = token.end()
    yield line[end:]


def _is_void(parts: Sequence[str | _Slot], values: Values) -> bool:
    slots = [part for part in parts if isinstance(part, _Slot)]
    return bool(slots) and not any(values[slot.name] for slot in slots)


def _fixed(part: str | _Slot, values: Values) -> str:
    """What takes its room before lists are given any."""
    value = values[part.name] if isinstance(part, _Slot) else part
    return value if isinstance(value, str) else ""
