"""A file of this host that is being stored, and must not change meanwhile."""

import asyncio
import os
import stat
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from izumi.domain.errors import Held
from izumi.domain.events import File
from izumi.storage.places import Spot, local_spot
from izumi.storage.rclone_files import RcloneFiles


class Source(NamedTuple):
    """Made by `Source.of`.

    Attributes:
        path: Where it is.
        file: What it is, its sha256 included.
        fingerprint: Size, inode and time of change when the work began.
    """

    path: Path
    file: File
    fingerprint: tuple[int, ...]

    @classmethod
    async def of(cls, path: Path, file: File, files: RcloneFiles) -> Self:
        """A source that has the size it should have.

        Raises:
            Held: It is no regular file, or has another size.
        """
        fingerprint = await asyncio.to_thread(_fingerprint, path)
        if fingerprint is None:
            raise Held(f"{path}, which is to be stored as {file.key}, is no regular file")
        if fingerprint[0] != file.size:
            raise Held(
                f"{path}, which is to be stored as {file.key}, has {fingerprint[0]} bytes "
                f"instead of {file.size}: it changed"
            )
        if file.sha256 is None:
            sha256 = await files.hash(local_spot(path), "read", file.size)
            file = msgspec.structs.replace(file, sha256=sha256)
        return cls(path, file, fingerprint)

    @property
    def spot(self) -> Spot:
        """For rclone."""
        return local_spot(self.path)

    async def check_quickly(self) -> None:
        """See by its size and times that it did not change.

        Raises:
            Held: It did.
        """
        if await asyncio.to_thread(_fingerprint, self.path) != self.fingerprint:
            raise Held(f"{self.path} changed while it was stored as {self.file.key}")

    async def check(self, files: RcloneFiles) -> None:
        """See by its content that it is what it should be.

        Raises:
            Held: It is not.
            StorageUnavailable: It cannot be read.
        """
        await self.check_quickly()
        if await files.hash(self.spot, "read", self.file.size) != self.file.sha256:
            raise Held(f"{self.path} is not what {self.file.key} should be: its sha256 differs")


def _fingerprint(path: Path) -> tuple[int, ...] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return (status.st_size, status.st_ino, status.st_dev, status.st_mtime_ns)
