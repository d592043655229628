"""Which of the numbers in a name is the episode."""

import re
from collections.abc import Iterator

from izumi.domain.reading import patterns
from izumi.domain.reading.numbers import free, is_year, loose, of_a_day
from izumi.domain.reading.patterns import Found
from izumi.domain.reading.scan import OPEN, Role, Scan


def episode(scanned: Scan) -> Found | None:
    """The episode mark, or None: a film, a single file, or nothing that can be told."""
    firm = next(_explicit(scanned), None)
    dashed = next(_dashed(scanned), None)
    boxed = _boxed(scanned)
    # "[Memories Off #5][02]": the only number that stands alone beats a word of the title.
    if firm and not (boxed and firm.sure < 1 <= boxed.sure and firm.end <= boxed.start):
        return _firm(scanned, firm, dashed)
    # "Title - 2 [05]": a padded number in a square bracket beats a digit of the title.
    if dashed and not (boxed and boxed.sure >= 0.9 and len(dashed.number) == 1):
        return dashed
    return next(filter(None, loose(scanned, boxed)), None)


def _firm(scanned: Scan, firm: Found, dashed: Found | None) -> Found:
    """An explicit mark; a number behind a dash beside it may be the same episode.

    "Show - 20 (S01E20)" gives one episode twice, and the number stands nearer the title.
    """
    if dashed and dashed.end <= firm.start and firm.how in {"SxxEyy", "1x02"}:
        same = _low(dashed.number) == _low(firm.number)
        if firm.seasons == (0,) and "." in dashed.number:
            # "Show - 15.5 (S00E01)": a database counts it among the specials.
            return dashed._replace(sure=1.0)
        return dashed._replace(seasons=firm.seasons if same else (), sure=1.0 if same else 0.5)
    if dashed and dashed.start >= firm.end and firm.sure < 1:
        return _joined(scanned, firm, dashed)
    return firm


def _joined(scanned: Scan, firm: Found, dashed: Found) -> Found:
    """A range in "Episode 1001 - 1012"; in "Episode 0 - 24" the first is of the title."""
    first, last = firm.number, dashed.number
    touching = not scanned.text.view[firm.end : dashed.start].strip(" -")
    plain = first.isdecimal() and last.isdecimal()
    if touching and plain and len(first) == len(last) and last > first:
        return firm._replace(number=patterns.span(first, last), end=dashed.end)
    return dashed._replace(sure=0.6)


def _low(number: str) -> float:
    match = re.search(r"\d+(?:\.\d+)?", number)
    return float(match[0]) if match else -1.0


def _explicit(scanned: Scan) -> Iterator[Found]:
    for found in patterns.explicit(scanned.text.view):
        role = scanned.role_at(found.start)
        # "[01-03 + #0.8]": in a number's bracket only what begins it is the episode.
        behind = role is Role.NUMBER and scanned.text.view[: found.start].rstrip()[-1:] not in "[({"
        if role in OPEN and not behind:
            yield found


def _dashed(scanned: Scan) -> Iterator[Found]:
    """Such as " - 05", " - 01v2", "-01-12"; a dash glued to a word ("LPR-309") comes last."""
    glued: list[Found] = []
    for piece in free(scanned):
        for match in patterns.DASHED.finditer(scanned.text.view, piece.start, piece.end):
            if (
                not scanned.titled(match.start())
                or is_year(match)
                or of_a_day(scanned, match.start("e"))
            ):
                continue
            part = (match["part"] or "").strip("-")
            number = patterns.span(match["e"], match["e3"] or match["e2"]) + part
            found = Found(
                number, *match.span(), 0.9, "number behind a dash", patterns.revision(match)
            )
            if re.match(r"[a-z\d]-\S", scanned.text.view[match.start() - 1 : match.start() + 2]):
                padded = number.startswith("0") and len(number) > 1
                glued.append(found._replace(sure=0.8 if padded else 0.6))
            else:
                yield found
    yield from glued


def _boxed(scanned: Scan) -> Found | None:
    """The last "[05]" that has something before it; "(05)" only where there is none."""
    best: Found | None = None
    for i, (piece, role) in enumerate(scanned):
        if role is not Role.NUMBER or not {Role.FREE, Role.TITLE, Role.NUMBER} & set(
            scanned.roles[:i]
        ):
            continue
        view = scanned.view(piece).strip()
        match = patterns.OF.fullmatch(view) or patterns.ALONE.fullmatch(view)
        if match is None:
            continue
        number = match["e"]
        if match.re is patterns.ALONE:
            kind = (match["type"] or "").upper()
            number = kind + patterns.span(number, match["e2"]) + (match["part"] or "")
            number += (match["list"] or "").replace(" ", "").replace("、", ",")
        square = piece.bracket == "["
        if best is None or square or best.sure < 0.9:
            how = "number in brackets" if square else "number in parentheses"
            sure = _sure_boxed(scanned, number) if square else 0.85 if "-" in number else 0.7
            revision = patterns.revision(match)
            best = Found(number, piece.start - 1, piece.end + 1, sure, how, revision)
    return best


def _sure_boxed(scanned: Scan, number: str) -> float:
    """Two digits alone in the only such bracket can mean nothing else."""
    single = scanned.roles.count(Role.NUMBER) == 1 and Role.YEAR not in scanned.roles
    return 1.0 if single and len(number) > 1 else 0.9
