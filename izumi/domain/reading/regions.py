"""Where in a name the titles stand."""

import re
from typing import Final

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.patterns import Found
from izumi.domain.reading.scan import Role, Scan

LETTER: Final = re.compile(r"[^\W_]")

Span = tuple[int, int]


def spans(scanned: Scan, found: Found | None, stop: int) -> list[Span]:
    """One stretch of free text, or several brackets that hold alternatives.

    Args:
        scanned: The name.
        found: Its episode mark.
        stop: Where the title ends at the latest.
    """
    if found and not scanned.titled(found.start):
        behind = _behind(scanned, found)
        if behind or found.how == "number at the beginning":
            return behind
    free = _free(scanned, stop)
    if free:
        return [free]
    return _boxes(scanned, stop) or _boxes(scanned, len(scanned.text.view))


def _free(scanned: Scan, stop: int) -> Span | None:
    """The free text of the title, with the brackets that belong to it."""
    start, end = -1, -1
    for i, (piece, role) in enumerate(scanned):
        last = min(piece.end, stop)
        if piece.start >= stop:
            break
        if role is Role.FREE:
            words = scanned.cut(piece.start, last, seen=start >= 0)
            if start < 0 and _no_title(scanned, i, words):
                continue
            start, end = (piece.start if start < 0 else start), words
            if words < last:
                break
        elif start >= 0:
            inside = (role is Role.TITLE and _inside(scanned, i, stop)) or (
                role is Role.META and _amid(scanned, i, stop)
            )
            if not inside and role not in {Role.YEAR, Role.TYPE, Role.SEASON}:
                break
            end = min(piece.end + 1, stop)
    return None if start < 0 else (start, end)


def _no_title(scanned: Scan, i: int, end: int) -> bool:
    """Whether free text cannot begin the title: no word, or words of the trade behind boxes."""
    text = scanned.text.view[scanned.pieces[i].start : end]
    if not LETTER.search(text):
        return True
    return Role.TITLE in scanned.roles[:i] and vocabulary.is_meta(text)


def _inside(scanned: Scan, i: int, stop: int) -> bool:
    """Whether a bracket belongs to the title: "(The Prince of Tennis)", "You Are [Not] Alone"."""
    piece = scanned.pieces[i]
    if piece.bracket == "(":
        return patterns.SEASONS.search(scanned.view(piece)) is None
    if i + 1 >= len(scanned.pieces) or scanned.roles[i + 1] is not Role.FREE:
        return False
    behind = scanned.pieces[i + 1]
    rest = scanned.text.view[behind.start : min(behind.end, stop)]
    return LETTER.search(rest) is not None


def _amid(scanned: Scan, i: int, stop: int) -> bool:
    """Whether more of the title follows a remark: "Titel (Dub) / Title (Dub) S2 - 05"."""
    if scanned.pieces[i].bracket != "(" or stop >= len(scanned.text.view):
        return False
    return any(
        role is Role.FREE and LETTER.search(scanned.text.view[piece.start : min(piece.end, stop)])
        for piece, role in zip(scanned.pieces[i + 1 :], scanned.roles[i + 1 :], strict=True)
        if piece.start < stop
    )


def _boxes(scanned: Scan, stop: int) -> list[Span]:
    """Brackets that can be titles, up to the first one about the file."""
    found: list[Span] = []
    numbers: list[Span] = []
    for piece, role in scanned:
        if piece.start >= stop or (role is Role.META and found):
            break
        if role is Role.TITLE:
            found.append((piece.start, min(piece.end, stop)))
        elif role is Role.NUMBER and piece.end < stop:
            numbers.append((piece.start, piece.end))
    return found or numbers[:1]


def _behind(scanned: Scan, found: Found) -> list[Span]:
    """The title behind an episode that comes first.

    "05 - Show - Title of the episode" names the show, "05 - Title of the episode" does
    not; "Episode 14 Show" does, since no dash parts them.
    """
    view, end = scanned.text.view, found.end
    for piece, role in scanned:
        if piece.end <= found.end:
            continue
        if role not in {Role.FREE, Role.YEAR, Role.TITLE}:
            break
        end = scanned.cut(max(found.end, piece.start), piece.end)
    at = view.find(" - ", found.end, end)
    if at >= 0 and LETTER.search(view[found.end : at]) and LETTER.search(view[at:end]):
        return [(found.end, at)]
    dashed = view[found.end : end].lstrip()[:1] in {"-", ":"}
    grouped = Role.GROUP in scanned.roles
    plain = not dashed and (found.how == "episode word" or grouped)
    return [(found.end, end)] if plain and LETTER.search(view[found.end : end]) else []
