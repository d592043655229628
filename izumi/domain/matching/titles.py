"""Titles taken apart: what two spellings of one title share, and which season they mean."""

import functools
import re
import unicodedata
from typing import Final, NamedTuple

from izumi.domain.reading import patterns
from izumi.domain.reading.text import fold
from izumi.domain.show import sameness

LONGEST: Final = 300
"""Characters of a title that are compared; AniList has none as long."""

_ROMAN: Final = {"ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}
_TRAILING: Final = re.compile(
    rf"(?<=[\w!?.)~\"'] )(?:(?P<n>[2-9])|(?P<r>{'|'.join(_ROMAN)}))(?P<end>$| ?[:~-] | ?\()"
    r"|(?<=[^\W\d_a-z])(?P<c>[2-9])$"
)
_STAGE: Final = re.compile(r"\b([2-9](?:nd|rd|th)) (?:stage|series|act)\b")
_FINAL: Final = re.compile(r"\b(?:the )?(?:final|last) (?:season|series)\b|完结[编篇季]|最終章")
_PART: Final = re.compile(
    r"\b(?:part|cour|half)[ .]?(?P<n>[2-9]|i{2,3}|iv|two|three)\b"
    r"|\b(?P<o>[2-9])(?:st|nd|rd|th)? (?:part|cour|half)\b"
    r"|\b(?P<w>second|third|latter|2nd) (?:part|cour|half)\b"
    r"|第(?P<c>[2-9二三四])(?:クール|部分|部|季度)|(?P<k>後[編篇]|后[编篇])|(?<= )p(?P<p>[2-4])\b"
)
_FIRST_PART: Final = re.compile(
    r"\b(?:part|cour|half)[ .]?(?:1|i|one)\b|\b(?:1st|first) (?:part|cour|half)\b"
    r"|第[1一](?:クール|部分|部)|前[編篇编]"
)
_PARTS: Final = {"iii": 3, "iv": 4, "three": 3, "third": 3, "三": 3, "四": 4}
"""Words for parts behind the second."""

_YEAR: Final = re.compile(r"[(\[](?P<y>(?:19[4-9]|20[0-4])\d)[)\]]")
_FORMS: Final = (
    ("MOVIE", re.compile(r"\b(?:gekijou ?-?ban|gekijoban|the movie|movies?|film)\b|劇場版|剧场版")),
    ("OVA", re.compile(r"\b(?:ovas?|oads?|oavs?)\b")),
    ("SPECIAL", re.compile(r"\b(?:specials?|tokubetsu[- ]?hen)\b|特別[編篇编]|特别[编篇]")),
    ("ONA", re.compile(r"\bonas?\b")),
    ("TV", re.compile(r"[(\[]tv[)\]]|\btv(?: series| animation|アニメ)?(?=$| ?[:)-])|\(20\d\d\)")),
)
_HEAD: Final = re.compile(r" ?(?::| - | -(?=\w)|(?<=[\w!?])~| ~|\uff5e|—) ?")
_LONG_VOWELS: Final = (("ou", "o"), ("oo", "o"), ("uu", "u"), ("oh", "o"), ("wo", "o"))
_SOUNDS: Final = (("dzu", "zu"), ("du", "zu"), ("tsu", "tu"), ("chi", "ti"), ("shi", "si"))
_MORE_SOUNDS: Final = (("ji", "zi"), ("fu", "hu"), ("sh", "sy"), ("ch", "ty"), ("jy", "zy"))


class Name(NamedTuple):
    """A title taken apart.

    Attributes:
        whole: Letters and digits of the whole title.
        base: The same without the marks of season, part, year and form.
        sound: `base` as it sounds, for the ways in which Japanese is written in Latin.
        words: The words of `base`.
        head: `base` of what stands before the first colon or dash; empty where all does.
        season: 2 for "2nd Season", "II", "Title 2"; None where nothing says so.
        part: 2 for "Part 2", "2nd Cour".
        year: Of "(2019)".
        form: AniList's format where the title says it: "Movie", "OVA".
        final: It says that it is the final season.
        written: The whole title, folded, with its punctuation.
    """

    whole: str
    base: str
    sound: str
    words: frozenset[str]
    head: str
    season: int | None
    part: int | None
    year: int | None
    form: str | None
    final: bool
    written: str


@functools.lru_cache(maxsize=8192)
def taken_apart(title: str) -> Name:
    """A title and the marks in it."""
    text = " ".join(fold(title[:LONGEST]).split())
    whole = plain(text)
    year = _YEAR.search(text)
    rest = _YEAR.sub(" ", text) if year else text
    rest, form = _form(rest)
    final = _FINAL.search(rest)
    rest = _FINAL.sub(" ", rest) if final else rest
    rest, part = _part(rest)
    rest, season = _season(_STAGE.sub(r"\1 season", " ".join(rest.split())))
    rest = " ".join(rest.split()).strip(" -:~")
    base = plain(rest)
    if not base:
        # Nothing but marks: "Movie", "Second Season" are titles, too.
        rest, base, season, part, form = text, whole, None, None, None
    head = _HEAD.split(rest, maxsplit=1)
    return Name(
        whole=whole,
        base=base,
        sound=_sound(base),
        words=frozenset(re.findall(r"\w+", rest)),
        head=plain(head[0]) if len(head) > 1 else "",
        season=season,
        part=part,
        year=int(year["y"]) if year else None,
        form=form,
        final=final is not None,
        written=text,
    )


def plain(text: str) -> str:
    """`sameness` without the accents of Latin letters."""
    text = sameness(text)
    return text if text.isascii() else "".join(map(_bare, text))


def head_of(title: str) -> str | None:
    """What stands before the first colon or dash, as written; None where there is none."""
    parts = _HEAD.split(title, maxsplit=1)
    return parts[0].strip() if len(parts) > 1 and parts[0].strip() else None


def unmarked(title: str) -> str:
    """The title without the marks of its season, as it would be searched for."""
    text = patterns.SEASONS.sub(" ", fold(title))
    text = _TRAILING.sub(lambda match: match["end"] or "", _PART.sub(" ", text))
    return " ".join(_YEAR.sub(" ", _FINAL.sub(" ", text)).split()).strip(" -:~([")


@functools.lru_cache(maxsize=4096)
def _bare(char: str) -> str:
    letter = unicodedata.normalize("NFD", char)[0]
    return letter if letter.isascii() else char


def _form(text: str) -> tuple[str, str | None]:
    for form, pattern in _FORMS:
        if pattern.search(text):
            return pattern.sub(" ", text), form
    return text, None


def _part(text: str) -> tuple[str, int | None]:
    if _FIRST_PART.search(text):
        return _FIRST_PART.sub(" ", text), 1
    match = _PART.search(text)
    if match is None:
        return text, None
    said = next(value for value in match.groupdict().values() if value)
    number = int(said) if said.isdecimal() else _PARTS.get(said, 2)
    return f"{text[: match.start()]} {text[match.end() :]}", number


def _season(text: str) -> tuple[str, int | None]:
    match = patterns.SEASONS.search(text)
    if match is not None:
        seasons = patterns.seasons_of(match)
        return f"{text[: match.start()]} {text[match.end() :]}", seasons[0] if seasons else None
    match = _TRAILING.search(text)
    if match is None:
        return text, None
    number = _ROMAN[match["r"]] if match["r"] else int(match["n"] or match["c"])
    return f"{text[: match.start()]}{match['end'] or ''}{text[match.end() :]}", number


def _sound(base: str) -> str:
    if not base.isascii():
        return base
    for written, sound in (*_LONG_VOWELS, *_SOUNDS, *_MORE_SOUNDS):
        base = base.replace(written, sound)
    return base
