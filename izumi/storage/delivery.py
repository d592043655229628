"""One file on its way to its name: sent beside it, proved there, then moved.

Killed at any step, it leaves nothing under the final name but the whole file. What it
leaves beside it is removed by whoever brings the same file there later, or by a sweep.
"""

import contextlib
from collections.abc import Iterator

import structlog

from izumi.domain import keys
from izumi.domain.errors import Held, StorageUnavailable, Unavailable
from izumi.domain.events import File
from izumi.failpoints import failpoint
from izumi.storage.meter import Meter
from izumi.storage.places import Spot
from izumi.storage.ports import OnProgress
from izumi.storage.prover import Prover
from izumi.storage.rclone_faults import RcloneFault
from izumi.storage.rclone_files import RcloneFiles
from izumi.storage.source import Source

log = structlog.get_logger("izumi.storage")


class Delivery:
    """Brings one file to one place.

    Args:
        files: Steps with single files.
        prover: Compares.
        file: What it is.
        origin: Where it is now.
        final: Where it shall be.
        verify: The policy of the location that `final` is of.
        source: The same as `origin`, when it is a file of this host that must not change.
        origin_verify: The policy of the location that `origin` is of, when it is of one.
    """

    def __init__(
        self,
        files: RcloneFiles,
        prover: Prover,
        *,
        file: File,
        origin: Spot,
        final: Spot,
        verify: str,
        source: Source | None = None,
        origin_verify: str = "read",
    ) -> None:
        self._files = files
        self._prover = prover
        self._file = file
        self._origin = origin
        self._final = final
        self._verify = verify
        self._source = source
        self._origin_verify = origin_verify

    async def run(self, token: str, progress: OnProgress | None) -> None:
        """Bring it there; when it is there already, there is nothing to do.

        Args:
            token: Unique to this attempt.
            progress: Told the fraction done.

        Raises:
            Held: Something else lies there, the source changed, or the storage cannot
                hold such a name.
            StorageUnavailable: A storage does not answer, or the file did not arrive whole.
        """
        part = self._final.beside(keys.part_name(token, self._final.name))
        with _named(self._final):
            if not await self._is_there():
                await self._can_move()
                if self._source is None:
                    await self._expect_origin(part)
                async with self._files.temporary(part):
                    await self._send(part, progress)
                    failpoint("store.after_verify")
                    await self._reveal(part)
                failpoint("store.after_move")
            await self._clear()
        if progress is not None:
            progress(1.0)

    async def _is_there(self) -> bool:
        return await self._prover.holds(self._file, self._final, self._verify, self._origin)

    async def _can_move(self) -> None:
        if not (await self._files.abilities(self._final)).moves:
            raise RcloneFault(
                self._final.place,
                "config",
                "this kind of storage can neither rename nor copy a file by itself, so that "
                "half files would be seen in it",
            )

    async def _expect_origin(self, part: Spot) -> None:
        """The origin must be the file itself where what arrives is compared with the origin.

        Raises:
            StorageUnavailable: It is not there, or something else.
        """
        await self._files.expect(self._origin, self._file.size)
        way = await self._prover.way(self._file, part, self._verify, self._origin)
        if way in {"read", "sha256"}:
            return
        if await self._prover.compare(self._file, self._origin, self._origin_verify) != "same":
            raise StorageUnavailable(f"{self._origin} is not the file that was asked for")

    async def _send(self, part: Spot, progress: OnProgress | None) -> None:
        """Send to the temporary name, and prove what arrived."""
        file = self._file
        way = await self._prover.way(file, part, self._verify, self._origin)
        meter = Meter(progress, file.size * (2 if way == "read" else 1))
        failpoint("store.before_upload")
        try:
            await self._files.send(
                self._origin,
                part,
                file.size,
                meter.phase(file.size),
                read_back=way == "read" and file.sha256 is not None,
            )
        except RcloneFault:
            if self._source is not None:
                await self._source.check_quickly()
            raise
        await self._files.to_disk(part)
        failpoint("store.after_upload")
        found = await self._prover.compare(
            file, part, self._verify, self._origin, on_bytes=meter.phase(file.size)
        )
        same = found == "same"
        if self._source is not None and not (same and way == "read"):
            await self._source.check(self._files)
        if not same:
            raise StorageUnavailable(f"{part} did not arrive as it was sent")

    async def _reveal(self, part: Spot) -> None:
        """Move the proved file to its name, when that is free."""
        if not await self._is_there():
            failpoint("store.before_move")
            await self._files.move(part, self._final)
            if await self._files.entry(part) is None:
                await self._files.expect(self._final, self._file.size)
                await self._files.names_to_disk(self._final)
                return
            # The name was taken in between.
            if not await self._is_there():
                raise StorageUnavailable(f"{part} cannot be moved to its name")
        await self._files.remove(part)

    async def _clear(self) -> None:
        """Remove what other attempts at this very file left: it is there now.

        One that still runs loses its part, tries again, and finds the file in place.
        """
        try:
            for name in await self._files.names(self._final):
                token = keys.part_token(name)
                if token is not None and keys.part_name(token, self._final.name) == name:
                    await self._files.remove(self._final.beside(name))
        except Unavailable as exc:
            log.warning("store.parts_left", beside=str(self._final), error=str(exc))


@contextlib.contextmanager
def _named(final: Spot) -> Iterator[None]:
    """A name that this storage cannot hold is for a person to change."""
    try:
        yield
    except RcloneFault as exc:
        if exc.kind != "name":
            raise
        raise Held(
            f"{final} cannot have that name there; give it a shorter or plainer one",
            {"location": final.place, "said": str(exc)},
        ) from exc
