"""What the folders around a file say, and whether a slash is a folder at all."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from izumi.domain.reading.folder_words import Folder, folder, is_shelf
from izumi.domain.reading.text import fold, pieces, tidy

_DRIVE: Final = re.compile(r"^(?:[A-Za-z]:|\.{0,2}|~)$")
_HOMES: Final = ("home", "users", "mnt", "media", "volumes")
_ROOTS: Final = re.compile(
    r"root|srv|data|var|opt|te?mp|mnt|media|volume\d*|users|home|storage|nas"
)
_SURE: Final = frozenset(("extras", "nothing"))
"""Kinds of folders that no part of a title looks like."""
_WORD: Final = re.compile(r"[^\W_]+")


class Hints(NamedTuple):
    """What folders say.

    Attributes:
        show: The show's folder as its owner wrote it; None where none names a show.
        titles: Readings of that folder.
        inner: Titles of a torrent's folder inside it.
        seasons: The season of a season folder.
        extras: The file lies in a folder for extras.
        among: What those extras are: "Interviews"; None where the folder says no more.
        specials: The file lies in a folder for specials.
        group: The release group in the folder's name.
        mark: What sets the numbers of a folder apart from those of its season: "Part 2".
        rival: Another folder that may be the show's just as well.
        counting: A folder that may have numbers of its own: "Disc 2".
    """

    show: str | None = None
    titles: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    seasons: tuple[int, ...] = ()
    extras: bool = False
    among: str | None = None
    specials: bool = False
    group: str | None = None
    mark: str | None = None
    rival: str | None = None
    counting: str | None = None


def hints(folders: Sequence[str], titles: Sequence[str] = ()) -> Hints:
    """What the folders of a file say.

    The folder of the watch folder is the show's, that of a torrent inside it is not. Of
    two inside each other that both may be a show's, the file's own title tells which.

    Args:
        folders: From the outermost inwards.
        titles: What the file itself may be called.
    """
    found = Hints()
    naming: list[Folder] = []
    extras_at: int | None = None
    among: str | None = None
    for one in map(folder, reversed(folders)):
        match one.kind:
            case "show" | "release":
                if not (naming and is_shelf(one.name)):
                    naming.append(one)
            case "extras":
                extras_at, among = len(naming), one.mark
            case "specials" if not naming:
                found = found._replace(specials=True, mark=found.mark or one.mark)
            case "season" | "part":
                seasons = found.seasons or one.seasons
                found = found._replace(seasons=seasons, mark=found.mark or one.mark)
            case "disc" if not naming:
                found = found._replace(counting=one.name)
            case _:
                pass
    if extras_at == 0 or (extras_at is not None and extras_at < len(naming)):
        # What lies further inside is of the extras.
        found, naming = found._replace(extras=True, among=among), naming[extras_at:]
    if found.specials and found.seasons:
        # Every season has its own: they are told apart by the season and a word.
        found = found._replace(specials=False, mark=found.mark or "Specials")
    return _named(found, naming, titles) if naming else found


def _named(found: Hints, naming: list[Folder], titles: Sequence[str]) -> Hints:
    """The hints with the show, out of the folders that name one, the innermost first."""
    inside = list[Folder]()
    while len(naming) > 1 and naming[0].kind == "release":
        inside.append(naming.pop(0))
    if len(naming) > 1 and naming[0].name.isdecimal() and len(naming[0].name) <= 2:
        found = found._replace(counting=naming.pop(0).name)
    told = (*titles, *(title for one in inside for title in one.titles))
    show, rival = _chosen(naming, told)
    if show is not naming[0]:
        inside.append(naming[0])
    around = [one for one in naming if _words(one.base) == _words(show.base)]
    seasons = [one.seasons for one in (*inside, show, *around) if one.seasons]
    return found._replace(
        show=show.name,
        titles=show.titles,
        inner=tuple(title for one in inside if one.kind == "release" for title in one.titles),
        seasons=found.seasons or next(iter(seasons), ()),
        group=next((one.group for one in (*inside, show) if one.group), None),
        rival=rival.name if rival else None,
    )


def _chosen(naming: Sequence[Folder], told: Sequence[str]) -> tuple[Folder, Folder | None]:
    """The show's folder, and one that may be it just as well."""
    inner, *others = naming
    if not others:
        return inner, None
    outer = others[0]
    ours, around = _words(inner.base), _words(outer.base)
    if ours == around and inner.seasons and not outer.seasons:
        return outer, None
    evidence = [words for words in map(_words, told) if words]
    for one in naming:
        if any(_words(title) in evidence for title in one.titles):
            return one, None
    if around <= ours:
        # "Naruto/Naruto Shippuuden": a series among those of its name.
        return inner, None
    for one in (outer, inner):
        if any(_words(one.base) <= words or words <= _words(one.base) for words in evidence):
            return one, None
    return inner, outer


def _words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(title)))


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
    return tuple(_below_root(parts[:-1]) if cuts[0] == 0 else parts[:-1]), parts[-1]


def _below_root(folders: Sequence[str]) -> Sequence[str]:
    """The folders of a whole path without those of the system: "/home/mira", "/mnt/disk"."""
    first = fold(folders[0])
    places = 2 if first in _HOMES else int(_ROOTS.fullmatch(first) is not None)
    return folders[places:] if places < len(folders) else folders


def _is_path(parts: Sequence[str], *, rooted: bool) -> bool:
    *folders, name = parts
    if rooted or _DRIVE.match(folders[0]):
        return True
    views = [fold(part).strip() for part in parts]
    if any(part.endswith(" ") for part in folders) or any(part[0] == " " for part in parts[1:]):
        # "葬送的芙莉莲 / Sousou no Frieren": alternatives of a title.
        return False
    if views[-1].startswith("[") or any(folder(part).kind == "season" for part in folders):
        return True
    if any(folder(part).kind in _SURE for part in folders):
        return True
    if views[-1][:1].isdecimal() or re.match(r"(?:s\d+)?e\d", views[-1]):
        return not views[-2][-1:].isdecimal()
    show = "".join(re.findall(r"[^\W_]+", re.sub(r"[\[(].*?[\])]", "", views[-2])))
    rest = "".join(re.findall(r"[^\W_]+", name.lower()))
    return len(show) >= 3 and show in rest
