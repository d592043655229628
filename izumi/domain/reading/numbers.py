"""Numbers that no mark calls an episode, and how likely each is one."""

import re
from collections.abc import Iterator
from typing import Final

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.patterns import Found
from izumi.domain.reading.scan import OPEN, Role, Scan
from izumi.domain.reading.text import Piece

_COUNTED_WORDS = "movie movies film films part vol volume no cour & and"
_COUNTED: Final = frozenset(_COUNTED_WORDS.split())
_BOXED_FIRST: Final = re.compile(
    r" *(?P<e>\d{1,3})(?: ?[-~] ?(?P<e2>\d{1,3}))?(?: ?(?:end|fin|完))? (?=\S)"
)
_KINDS: Final = {"special": "SP", "sp": "SP", "oav": "OVA"}


def loose(scanned: Scan, boxed: Found | None) -> Iterator[Found | None]:
    """What may be the episode where no mark says so, the likeliest first."""
    first, last = _first(scanned), _last(scanned)
    if boxed and boxed.sure >= 1:
        yield boxed
    yield _special(scanned)
    if boxed and last and last.sure < 0.7 and boxed.number.startswith("0"):
        # As in "Memories Off 3.5 (04)".
        yield boxed
    copied = boxed and boxed.sure < 0.9 and len(boxed.number) == 1
    if copied and first and first.sure >= 0.8:
        # As in "05 - Name of it (1)".
        yield first
    if last is None or (boxed and (boxed.sure >= 0.9 or "-" in boxed.number)):
        yield boxed
    if first and first.sure >= 0.8 and (last is None or last.sure < 0.7):
        yield first
    yield last
    yield _within(scanned)
    yield first
    yield _whole(scanned)
    yield _boxed_first(scanned)
    yield _volume(scanned)


def free(scanned: Scan) -> Iterator[Piece]:
    """The pieces between brackets."""
    return (piece for piece, role in scanned if role is Role.FREE)


def of_a_day(scanned: Scan, place: int) -> bool:
    """Whether a number at a place is part of a day: "Show - 2008.01.06"."""
    return any(day.start() <= place < day.end() for day in patterns.DAY.finditer(scanned.text.view))


def is_year(match: re.Match[str]) -> bool:
    """Whether a matched number is a year, not an episode."""
    return patterns.YEAR.fullmatch(match["e"]) is not None and not (match["e2"] or match["part"])


def _special(scanned: Scan) -> Found | None:
    """Such as "SP02", "OVA 1": the kind stays, so that none meets a plain episode."""
    for match in patterns.SPECIAL.finditer(scanned.text.view):
        alone = not scanned.text.view[: match.start()].strip()
        role = scanned.role_at(match.start())
        # "[SP02]" is a number alone, and read as one.
        boxed = role is Role.NUMBER and patterns.ALONE.fullmatch(match[0])
        if role in OPEN and not boxed and (alone or scanned.titled(match.start())):
            kind = _KINDS.get(match["type"], match["type"].upper())
            return Found(
                kind + patterns.span(match["e"], match["e2"]),
                *match.span(),
                0.9,
                "numbered special",
                patterns.revision(match),
                (0,) if kind == "SP" else (),
            )
    return None


def _first(scanned: Scan) -> Found | None:
    """Such as "05 - Title", "01. Title"."""
    piece = next(free(scanned), None)
    if piece is None:
        return None
    match = patterns.FIRST.match(scanned.text.view, piece.start, piece.end)
    if match is None or Role.TITLE in scanned.roles[: scanned.pieces.index(piece)]:
        return None
    padded = match["e"].startswith("0") and match["mark"].strip() in {"", "-", "."}
    sure = 0.8 if padded else 0.5
    revision = patterns.revision(match)
    return Found(match["e"], *match.span(), sure, "number at the beginning", revision)


def _last(scanned: Scan) -> Found | None:
    """The last word of the title, as in "Title 05 ["; what stands alone comes first."""
    found = list(_lasts(scanned))
    alone = (one for one in found if not scanned.text.view[: one.start].rstrip()[-1:].isalnum())
    return next(alone, next(iter(found), None))


def _lasts(scanned: Scan) -> Iterator[Found]:
    for piece in free(scanned):
        end = _before_year(scanned, piece.start, scanned.cut(piece.start, piece.end))
        match = patterns.LAST.search(scanned.text.view, piece.start, end)
        if match is None or not scanned.titled(match.start()) or is_year(match):
            continue
        if of_a_day(scanned, match.start("e")):
            continue
        before = scanned.text.view[piece.start : match.start()].split()
        if (before and before[-1].strip("-.#") in _COUNTED) or _of_a_season(
            scanned, match.start("e"), match.end("e")
        ):
            continue
        number = patterns.span(match["e"], match["e3"] or match["e2"]) + (match["part"] or "")
        sure = _sure_last(scanned, piece, match, end)
        if match["e2"] and match["e2"].startswith("0") and not match["e"].startswith("0"):
            # "Title 2-03" is no range.
            number, sure = match["e2"], 0.4
        if sure > 0:
            revision = patterns.revision(match)
            yield Found(number, *match.span(), sure, "number behind the title", revision)


def _of_a_season(scanned: Scan, start: int, end: int) -> bool:
    return any(
        season.start() < end and start < season.end()
        for season in patterns.SEASONS.finditer(scanned.text.view)
    )


def _sure_last(scanned: Scan, piece: Piece, match: re.Match[str], end: int) -> float:
    """How surely a number behind a title is the episode and not of the title."""
    padded = match["e"].startswith("0") and len(match["e"]) > 1
    if re.search(r"end|fin|[完終终]", match[0]):
        return 0.9
    if padded or match["e2"] or match["v"]:
        return 0.8
    film = vocabulary.FILM.search(scanned.text.view) or (end < piece.end and _year_at(scanned, end))
    if film or len(match["e"]) == 1:
        return 0.0
    return 0.6


def _year_at(scanned: Scan, place: int) -> bool:
    return patterns.YEAR.match(scanned.text.view, place) is not None


def _before_year(scanned: Scan, start: int, end: int) -> int:
    """Where the year begins that ends a scene name's title; else `end`."""
    match = re.search(r"(?<= )(?:19|20)\d\d *$", scanned.text.view[start:end])
    if match and end < len(scanned.text.view) and match.start() > 1:
        return start + match.start()
    return end


def _within(scanned: Scan) -> Found | None:
    """A padded number as in "Title 01 Name of it", or one before a quotation mark."""
    for piece in free(scanned):
        end = _before_year(scanned, piece.start, scanned.cut(piece.start, piece.end))
        for match in patterns.WITHIN.finditer(scanned.text.view, piece.start, end):
            before = scanned.text.view[piece.start : match.start()].split()
            counted = before and before[-1].strip("-.#") in _COUNTED
            season = _of_a_season(scanned, match.start(), match.end())
            season = season or of_a_day(scanned, match.start())
            if scanned.titled(match.start()) and not counted and not season:
                number = match["e"] or match["q"]
                revision = patterns.revision(match)
                quoted = scanned.text.view[match.end() + 1 : match.end() + 2] in {'"', "'", "「"}
                sure = 0.8 if quoted else 0.7
                return Found(number, *match.span(), sure, "number within the text", revision)
    return None


def _whole(scanned: Scan) -> Found | None:
    """All of them, as in "全12話"."""
    match = patterns.WHOLE.search(scanned.text.view)
    last = patterns.written(match["e"] or match["f"]) if match else ""
    if match is None or not last:
        return None
    return Found(patterns.span("1", last), *match.span(), 0.8, "all of them")


def _boxed_first(scanned: Scan) -> Found | None:
    """Such as "[08 Name of the episode]", "(01-12Fin WEBRip 1080p)"."""
    for i, (piece, role) in enumerate(scanned):
        if role not in {Role.META, Role.TITLE} or not {Role.FREE, Role.TITLE} & set(
            scanned.roles[:i]
        ):
            continue
        match = _BOXED_FIRST.match(scanned.text.view, piece.start, piece.end)
        if match and (role is Role.TITLE or match["e2"]):
            number = patterns.span(match["e"], match["e2"])
            return Found(number, piece.start - 1, piece.end + 1, 0.6, "number first in brackets")
    return None


def _volume(scanned: Scan) -> Found | None:
    """A volume is no episode, and yet what tells this file from its siblings."""
    for match in patterns.VOLUME.finditer(scanned.text.view):
        first = match["e"] or patterns.written(match["h"])
        if first and scanned.titled(match.start()):
            number = "Vol" + patterns.span(first, match["e2"])
            return Found(number, *match.span(), 0.5, "a volume", patterns.revision(match))
    return None
