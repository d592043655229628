"""The folders of a location that shows lie in, and what a listing of them says. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from izumi.domain import keys
from izumi.domain.keys import MAX_PART_BYTES
from izumi.domain.reading import folders as surroundings

Kind = Literal["airing", "premiered"]
Sub = Literal["softsub", "hardsub"]

TRASH: Final = keys.TRASH
"""See there."""

_CONTROLS: Final = re.compile(r"[\x00/]")


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A folder below which shows lie.

    Attributes:
        folder: Below the location's root; "" is the root itself.
        kind: Shows that still air, or that have ended.
        sub: What its files are.
    """

    folder: str
    kind: Kind
    sub: Sub

    def path(self, inner: str) -> str:
        """What lies in it, as a path below the location's root."""
        return f"{self.folder}/{inner}" if self.folder else inner


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A location as the tools see it.

    Attributes:
        name: As the configuration calls it.
        shelves: One of each kind and sub; several may have one folder.
        name_bytes: Most bytes of UTF-8 that a name may have there.
    """

    name: str
    shelves: tuple[Shelf, ...]
    name_bytes: int = MAX_PART_BYTES

    def of(self, kinds: Collection[Kind]) -> list[Shelf]:
        """The shelves of these kinds, no folder twice."""
        return list(
            {one.folder: one for one in reversed(self.shelves) if one.kind in kinds}.values()
        )[::-1]

    def shelf(self, kind: Kind, sub: Sub) -> Shelf:
        """The shelf of that kind."""
        return next(one for one in self.shelves if (one.kind, one.sub) == (kind, sub))

    @property
    def own(self) -> frozenset[str]:
        """Folders that are no shows, whatever shelf they lie in."""
        return frozenset({TRASH, *(shelf.folder for shelf in self.shelves)} - {""})


class Item(NamedTuple):
    """What lies at a location.

    Attributes:
        path: Below the location's root.
        size: Bytes of a file.
        changed: When, in ISO 8601 and UTC.
        folder: It is a folder.
    """

    path: str
    size: int = 0
    changed: str = ""
    folder: bool = False


def place(
    name: str,
    *,
    softsub: str,
    hardsub: str,
    premiered: str,
    premiered_hardsub: str,
    name_bytes: int = MAX_PART_BYTES,
) -> Place:
    """A location by its four folders."""
    shelves = (
        Shelf(folder=softsub, kind="airing", sub="softsub"),
        Shelf(folder=hardsub, kind="airing", sub="hardsub"),
        Shelf(folder=premiered, kind="premiered", sub="softsub"),
        Shelf(folder=premiered_hardsub, kind="premiered", sub="hardsub"),
    )
    return Place(name=name, shelves=shelves, name_bytes=name_bytes)


def fold(path: str) -> str:
    """What two paths share that some storage takes for one: case, and forms of a letter."""
    return unicodedata.normalize("NFC", path).casefold()


def is_sound(path: str) -> bool:
    """Whether a listed path leads to what it says, and nowhere else."""
    parts = path.split("/")
    return not any(part in {"", ".", ".."} or _CONTROLS.search(part) for part in parts)


def folder_of(path: str) -> str:
    """The folder that something lies in; "" is the root."""
    return path.rpartition("/")[0]


def beneath(path: str, root: str) -> bool:
    """Whether `path` lies below `root`, at any depth."""
    return not root or path.startswith(f"{root}/")


def shows(at: Place, shelf: Shelf, names: Iterable[str]) -> list[str]:
    """Of the folders right below a shelf those that are no shelf and no trash."""
    own = at.own
    return sorted(
        name
        for name in names
        if is_sound(name)
        and "/" not in name
        and not any(path == shelf.path(name) or beneath(path, shelf.path(name)) for path in own)
    )


def is_group(root: str, items: Sequence[Item]) -> bool:
    """Whether a folder holds several shows, and is none: nothing in it but other folders.

    Seasons, specials and extras are folders of one show.
    """
    files = [item.path[len(root) + 1 :] for item in items if not item.folder]
    inner = {path.partition("/")[0] for path in files if "/" in path}
    if len(files) > sum("/" in path for path in files):
        return False
    return any(surroundings.hints([name]).show is not None for name in inner)
