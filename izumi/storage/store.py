"""The store over rclone: nothing overwritten, nothing half visible, nothing unproved.

rclone's exit code proves none of that: it overwrites with `--immutable`, drops the source
of a move onto an equal-looking file, leaves half a file under the final name on WebDAV,
and passes a flipped bit on most storages. `delivery` tells what is done about it.
"""

import asyncio
from pathlib import Path

from izumi.domain import keys
from izumi.domain.errors import NoSpace, StorageUnavailable
from izumi.domain.events import File
from izumi.failpoints import failpoint
from izumi.storage.delivery import Delivery
from izumi.storage.meter import Meter
from izumi.storage.places import local_spot, spot, top, trashed
from izumi.storage.ports import Entry, Location, OnProgress
from izumi.storage.prover import Prover
from izumi.storage.rclone import Rclone
from izumi.storage.rclone_faults import RcloneFault
from izumi.storage.rclone_files import RcloneFiles
from izumi.storage.source import Source


class RcloneStore:
    """A `Store` over a running rclone; see the module.

    Args:
        rclone: Running; the caller ends it.
    """

    def __init__(self, rclone: Rclone) -> None:
        self._files = RcloneFiles(rclone)
        self._prover = Prover(self._files)

    async def stat(self, file: File, at: Location) -> Entry | None:
        """As the port says."""
        return await self._files.entry(spot(file, at))

    async def beside(self, file: File, at: Location) -> dict[str, int]:
        """As the port says; one listing of one folder."""
        place = spot(file, at)
        sizes = await self._files.sizes(place)
        if not sizes:
            await self._files.root_is_there(place)
        return sizes

    async def has(self, file: File, at: Location) -> bool:
        """As the port says; reads the file where the storage has no sha256 of its own."""
        return await self._prover.holds(file, spot(file, at), at.verify)

    async def put(
        self, src: Path, file: File, to: Location, *, token: str, progress: OnProgress | None = None
    ) -> None:
        """As the port says."""
        final = spot(file, to)
        source = await Source.of(src, file, self._files)
        await Delivery(
            self._files,
            self._prover,
            file=source.file,
            origin=source.spot,
            final=final,
            verify=to.verify,
            source=source,
        ).run(token, progress)

    async def copy(
        self,
        file: File,
        source: Location,
        to: Location,
        *,
        token: str,
        progress: OnProgress | None = None,
    ) -> None:
        """As the port says.

        A copy between two storages that each keep a hash of one kind of their own is
        proved by that hash, once the source is proved by its location's policy; any other
        is read back.
        """
        origin, final = spot(file, source), spot(file, to)
        if (origin.fs, origin.path) != (final.fs, final.path):
            await Delivery(
                self._files,
                self._prover,
                file=file,
                origin=origin,
                final=final,
                verify=to.verify,
                origin_verify=source.verify,
            ).run(token, progress)
        elif not await self._prover.holds(file, final, to.verify):
            raise StorageUnavailable(f"{origin} is not there")

    async def get(
        self, file: File, at: Location, dst: Path, *, progress: OnProgress | None = None
    ) -> None:
        """As the port says."""
        origin = spot(file, at)
        await self._files.expect(origin, file.size)
        path = dst.with_name(keys.part_name("get", dst.name))
        part = local_spot(path)
        meter = Meter(progress, file.size * 2)
        async with self._files.temporary(part):
            failpoint("store.before_download")
            try:
                hashed = file.sha256 is not None
                await self._files.send(
                    origin, part, file.size, meter.phase(file.size), read_back=hashed
                )
            except RcloneFault as exc:
                if exc.kind != "full":
                    raise
                raise NoSpace(f"no room for {file.key} in {path.parent}") from exc
            failpoint("store.after_download")
            read = meter.phase(file.size)
            if await self._prover.compare(file, part, "read", on_bytes=read) != "same":
                raise StorageUnavailable(f"{origin} did not arrive as the file that was asked for")
            await asyncio.to_thread(path.replace, dst)
        meter.finish()

    async def retire(self, file: File, at: Location, *, into: str) -> bool:
        """As the port says."""
        lies, aside = spot(file, at), trashed(file, at, into)
        if not await self._prover.holds(file, lies, at.verify):
            return False
        failpoint("store.before_retire")
        if await self._files.entry(aside) is None:
            await self._files.move(lies, aside)
        failpoint("store.after_retire")
        if await self._prover.compare(file, aside, at.verify) != "same":
            raise StorageUnavailable(f"{lies} cannot be moved to the trash")
        # Killed between the copy and the removal by which a storage moves that cannot rename.
        await self._files.remove(lies)
        await self._files.names_to_disk(aside)
        return True

    async def sweep(self, at: Location, tokens: frozenset[str]) -> int:
        """As the port says."""
        removed = 0
        for folder in sorted({at.softsub, at.hardsub}):
            root = top(at, folder)
            await self._files.root_is_there(root)
            for path in await self._files.paths(root, keys.PART_ENDING):
                folders, _, name = path.rpartition("/")
                if keys.part_token(name) in tokens:
                    removed += await self._files.remove(root._replace(folder=folders, name=name))
        return removed
