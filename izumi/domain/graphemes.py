"""Texts cut where a reader would cut them: never inside a flag, a family or an accent.

The rules are those of Unicode's UAX #29 that file names and titles meet: combining marks,
joined emoji, skin tones, flags, Hangul syllables, conjuncts. Python's standard library has none.
"""

import itertools
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

ELLIPSIS: Final = "…"
_JOINER: Final = "\u200d"
_NON_JOINER: Final = "\u200c"
# No marks by their category, but part of the letter before: the dots of half-width kana
# (ｶﾞ), the vowel AM of Thai and Lao.
_ADDED: Final = frozenset("\uff9e\uff9f\u0e33\u0eb3")
# Of the scripts whose conjuncts are one letter to a reader: क्ष.
_VIRAMAS: Final = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d")


def clusters(text: str) -> Iterator[str]:
    """What a reader calls characters, one after the other; joined they are the text."""
    start = 0
    flags = 0
    for here in range(1, len(text)):
        before, after = text[here - 1], text[here]
        flags = flags + 1 if _is_flag_half(before) else 0
        if not _belong_together(before, after, odd_flags=flags % 2 == 1):
            yield text[start:here]
            start = here
    if text:
        yield text[start:]


def _belong_together(before: str, after: str, *, odd_flags: bool) -> bool:
    if _extends(after):
        return True
    if before in _VIRAMAS:
        return unicodedata.category(after) == "Lo"
    if before == _JOINER:
        return unicodedata.category(after) == "So"
    if odd_flags and _is_flag_half(after):
        return True
    return _is_hangul_pair(before, after)


def _extends(char: str) -> bool:
    """Marks, joiners, skin tones and the tags of subdivision flags."""
    return (
        unicodedata.category(char)[0] == "M"
        or char in (_JOINER, _NON_JOINER)
        or char in _ADDED
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_hangul_pair(before: str, after: str) -> bool:
    first, second = _hangul(before), _hangul(after)
    return (first, second) in {
        ("L", "L"), ("L", "V"), ("L", "LV"), ("L", "LVT"),
        ("V", "V"), ("V", "T"), ("LV", "V"), ("LV", "T"), ("LVT", "T"), ("T", "T"),
    }  # fmt: skip


def _hangul(char: str) -> str:
    """Leading consonant, vowel, trailing consonant, or a whole syllable of them; else ""."""
    if "\u1100" <= char <= "\u115f" or "\ua960" <= char <= "\ua97c":
        return "L"
    if "\u1160" <= char <= "\u11a7" or "\ud7b0" <= char <= "\ud7c6":
        return "V"
    if "\u11a8" <= char <= "\u11ff" or "\ud7cb" <= char <= "\ud7fb":
        return "T"
    if "\uac00" <= char <= "\ud7a3":
        return "LV" if (ord(char) - 0xAC00) % 28 == 0 else "LVT"
    return ""


def units(text: str) -> int:
    """Length in UTF-16 code units: the largest of the ways in which a limit is counted."""
    return len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, limit: int, render: Callable[[str], str] = str) -> str:
    """`render(text)`, of the longest beginning of `text` that fits.

    Args:
        text: What to shorten; an ellipsis shows that something is missing.
        limit: Most units (`units`) of the result, at least 1.
        render: Escaping; must not shorten a text that grows.
    """
    # No cluster is shorter than one unit, so that later ones cannot matter.
    parts = list(itertools.islice(clusters(text), limit + 1))
    if sum(map(len, parts)) == len(text) and units(render(text)) <= limit:
        return render(text)
    if not _fits(parts[:1], limit, render):
        # One letter under thousands of accents: no boundary to respect is left.
        parts = list(parts[0][:limit])
    most = _most(parts, limit, render)
    return render("".join(parts[:most]).rstrip() + ELLIPSIS)


def _most(parts: list[str], limit: int, render: Callable[[str], str]) -> int:
    """How many parts fit together with the ellipsis, by halving."""
    low, high = 0, len(parts)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(parts[:middle], limit, render):
            low = middle
        else:
            high = middle - 1
    return low


def _fits(parts: list[str], limit: int, render: Callable[[str], str]) -> bool:
    return units(render("".join(parts) + ELLIPSIS)) <= limit
