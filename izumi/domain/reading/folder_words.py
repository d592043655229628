"""What one folder is by its name: a season, extras, something of no account, or a show."""

import functools
import re
from typing import Final, Literal, NamedTuple

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.reader import read
from izumi.domain.reading.text import fold, pieces, tidy

Kind = Literal["show", "release", "season", "part", "specials", "extras", "disc", "nothing"]

_ROOT: Final = re.compile(r"^(?:[A-Za-z]:|\.{0,2}|~)$")
_NOTHING: Final = re.compile(
    r"anime|animes|tv|tv ?shows?|shows|series|movies?|films?|downloads?|complete|videos?|media"
    r"|torrents?|main|subs?|subtitles?|fonts|airing|premiered|airing \[hardsub|batch|bd|dvd|web"
    r"|(?:new|untitled) folder(?: ?\d+)?|te?mp|uncensored|dual[- ]audio|multi[- ]subs?"
    r"|(?:(?:ep|episode)s?)?(?: ?\d+ ?(?:-|~|to) ?\d+)|episodes?|mkv|mp4"
    r"|(?:tv|main) series|incoming"
)
_SHELF: Final = re.compile(
    r"(?:19|20)\d\d|(?:winter|spring|summer|fall|autumn)(?: (?:19|20)\d\d)?|[a-z#]"
    r"|[a-z0-9]-[a-z0-9]|(?:19|20)\d\d (?:winter|spring|summer|fall|autumn)|new"
    r"|watching|ongoing|finished|seasonal|simulcasts?|japanese|chinese|korean|donghua|[ck]?-?dramas?|cartoons|animation|library"
)
_VERSIONS: Final = frozenset(("ver", "ver.", "version", "tv", "bd", "dvd", "web", "raws", "subs"))
_EXTRA: Final = (
    r"(?:extras?|nc|nc ?ops?|nc ?eds?|ops?|eds?|openings?|endings?|(?:creditless|clean)(?: \w+)?"
    r"|menus?|pvs?|cms?|commercials?|bonus(?:es)?|featurettes?|samples?|scans|scenes"
    r"|trailers?|teasers?|previews?|promos?|clips?|interviews?|others?|shorts"
    r"|behind the scenes|deleted scenes|making[- ]of|sps? ?& ?extras"
    r"|osts?|(?:original )?soundtracks?|music|cds?|booklets?|artworks?|theme-music|backdrops"
    r"|映像特典|特典映像|特典)"
)
_EXTRAS: Final = re.compile(
    rf"(?:(?:bd|dvd|blu-?ray) )?{_EXTRA}(?:[ ,]*(?:[&+,/_ ]|and) ?{_EXTRA})*"
)
_ANY_EXTRA: Final = re.compile(
    r"(?:bd |dvd )?(?:extras?|bonus(?:es)?|others?)|(?:映像)?特典(?:映像)?"
)
_SUBTITLES: Final = re.compile(r"^(?:subs|subtitles) (?=(?:main|bd|web|tv|season)(?![a-z]))")
_SPECIALS: Final = re.compile(r"specials?|sps?|(?P<form>ova|oad|ona)s?")
_DISC: Final = re.compile(
    r"(?:(?:bd|dvd|blu-?ray)[ -]?)?(?:dis[ck]|vol(?:ume)?\.?|cd|bd|dvd)[ .-]?\d+"
)
_PART: Final = re.compile(r"(?P<what>part|cour)[ .]?(?P<n>\d{1,2}|[ivx]{1,4})\b")
_WORDS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SEASON_WORD: Final = re.compile(rf"(?:season|series) (?P<n>{'|'.join(_WORDS)})")
_SEASON_NAMED: Final = re.compile(r"season ?(\d{1,2}) .*|s(\d{1,2}) - .*")
_OUTSIDE: Final = " .-[]()<>"


class Folder(NamedTuple):
    """What a folder says.

    Attributes:
        name: As its owner wrote it, or the title of the release that it is named after.
        kind: What it is.
        titles: Readings of it, where it names a show.
        seasons: The season that it says.
        mark: What sets the numbers in it apart: "Part 2", "OVA", "Interviews".
        group: The release group.
        base: Its title without season and year.
    """

    name: str
    kind: Kind
    titles: tuple[str, ...] = ()
    seasons: tuple[int, ...] = ()
    mark: str | None = None
    group: str | None = None
    base: str = ""


@functools.lru_cache(maxsize=512)  # the files of one show come one after the other
def folder(given: str) -> Folder:
    """What a folder of this name is."""
    name = tidy(given)
    view = _SUBTITLES.sub("", fold(name)).strip(_OUTSIDE)
    if _EXTRAS.fullmatch(view):
        return Folder(name, "extras", mark=None if _ANY_EXTRA.fullmatch(view) else name)
    if (match := _PART.fullmatch(view)) or _season_only(view):
        mark = match or _PART.search(view)
        said = f"{mark['what'].title()} {mark['n'].upper()}" if mark else None
        return Folder(name, "part" if match else "season", (), _season_only(view), said)
    if match := _SPECIALS.fullmatch(view):
        return Folder(name, "specials", mark=match["form"] and match["form"].upper())
    if _DISC.fullmatch(view):
        return Folder(name, "disc")
    if not view or _says_nothing(view) or _ROOT.fullmatch(name):
        return Folder(name, "nothing")
    return _naming(name)


def is_shelf(name: str) -> bool:
    """Whether a folder around those of shows may be called so: "2024", "A-F", "Watching"."""
    return _SHELF.fullmatch(fold(tidy(name)).strip(_OUTSIDE)) is not None


def _says_nothing(view: str) -> bool:
    """Whether a folder names no show: "Downloads", "TV ver", "1080p"."""
    words = view.split()
    told = all(map(vocabulary.is_known, words)) and any(word in _VERSIONS for word in words)
    return bool(_NOTHING.fullmatch(view)) or told or all(map(vocabulary.is_strong, words))


def _season_only(view: str) -> tuple[int, ...]:
    if word := _SEASON_WORD.fullmatch(view):
        return (_WORDS.index(word["n"]) + 1,)
    match = patterns.SEASONS.search(view)
    if match is None or _PART.sub("", view.replace(match[0], "", 1)).strip(" -:,"):
        number = _SEASON_NAMED.fullmatch(view)
        return (int(number[1] or number[2]),) if number else ()
    return patterns.seasons_of(match)


def _naming(name: str) -> Folder:
    """A folder named like a release is read as one; any other is the show's name as it is."""
    reading = read(name)
    if _like_a_release(name) and reading.titles:
        show = reading.titles[0]
        return Folder(
            f"{show} ({reading.year})" if reading.year else show,
            "release",
            reading.titles,
            reading.seasons,
            group=reading.group,
            base=show,
        )
    name = name if " " in name else name.replace("_", " ")
    titles = (name, *reading.titles)
    return Folder(name, "show", titles, reading.seasons, base=(*reading.titles, name)[0])


def _like_a_release(name: str) -> bool:
    view = fold(name)
    if "[" in view or (" " not in view and _dotted(view)):
        return True
    boxes = [view[piece.start : piece.end] for piece in pieces(view) if piece.bracket]
    return any(
        vocabulary.is_meta(box) or patterns.ALONE.fullmatch(box)
        for box in boxes
        if not patterns.YEAR.fullmatch(box)
    ) or any(map(vocabulary.is_strong, view.split()))


def _dotted(view: str) -> bool:
    """Whether dots stand for spaces: "Some.Show.S01.1080p", unlike "D.Gray-man"."""
    words = view.split(".")
    told = any(map(vocabulary.is_strong, words)) or patterns.SEASONS.search(view.replace(".", " "))
    return len(words) > 1 and (bool(told) or (len(words) > 2 and min(map(len, words)) > 1))
