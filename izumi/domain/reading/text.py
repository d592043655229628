"""A release name as text: tidied for display, folded for matching, cut into pieces.

Display and folded text always have the same length, so that a place found by matching
is the place where the title is cut out of what was written.
"""

# ruff: noqa: RUF001 - the characters that look like others are the matter here

import re
import unicodedata
from typing import Final, NamedTuple
from urllib.parse import unquote

_SAME: Final = (
    ("【〔〖［『", "["),
    ("】〕〗］』", "]"),
    ("（﹙", "("),
    ("）﹚", ")"),
    ("｛", "{"),
    ("｝", "}"),
    ("‐‑‒–—―−－", "-"),
    ("〜～∼˜", "~"),
    ("　\u00a0\u2007\u202f_＿", " "),
    ("’‘＇`´", "'"),
    ("“”", '"'),
    ("×✕✖＊*", "x"),
    ("｜¦│", "|"),
    ("\\＼⧸∕⁄", "/"),
)
_FOLD: Final = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{ord(char): plain for chars, plain in _SAME for char in chars},
}
_WIDE: Final = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()},
    ord("＿"): " ",
    ord("_"): " ",
}
_BRACKET: Final = re.compile(r"[()\[\]{}]")
_PARTNER: Final = {")": "(", "]": "[", "}": "{"}
_DECIMAL: Final = re.compile(r"(?<!\d)(?<!\d\.)\d{1,2}\.\d{1,2}(?!\d)(?!\.\d)(?![a-z])")
_CODEC: Final = re.compile(r"(?<![^\W_])[hx]\.26[45]|\d\.\d(?=ch|\.|-|$)")
_ACRONYM: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?")
_FOREIGN_DIGIT: Final = re.compile(r"(?![0-9])\d")
_POSTED: Final = re.compile(
    r'[\[(]\d{1,4}/\d{1,4}[\])] *-? *"(?P<name>[^"]+)"?(?: *yenc.*)?$', re.IGNORECASE
)
_PERCENT: Final = re.compile("%(?:20|5B|E[3-9A-D]%)", re.IGNORECASE)
_QUOTED: Final = re.compile(r'^"(.*)"$')
_SPACES: Final = re.compile(r" {2,}")
_BLANKS: Final = re.compile(r"[ _\u3000\uff3f]{2,}")
_SCENE_TAIL: Final = re.compile(
    r"(?<=\S)\.(?:s\d{1,2}(?:\.?ep?\d{1,4})?|ep?\d{1,4}|第\d{1,4}[集話话]|\d{3,4}[pi])(?:[.-]\S*)$"
)
"""What only a scene name has in its last word: "Title of it.E05.1080p.HDTV"."""


class Piece(NamedTuple):
    """A part of a name: the inside of a top-level bracket, or free text between brackets.

    Attributes:
        bracket: "[", "(", "{", or empty for free text.
        start: Where the inside begins.
        end: Where the inside ends.
    """

    bracket: str
    start: int
    end: int


class Text(NamedTuple):
    """One name, twice.

    Attributes:
        shown: As written, delimiters turned into spaces: titles are cut from it.
        view: Folded and lower-case, the same length: patterns are matched on it.
        dotted: Dots or plus signs stood for spaces, as in scene names.
    """

    shown: str
    view: str
    dotted: bool


def unwrapped(name: str) -> str:
    """A name without what a way of transport put around it: newsgroups, web addresses."""
    if match := _POSTED.match(name):
        name = match["name"]
    if " " not in name and _PERCENT.search(name):
        name = unquote(name, errors="replace").replace("/", " ")
    return name


def tidy(name: str) -> str:
    """NFC, on one line, without control, format and surrogate characters and outer quotes."""
    text = name if name.isprintable() else "".join(map(_tidied, name))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = _QUOTED.sub(r"\1", text.strip())
    return _SPACES.sub(" ", text.strip())


def _tidied(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Zs", "Zl", "Zp"} or char in "\t\r\n":
        return " "
    return "" if category[0] == "C" else char


def fold(text: str) -> str:
    """For matching: width, brackets, dashes, digits and case evened out; the length stays."""
    folded = text.translate(_FOLD)
    lower = folded.lower()
    if len(lower) != len(folded):
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in folded)
    return _FOREIGN_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), lower)


def text_of(stem: str) -> Text:
    """A tidied name without its extension, ready for reading."""
    stem = _BLANKS.sub(" ", stem)
    view = fold(stem)
    shown = stem.translate(_WIDE)
    free = "".join(view[p.start : p.end] for p in pieces(view) if not p.bracket).strip()
    if not free or (" " in free and not _SCENE_TAIL.search(free)):
        return Text(shown, view, dotted=False)
    for mark in ".+":
        if free.count(mark) >= 2 or (mark == "." and re.search(r"\w{2}\.\w", free)):
            view, shown = _spaced(view, shown, mark)
            return Text(shown, view, dotted=True)
    return Text(shown, view, dotted=False)


def _spaced(view: str, shown: str, mark: str) -> tuple[str, str]:
    """Both texts with the delimiter `mark` as spaces, outside decimals and acronyms."""
    kept: set[int] = set()
    for pattern in (_DECIMAL, _ACRONYM, _CODEC):
        for match in pattern.finditer(view):
            # "R.O.D.the": the last dot of an acronym before a word is a delimiter.
            behind = match[0][-1] == "." and view[match.end() : match.end() + 1].isalnum()
            kept.update(range(match.start(), match.end() - behind))
    places = [at for at, char in enumerate(view) if char == mark and at not in kept]
    letters, display = list(view), list(shown)
    for at in places:
        letters[at] = display[at] = " "
    return "".join(letters), "".join(display)


def pieces(view: str) -> list[Piece]:
    """Top-level brackets and the free text between; a bracket without partner parts text."""
    pairs, lone = _matched(view)
    tops: list[tuple[int, int]] = []
    for start, end in sorted(pairs):
        if not tops or start > tops[-1][1]:
            tops.append((start, end))
    breaks = sorted(
        [*tops, *((at, at) for at in lone if not any(first < at < last for first, last in tops))]
    )
    found: list[Piece] = []
    at = 0
    for start, end in breaks:
        # "Group] Title": the bracket that would open the name was lost.
        lost = start == end and view[start] == "]" and at <= 1
        found += [Piece("[" if lost else "", at, start), Piece(view[start], start + 1, end)]
        at = max(at, end + 1)
    found.append(Piece("", at, len(view)))
    return [piece for piece in found if view[piece.start : piece.end].strip()]


def _matched(view: str) -> tuple[list[tuple[int, int]], list[int]]:
    """Pairs of brackets, and the brackets that have no partner."""
    opened: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    lone: list[int] = []
    for match in _BRACKET.finditer(view):
        char, at = match[0], match.start()
        if char in "([{":
            opened.append((char, at))
            continue
        same = [i for i, (bracket, _) in enumerate(opened) if bracket == _PARTNER[char]]
        if not same:
            lone.append(at)
            continue
        pairs.append((opened[same[-1]][1], at))
        lone += [place for _, place in opened[same[-1] + 1 :]]
        del opened[same[-1] :]
    return pairs, lone + [place for _, place in opened]
