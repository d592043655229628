"""What a name says when it is no episode: openings without credits, trailers, samples."""

import re
from typing import Final

from izumi.domain.reading import vocabulary
from izumi.domain.reading.patterns import Found
from izumi.domain.reading.scan import Role, Scan

FIRM: Final = 0.9
"""How sure an episode mark must be to stand beside an extra."""

_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGIT: Final = re.compile(r"\d")


def mark(scanned: Scan, found: Found | None) -> Found | None:
    """What it is ("NCOP1", "05 sample") and where that stands; None: an episode or a film.

    Args:
        scanned: The name.
        found: Its episode mark, whose number tells extras of one kind apart.
    """
    firm = found is not None and found.sure >= FIRM
    boxed = found is not None and found.how == "number in brackets"
    named = _sample(scanned, found) or _worded(scanned, firm=firm and not boxed)
    if named is None:
        return None if found else _coded(scanned)
    if found and named.how == "sample":
        return named._replace(number=f"{found.number} {named.number}")
    if found and firm and not _DIGIT.search(named.number):
        return named._replace(number=f"{named.number} {found.number}")
    return named


def _worded(scanned: Scan, *, firm: bool) -> Found | None:
    """NCOP, PV, menu and the like; behind a firm episode mark only what cannot be its title."""
    for match in vocabulary.EXTRA.finditer(scanned.text.view):
        if firm and not vocabulary.CREDITLESS.fullmatch(match["what"]):
            continue
        role = scanned.role_at(match.start())
        boxed = role is Role.EXTRA or (
            role in {Role.TITLE, Role.NUMBER} and _begins_box(scanned, match.start())
        )
        # "[Web Preview 01]": the word before is of the trade.
        ends = scanned.text.view[match.end() : match.end() + 1] == "]"
        boxed = boxed or (role is Role.META and ends and bool(match["number"].strip()))
        if boxed or (role is Role.FREE and _stands_apart(scanned, match)):
            shown = " ".join(scanned.text.shown[match.start("what") : match.end("number")].split())
            return Found(shown, *match.span(), 1.0, "extra")
    return None


def _sample(scanned: Scan, found: Found | None) -> Found | None:
    """A piece of a release to look at: "Show - 01 sample", "...1080p.sample", "[sample]"."""
    view = scanned.text.view
    for match in vocabulary.SAMPLE.finditer(view):
        start, end = match.span()
        before = view[:start].rstrip(" -.")
        boxed = before[-1:] in {"[", "("} and view[end : end + 1] in {"]", ")"}
        numbered = (
            found is not None and found.end <= start and not view[found.end : start].strip(" -.")
        )
        ends = view[end:].lstrip(" -.")[:1] in {"", "[", "("}
        dashed = view[:start].endswith(" - ")
        behind = before[-1:] in {"]", ")", "}"} or vocabulary.is_strong(
            re.split(r"[ \[(]", before)[-1]
        )
        glued = scanned.text.dotted and view[start - 1 : start] == "-"
        if boxed or numbered or (ends and (not before or behind or glued or dashed)):
            return Found(scanned.text.shown[start:end], start, end, 1.0, "sample")
    return None


def _coded(scanned: Scan) -> Found | None:
    """A short code right behind the title, and something about the file behind that."""
    for at, role in enumerate(scanned.roles[:-2]):
        if role is not Role.FREE:
            continue
        piece, behind = scanned.pieces[at + 1], scanned.pieces[at + 2]
        coded = scanned.roles[at + 1] is Role.TITLE and piece.bracket == behind.bracket == "["
        if coded and vocabulary.CODE.fullmatch(scanned.view(piece).strip()):
            shown = scanned.text.shown[piece.start : piece.end].strip()
            return Found(shown, piece.start, piece.end, 0.6, "extra")
        break
    return None


def _begins_box(scanned: Scan, place: int) -> bool:
    """Whether a bracket behind the title begins here: "[PV_S2]", "[Teaser PV2]"."""
    before = scanned.text.view[:place].rstrip()
    return before[-1:] in {"[", "("} and scanned.titled(place)


def _stands_apart(scanned: Scan, match: re.Match[str]) -> bool:
    """Whether the word for an extra in free text is no word of a title."""
    rest = next(
        scanned.text.view[match.end() : piece.end].strip(" -")
        for piece, _ in scanned
        if piece.end >= match.end()
    )
    if not scanned.titled(match.start()):
        return not rest
    vague = match["what"] in vocabulary.VAGUE_EXTRAS and not match["number"].strip()
    told = all(vocabulary.is_known(word.strip("-.,")) for word in rest.split())
    return not (vague and _LETTER.search(rest) and not told)
