"""Our own reading of a release name, by structure."""

import re
from typing import Final

import msgspec

from izumi.domain.reading import episodes, extras, patterns, titles, vocabulary
from izumi.domain.reading.patterns import Found
from izumi.domain.reading.scan import Role, Scan, scan
from izumi.domain.reading.text import Piece, text_of, tidy
from izumi.domain.release import Reading

_GROUP_WORD: Final = re.compile(r"[^\W_][\w@!&'.]{1,24}(?: [^\W_][\w@!&'.]{1,24})?")
_TOLD: Final = frozenset({Role.FREE, Role.TITLE, Role.SEASON})
_REMARK: Final = re.compile(r"\d+|(?!.*(?:字幕|[组組社]))[\u3040-\u30ff\u3400-\u9fff]+")
_ADDRESS: Final = re.compile(r"(?!www)[\w-]+\.(?:com|net|org|info|me|cc|tv)")
_SAMPLE_FIRST: Final = re.compile(r"sample-(?=[^\W_]{2})", re.IGNORECASE)
_BEFORE_GROUP: Final = frozenset(("bd", "dvd", "web", "raw", "tv", "hd", "264", "265", "multi"))


def read(stem: str) -> Reading:
    """What a name without folders and extension says.

    Never raises; the time it takes grows about linearly with the length of the name.
    """
    if match := _SAMPLE_FIRST.match(stem):
        reading = read(stem[match.end() :])
        named = f"{reading.episode or ''} sample".strip()
        return msgspec.structs.replace(reading, extra=named, extra_sure=1.0)
    scanned = scan(text_of(tidy(stem)))
    found = episodes.episode(scanned)
    extra = extras.mark(scanned, found)
    if extra and found and extra.how != "sample" and found.sure < extras.FIRM:
        found = None
    seasons, marks = _seasons(scanned, found)
    ends = [found.start] if found else []
    ends += [extra.start] if extra else []
    versions = [match.span() for match in _versions(scanned)]
    stop = min(ends, default=len(scanned.text.view))
    names = titles.titles(scanned, found, stop, seasons, [*marks, *versions])
    view = scanned.text.view
    return Reading(
        titles=names.titles,
        seasons=seasons,
        other_seasons=_other_seasons(scanned, seasons),
        episode=found.number if found else None,
        revision=_revision(scanned, found),
        resolution=_resolution(scanned),
        group=_group(scanned, found),
        year=names.year,
        extra=extra.number if extra else None,
        extra_sure=extra.sure if extra else 0.0,
        unread=None if found or extra else _unread(scanned, names.titles),
        film=vocabulary.FILM.search(view) is not None,
        uncensored=vocabulary.UNCENSORED.search(view) is not None,
        sure=found.sure if found else 0.0,
        why=(f"{found.how}: {found.number}",) if found else (),
    )


def _seasons(scanned: Scan, found: Found | None) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Season numbers, and where they stand."""
    marks: list[tuple[int, int]] = []
    # A special is of season 0 unless another is written: "S2 - SP01" is none of "S3 - SP01".
    special = found is not None and found.how == "numbered special"
    numbers = found.seasons if found and not special else ()
    for match in patterns.SEASONS.finditer(scanned.text.view):
        if scanned.role_at(match.start()) in {Role.GROUP, Role.META, Role.NUMBER}:
            continue
        if found and found.start < match.end() and match.start() < found.end:
            continue
        if found and _in_an_episode_title(scanned, found, match):
            continue
        value = patterns.seasons_of(match)
        if value:
            marks.append(match.span())
            numbers = numbers or value
    return numbers or (found.seasons if found else ()), marks


def _unread(scanned: Scan, titles: tuple[str, ...]) -> str | None:
    """Such as "[Logo]" in "[G] Title [Logo][1080p]": it may tell this file from its siblings."""
    known = " ".join(titles).casefold()
    for piece, role in scanned:
        if piece.bracket == "[" and role is Role.TITLE and scanned.titled(piece.start):
            text = scanned.text.shown[piece.start : piece.end].strip()
            if text and text.casefold() not in known:
                return text
    return None


def _in_an_episode_title(scanned: Scan, found: Found, match: re.Match[str]) -> bool:
    """Whether words stand between the number and a season: "Show - 05 - The S2 Affair"."""
    between = scanned.text.view[found.end : match.start()]
    free = scanned.role_at(match.start()) is Role.FREE
    return free and scanned.titled(found.start) and between.lstrip().startswith("- ")


def _other_seasons(scanned: Scan, seasons: tuple[int, ...]) -> tuple[int, ...]:
    """Seasons that the name speaks of beside a single one: "2nd Season S3"."""
    if len(seasons) != 1:
        return ()
    found = patterns.SEASONS.finditer(scanned.text.view)
    said = [
        patterns.seasons_of(match) for match in found if scanned.role_at(match.start()) in _TOLD
    ]
    return tuple(value[0] for value in said if len(value) == 1 and value != seasons)


def _versions(scanned: Scan) -> list[re.Match[str]]:
    """Version marks that stand behind something or alone: a title may begin with "V8"."""
    alone = {piece.start for piece in scanned.pieces if piece.bracket and _alone(scanned, piece)}
    found = patterns.VERSION.finditer(scanned.text.view)
    return [match for match in found if scanned.titled(match.start()) or match.start() in alone]


def _alone(scanned: Scan, piece: Piece) -> bool:
    return patterns.VERSION.fullmatch(scanned.view(piece)) is not None


def _revision(scanned: Scan, found: Found | None) -> int | None:
    if found and found.revision is not None:
        return found.revision
    after = found.end if found else 0
    for piece, role in scanned:
        if role is Role.GROUP or (not piece.bracket and piece.end <= after):
            continue
        start = piece.start if piece.bracket else max(piece.start, after)
        for match in _versions(scanned):
            if start <= match.start() < piece.end:
                return int(match["v"])
    if again := _again(scanned, found):
        return int(again["v"] or int(again["n"] or 1) + 1)
    extra = vocabulary.EXTRA.search(scanned.text.view)
    return int(extra["v"]) if extra and extra["v"] else None


def _again(scanned: Scan, found: Found | None) -> re.Match[str] | None:
    """A version in other words, behind the episode or in brackets: "REPACK", "ver2"."""
    for match in patterns.AGAIN.finditer(scanned.text.shown):
        role = scanned.role_at(match.start())
        behind = found is not None and match.start() >= found.end
        plain = found is None and match["v"] is None and scanned.titled(match.start())
        if role is Role.META or (role is not Role.GROUP and (behind or plain)):
            return match
    return None


def _resolution(scanned: Scan) -> str | None:
    value = patterns.resolution(scanned.text.view)
    if value:
        return value
    for piece, role in scanned:
        if role is Role.META and (match := patterns.BARE.search(scanned.view(piece))):
            return f"{match[1]}p"
    return None


def _group(scanned: Scan, found: Found | None) -> str | None:
    for piece, role in scanned:
        if role is Role.GROUP:
            return scanned.text.shown[piece.start : piece.end].strip()
    return (
        _group_behind_dash(scanned)
        or _group_in_brackets(scanned, found)
        or _group_before_number(scanned, found)
        or _group_among_remarks(scanned)
        or _address(scanned)
    )


def _group_behind_dash(scanned: Scan) -> str | None:
    """Such as "...x264-GROUP", "[1080p] - GROUP", and "...x264.GROUP" of scene names."""
    free = [piece for piece, role in scanned if role is Role.FREE]
    if not free:
        return None
    view = scanned.text.view
    for mark in "- " if scanned.text.dotted else "-":
        end = free[-1].start + len(view[free[-1].start : free[-1].end].rstrip())
        start = view.rfind(mark, free[-1].start, end) + 1
        before, word = view[:start].rstrip(" -"), view[start:end].strip(" -")
        known = vocabulary.is_known(word) or word.isdecimal() or vocabulary.is_cjk_meta(word)
        numbered = Role.NUMBER in [r for p, r in scanned if p.end < start][-1:]
        trade = bool(before) and not numbered and _of_the_trade(before, dotted=mark == " ")
        if start and trade and not known and _GROUP_WORD.fullmatch(word):
            return scanned.text.shown[start:end].strip(" -")
    return None


def _of_the_trade(before: str, *, dotted: bool) -> bool:
    """Whether a text ends in a bracket or in a word of the trade, which titles rarely do."""
    words = re.split(r"[ \[(-]", before)
    last = words[-1]
    if before[-1] in "])}" or vocabulary.is_strong(last) or last in _BEFORE_GROUP:
        return True
    if vocabulary.is_known(last) and any(map(vocabulary.is_strong, words[-4:])):
        # "...DTS-HD 5.1-GROUP", "...H.265.HUN.ENG-GROUP"
        return True
    return dotted and vocabulary.is_known(last) and not last.isdecimal()


def _group_in_brackets(scanned: Scan, found: Found | None) -> str | None:
    """The first unknown bracket behind the title, as in "Title - 05 [Group]"."""
    titled = False
    for i, (piece, role) in enumerate(scanned):
        last = Role.FREE not in scanned.roles[i + 1 :]
        behind = last or (found is not None and piece.start >= found.end)
        remark = piece.bracket == "(" and _REMARK.fullmatch(scanned.view(piece).strip())
        if role is Role.TITLE and titled and behind and piece.bracket != "{" and not remark:
            return scanned.text.shown[piece.start : piece.end].strip()
        titled = titled or role in {Role.FREE, Role.NUMBER}
    return None


def _group_before_number(scanned: Scan, found: Found | None) -> str | None:
    """One word in a bracket between the title and the number: "Title [Group] 05"."""
    for (piece, role), behind in zip(scanned, scanned.pieces[1:], strict=False):
        ends = found is not None and not scanned.text.view[piece.end + 1 : found.start].strip(" -")
        if role is Role.TITLE and ends and piece.end < behind.start and scanned.titled(piece.start):
            shown = scanned.text.shown[piece.start : piece.end].strip()
            known = any(map(vocabulary.is_known, scanned.view(piece).strip().split("-")))
            return shown if piece.bracket == "[" and " " not in shown and not known else None
    return None


def _group_among_remarks(scanned: Scan) -> str | None:
    """The one unknown entry of a list about the file: "Title (Group, 720p)"."""
    for piece, role in scanned:
        view = scanned.view(piece)
        if role is Role.META and "," in view:
            parts = view.split(",")
            unknown = [i for i, part in enumerate(parts) if not vocabulary.is_meta(part.strip())]
            if len(unknown) == 1 and _GROUP_WORD.fullmatch(parts[unknown[0]].strip()):
                shown = scanned.text.shown[piece.start : piece.end].split(",")
                return shown[unknown[0]].strip()
    return None


def _address(scanned: Scan) -> str | None:
    """The site that a name begins with, where no group is named: "[Fansub.com] Title - 05"."""
    first = scanned.pieces[0] if scanned.pieces else None
    if first is None or not first.bracket or not _ADDRESS.fullmatch(scanned.view(first).strip()):
        return None
    return scanned.text.shown[first.start : first.end].strip()
