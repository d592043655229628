"""The source of an encode: fetched once for every profile, kept for the next attempt."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from izumi.consumers import encoder_sidecars
from izumi.domain import encode_plan
from izumi.domain.errors import NoSpace, StorageUnavailable
from izumi.domain.events import Acquired, File
from izumi.domain.probe import Probe
from izumi.failpoints import failpoint
from izumi.media.ports import Transcoder
from izumi.runtime.kept import Kept
from izumi.runtime.ports import JobContext
from izumi.storage.ports import Location, Store

log = structlog.get_logger()

_SCRATCH_FACTOR = 3


class Source:
    """The file that an event names, brought to a job's folder when it is first asked for.

    Args:
        fact: The event.
        job: The job.
        sources: Names of locations to fetch from, nearest first.
        known: Every location that this host knows, by name.
        store: Moves the files.
        media: Reads its facts.
        kept: What earlier attempts on this host left; None: nothing is kept.
    """

    def __init__(
        self,
        fact: Acquired,
        job: JobContext,
        *,
        sources: Sequence[str],
        known: Mapping[str, Location],
        store: Store,
        media: Transcoder,
        kept: Kept | None,
    ) -> None:
        self.file = fact.file
        self._job = job
        self._sources = sources
        self._known = known
        self._store = store
        self._media = media
        self._kept = kept
        self._path = job.scratch / encode_plan.SOURCE
        self._probe: Probe | None = None

    async def probe(self) -> Probe:
        """All facts of the file, which then lies in the job's folder.

        Raises:
            NoSpace: This host is too full.
            StorageUnavailable: No location that this host knows has it.
            Held: It is no media, or not whole, or what lies beside it is no script.
            ToolFailed: The prober failed.
        """
        if self._probe is None:
            await self._reserve()
            if not await self._taken():
                await self._download()
            failpoint("encoder.after_download")
            beside = await encoder_sidecars.fetch(
                self.file,
                self._job.scratch,
                store=self._store,
                sources=self._sources,
                known=self._known,
            )
            self._job.report("examining")
            self._probe = await self._media.examine(self._job.scratch, beside)
            failpoint("encoder.after_probe")
        return self._probe

    async def _reserve(self) -> None:
        wanted = self.file.size * _SCRATCH_FACTOR
        try:
            await self._job.reserve(wanted)
        except NoSpace:
            if self._kept is None:
                raise
            # What other attempts left is worth less than this one.
            await asyncio.to_thread(self._kept.sweep, everything=True)
            await self._job.reserve(wanted)

    async def _taken(self) -> bool:
        """Whether an earlier attempt on this host left it."""
        sha256 = self.file.sha256
        if self._kept is None or sha256 is None:
            return False
        found = await asyncio.to_thread(self._kept.take, sha256, self._path)
        if found:
            log.info("encoder.kept", key=self.file.key)
            self._job.report("downloading", 1.0, "kept from an earlier attempt")
        return found

    async def _download(self) -> None:
        """From the first source from which it arrives whole."""
        tried = []
        for name in self._sources:
            if name not in self._known:
                tried.append(f"{name}: not configured here")
                continue
            try:
                lies = await self._store.stat(self.file, self._known[name])
                if lies is None or lies.size != self.file.size:
                    tried.append(f"{name}: {'not there' if lies is None else 'another file'}")
                    continue
                await self._get(self.file, self._known[name])
            except StorageUnavailable as exc:
                tried.append(f"{name}: {exc}")
            else:
                return
        raise StorageUnavailable(
            f"{self.file.key} comes from no source ({'; '.join(tried) or 'none is named'})"
        )

    async def _get(self, file: File, source: Location) -> None:
        await self._store.get(
            file,
            source,
            self._path,
            progress=lambda fraction: self._job.report("downloading", fraction, source.name),
        )
        if self._kept is not None and file.sha256 is not None:
            await asyncio.to_thread(self._kept.keep, self._path, file.sha256)

    def forget(self) -> None:
        """Keep it no longer: no attempt will come."""
        if self._kept is not None and self.file.sha256 is not None:
            self._kept.drop(self.file.sha256)
