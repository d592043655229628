"""Where the earlier units kept files, as `[storage.<name>]` tables. Pure.

An earlier unit named a whole folder for each kind of file, or an rclone path and a folder
below it. A location of ours is one `remote` with a folder for each kind, so that units that
mean the same folder must come to name the same location: that is how one finds what another
one has stored.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import msgspec

from izumi.moving.document import Trail
from izumi.moving.reader import Found, Reader
from izumi.storage.settings import StorageSettings, remote_fault

FileKind = Literal["softsub", "hardsub"]

_ROOT: Final = re.compile(r"[^/:]+:/?|/")
_ENDED: Final = {"softsub": "premiered", "hardsub": "premiered_hardsub"}
_USUAL: Final = {"premiered": "Premiered", "premiered_hardsub": "Premiered [Hardsub]"}


class Use(NamedTuple):
    """A place that a unit names.

    Attributes:
        reader: Of the file that names it.
        found: The place.
        kind: What lies there.
        folder: Below it; None: the place is the folder itself.
        folder_found: The key that named the folder.
        where: The list in the result that is to name the location; empty: none (tools).
        ended: Folder for shows that have ended, beside `folder`.
    """

    reader: Reader
    found: Found
    kind: FileKind
    folder: str | None
    folder_found: Found | None
    where: Trail
    ended: str | None = None


@dataclass
class Location:
    """A location in the making. `folders`: by key of `[storage.<name>]`."""

    root: str
    base: tuple[str, ...]
    folders: dict[str, str] = field(default_factory=dict)
    name: str = ""

    @property
    def remote(self) -> str:
        """As `[storage.<name>] remote`."""
        return self.root + "/".join(self.base)

    def whole(self, kind: FileKind) -> tuple[str, tuple[str, ...]] | None:
        """The whole folder of a kind."""
        if kind not in self.folders:
            return None
        return self.root, (*self.base, *_parts(self.folders[kind]))

    def takes(self, kind: FileKind, folder: str) -> bool:
        """Whether this folder may be the one of its kind here."""
        return self.folders.get(kind, folder) == folder

    def table(self) -> dict[str, object]:
        """`[storage.<name>]`."""
        return {"remote": self.remote, **self.folders}


class Resolved(NamedTuple):
    """Locations, and the one of each use that has one."""

    locations: list[Location]
    of_use: dict[int, Location]
    faults: dict[int, str]


def resolve(uses: Sequence[Use]) -> Resolved:
    """The locations that the uses need, as few as can be."""
    locations: list[Location] = []
    of_use: dict[int, Location] = {}
    faults: dict[int, str] = {}
    good = {}
    for number, use in enumerate(uses):
        text = str(use.found.value).strip()
        if fault := remote_fault(text):
            faults[number] = fault
        else:
            good[number] = _split(text)
    # Those that say which part is the folder lead; the others fit in.
    for number, (root, parts) in good.items():
        use = uses[number]
        folder, ended = _joined(use.folder), _joined(use.ended)
        if not folder:
            continue
        if _legal(folder) and folder != ended and (not ended or _legal(ended)):
            of_use[number] = _explicit(locations, use, root, parts, folder)
        else:
            good[number] = root, (*parts, *_parts(folder))
    for number, (root, parts) in good.items():
        if number not in of_use:
            of_use[number] = _whole(locations, uses[number].kind, root, parts)
    _pair(locations, uses, of_use)
    for one in locations:
        _keep_apart(one)
    _name(locations)
    return Resolved(locations, of_use, faults)


def _legal(folder: str) -> bool:
    """Whether it may be a folder of `[storage.<name>]`."""
    try:
        msgspec.convert({"remote": "/", "softsub": folder, "premiered": ""}, StorageSettings)
    except msgspec.ValidationError:
        return False
    return True


def _keep_apart(one: Location) -> None:
    """Shows that have ended need a folder of their own."""
    for kind, key in _ENDED.items():
        folder = one.folders.get(kind)
        if folder is not None and folder == one.folders.get(key, _USUAL[key]):
            one.folders[key] = f"{folder} (ended)"


def _explicit(
    locations: list[Location], use: Use, root: str, base: tuple[str, ...], folder: str
) -> Location:
    ended = _joined(use.ended)
    key = _ENDED[use.kind]
    for one in locations:
        same = (one.root, one.base) == (root, base)
        if same and one.takes(use.kind, folder) and one.folders.get(key, ended) in {ended, None}:
            break
    else:
        one = Location(root, base)
        locations.append(one)
    one.folders[use.kind] = folder
    if ended:
        one.folders[key] = ended
    return one


def _whole(
    locations: list[Location], kind: FileKind, root: str, parts: tuple[str, ...]
) -> Location:
    for one in locations:
        if one.whole(kind) == (root, parts):
            return one
    base, last = _parent(root, parts)
    for one in locations:
        if (one.root, one.base) == (root, base) and one.takes(kind, last):
            break
    else:
        one = Location(root, base)
        locations.append(one)
    one.folders[kind] = last
    return one


def _parent(root: str, parts: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """What to make the `remote`, and the folder below it.

    `/` itself is never one: it is always there, so that a disk that is not mounted would
    not be noticed.
    """
    least = 2 if root == "/" else 1
    if len(parts) >= least and _legal(parts[-1]):
        return parts[:-1], parts[-1]
    return parts, ""


def _pair(locations: list[Location], uses: Sequence[Use], of_use: dict[int, Location]) -> None:
    """Make one location of a softsub and a hardsub folder of one list at one remote.

    So one group can have both kinds. Folders of this host stay apart: they may be on two
    disks, each of which may be away.
    """
    lists: dict[Trail, list[int]] = {}
    for number in of_use:
        if uses[number].where:
            lists.setdefault(uses[number].where, []).append(number)
    for numbers in lists.values():
        for number in numbers:
            soft = of_use[number]
            if set(soft.folders) != {"softsub"} or soft.root == "/":
                continue
            hard = next(
                (
                    of_use[other]
                    for other in numbers
                    if set(of_use[other].folders) == {"hardsub"} and of_use[other].root == soft.root
                ),
                None,
            )
            if hard is not None and _merge(soft, hard):
                locations[:] = [one for one in locations if one is not hard]
                of_use.update({n: soft for n, one in of_use.items() if one is hard})


def _merge(soft: Location, hard: Location) -> bool:
    """Give `soft` the folder of `hard` too; False: they cannot be one."""
    shared = 0
    for ours, theirs in zip(soft.base, hard.base, strict=False):
        if ours != theirs:
            break
        shared += 1
    folders = {
        "softsub": "/".join((*soft.base[shared:], *_parts(soft.folders["softsub"]))),
        "hardsub": "/".join((*hard.base[shared:], *_parts(hard.folders["hardsub"]))),
    }
    if not all(map(_legal, folders.values())):
        return False
    soft.folders, soft.base = folders, soft.base[:shared]
    return True


def _name(locations: list[Location]) -> None:
    taken: set[str] = set()
    for one in locations:
        remote = one.root.rstrip(":/")
        alone = sum(other.root == one.root for other in locations) == 1
        last = one.base[-1] if one.base else ""
        text = remote if remote and (alone or not last) else f"{remote}-{last}"
        one.name = unique(legal(text, "storage"), taken)


def legal(text: str, otherwise: str) -> str:
    """A text as the name of a table: letters, digits, `-` and `_`."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:40].strip("-_") or otherwise


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken; it is taken from then on."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    taken.add(found)
    return found


def remotes(locations: Iterable[Location]) -> list[str]:
    """The remotes that rclone.conf must have."""
    return sorted({one.root.rstrip(":/") for one in locations} - {""})


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    match = _ROOT.match(text)
    root = match[0] if match else ""
    return root, _parts(text[len(root) :])


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("/") if part not in {"", "."})


def _joined(folder: str | None) -> str:
    return "/".join(_parts(folder or ""))
