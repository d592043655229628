"""The titles in a stretch of a name: alternatives, and what a catalogue may call them."""

# ruff: noqa: RUF001 - the characters that look like others are the matter here

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.patterns import Found
from izumi.domain.reading.regions import LETTER, spans
from izumi.domain.reading.scan import Role, Scan

_HAN: Final = r"\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uff66-\uff9f"
CJK: Final = re.compile(f"[{_HAN}]")
_YEAR_END: Final = re.compile(r"[ (\[]+(?P<y>19[5-9]\d|20[0-3]\d)[)\]]?(?:年版?)?$")
_YEAR_SCENE: Final = re.compile(r" (?P<y>19[5-9]\d|20[0-3]\d) ")
_YEAR_FIRST: Final = re.compile(r"^(?:19|20)\d\d[ .-]\d{1,2}[ .-]\d{1,2} ")
_KIND_END: Final = re.compile(
    rf"(?:[ :-]+|^|(?<=[{_HAN}]))[(\[]?(?:tv series|the movie|tv|ova|oad|ona|oav"
    r"|movies?(?: \d{1,2})?|specials?|sp|complete(?: version| series| collection)?|batch|bd"
    r"|(?:hd )?remaster(?:ed)?|剧场版|劇場版|特別[篇編]|特别篇|番外[篇編编]?|总集篇|總集篇"
    r"|合集|全集)[)\]]?$"
)
_PAREN_END: Final = re.compile(r" ?[(（\[](?P<in>[^()（）\[\]]{2,})[)）\]]$")
_KIND_BOX: Final = re.compile(
    r" ?\[(?P<kind>(?:ova|oad|ona|sp|special)s?|特別[編篇]|特别篇|番外篇?)\] *$", re.IGNORECASE
)
_COMPLETE: Final = re.compile(r"(?<=\S) \(?(?:complete|batch)\)?$", re.IGNORECASE)
"""Behind a season it says how much of it there is."""
_FILM_FIRST: Final = re.compile(
    r"^(?:劇場版|剧场版|电影版?|電影版?|映画|gekijou-?ban |movie )[ :]?", re.IGNORECASE
)
_DUB_FIRST: Final = re.compile(r"^[\u3400-\u9fff]{1,4}配 ?- ")
_SLASH: Final = re.compile(
    r"\s+(?:AKA|aka|a\.k\.a\.)\s+|\s+[/／\\]+\s*|\s*[/／\\]+\s+|\s*[|｜]+\s*"
)
# "1/2" is a number, not two titles.
_BARE_SLASH: Final = re.compile(r"(?<!\d)[/／\\]|[/／\\](?!\d)")
_FRACTION: Final = re.compile(r"\d+/\d+")
_LATIN_WORD: Final = re.compile(r"[A-Za-z][\w']*")
_SPACED_DASH: Final = re.compile(r"\s+-\s+")
_NATIVE_FIRST: Final = re.compile(
    rf"^(?P<native>.*?[{_HAN}\uff01-\uff60!?。~)）」]+)[ _·・•]*(?P<latin>[A-Za-z][^{_HAN}]*)$"
)
_LATIN_FIRST: Final = re.compile(
    rf"^(?P<latin>[A-Za-z][^{_HAN}]*?)[ _·・•]+(?P<native>[{_HAN}].*)$"
)
_MARK = "★☆◆◇■□●♛❀✿→"
_MARKS: Final = re.compile(rf"[{_MARK}]+(?=\s|$)|(?:^|(?<=\s))[{_MARK}]+")
_EMPTY: Final = re.compile(r"[(\[（] *[)\]）]")
_LOOSE_END: Final = re.compile(r"(?:^|\s)[+&#=]+$")
_QUOTED: Final = re.compile(r"《(?P<in>[^《》]+)》|「(?P<in2>[^「」]+)」")
_LONE_DOT: Final = re.compile(r"(?<=\S)(?: \.)+$")
_BRACKET: Final = re.compile(r"[()\[\]{}（）【】]")
_BRACKETS: Final = ("()", "[]", "{}", "（）", "【】")


_KIND_NUMBER: Final = re.compile(r"(?P<kind>SP|OVA|OAD|ONA|EX)(?P<number>\d.*)")


class Titles(NamedTuple):
    """Titles as written, the best first, and the year beside them."""

    titles: tuple[str, ...]
    year: int | None


def titles(
    scanned: Scan,
    found: Found | None,
    stop: int,
    seasons: tuple[int, ...],
    marks: Sequence[tuple[int, int]],
) -> Titles:
    """The title before `stop` and its alternatives: the chosen one first.

    Args:
        scanned: The name.
        found: Its episode mark.
        stop: Where the title ends at the latest.
        seasons: The seasons that the name speaks of.
        marks: Season and version marks, which are no part of the title.
    """
    year = next((int(scanned.view(piece)) for piece, role in scanned if role is Role.YEAR), None)
    parts: list[str] = []
    wholes: list[str] = []
    places = spans(scanned, found, stop)
    told = [(piece.start - 1, piece.end + 1) for piece, role in scanned if role is Role.META]
    marks = [*marks, *(span for span in told if any(a < span[0] < b for a, b in places))]
    first = places[0][0] if places else 0
    for start, end in places:
        shown = scanned.text.shown[start:end]
        bare = _without(scanned, start, end, marks)
        for part in split(bare):
            bared = clean(_KIND_BOX.sub(r" \g<kind>", part))
            bared = _COMPLETE.sub("", bared) if seasons else bared
            name, year_here = _yearless(_DUB_FIRST.sub("", bared), dotted=scanned.text.dotted)
            year = year_here or year
            parts.append(name)
        wholes += [*map(clean, split(shown)), clean(bare), clean(shown)]
        wholes += _before_season(scanned, start, end, marks)
    parts = [part for part in parts if part]
    if not parts:
        return Titles((), year)
    # A number alone is a title where it comes first: "86 / エイティシックス".
    worded = (part for part in parts if not part.isdecimal() or part is parts[0])
    chosen = next((part for part in worded if _latin(_KIND_END.sub("", part))), parts[0])
    chosen = _uncounted(chosen, seasons)
    more = [other for part in parts for other in _others(part, episode=found is not None)]
    if found and found.start < len(scanned.text.shown):
        wholes.append(clean(scanned.text.shown[first:stop]))
    every = [chosen, *parts, *more, *_numbered(chosen, found, seasons), *wholes]
    return Titles(tuple(dict.fromkeys(filter(None, every))), year)


def _numbered(chosen: str, found: Found | None, seasons: tuple[int, ...]) -> Iterator[str]:
    """Readings with the season or the special behind, as catalogues name such entries."""
    if len(seasons) == 1 and seasons[0] > 0:
        yield f"{chosen} S{seasons[0]}"
    if found and (match := _KIND_NUMBER.fullmatch(found.number)):
        yield f"{chosen} {match['kind']}"
        yield f"{chosen} {match['kind']} {match['number']}"


def _uncounted(title: str, seasons: tuple[int, ...]) -> str:
    """A title without the season that is written twice: "Jujutsu Kaisen 2 - S02E18"."""
    counted = len(seasons) == 1 and seasons[0] > 1 and title.endswith(f" {seasons[0]}")
    if counted and not patterns.PART.search(title.lower()):
        return clean(title.removesuffix(f" {seasons[0]}")) or title
    return title


def _before_season(
    scanned: Scan, start: int, end: int, marks: Sequence[tuple[int, int]]
) -> Iterator[str]:
    """The title before a season that more of the title follows: "Show S2 - Arc"."""
    for first, last in sorted(marks)[:1]:
        behind = scanned.text.view[last:end]
        if start < first and LETTER.search(behind) and not split_at(scanned.text.shown[start:end]):
            yield clean(scanned.text.shown[start:first])


def split_at(text: str) -> bool:
    """Whether a text holds alternatives between slashes."""
    return _SLASH.search(text) is not None


def _without(scanned: Scan, start: int, end: int, marks: Sequence[tuple[int, int]]) -> str:
    """What was written at a place, without marks and month tags."""
    shown = scanned.text.shown
    kept, at = [], start
    for first, last in sorted(marks):
        if at <= first and last <= end:
            kept.append(shown[at:first])
            at = last
    kept.append(shown[at:end])
    text = vocabulary.MONTH_TAG.sub(" ", " ".join(kept))
    text = re.sub(r" +(?=[:：,])", "", text) if len(kept) > 1 else text
    text = re.sub(r"-\s+-(?=\s)", "-", text)
    return _EMPTY.sub(" ", text)


def _yearless(name: str, *, dotted: bool) -> tuple[str, int | None]:
    """A title without the year behind it, and the year; scene names go on after it."""
    name = _YEAR_FIRST.sub("", name)
    match = _YEAR_END.search(name) or (_YEAR_SCENE.search(name) if dotted else None)
    if match is None or match.start() == 0:
        return name, None
    return clean(name[: match.start()]), int(match["y"])


def split(text: str) -> list[str]:
    """Alternatives between " / ", "|", and where scripts differ a bare "/" or a dash."""
    parts: list[str] = []
    for part in filter(LETTER.search, _SLASH.split(text)):
        for mark in (_BARE_SLASH, _SPACED_DASH):
            inner = _joined(mark.split(part)) if mark is _BARE_SLASH else mark.split(part)
            mixed = len({_latin(piece) for piece in inner}) == 2
            mixed = mixed or (mark is _BARE_SLASH and _parted(inner[0]))
            native = mark is _BARE_SLASH and all(map(CJK.search, inner))
            if len(inner) > 1 and (mixed or native) and _all_titles(inner, mark):
                parts += inner
                break
            if mark is _SPACED_DASH and len({clean(piece).casefold() for piece in inner}) == 1:
                # "Overlord S4 - OVERLORD 第四季", without the seasons.
                parts.append(inner[0])
                break
        else:
            parts.append(part)
    return parts


def _parted(first: str) -> bool:
    """Whether a slash behind a text begins another title: no title is "22/7/" or "Two Words/"."""
    return bool(_FRACTION.fullmatch(first)) or len(_LATIN_WORD.findall(first)) > 1


def _latin(text: str) -> bool:
    """Whether a title is in Latin letters; a word that says "film" before it is none of it."""
    return CJK.search(_FILM_FIRST.sub("", text)) is None


def _joined(parts: Sequence[str]) -> list[str]:
    """Parts between bare slashes; behind a single Latin word ("Fate/Grand Order") none ends."""
    found: list[str] = []
    for part in parts:
        single = found and not CJK.search(found[-1]) and found[-1][-1:].isalpha()
        single = single and len(_LATIN_WORD.findall(found[-1])) == 1
        single = single and _letters(found[-1]) != _letters(part)
        if single and found[-1][-1:].isascii() and part[:1].isascii() and part[:1].isalpha():
            found[-1] += f"/{part}"
        else:
            found.append(part)
    return found


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _all_titles(parts: list[str], mark: re.Pattern[str]) -> bool:
    """Whether every part can stand alone: "2/3" and "Title - 映画" do not part a title."""
    names = [clean(part) for part in parts]
    if mark is _SPACED_DASH and len(names) != 2:
        return False
    return all(len(name) >= 2 and not name.isdecimal() for name in names)


def _others(name: str, *, episode: bool) -> Iterator[str]:
    """What else the show may be called: without "OVA", "Part 2", a parenthesis; by script."""
    text = name
    for _ in range(3):
        folded = text.lower() if len(text.lower()) == len(text) else text
        match = _KIND_END.search(folded) or patterns.PART.search(folded)
        match = match or _PAREN_END.search(text)
        if match is None or match.start() == 0:
            break
        if match.re is _PAREN_END:
            yield match["in"]
        text = clean(f"{text[: match.start()]} {text[match.end() :]}")
        yield text
    if match := _FILM_FIRST.match(name):
        yield clean(name[match.end() :])
    if not episode and " - " in name:
        yield clean(name.rpartition(" - ")[0])
    yield from by_script(name)


def by_script(name: str) -> list[str]:
    """The halves of "進撃の巨人 Attack on Titan"; none where it is one title."""
    for pattern in (_NATIVE_FIRST, _LATIN_FIRST):
        match = pattern.match(name)
        if match is None:
            continue
        native, latin = match["native"], match["latin"]
        letters = len(re.findall(r"[A-Za-z]", latin))
        if letters >= 3 and len(CJK.findall(native)) >= 2 and not re.search("[A-Za-z]{4}", native):
            return [clean(latin), clean(native)]
    return []


def clean(text: str) -> str:
    """A title without delimiters and decoration around it."""
    text = " ".join(_MARKS.sub(" ", text).split())
    before = None
    while text != before:
        before = text
        text = text.lstrip(" -_.,/|:;+&#=~)]}").rstrip(" _,/|:;([{（")
        text = _LOOSE_END.sub("", text)
        text = _LONE_DOT.sub("", text)
        if (quoted := _QUOTED.fullmatch(text)) is not None:
            text = quoted["in"] or quoted["in2"]
        if text[-1:] in {"-", "–", "—", "－"} and not _closes(text):
            text = text[:-1]
        if text[-1:] in {"~", "～"} and len(re.findall("[~～]", text)) == 1:
            text = text[:-1]
        for open_, close in _BRACKETS if _BRACKET.search(text) else ():
            text = _balanced(text, open_, close)
    return text


def _balanced(text: str, open_: str, close: str) -> str:
    if text.count(open_) > text.count(close):
        at = text.rfind(open_)
        return text[:at] + text[at + 1 :]
    if text.count(close) > text.count(open_):
        at = text.find(close)
        return text[:at] + text[at + 1 :]
    return text


def _closes(text: str) -> bool:
    """Whether the dash at the end closes one inside: "Title -Subtitle-"."""
    return text[-2:-1] != " " and re.search(r"(?:^|[\W_])[-–—－][^\s-]", text[:-1]) is not None
