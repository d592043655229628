"""Single steps with single files at a location: each is one command of rclone."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import structlog

from izumi.domain.errors import StorageUnavailable, Unavailable
from izumi.storage.places import Spot
from izumi.storage.ports import Entry
from izumi.storage.proof import LOCAL, Abilities, Way, abilities
from izumi.storage.rclone import OnBytes, Rclone, complete
from izumi.storage.rclone_faults import RcloneFault

log = structlog.get_logger("izumi.storage")

_UNDO_S: Final = 5.0
_HASH_BYTES_PER_S: Final = 4 << 20  # a slow disk behind a slow processor
_SERVER_BYTES_PER_S: Final = 1 << 20
_LEAN: Final = {"noModTime": True, "noMimeType": True, "filesOnly": True}


class RcloneFiles:
    """What rclone does with one file.

    Args:
        rclone: Running.
    """

    def __init__(self, rclone: Rclone) -> None:
        self._rclone = rclone
        self._abilities: dict[str, Abilities] = {}

    async def abilities(self, of: Spot) -> Abilities:
        """What the storage can do; asked once."""
        if of.local is not None:
            return LOCAL
        known = self._abilities.get(of.fs)
        if known is None:
            said = await self._rclone.call("operations/fsinfo", {"fs": of.fs}, place=of.place)
            known = self._abilities[of.fs] = abilities(said)
        return known

    async def entry(self, at: Spot) -> Entry | None:
        """What lies there; None: nothing.

        Raises:
            StorageUnavailable: Absence is not proved.
        """
        params = {"fs": at.fs, "remote": at.path, "opt": _LEAN}
        try:
            answer = await self._rclone.call("operations/stat", params, place=at.place)
        except RcloneFault as exc:
            if exc.kind != "name":
                raise
            return None  # nothing can lie under a name that the storage cannot hold
        item = answer.get("item")
        if item is None or item["IsDir"]:
            await self.root_is_there(at)
            return None
        return Entry(int(item["Size"]))

    async def expect(self, at: Spot, size: int) -> None:
        """See that a file of `size` bytes lies there.

        Raises:
            StorageUnavailable: It does not, or that cannot be told.
        """
        entry = await self.entry(at)
        if entry is None:
            raise StorageUnavailable(f"{at} is not there")
        if entry.size != size:
            raise StorageUnavailable(f"{at} has {entry.size} bytes instead of {size}")

    async def root_is_there(self, at: Spot) -> None:
        """Tell an empty location from a disk that is not mounted.

        Raises:
            StorageUnavailable: The root is a folder of this host, and is not there.
        """
        if at.local is not None and not await asyncio.to_thread(os.path.isdir, at.fs):
            raise StorageUnavailable(
                f"{at.place}: there is no folder {at.fs} on this host; mount its disk, or make it",
                host=True,
            )

    async def send(
        self,
        source: Spot,
        to: Spot,
        size: int,
        on_bytes: OnBytes | None,
        *,
        read_back: bool = False,
    ) -> None:
        """Copy, whatever lies under `to`: by the storage itself where it can, else through us.

        Args:
            source: The file.
            to: Where it goes.
            size: Bytes.
            on_bytes: Told of bytes as they move.
            read_back: The caller is going to read and hash what arrived; without that
                rclone takes a hash of both sides, which proves less and costs as much
                time as all the rest.

        Raises:
            RcloneFault: It did not work; something may lie there.
        """
        params = {
            "srcFs": source.fs,
            "srcRemote": source.path,
            "dstFs": to.fs,
            "dstRemote": to.path,
            # `to` is temporary already, and an equal-looking file there proves nothing.
            "_config": {"Inplace": True, "IgnoreTimes": True, "IgnoreChecksum": read_back},
        }
        if await self._by_itself(source, to):
            limit = self._rclone.settings.server_side_s + size / _SERVER_BYTES_PER_S
            await self._rclone.job(
                "operations/copyfile", params, place=to.place, on_bytes=on_bytes, within_s=limit
            )
        else:
            await self._rclone.transfer(
                "operations/copyfile", params, place=to.place, on_bytes=on_bytes
            )

    async def _by_itself(self, source: Spot, to: Spot) -> bool:
        if source.local is not None or to.local is not None:
            return False
        from_, into = await self.abilities(source), await self.abilities(to)
        return into.copies and from_.remote == into.remote

    async def hash(self, of: Spot, kind: Way, size: int, *, on_bytes: OnBytes | None = None) -> str:
        """The hash of a stored file; "" where the storage has none of this file.

        Args:
            of: The file.
            kind: "read" reads the content and takes its sha256; else the storage's own.
            size: Bytes; a slow storage may take the longer the more there are.
            on_bytes: Told of bytes read.

        Raises:
            RcloneFault: There is no such file, or it cannot be read.
        """
        read = kind == "read" or of.local is not None
        params = {
            "fs": of.fs,
            "remote": of.path,
            "hashType": "sha256" if kind == "read" else kind,
            "download": read,
        }
        if read:
            said = await self._rclone.transfer(
                "operations/hashsumfile", params, place=of.place, on_bytes=on_bytes
            )
        else:
            limit = self._rclone.settings.call_s + size / _HASH_BYTES_PER_S
            said = await self._rclone.job(
                "operations/hashsumfile", params, place=of.place, within_s=limit
            )
        return str(said.get("hash") or "").lower()

    async def move(self, part: Spot, final: Spot) -> None:
        """Rename; nothing happens when something lies under `final`, and nothing tells.

        Raises:
            RcloneFault: It did not work.
        """
        await self._rclone.job(
            "operations/movefile",
            {
                "srcFs": part.fs,
                "srcRemote": part.path,
                "dstFs": final.fs,
                "dstRemote": final.path,
                # Without it, what lies there is overwritten, or `part` is dropped.
                "_config": {"IgnoreExisting": True},
            },
            place=final.place,
            within_s=self._rclone.settings.server_side_s,
        )

    async def remove(self, at: Spot) -> bool:
        """Delete a file; False: it was not there.

        Raises:
            RcloneFault: It did not work.
        """
        try:
            await self._rclone.call(
                "operations/deletefile", {"fs": at.fs, "remote": at.path}, place=at.place
            )
        except RcloneFault as exc:
            if exc.kind != "missing":
                raise
            return False
        return True

    @contextlib.asynccontextmanager
    async def temporary(self, part: Spot) -> AsyncIterator[None]:
        """Remove `part` when the block fails or is cancelled, as far as that is possible."""
        try:
            yield
        except BaseException:
            await complete(self._undo(part))
            raise

    async def _undo(self, part: Spot) -> None:
        try:
            async with asyncio.timeout(min(_UNDO_S, self._rclone.settings.call_s)):
                await self.remove(part)
        except (Unavailable, TimeoutError) as exc:
            log.warning("store.part_left", part=str(part), error=str(exc))

    async def names(self, of: Spot) -> list[str]:
        """The files in the folder of `of`, whose name does not matter; no folder, no files.

        Raises:
            RcloneFault: It cannot be listed.
        """
        return [str(item["Name"]) for item in await self._list(of, {}, within_s=None)]

    async def sizes(self, of: Spot) -> dict[str, int]:
        """As `names`, with the bytes of each file.

        Raises:
            RcloneFault: It cannot be listed.
        """
        listed = await self._list(of, {}, within_s=None)
        return {str(item["Name"]): int(item["Size"]) for item in listed}

    async def paths(self, of: Spot, ending: str) -> list[str]:
        """The files at any depth below the folder of `of`, as paths below the root.

        Args:
            of: Its name does not matter.
            ending: Only files whose names end so; letters, digits, `.` and `-`.

        Raises:
            RcloneFault: It cannot be listed.
        """
        more = {
            "_filter": {"IncludeRule": [f"*{ending}"]},
            "_config": {"UseListR": True},
        }
        limit = self._rclone.settings.server_side_s
        return [str(item["Path"]) for item in await self._list(of, more, within_s=limit)]

    async def _list(
        self, of: Spot, more: dict[str, Any], *, within_s: float | None
    ) -> list[dict[str, Any]]:
        opt = {**_LEAN, "recurse": bool(more)}
        params = {"fs": of.fs, "remote": of.folder, "opt": opt, **more}
        limit = within_s or self._rclone.settings.call_s
        try:
            said = await self._rclone.job("operations/list", params, place=of.place, within_s=limit)
        except RcloneFault as exc:
            if exc.kind != "missing":
                raise
            return []
        return list(said.get("list") or ())

    async def to_disk(self, at: Spot) -> None:
        """Have a file of this host on its disk, and not only in memory: rclone does not.

        Nothing is left of it in memory, so that who reads it reads the disk.

        Raises:
            StorageUnavailable: The disk says no.
        """
        if at.local is not None:
            await self._sync(at, at.local, forget=True)

    async def names_to_disk(self, at: Spot) -> None:
        """The same for the folders from the file's up to the root.

        Raises:
            StorageUnavailable: The disk says no.
        """
        if at.local is not None:
            for folder in at.local.parents:
                await self._sync(at, folder)
                if folder == Path(at.fs):
                    break

    async def _sync(self, at: Spot, path: Path, *, forget: bool = False) -> None:
        try:
            await asyncio.to_thread(_fsync, path, forget=forget)
        except OSError as exc:
            raise StorageUnavailable(f"{at.place}: {at.path}: {exc.strerror}") from exc


def _fsync(path: Path, *, forget: bool) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
        if forget and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)
