"""Marks of season, episode, version, resolution and year in a folded name."""

# ruff: noqa: RUF001 - the characters that look like others are the matter here

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_HAN: Final = {char: value for value, char in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "兩": 2,
}
_WORDS: Final = "first second third fourth fifth sixth seventh eighth ninth tenth"
_ORDINALS: Final = {word: value for value, word in enumerate(_WORDS.split(), 1)}

# Shorthands of the patterns: a number as an episode may have it, the same with Chinese
# numerals, no letter or digit before or behind, the words that say "the last one".
_N = r"\d{1,4}(?:\.\d{1,2})?"
_M = r"(?:0\d\.\d|\d{1,4}(?:\.5)?)"
_H = r"[\d零〇一二三四五六七八九十百两兩]{1,6}(?:\.5)?"
_B = r"(?<![^\W_])"
_E = r"(?![^\W_])"
# No Latin letter or digit before: Chinese writes "标题S02E05" without a space.
_C = r"(?:(?<![^\W_])|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]))"
_V = r"(?:[ -]?v(?P<v>\d))?"
_V2 = r"(?: ?v(?P<v2>\d))?"
_PART = rf"(?P<part>[a-c]{_E})?"
_END = r"(?:[ _.-]{0,2}[\[(]? ?(?:end|fin|final|finale|完结?|完結|最終話|最终话|完) ?[\])]?)?"
_BITS = r"(?![\dpi]| ?-?bit)"
_TRADE = (
    r"(?:dvd|bd|tv|web|hd|raw|vostfr|vf|vosta|eng|multi|dual|uncensored|\d{3,4}p"
    r"|(?:修正)?[合全]集|[总總総]集[篇編编]|特[別别][篇編])"
)

SXXEYY: Final = re.compile(
    rf"{_C}s(?P<s>\d{{1,2}})(?:-s?(?P<s2>\d{{1,2}}))?[ ._x-]{{0,3}}"
    rf"(?:ep?|episode ?)\.? ?(?P<e>\d{{1,4}}(?:\.\d)?){_PART}{_V}"
    rf"(?P<more>(?:(?:-| ?[~&+] ?)(?:s\d{{1,2}})?e?p?\d{{1,4}}{_BITS}|,?[ .]?e\d{{1,4}}"
    r"|[ .]{1,2}(?:- )?s\d{1,2}e\d{1,4})*)"
    rf"{_V2}(?!\d)"
)
CROSS: Final = re.compile(
    rf"{_B}(?P<s>\d{{1,2}})x(?P<e>\d{{2,3}}){_V}"
    rf"(?P<more>(?:x\d{{2,3}}|-\d{{2,3}}(?!\d)|[ .]{{1,2}}(?:- )?\d{{1,2}}x\d{{2,3}})*){_E}"
)
COUNTER: Final = re.compile(
    rf"第 ?(?P<e>{_H}){_V}(?:[話话集回]?[-~至到、&]第?(?P<e2>{_H}))? ?[話话集回夜局席]{_V2}"
    rf"|제 ?(?P<g>\d{{1,4}})(?:[-~](?P<g2>\d{{1,4}}))? ?[화회]"
    rf"|(?<![\d.全共至])(?P<f>{_M})(?:[-~至到](?P<f2>\d{{1,4}}))?"
    r"(?:[話话集回](?!(?![完终終])[\u3400-\u9fff])|[화회](?![\uac00-\ud7af])"
    r"| ?(?:серия|bölüm)(?!\w))"
)
WHOLE: Final = re.compile(
    rf"(?:[全共]|更新至 ?第?) ?(?P<e>{_H}) ?[話话集回]"
    rf"|(?:0{{0,2}}1-)?(?P<f>\d{{1,4}}) ?[話话集回]全"
)
WORD: Final = re.compile(
    rf"{_C}(?:episodes?|épisodes?|epis[oó]dios?|cap[ií]tulos?|folge|bölüm|odcinek"
    r"|aflevering|эпизод|серия|tập|epis|eps?|e|cap|#)[ .#:-]{0,2}"
    rf"(?P<e>{_N}){_PART}{_V}"
    rf"(?:(?:[-&+至到]| ?~ ?| ?& ?)(?:ep?)?#?(?P<e2>\d{{1,4}}){_BITS})?{_V2}{_E}"
)
SHARP: Final = re.compile(rf"(?<!\w)#(?P<e>{_N}){_V}(?:[-~&](?P<e2>\d{{1,4}}))?{_V2}(?!\w)")
BETWEEN: Final = re.compile(rf"(?<=// )(?P<e>{_N}){_V}(?= //)")
"""Such as "Title // 05 // 720p"."""
SPECIAL: Final = re.compile(
    rf"{_B}(?P<type>sp|special|ova|oad|ona|oav|ex|特典|番外|特別[編篇]|特别篇)s?[ #._-]{{0,3}}"
    rf"(?P<e>\d{{1,3}}(?:\.\d)?){_V}(?: ?[-~&+至到] ?(?P<e2>\d{{1,3}})(?![\dpi]))?{_E}"
)
SEASON_DASH: Final = re.compile(
    rf"{_B}s(?:eason ?)?(?P<s>\d{{1,2}})-(?P<e>\d{{2,3}}){_V}(?=[ .\[(]*$|[ .]*[\[(]| - )"
)
"""Such as "S2-05", an episode; "S1-3" and "S01-03" are several seasons."""
OF: Final = re.compile(r"(?P<e>\d{1,4}) ?(?:of|/) ?\d{1,4}")
OF_ALL: Final = re.compile(rf"(?<=[ (])(?P<e>\d{{1,4}}) ?of ?(?P<all>\d{{1,4}}){_E}")
ALONE: Final = re.compile(
    r"(?:tv ?|batch ?|ep\.? ?|movie ?|第)?(?P<type>sp|ova|oad|ona|ex)? ?#?"
    rf"(?P<e>{_M})(?P<part>[a-c])?{_V}(?P<list>(?:[,、] ?\d{{1,4}}){{1,24}})?"
    rf"(?: ?[-~&+至到] ?(?P<e2>\d{{1,4}}))?{_V2}[话話集]?"
    rf"(?: ?[([]? ?(?P<alt>\d{{1,4}}) ?[)\]])?{_END}"
    # What may follow is bounded: every repetition multiplies the ways to fail.
    r"(?: ?(?:v(?P<v3>\d)|batch|complete|tv|[\u3400-\u9fff]{1,6}|\([^()]*\)|[+&].*)){0,3}"
)
DASHED: Final = re.compile(
    rf"(?:(?<=[ \])\w!?.~\"'])|^)(?<!\d)-+ ?#?(?P<e>{_N})"
    rf"(?P<part>(?:(?<=\d\d)-)?[a-c]|(?<=\d\d)[d-f])?{_V}"
    rf"(?:(?: ?[~&+] ?| and |(?<=[-# ]0\d) - |-)(?P<e2>\d{{1,4}}){_BITS}(?! ?%)"
    rf"(?:-(?P<e3>\d{{1,4}}))*{_V2})?{_END}"
    rf"(?= ?$| *[\[({{\]]| - ?| -?$|-$| ~ ?| *「|:|\.(?!\d)| \|| {_TRADE}{_E})"
)
LAST: Final = re.compile(
    r"(?:(?<=[ ~\[(])|(?<=[a-z]{2}\.)|(?<=[\u3040-\u9fff])|^)"
    rf"(?P<e>{_M})(?P<part>[a-c])?{_V}(?:(?: ?[-~] ?|(?<=\d)&)(?P<e2>\d{{1,4}}){_V2})?"
    rf"(?: ?& ?\d{{1,4}}-(?P<e3>\d{{1,4}}))?{_END}[ ~.-]*$"
)
FIRST: Final = re.compile(
    rf"[ -]*(?P<e>{_M}){_V}"
    r"(?P<mark> - |\. | ?-?$|(?<=0\d)-(?=[^\W\d])| ?(?=\[))[ .-]*"
)
WITHIN: Final = re.compile(
    rf"(?<= )(?:(?P<e>0\d{{1,3}}){_V}(?= )|(?P<q>\d{{2,4}}){_V2}(?= [\"'「]))"
)
VOLUME: Final = re.compile(
    rf"{_B}vol(?:ume)?[. ]{{0,2}}(?P<e>\d{{1,2}}){_V}(?:[-~ ](?P<e2>\d{{1,2}}))?{_E}"
    rf"|第(?P<h>{_H})[巻卷]"
)

_SEASON = (
    r"(?:seasons?|saison|staffel|temporada|stagione|sezon|säsong|сезон|シーズン|シリーズ|시즌)"
)
_MOST_SEASONS: Final = 100
_ROMAN: Final = {"ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
SEASONS: Final = re.compile(
    rf"{_B}(?:the )?(?P<ord>\d{{1,2}}(?:st|nd|rd|th|-?й)|{'|'.join(_ORDINALS)}) ?{_SEASON}{_E}"
    rf"|{_B}(?P<b>\d{{1,2}}) (?:сезон|säsong|sezon){_E}"
    rf"|(?:{_B}|(?<=[^\W\d_a-z])){_SEASON}[ .:]?(?P<n>\d{{1,2}})"
    rf"(?:(?:-| ?~ ?| to | ?& ?| ?\+ ?)(?P<n2>\d{{1,2}})(?!\d| ?-))?{_E}"
    rf"|{_B}seasons? (?P<r>{'|'.join(_ROMAN)}){_E}"
    rf"|{_C}(?<!')s(?P<s>\d{{1,2}})(?: ?[-+~&,]? ?s\d{{1,2}})*(?:-(?P<s2>\d{{1,2}}))?"
    rf"(?:{_E}|(?=p\d{{1,2}}{_E}))(?!')"
    rf"|第 ?(?P<h>{_H}) ?(?:[季期](?:[-~至到]第?(?P<h2>{_H})[季期])?"
    rf"|[-~至到](?P<h3>{_H})[季期])"
    rf"|第 ?(?P<j>{_H}) ?(?:シーズン|シリーズ)|全 ?(?P<all>{_H})[季期]"
    r"|(?<![\d年月])(?P<k>[二三四五六七八九十\d])(?:[-~](?P<k2>[二三四五六七八九十\d]))?"
    r"[期季](?![間间待限節节的之會会])"
)
PART: Final = re.compile(
    rf"{_B}(?:part|cour|p)[ .]?(?:\d{{1,2}}|[ivx]{{1,3}}){_E}"
    rf"|{_B}\d(?:st|nd|rd|th) (?:cour|part){_E}|第{_H}(?:部分?|クール)"
)
VERSION: Final = re.compile(rf"(?:{_C}|(?<=\dp))v(?P<v>\d)(?!\.?\d)(?![a-z])")
AGAIN: Final = re.compile(
    rf"{_B}(?i:ver(?:sion)?|rev)\.? ?(?P<v>\d)(?!\.?\d){_E}"
    rf"|{_B}(?:REPACK|[Rr]epack|RERIP|PROPER)(?P<n>\d?){_E}"
)
"""Other words for a version, matched as written: "proper" may be of a title."""
SIZE: Final = re.compile(r"(?<![\da-z])(\d{3,4}) ?x ?(\d{3,4})(?!\d)")
# "23.976p" is a rate.
HEIGHT: Final = re.compile(
    r"(?<!\d)(?!976)(\d{3,4})([pi])(?:(?=(?:24|25|30|48|50|60|120)(?!\d))|(?![a-z]{3}|\d))"
)
NAMED: Final = re.compile(rf"{_B}(4k|2k|uhd|8k){_E}")
BARE: Final = re.compile(
    r"(?<![\da-z])(?:(?:ai|hd|bd|fhd|web|dvd)-?)?(480|540|576|720|1080|2160)(?![\da-z])"
)
YEAR: Final = re.compile(r"(?:19[4-9]|20[0-4])\d")
HEX: Final = re.compile(r"(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f]|\d{8})[0-9a-f]{8}")
DATE: Final = re.compile(
    r"(?:19|20)\d\d[.-]\d{1,2}[.-]\d{1,2}|\d{1,2}\.\d{1,2}\.(?:19|20)\d\d"
    r"|(?:19|20)?\d\d(?:0\d|1[0-2])[0-3]\d|(?:19|20)\d\d-(?:19|20)?\d\d"
)
DAY: Final = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?P<s>[ .-])(?:0[1-9]|1[0-2])(?P=s)(?:0[1-9]|[12]\d|3[01])(?!\d)"
)
"""A day within a text: what is broadcast daily has it in place of a number."""
DATABASE: Final = re.compile(
    r"\[?(?:tmdb|tvdb|imdb|anidb|anilist|mal|bgm|bangumi)(?:[ -]?id)?[=: -] ?(?:tt)?"
    r"\d[^\[\](){}]*\]?"
)
"""The number of an entry in a database, which media servers put into names."""
_NAMES: Final = {"4k": "2160p", "uhd": "2160p", "2k": "1440p", "8k": "4320p"}


class Found(NamedTuple):
    """An episode mark at a place of the text.

    Attributes:
        number: As written, a range as "1-12".
        start: Where the mark begins.
        end: Where it ends.
        sure: How firmly such a mark says "episode", 0 to 1.
        how: The kind of mark, for an explanation.
        revision: The version that is part of the mark.
        seasons: The seasons that are part of the mark.
    """

    number: str
    start: int
    end: int
    sure: float
    how: str
    revision: int | None = None
    seasons: tuple[int, ...] = ()


def number(text: str) -> int | None:
    """A number in digits or in Chinese numerals below 1000; None when it is neither."""
    if text.isdecimal():
        return int(text)
    if not any(char in text for char in "十百"):
        digits = [_HAN.get(char, char) for char in text]
        plain = "".join(map(str, digits))
        return int(plain) if plain.isdecimal() else None
    total, unit = 0, 0
    for char in text:
        if char in "十百":
            total, unit = total + (unit or 1) * (10 if char == "十" else 100), 0
        elif char in _HAN:
            unit = _HAN[char]
        else:
            return None
    return total + unit


def written(text: str) -> str:
    """A number as it goes into a name: Chinese numerals become digits; empty if unreadable."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return text
    value = number(text)
    return "" if value is None else str(value)


def span(first: str, last: str | None) -> str:
    """`1`, or `1-12` where a later number follows; a lower one makes no range."""
    if not last or float(last) <= float(first):
        return first
    return f"{first}-{last}"


def seasons_of(match: re.Match[str]) -> tuple[int, ...]:
    """The season numbers of a `SEASONS` match."""
    if word := match["ord"]:
        return (_ORDINALS.get(word) or int(re.sub(r"\D", "", word)),)
    if first := match["n"]:
        return between(int(first), int(match["n2"] or first))
    if match["s"]:
        numbers = [int(n) for n in re.findall(r"\d+", match[0])]
        if "-" in match[0] or "~" in match[0]:
            return between(numbers[0], numbers[-1])
        return tuple(dict.fromkeys(numbers))
    if every := match["all"]:
        return between(1, number(every) or 1)
    low = _ROMAN.get(match["r"]) or number(match["b"] or match["h"] or match["j"] or match["k"])
    last = match["h2"] or match["h3"] or match["k2"]
    high = number(last) if last else low
    return () if low is None or high is None else between(low, high)


def between(first: int, last: int) -> tuple[int, ...]:
    """All numbers from `first` to `last`; only `first` where that is no range."""
    return tuple(range(first, last + 1)) if first < last < first + _MOST_SEASONS else (first,)


def revision(match: re.Match[str]) -> int | None:
    """The version digit of an episode mark: the last one that is written."""
    for name in ("v3", "v2", "v"):
        if name in match.re.groupindex and match[name]:
            return int(match[name])
    return None


def explicit(view: str) -> Iterator[Found]:
    """Marks that can mean nothing but an episode, the firmest kind first."""
    for kind in (_season_episodes, _counters, _crosses, _season_dashes, _of_all, _words):
        yield from kind(view)


def _season_episodes(view: str) -> Iterator[Found]:
    for match in SXXEYY.finditer(view):
        more = re.findall(r"(?<![\ds])\d{1,4}", match["more"])
        number_ = span(match["e"], more[-1] if more else None) + (match["part"] or "")
        seasons = between(int(match["s"]), int(match["s2"] or match["s"]))
        yield Found(number_, *match.span(), 1.0, "SxxEyy", revision(match), seasons)


def _counters(view: str) -> Iterator[Found]:
    for match in COUNTER.finditer(view):
        first = written(match["e"] or match["f"] or match["g"])
        last = match["e2"] or match["f2"] or match["g2"]
        sure = 0.9 if match["f"] else 1.0
        if first:
            number_ = span(first, written(last) if last else None)
            yield Found(number_, *match.span(), sure, "counter word", revision(match))


def _crosses(view: str) -> Iterator[Found]:
    for match in CROSS.finditer(view):
        more = re.findall(r"\d+(?!\d|x)", match["more"])
        number_ = span(match["e"], more[-1] if more else None)
        yield Found(number_, *match.span(), 0.95, "1x02", revision(match), (int(match["s"]),))


def _season_dashes(view: str) -> Iterator[Found]:
    for match in SEASON_DASH.finditer(view):
        season, first = int(match["s"]), match["e"]
        if int(first) <= season or (len(match["s"]) == 1 and first.startswith("0")):
            yield Found(first, *match.span(), 0.9, "S1-02", revision(match), (season,))


def _of_all(view: str) -> Iterator[Found]:
    for match in OF_ALL.finditer(view):
        if int(match["e"]) <= int(match["all"]):
            yield Found(match["e"], *match.span(), 0.9, "one of all")


def _words(view: str) -> Iterator[Found]:
    for pattern, how in (
        (WORD, "episode word"),
        (SHARP, "number sign"),
        (BETWEEN, "number between slashes"),
    ):
        for match in pattern.finditer(view):
            if how == "episode word" and re.match(r"e\d(?!\d)", match[0]):
                continue
            part = match["part"] or "" if how == "episode word" else ""
            last = None if pattern is BETWEEN else match["e2"]
            number_ = span(match["e"], last) + part
            yield Found(number_, *match.span(), 0.95, how, revision(match))


def resolution(view: str) -> str | None:
    """The picture height: "1080p" for 1080p, 1920x1080 and 4K as "2160p"."""
    found = [(m.start(), f"{int(m[2])}p") for m in SIZE.finditer(view) if int(m[1]) >= 200]
    found += [(m.start(), m[0]) for m in HEIGHT.finditer(view) if 200 <= int(m[1]) <= 4400]
    found += [(m.start(), _NAMES[m[1]]) for m in NAMED.finditer(view)]
    return min(found)[1] if found else None
