"""The clean names of the files of a show that is in the library already. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from izumi.domain import names
from izumi.domain.identify import identify, parted
from izumi.domain.keys import MAX_PART_BYTES
from izumi.domain.reading import folders as surroundings
from izumi.domain.release import VIDEO
from izumi.tools.plan import Left, Wish
from izumi.tools.shelves import Item, folder_of

_NATIVE: Final = re.compile(r" ~ (?=.*[^\W\d_a-zA-Z\u00c0-\u024f])")
"""What `move` puts between a show and its native title."""


class Named(NamedTuple):
    """The new names, and the files that keep theirs for a reason."""

    wishes: tuple[Wish, ...]
    left: tuple[Left, ...]


def is_part_of_show(folder: str) -> bool:
    """Whether a folder in a show's is that of a season, of specials or of extras."""
    return surroundings.hints([folder]).show is None


def native_title(titles: Sequence[str]) -> str | None:
    """Of AniList's titles the native one, where it is written in letters of its own."""
    last = names.legal(titles[-1]) if titles else ""
    return last if _NATIVE.match(f" ~ {last}") else None


def with_native(show: str, native: str | None, *, limit_bytes: int) -> str:
    """`<show> ~ <native title>`; the show alone where that is there already, or too long."""
    if not native or _NATIVE.search(show) or native == show:
        return show
    whole = f"{show} ~ {native}"
    return whole if len(whole.encode()) <= limit_bytes else show


def clean_names(
    root: str, show: str, files: Sequence[Item], *, limit_bytes: int = MAX_PART_BYTES
) -> Named:
    """Every video by its clean name, and what belongs to it by the same.

    Args:
        root: The show's folder, below the location's root.
        show: The same below its shelf.
        files: What lies in it.
        limit_bytes: Most bytes of a name there.
    """
    wishes: list[Wish] = []
    left: list[Left] = []
    stems: dict[str, str] = {}
    for item in files:
        folder, _, name = item.path.rpartition("/")
        if parted(name).extension[1:] not in VIDEO:
            continue
        folders = [*_hints(show), *filter(None, folder[len(root) + 1 :].split("/"))]
        found = identify(name, folders=folders, extras="file")
        if found.held:
            left.append(Left(path=item.path, why=f"not sure what it is: {found.held}"))
            continue
        clean = names.clean_name(found, limit_bytes=limit_bytes)
        if clean != name:
            stems[f"{folder}/{_stem(name)}"] = f"{folder}/{_stem(clean)}"
            wishes.append(Wish(item, f"{folder}/{clean}"))
    return Named((*wishes, *_beside(files, stems)), tuple(left))


def _hints(show: str) -> list[str]:
    """The folders above as their titles alone: a native title behind it is none of a file's."""
    return [_NATIVE.split(part, maxsplit=1)[0] for part in show.split("/")]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _beside(files: Sequence[Item], stems: dict[str, str]) -> Iterator[Wish]:
    """Subtitles and the like that carry a video's name in front of their own ending."""
    for item in files:
        name = item.path.rpartition("/")[2]
        if parted(name).extension[1:] in VIDEO or folder_of(item.path) == "":
            continue
        stem = item.path
        while "." in stem.rpartition("/")[2]:
            stem = stem.rpartition(".")[0]
            if stem in stems:
                yield Wish(item, stems[stem] + item.path[len(stem) :], "with its video")
                break
