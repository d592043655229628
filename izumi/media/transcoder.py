"""The real `Transcoder`: PyAV in a child process for facts, ffmpeg for everything else."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from izumi.domain import encode_plan, han, proof, render_log, video_codec
from izumi.domain.encode_plan import OUTPUT, SOURCE, Plan
from izumi.domain.errors import Held
from izumi.domain.pace import Pace
from izumi.domain.probe import Probe, broken
from izumi.domain.sidecars import Sidecar
from izumi.media import fonts, trials
from izumi.media.binary import Capabilities
from izumi.media.drawing import try_heaviest
from izumi.media.ffmpeg import Ffmpeg
from izumi.media.formats import FORMATS
from izumi.media.ports import OnEncoded
from izumi.media.preview import preview
from izumi.media.probe import ChildProber
from izumi.media.progress import Step
from izumi.media.proof import OutputProof
from izumi.media.settings import MIB, FfmpegSettings
from izumi.media.settling import HardwareTrial, QualitySearch

_MOST_THREADS = 16
_OUTPUT_FACTOR = 12
_OUTPUT_FLOOR_BYTES = 256 * MIB


class FfmpegTranscoder:
    """See `ports.Transcoder`.

    Args:
        capabilities: The program, examined.
        settings: Limits of this host.
        cache: Folder of fontconfig's index, kept between jobs.
        threads: Of decoder, filters and encoder each; 0: as many as there are cores, up to
            sixteen, above which x264 takes memory and gives nothing.
        nice: Added to the niceness of what it starts.
        stall_s: A run that got no further for so long is ended.
        limit_s: A run may take so long, in place of the deadline of `settings`.
        paused: Asked every second; while it says so, what runs is frozen.
        system_fonts: The host's own fontconfig file; it need not be there.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        settings: FfmpegSettings,
        *,
        cache: Path,
        threads: int = 0,
        nice: int = 0,
        stall_s: float = 120.0,
        limit_s: float | None = None,
        paused: Callable[[], bool] | None = None,
        system_fonts: Path = fonts.SYSTEM,
    ) -> None:
        self._version = capabilities.version
        self._settings = settings
        self._ffmpeg = Ffmpeg(
            capabilities.path,
            settings,
            nice=nice,
            stall_s=stall_s,
            limit_s=limit_s,
            paused=paused,
        )
        self._hardware = HardwareTrial(self._ffmpeg, capabilities)
        self._prober = ChildProber(settings, nice=nice)
        self._cache = cache
        self._threads = threads or min(os.cpu_count() or 1, _MOST_THREADS)
        self._system_fonts = system_fonts

    async def examine(self, folder: Path, beside: Sequence[Sidecar] = ()) -> Probe:
        """See `ports.Transcoder`."""
        found = await self._prober.probe(folder / SOURCE, walk=True, folder=folder, beside=beside)
        why = broken(found)
        if why is not None:
            raise Held(f"the source is not whole: {why}", {"size": f"{found.size}"})
        film = found.film
        if film is not None and film.width * film.height > self._settings.max_pixels:
            raise Held(
                f"a picture of {film.width}x{film.height} is larger than max_pixels allows"
                f" ({self._settings.max_pixels})"
            )
        return found

    async def preflight(self, plan: Plan, probe: Probe, folder: Path) -> dict[str, Any]:
        """See `ports.Transcoder`."""
        # Together, since each is one process that mostly starts.
        env = self._fonts(folder, plan)
        trying = asyncio.create_task(try_heaviest(self._ffmpeg, plan, folder, env=env))
        try:
            found = await self._glyphs(plan, probe, folder, env)
            await trying
        finally:
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)
        return found

    async def _glyphs(
        self, plan: Plan, probe: Probe, folder: Path, env: Mapping[str, str]
    ) -> dict[str, Any]:
        """One frame shows every character of every face."""
        uses = [use for track in plan.subtitles for use in track.fonts]
        if not uses:
            return {}
        lines = await trials.glyph_sheet(self._ffmpeg, uses, folder, env=env)
        missing = render_log.missing(uses, lines)
        if missing:
            raise Held("no font has a shape for characters of the subtitles", _listed(missing))
        chosen = render_log.selected(lines)
        replaced = await asyncio.to_thread(fonts.substitutions, chosen, probe.attachments)
        return {"substituted_fonts": replaced} if replaced else {}

    async def settle(self, plan: Plan, folder: Path, progress: OnEncoded) -> Plan:
        """See `ports.Transcoder`."""
        plan = await self._hardware.choose(plan, folder)
        if plan.profile.vmaf is None:
            return plan
        search = QualitySearch(
            self._ffmpeg, folder, env=self._fonts(folder, plan), threads=self._threads
        )
        return await search.choose(plan, plan.profile.vmaf, progress)

    async def encode(self, plan: Plan, folder: Path, progress: OnEncoded) -> dict[str, Any]:
        """See `ports.Transcoder`."""
        size = (folder / SOURCE).stat().st_size
        # It may be the link to a file that is kept.
        (folder / OUTPUT).unlink(missing_ok=True)
        ran = await self._ffmpeg.run(
            self.argv(plan),
            folder,
            film_s=plan.duration_s,
            pixels=plan.expected.width * plan.expected.height,
            env=self._fonts(folder, plan),
            progress=_told(plan, progress),
            file_bytes=size * _OUTPUT_FACTOR + _OUTPUT_FLOOR_BYTES,
            hardware=video_codec.is_hardware(plan.encoder),
        )
        said = render_log.damage(ran.lines)
        if said:
            raise Held(f"the source is damaged: {said[0]}", {"log": "; ".join(said[:5])})
        missing = render_log.missing([use for t in plan.subtitles for use in t.fonts], ran.lines)
        if missing:
            raise Held("no font has a shape for characters of the subtitles", _listed(missing))
        return {"ffmpeg": self._version}

    def argv(self, plan: Plan) -> list[str]:
        """Arguments of the encode, for people too."""
        return encode_plan.argv(
            plan, max_pixels=self._settings.max_pixels, threads=self._threads, formats=FORMATS
        )

    async def preview(self, plan: Plan, folder: Path, at_s: float) -> Path:
        """See `preview.preview`."""
        env = self._fonts(folder, plan)
        return await preview(self._ffmpeg, plan, folder, at_s, env=env, threads=self._threads)

    async def prove(self, plan: Plan, folder: Path, progress: OnEncoded) -> dict[str, Any]:
        """See `ports.Transcoder`."""
        look = OutputProof(
            self._ffmpeg, plan, folder, env=self._fonts(folder, plan), threads=self._threads
        )
        # Together, since each waits for its own process and its own part of the file.
        walking = asyncio.create_task(self._walked(plan, folder))
        others = [
            asyncio.create_task(look.decodes(_told(plan, progress))),
            asyncio.create_task(look.text_is_seen()),
        ]
        try:
            # What is wrong with the whole comes first: the others only see a part of it.
            await walking
            _, seen = await asyncio.gather(*others)
        finally:
            for task in (walking, *others):
                task.cancel()
            await asyncio.gather(walking, *others, return_exceptions=True)
        return {"seen": seen}

    async def _walked(self, plan: Plan, folder: Path) -> None:
        """Compare the output with what was planned, packet by packet."""
        found = proof.faults(plan.expected, await self._prober.probe(folder / OUTPUT, walk=True))
        if found:
            facts = {f"fault {number}": text for number, text in enumerate(found, 1)}
            raise Held("the output is not what was planned", facts)

    def _fonts(self, folder: Path, plan: Plan) -> Mapping[str, str]:
        forms = han.wanted(plan.subtitles, plan.audio)
        return fonts.prepare(folder, self._cache, forms, system=self._system_fonts)


def _listed(missing: Mapping[str, str]) -> dict[str, str]:
    return {
        f"font {family}": " ".join(f"{char} (U+{ord(char):04X})" for char in characters[:20])
        for family, characters in missing.items()
    }


def _told(plan: Plan, progress: OnEncoded) -> Callable[[Step], None]:
    """Steps of ffmpeg as a fraction of the film, with words for people."""

    def on_step(step: Step) -> None:
        fraction = min(step.done_s / plan.duration_s, 1.0) if plan.duration_s > 0 else 0.0
        left_s = max(plan.duration_s - step.done_s, 0.0) / step.speed if step.speed > 0 else None
        pace = Pace(step.fps, step.speed, left_s and round(left_s, 1))
        progress(fraction, _detail(pace, paused=step.paused), None if step.paused else pace)

    return on_step


def _detail(pace: Pace, *, paused: bool) -> str:
    if paused:
        return "paused until work is allowed again"
    left = ""
    if pace.eta_s is not None:
        left = ", {}:{:02} left".format(*divmod(round(pace.eta_s), 60))
    return f"{pace.fps:.1f} pictures/s, {pace.speed:.2f}x{left}"
