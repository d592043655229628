"""Whole folders of a location: listed, and their files renamed many at a time.

A command of its own for each file costs rclone's start every time, and proves nothing.
Here many go in one call, and what came of it is read from a listing.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from izumi.domain.errors import BadKey, StorageUnavailable
from izumi.storage import proof
from izumi.storage.places import Spot, top
from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.rclone_faults import RcloneFault, clean, fault
from izumi.storage.rclone_files import RcloneFiles
from izumi.storage.settings import remote_fault

_COPY_BYTES_PER_S: Final = 1 << 20
_AT_ONCE: Final = 4  # a rename is a small question, and every connection a handshake
# On S3 the time that a file says of itself takes a request for each.
_LISTING: Final = {"_config": {"UseListR": True, "UseServerModTime": True}}


class Listed(NamedTuple):
    """What lies at a location. `changed` is ISO 8601; a folder has no size."""

    path: str
    size: int
    changed: str
    folder: bool


class Transfer(NamedTuple):
    """A file, and the path that it is to have at the same location."""

    path: str
    to: str
    size: int


class Trees:
    """Listings and renames at locations.

    Paths are below the location's root; one that would leave it is refused.

    Args:
        rclone: Running; the caller ends it.
    """

    def __init__(self, rclone: Rclone) -> None:
        self._rclone = rclone
        self._files = RcloneFiles(rclone)

    async def below(self, at: Location, folder: str, *, deep: bool = True) -> list[Listed] | None:
        """Everything in a folder; None: there is no such folder.

        Storage without folders has those that files lie in.

        Args:
            at: Where.
            folder: "" is the root.
            deep: At any depth, and not only right in it.

        Raises:
            StorageUnavailable: It cannot be told.
        """
        root = _spot(at, folder)
        opt = {"noMimeType": True, "recurse": deep}
        params = {"fs": root.fs, "remote": folder, "opt": opt, **_LISTING}
        limit = self._rclone.settings.server_side_s if deep else self._rclone.settings.call_s
        try:
            said = await self._rclone.job("operations/list", params, place=at.name, within_s=limit)
        except RcloneFault as exc:
            if exc.kind != "missing":
                raise
            await self._files.root_is_there(root)
            return None
        found = [_listed(item) for item in said.get("list") or ()]
        if not found:
            await self._files.root_is_there(root)
            # A bucket says of any folder that it is there, and empty.
            if (await self._files.abilities(root)).claims:
                return None
        return found

    async def sizes(self, at: Location, folders: Iterable[str]) -> dict[str, int]:
        """The files right in some folders, with their bytes. A folder may be missing.

        Raises:
            StorageUnavailable: It cannot be told.
        """
        listed = await asyncio.gather(
            *(self.below(at, folder, deep=False) for folder in sorted({*folders}))
        )
        return {one.path: one.size for some in listed for one in some or () if not one.folder}

    async def renames(self, at: Location) -> bool:
        """Whether the storage gives a file another name; else it is copied, and removed.

        Raises:
            StorageUnavailable: It cannot be told.
        """
        return (await self._files.abilities(_spot(at, ""))).renames

    async def move(self, at: Location, some: Sequence[Transfer]) -> list[str]:
        """Rename files where nothing lies under the new name.

        Returns:
            What went wrong with each, "" for nothing; which proves nothing.

        Raises:
            StorageUnavailable: None of it may have been done.
        """
        return await self._transfer("operations/movefile", at, some)

    async def copy(self, at: Location, some: Sequence[Transfer]) -> list[str]:
        """As `move`; the files stay where they are too."""
        return await self._transfer("operations/copyfile", at, some)

    async def _transfer(self, command: str, at: Location, some: Sequence[Transfer]) -> list[str]:
        fs = _spot(at, "").fs
        orders = [
            {
                "_path": command,
                "srcFs": fs,
                "srcRemote": _checked(one.path),
                "dstFs": fs,
                "dstRemote": _checked(one.to),
                # Without it, what lies there is overwritten, or the source is dropped.
                "_config": {"IgnoreExisting": True},
            }
            for one in some
        ]
        return await self._batch(at, orders, sum(max(one.size, 0) for one in some))

    async def make(self, at: Location, folders: Sequence[str]) -> list[str]:
        """Make folders, those above them too; as `move` answers. There already: nothing."""
        return await self._each("operations/mkdir", at, folders)

    async def drop(self, at: Location, folders: Sequence[str]) -> list[str]:
        """Remove folders that are empty; as `move` answers. Not there: nothing."""
        return _unless_missing(at, await self._each("operations/rmdir", at, folders))

    async def remove(self, at: Location, files: Sequence[str]) -> list[str]:
        """Remove files for good; as `move` answers. Not there: nothing."""
        return _unless_missing(at, await self._each("operations/deletefile", at, files))

    async def _each(self, command: str, at: Location, paths: Sequence[str]) -> list[str]:
        fs = _spot(at, "").fs
        orders = [{"_path": command, "fs": fs, "remote": _checked(path)} for path in paths]
        return await self._batch(at, orders, 0)

    async def _batch(self, at: Location, orders: Sequence[dict[str, Any]], size: int) -> list[str]:
        settings = self._rclone.settings
        said = await self._rclone.job(
            "job/batch",
            {"inputs": orders, "concurrency": min(settings.transfers, _AT_ONCE)},
            place=at.name,
            within_s=settings.server_side_s + size / _COPY_BYTES_PER_S,
        )
        results = list(said.get("results") or ())
        if len(results) != len(orders):
            raise StorageUnavailable(f"{at.name}: rclone answered {len(results)} of {len(orders)}")
        return [clean(str(result.get("error") or "")) for result in results]

    async def same(self, at: Location, path: str, other: str, size: int) -> bool:
        """Whether two files have the same content, as the location's policy proves it.

        Raises:
            StorageUnavailable: It cannot be told.
        """
        first, second = (_file_spot(at, one) for one in (path, other))
        for spot in (first, second):
            entry = await self._files.entry(spot)
            if entry is None or entry.size != size:
                return False
        of = await self._files.abilities(first)
        way = proof.way(of, at.verify, size)
        if way == "size":
            return True
        hashes = await asyncio.gather(
            *(self._files.hash(spot, way, size) for spot in (first, second))
        )
        if not all(hashes) and way != "read":
            hashes = await asyncio.gather(
                *(self._files.hash(spot, "read", size) for spot in (first, second))
            )
        return bool(hashes[0]) and hashes[0] == hashes[1]

    async def to_disk(self, at: Location, folders: Iterable[str]) -> None:
        """Have the names in folders of this host on its disk; nothing where they are elsewhere.

        Raises:
            StorageUnavailable: The disk says no.
        """
        root = _spot(at, "").local
        if root is None:
            return
        paths = [root / folder for folder in sorted({*folders})]
        try:
            await asyncio.to_thread(_fsync, paths)
        except OSError as exc:
            raise StorageUnavailable(f"{at.name}: {exc.filename}: {exc.strerror}") from exc


def _fsync(folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.is_dir():
            fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _listed(item: dict[str, Any]) -> Listed:
    folder = bool(item["IsDir"])
    return Listed(
        str(item["Path"]),
        0 if folder else int(item["Size"]),
        str(item.get("ModTime") or ""),
        folder,
    )


def _unless_missing(at: Location, problems: Sequence[str]) -> list[str]:
    return [
        "" if said and fault(at.name, 500, said).kind == "missing" else said for said in problems
    ]


def _spot(at: Location, folder: str) -> Spot:
    if reason := remote_fault(at.remote):
        raise BadKey(f"the remote {at.remote!r} of {at.name} {reason}")
    if folder:
        _checked(folder)
    return top(at, folder)


def _file_spot(at: Location, path: str) -> Spot:
    folder, _, name = _checked(path).rpartition("/")
    return _spot(at, folder).beside(name)


def _checked(path: str) -> str:
    """The path itself, when every part of it leads downwards.

    Raises:
        BadKey: It does not.
    """
    if any(part in {"", ".", ".."} or "\0" in part for part in path.split("/")):
        raise BadKey(f"{path!r} leads out of its location")
    return path
