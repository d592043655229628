"""What the rest of Izumi knows of storage. `store.py` (rclone) and `memory.py` both are one."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from izumi.domain.events import File
from izumi.domain.keys import MAX_PART_BYTES
from izumi.domain.subjects import Sub

OnProgress = Callable[[float], None]
"""Called with the fraction done, 0 to 1, now and then."""


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A named place of the configuration: `[storage.<name>]`.

    Attributes:
        name: As events call it.
        remote: rclone's `remote:path`, or an absolute local path; only ever from the
            configuration.
        softsub: Folder below `remote` for softsubs (and for files without subtitles).
        hardsub: Folder below `remote` for hardsubs.
        verify: How a finished upload is proved: "read" reads it back, "hash" trusts a
            hash that the storage keeps and falls back to reading, "size" is for storage
            that charges for reading.
        name_bytes: Most bytes of UTF-8 that a name may have there.
    """

    name: str
    remote: str
    softsub: str = "Airing"
    hardsub: str = "Airing [Hardsub]"
    verify: str = "hash"
    name_bytes: int = MAX_PART_BYTES

    def folder(self, sub: Sub) -> str:
        """The folder below `remote` for files of this kind."""
        return self.hardsub if sub == "hardsub" else self.softsub


class Entry(NamedTuple):
    """A file at a location."""

    size: int


class Store(Protocol):
    """Moves files between this host and locations, and proves what it did.

    Paths are made of a location's folder and a file's key, both validated; nothing
    different is ever overwritten, and no partial is ever visible under a final name.
    """

    async def stat(self, file: File, at: Location) -> Entry | None:
        """What lies under the file's key, whatever its content; None: nothing.

        Raises:
            StorageUnavailable: The location did not answer; absence is not proved.
        """

    async def beside(self, file: File, at: Location) -> dict[str, int]:
        """Names and sizes of the files in the file's folder, itself among them where it lies.

        Raises:
            StorageUnavailable: As `stat`.
        """

    async def has(self, file: File, at: Location) -> bool:
        """Whether exactly this file (size, and content where it can be told) lies there.

        Raises:
            Held: Something else lies under that name.
            StorageUnavailable: As `stat`.
        """

    async def put(
        self, src: Path, file: File, to: Location, *, token: str, progress: OnProgress | None = None
    ) -> None:
        """Upload, prove, then make visible. The same file there already: nothing to do.

        `token` is part of the temporary name: unique to this attempt at this job.

        Raises:
            Held: Something different lies under the final name, or `src` changed.
            StorageUnavailable: As `stat`, or the content did not arrive whole.
        """

    async def get(
        self, file: File, at: Location, dst: Path, *, progress: OnProgress | None = None
    ) -> None:
        """Download to `dst`, a local path, and prove size and sha256.

        Raises:
            StorageUnavailable: Not there, not reachable, or not what was asked for.
        """

    async def copy(
        self,
        file: File,
        source: Location,
        to: Location,
        *,
        token: str,
        progress: OnProgress | None = None,
    ) -> None:
        """As `put`, from a location: by the storage itself where it can, else through us."""

    async def retire(self, file: File, at: Location, *, into: str) -> bool:
        """Take exactly this file out of its place, into the location's trash.

        `into` is the folder in the trash; its name begins with the time.

        Returns:
            False: Nothing lies there.

        Raises:
            Held: Something else lies under that name; it stays.
            StorageUnavailable: As `stat`.
        """

    async def sweep(self, at: Location, tokens: frozenset[str]) -> int:
        """Remove temporary files that belong to `tokens`; how many there were."""
