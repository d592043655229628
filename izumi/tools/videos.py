"""The videos of shows among what lies at a location. Pure."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from izumi.domain.identify import parted
from izumi.domain.keys import part_token
from izumi.domain.release import VIDEO
from izumi.tools.shelves import Item, Place, Sub, beneath, fold, is_group, is_sound

_REVISION: Final = re.compile(r"(?:(?<=\d)| )v([1-9]\d?)(?=(?: \[[^\]]*\]| \([^)]*\))*$)")
"""As clean names have it: behind the number or title, with nothing but marks behind it."""


class Found(NamedTuple):
    """A video of a show.

    Attributes:
        show: Its folder below a shelf.
        key: The file below the shelf.
        sub: None where softsubs and hardsubs share a folder.
        size: Bytes.
        changed: When, if the storage tells.
        folded: The key, as storages compare it.
        episode: The same without revision and extension.
        revision: 1 where the name says none.
    """

    show: str
    key: str
    sub: Sub | None
    size: int
    changed: dt.datetime | None
    folded: str
    episode: str
    revision: int


def roots(place: Place) -> list[str]:
    """The folders to list: those of the shelves that lie in no other one."""
    folders = {shelf.folder for shelf in place.shelves}
    return sorted(
        one for one in folders if not any(one != other and beneath(one, other) for other in folders)
    )


def files(place: Place, items: Iterable[Item]) -> Iterator[Found]:
    """The videos of shows among what lies at a location.

    Files without a show's folder, temporary ones, and what lies in the trash are none.
    """
    subs: dict[str, set[Sub]] = defaultdict(set)
    for shelf in place.shelves:
        subs[shelf.folder].add(shelf.sub)
    # What lies in a shelf within a shelf belongs to the inner one.
    inward = sorted({*subs, *place.own}, key=len, reverse=True)
    tops: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        if item.folder or not is_sound(item.path):
            continue
        folder = next((one for one in inward if beneath(item.path, one)), None)
        if folder in subs:
            key = item.path[len(folder) + 1 :] if folder else item.path
            top, slash, _ = key.partition("/")
            if slash and not _is_temporary(key):
                tops[folder, top].append(item._replace(path=key))
    for (folder, top), inside in tops.items():
        sub = next(iter(subs[folder])) if len(subs[folder]) == 1 else None
        deep = is_group(top, inside)
        for item in inside:
            name = item.path.rpartition("/")[2]
            extension = parted(name).extension
            if extension[1:] in VIDEO:
                show = "/".join(item.path.split("/")[:2]) if deep else top
                folded = fold(item.path)
                yield Found(
                    show,
                    item.path,
                    sub,
                    item.size,
                    _time(item.changed),
                    folded,
                    *_episode(folded[: -len(extension)]),
                )


def _episode(folded: str) -> tuple[str, int]:
    """An episode whatever its revision, and the revision."""
    told = _REVISION.search(folded)
    if told is None:
        return folded, 1
    return folded[: told.start()] + folded[told.end() :], int(told[1])


def _is_temporary(key: str) -> bool:
    return part_token(key.rpartition("/")[2]) is not None


def _time(text: str) -> dt.datetime | None:
    try:
        told = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return told.astimezone(dt.UTC) if told.tzinfo else told.replace(tzinfo=dt.UTC)
