"""Compares what a location holds with what it should hold."""

from typing import Literal

from izumi.domain.errors import Held
from izumi.domain.events import File
from izumi.storage import proof
from izumi.storage.places import Spot
from izumi.storage.proof import Way
from izumi.storage.rclone import OnBytes
from izumi.storage.rclone_files import RcloneFiles

Found = Literal["absent", "same", "different"]


class Prover:
    """Proves content by the way that a storage and its policy allow.

    Args:
        files: Steps with single files.
    """

    def __init__(self, files: RcloneFiles) -> None:
        self._files = files

    async def way(self, file: File, at: Spot, verify: str, origin: Spot | None = None) -> Way:
        """How `compare` is going to prove it."""
        of = await self._files.abilities(at)
        known: tuple[Way, ...] = () if file.sha256 is None else ("sha256",)
        if origin is not None:
            source = await self._files.abilities(origin)
            known += source.hashes if source.local else proof.trusted(source, file.size)
        return proof.way(of, verify, file.size, comparable=known)

    async def compare(
        self,
        file: File,
        at: Spot,
        verify: str,
        origin: Spot | None = None,
        *,
        on_bytes: OnBytes | None = None,
    ) -> Found:
        """What lies there, compared with `file`.

        Args:
            file: What should lie there; by size alone where nothing tells its content.
            at: Where.
            verify: The location's policy.
            origin: Where the file came from, to be asked for another hash than sha256.
            on_bytes: Told of bytes read back.

        Raises:
            StorageUnavailable: It cannot be told now.
        """
        entry = await self._files.entry(at)
        if entry is None:
            return "absent"
        if entry.size != file.size:
            return "different"
        way = await self.way(file, at, verify, origin)
        if way == "size":
            return "same"
        if way != "read":
            stored = await self._files.hash(at, way, file.size)
            if stored:
                return _found(stored == await self._expected(file, way, origin))
        if file.sha256 is None:
            return "same"
        read = await self._files.hash(at, "read", file.size, on_bytes=on_bytes)
        return _found(read == file.sha256)

    async def _expected(self, file: File, way: Way, origin: Spot | None) -> str | None:
        if way == "sha256" and file.sha256 is not None:
            return file.sha256
        return origin and await self._files.hash(origin, way, file.size)

    async def holds(self, file: File, at: Spot, verify: str, origin: Spot | None = None) -> bool:
        """Whether exactly this file lies there.

        Raises:
            Held: Something else does.
            StorageUnavailable: As `compare`.
        """
        found = await self.compare(file, at, verify, origin)
        if found == "different":
            raise Held(
                f"something else lies at {at}; remove or rename one of the two",
                {
                    "location": at.place,
                    "key": file.key,
                    "wanted": f"{file.size} bytes, sha256 {file.sha256 or 'unknown'}",
                },
            )
        return found == "same"


def _found(same: bool) -> Found:  # noqa: FBT001 - a word for a fact
    return "same" if same else "different"
