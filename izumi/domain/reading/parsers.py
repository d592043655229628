"""Second opinions: anitopy behind its guard, and anitomy-ng.

anitopy 2.1.1 keeps its state in module globals (172 of 600 answers were wrong with four
threads), writes into the options it is given, raises AttributeError and ValueError on
some names, and loops for ever in its search for an episode title (`Show - 01 -.mkv`).
The lock, fresh options, the guard and leaving that search out are the answers; with it
left out every loop of anitopy moves through the name, so that it always ends.
"""

# ruff: noqa: RUF001 - the characters that look like others are the matter here

import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anitomy_ng
import anitopy

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.text import tidy
from izumi.domain.release import Reading

LONGEST: Final = 400
"""Characters that anitopy is given at most: its time grows with the square of the brackets."""

_LOCK: Final = threading.Lock()
_FAULTS: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_OPTIONS: Final = {
    "allowed_delimiters": " _.&+,|",
    "ignored_strings": (),
    "parse_episode_number": True,
    "parse_episode_title": False,
    "parse_file_extension": False,
    "parse_release_group": True,
}
_OF_NO_READER: Final = re.compile(
    rf"^\[v\d\] *|^\[[^\[\]]*www\.[^\[\]]*\] *| *[\[({{](?:{patterns.DATABASE.pattern})[\])}}]",
    re.IGNORECASE,
)
"""Sites and numbers of databases, which the others take for groups and episodes."""
_HALF_VERSION: Final = re.compile(r"(\d\.\d)v\d(?!\w)")
_BRACKETS: Final = str.maketrans("【】〔〕〖〗［］『』（）｛｝　", "[][][][][](){} ")


def plain(stem: str) -> str:
    """A name in the words that both parsers know: Latin brackets, no tags, " - 05"."""
    text = unicodedata.normalize("NFKC", tidy(stem).translate(_BRACKETS))
    text = vocabulary.MONTH_TAG.sub(" ", _OF_NO_READER.sub("", text))
    text = re.sub("[★☆◆◇■□●※]", " ", text)
    # Both read "12.5v2" as 5.
    text = _HALF_VERSION.sub(r"\1", text)
    text = patterns.WHOLE.sub(" ", patterns.COUNTER.sub(_numbered, text))
    return " ".join(text.split())


def _numbered(match: re.Match[str]) -> str:
    number = patterns.written(match["e"] or match["f"] or match["g"])
    return f" - {number} " if number else match[0]


def by_anitopy(text: str) -> Reading | None:
    """Anitopy's opinion of a plain name; None when it has none."""
    if len(text) > LONGEST:
        return None
    # An empty bracket behind the name keeps its look-ahead inside the tokens.
    guarded = text.rstrip(" -_.~–—") + " []"
    with _LOCK:
        try:
            found: Mapping[str, Any] | None = anitopy.parse(guarded, dict(_OPTIONS))
        except _FAULTS:
            return None
    if not found:
        return None
    return _reading(
        titles=_texts(found.get("anime_title")),
        seasons=_texts(found.get("anime_season")),
        episodes=_texts(found.get("episode_number")),
        group=_texts(found.get("release_group")),
        why="anitopy",
    )


def by_anitomy(text: str) -> Reading | None:
    """anitomy-ng's opinion of a plain name; None when it has none."""
    kinds = anitomy_ng.ElementKind
    parts: dict[anitomy_ng.ElementKind, list[str]] = {}
    for element in anitomy_ng.parse(text):
        parts.setdefault(element.kind, []).append(element.value)
    if not parts:
        return None
    return _reading(
        titles=parts.get(kinds.TITLE, []),
        seasons=parts.get(kinds.SEASON, []),
        episodes=parts.get(kinds.EPISODE, []),
        group=parts.get(kinds.RELEASE_GROUP, []),
        why="anitomy-ng",
    )


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _reading(
    *,
    titles: Sequence[str],
    seasons: Sequence[str],
    episodes: Sequence[str],
    group: Sequence[str],
    why: str,
) -> Reading:
    numbers = [number for text in episodes for number in re.findall(r"\d+(?:\.\d+)?[a-c]?", text)]
    last = numbers[-1].rstrip("abc") if len(numbers) > 1 else None
    return Reading(
        titles=tuple(title for title in titles if title.strip()),
        seasons=tuple(int(text) for text in seasons if text.isdecimal()),
        episode=(patterns.span(numbers[0].rstrip("abc"), last) if last else numbers[0])
        if numbers
        else None,
        group=group[0] if group else None,
        why=(why,),
    )
