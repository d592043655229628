"""Probing in a child process, with limits, without a network."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from izumi import children
from izumi.children import Limits
from izumi.domain import languages, sidecars
from izumi.domain.errors import Held, ToolFailed
from izumi.domain.probe import Probe, broken
from izumi.domain.sidecars import Sidecar
from izumi.media.formats import UNREADABLE
from izumi.media.settings import MIB, FfmpegSettings

_MOST_JSON_BYTES = 64 * MIB
_decoder = msgspec.json.Decoder(Probe)


class ChildProber:
    """A `Prober`. Opening a file takes a tenth of a second, a walk reads all of it."""

    def __init__(self, settings: FfmpegSettings, *, nice: int = 0) -> None:
        self._settings = settings
        self._limits = Limits(
            memory_bytes=settings.memory_mb * MIB,
            # Fonts and scripts are what it writes; each is bounded where it is written.
            file_bytes=128 * MIB,
            nice=nice,
            network=False,
        )

    async def probe(
        self,
        path: Path,
        *,
        walk: bool,
        folder: Path | None = None,
        beside: Sequence[Sidecar] = (),
    ) -> Probe:
        """See `ports.Prober`."""
        options = ["--walk"] if walk else []
        for number, sidecar in enumerate(own for own in beside if own.read):
            own = path.with_name(sidecars.own_name(number, sidecar))
            # As one word: an empty language would be no argument of its own.
            options += [f"--beside={own}", f"--language={languages.normal(sidecar.language)}"]
        if folder is not None:
            options += ["--folder", str(folder)]
        options += ["--max-pixels", str(self._settings.max_pixels), "--", str(path)]
        size = (await asyncio.to_thread(path.stat)).st_size
        done = await children.run(
            [sys.executable, "-I", "-m", "izumi.media.probing", *options],
            limits=self._limits,
            keep_bytes=_MOST_JSON_BYTES,
            deadline_s=self._settings.probe_floor_s + size / self._settings.probe_bytes_per_s,
        )
        last = done.stderr.strip().rpartition("\n")[2]
        if done.returncode == UNREADABLE:
            raise Held("the file is no media that can be read", {"prober": last, "size": f"{size}"})
        if done.returncode != 0:
            why = f"met its {done.stopped}" if done.stopped else f"ended with {done.returncode}"
            raise ToolFailed(f"the prober {why} on {path.name} ({size} bytes): {last}")
        return sidecars.named(_decoder.decode(done.stdout), beside)

    async def prove_whole(self, path: Path) -> str | None:
        """See `ports.Prober`."""
        try:
            return broken(await self.probe(path, walk=True))
        except Held as exc:
            return f"{exc.reason}: {exc.facts['prober']}"
