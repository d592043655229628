"""What the folders around a file say, and whether a slash is a folder at all."""

import functools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.reader import read
from izumi.domain.reading.text import fold, pieces, tidy

_DRIVE: Final = re.compile(r"^(?:[A-Za-z]:|\.{0,2}|~)$")
_GENERIC: Final = re.compile(
    r"anime|animes|tv|tv ?shows?|shows|series|movies?|films?|downloads?|complete|videos?|media"
    r"|torrents?|main|subs?|subtitles?|fonts|airing|premiered|airing \[hardsub|batch|bd|dvd|web"
    r"|dis[ck] ?\d*"
)
_VERSIONS: Final = frozenset(("ver", "ver.", "version", "tv", "bd", "dvd", "web", "raws", "subs"))
_EXTRAS: Final = re.compile(
    r"extras?|nc|ncop ?(?:&|\+|and) ?nced|nc ?op|nc ?ed|creditless|menus?|pvs?|cms?|bonus(?:es)?"
    r"|featurettes?|samples?|scans|sps? ?& ?extras|trailers?|映像特典|特典映像|特典"
)
_SUBTITLES: Final = re.compile(r"^(?:subs|subtitles) (?=(?:main|bd|web|tv|season)(?![a-z]))")
_SPECIALS: Final = re.compile(r"specials?|sps?|ovas?|oads?|onas?")


class Hints(NamedTuple):
    """What folders say.

    Attributes:
        show: The show's folder as its owner wrote it; None where none names a show.
        titles: Readings of that folder, when it is named like a release.
        seasons: The season of a season folder.
        extras: The file lies in a folder for extras.
        specials: The file lies in a folder for specials.
        group: The release group in the folder's name.
    """

    show: str | None = None
    titles: tuple[str, ...] = ()
    seasons: tuple[int, ...] = ()
    extras: bool = False
    specials: bool = False
    group: str | None = None


def hints(folders: Sequence[str]) -> Hints:
    """What the folders of a file say, from the outermost inwards."""
    found = Hints()
    for folder in reversed(folders):
        name = tidy(folder)
        view = _SUBTITLES.sub("", fold(name)).strip(" .-[]()")
        if _EXTRAS.fullmatch(view):
            found = found._replace(extras=True)
        elif seasons := _season_only(view):
            found = found._replace(seasons=found.seasons or seasons)
        elif _SPECIALS.fullmatch(view):
            found = found._replace(specials=True)
        elif view and not _generic(view) and not _DRIVE.fullmatch(name):
            return _show(found, name)
    return found


def _generic(view: str) -> bool:
    """Whether a folder names no show: "Downloads", "TV ver", "1080p"."""
    words = view.split()
    told = all(map(vocabulary.is_known, words)) and any(word in _VERSIONS for word in words)
    return bool(_GENERIC.fullmatch(view)) or told or all(map(vocabulary.is_strong, words))


def _season_only(view: str) -> tuple[int, ...]:
    match = patterns.SEASONS.search(view)
    if match is None or view.replace(match[0], "", 1).strip(" -:"):
        number = re.fullmatch(r"(?:season|part|cour) ?(\d{1,2}) .*|(\d{1,2})", view)
        return (int(number[1]),) if number and number[1] else ()
    return patterns.seasons_of(match)


@functools.lru_cache(maxsize=256)  # the files of one show come one after the other
def _show(found: Hints, name: str) -> Hints:
    """A folder named like a release is read as one; any other is the show's name as it is."""
    reading = read(name)
    if _like_a_release(name) and reading.titles:
        show = reading.titles[0]
        return found._replace(
            show=f"{show} ({reading.year})" if reading.year else show,
            titles=reading.titles,
            seasons=found.seasons or reading.seasons,
            group=reading.group,
        )
    seasons = found.seasons or reading.seasons
    name = name if " " in name else name.replace("_", " ")
    return found._replace(show=name, titles=(name, *reading.titles), seasons=seasons)


def _like_a_release(name: str) -> bool:
    view = fold(name)
    if "[" in view or (" " not in view and "." in view):
        return True
    boxes = [view[piece.start : piece.end] for piece in pieces(view) if piece.bracket]
    return any(
        vocabulary.is_meta(box) or patterns.ALONE.fullmatch(box)
        for box in boxes
        if not patterns.YEAR.fullmatch(box)
    ) or any(map(vocabulary.is_strong, view.split()))


def parted(path: str) -> tuple[tuple[str, ...], str]:
    """A path as folders and name; a slash inside a title ("Fate/Zero", "1/2") parts nothing."""
    view = fold(tidy(path))
    inside = {at for piece in pieces(view) if piece.bracket for at in range(piece.start, piece.end)}
    text = tidy(path)
    cuts = [at for at, char in enumerate(text) if char in "/\\" and at not in inside]
    if not cuts or len(text) != len(view):
        return (), path
    parts = [text[a + 1 : b] for a, b in zip([-1, *cuts], [*cuts, len(text)], strict=True)]
    parts = [part for part in parts if part.strip()]
    if len(parts) < 2 or not _is_path(parts, rooted=cuts[0] == 0):
        return (), path
    return tuple(parts[:-1]), parts[-1]


def _is_path(parts: Sequence[str], *, rooted: bool) -> bool:
    *folders, name = parts
    if rooted or _DRIVE.match(folders[0]):
        return True
    views = [fold(part).strip() for part in parts]
    if any(part.endswith(" ") for part in folders) or any(part[0] == " " for part in parts[1:]):
        # "葬送的芙莉莲 / Sousou no Frieren": alternatives of a title.
        return False
    if views[-1].startswith("[") or any(map(_season_only, views[:-1])):
        return True
    if any(_EXTRAS.fullmatch(view) or _generic(view) for view in views[:-1]):
        return True
    if views[-1][:1].isdecimal() or re.match(r"(?:s\d+)?e\d", views[-1]):
        return not views[-2][-1:].isdecimal()
    show = "".join(re.findall(r"[^\W_]+", re.sub(r"[\[(].*?[\])]", "", views[-2])))
    rest = "".join(re.findall(r"[^\W_]+", name.lower()))
    return len(show) >= 3 and show in rest
