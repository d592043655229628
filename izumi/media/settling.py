"""Settles what only this host and this film can tell: the encoder that works, and the crf."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from izumi.domain import quality, video_codec
from izumi.domain.encode_plan import Plan, drawn, input_argv
from izumi.domain.errors import ToolFailed
from izumi.domain.quality import Span
from izumi.media import trials
from izumi.media.binary import Capabilities
from izumi.media.ffmpeg import Ffmpeg, Ran
from izumi.media.formats import FORMATS
from izumi.media.ports import OnEncoded
from izumi.media.progress import Step

_QUIET = ("-hide_banner", "-nostdin", "-y", "-v", "level+info", "-nostats")
_TRIAL = "trial.mkv"


class HardwareTrial:
    """Tries hardware encoders on one frame, each once in the life of a process."""

    def __init__(self, ffmpeg: Ffmpeg, capabilities: Capabilities) -> None:
        self._ffmpeg = ffmpeg
        self._known = capabilities.encoders
        self._refusals: dict[tuple[str, int], str | None] = {}

    async def choose(self, plan: Plan, folder: Path) -> Plan:
        """The plan with the first encoder that works here, and why others do not."""
        refused: dict[str, str] = {}
        for encoder in video_codec.hardware(plan.profile):
            key = (encoder, plan.profile.bits)
            if key not in self._refusals:
                self._refusals[key] = await self._refusal(plan, encoder, folder)
            why = self._refusals[key]
            if why is None:
                return _with_video(msgspec.structs.replace(plan, encoder=encoder), refused=refused)
            refused[encoder] = why
        return _with_video(plan, refused=refused) if refused else plan

    async def _refusal(self, plan: Plan, encoder: str, folder: Path) -> str | None:
        """Why it cannot encode a frame here; None: it did."""
        if encoder not in self._known:
            return "this ffmpeg was built without it"
        return await trials.refusal(self._ffmpeg, plan.profile, encoder, folder)


class QualitySearch:
    """Finds the crf at which samples of a film score what its profile asks for.

    Args:
        ffmpeg: The program.
        folder: The job's folder; samples are written there, and removed.
        env: What makes libass find the same fonts as in the encode.
        threads: Of decoders, filters and encoder.
    """

    def __init__(
        self, ffmpeg: Ffmpeg, folder: Path, *, env: Mapping[str, str], threads: int
    ) -> None:
        self._ffmpeg = ffmpeg
        self._folder = folder
        self._env = env
        self._threads = threads

    async def choose(self, plan: Plan, target: float, progress: OnEncoded) -> Plan:
        """The plan with the crf that was found, and every trial in its recipe.

        Raises:
            Held: The source is damaged, or the work is larger than its limits.
            ToolFailed: An encode or a comparison did not run.
        """
        spans = quality.samples(plan.duration_s)
        names = [f"sample{number}.mkv" for number in range(len(spans))]
        try:
            for span, name in zip(spans, names, strict=True):
                await self._sample(plan, span, name, progress)
            trials: dict[int, float] = {}
            while (crf := quality.next_crf(trials, target, plan.profile.codec)) is not None:
                trials[crf] = await self._score(plan, crf, names, spans, progress)
                share = len(trials) / quality.MOST_TRIALS
                progress(share, f"VMAF {trials[crf]:.2f} at crf {crf}")
        finally:
            for name in (*names, _TRIAL):
                (self._folder / name).unlink(missing_ok=True)
        crf = quality.chosen(trials, target)
        found = {
            "target": target,
            "reached": trials[crf],
            "trials": {f"{tried}": trials[tried] for tried in sorted(trials)},
        }
        return _with_video(msgspec.structs.replace(plan, crf=crf), vmaf=found)

    async def _sample(self, plan: Plan, span: Span, name: str, progress: OnEncoded) -> None:
        """A part of the drawn source without loss; as many frames as every trial gets."""
        source = input_argv(
            plan,
            max_pixels=self._ffmpeg.settings.max_pixels,
            threads=self._threads,
            formats=FORMATS,
        )
        argv = [
            *(*_QUIET, "-progress", "pipe:1", "-copyts", "-start_at_zero"),
            *("-ss", f"{span.at_s:.3f}", "-t", f"{span.length_s:.3f}", *source),
            *("-filter_complex", f"[0:V:0]{plan.filters}[film]", "-map", "[film]"),
            *("-c:v", "ffv1", "-level", "3", "-slices", "4", "-fps_mode", "passthrough"),
            *("-enc_time_base:v", "demux", name),
        ]
        await self._run(plan, argv, span.length_s, progress, "sampling")

    async def _score(
        self,
        plan: Plan,
        crf: int,
        names: Sequence[str],
        spans: Sequence[Span],
        progress: OnEncoded,
    ) -> float:
        length_s = sum(span.length_s for span in spans)
        inputs = [word for name in names for word in ("-i", name)]
        joined = "".join(f"[{n}:v]" for n in range(len(names))) + f"concat=n={len(names)}"
        encode = [
            *(*_QUIET, "-progress", "pipe:1", *video_codec.device_argv(plan.encoder), *inputs),
            *("-filter_complex", f"{joined}{_upload(plan)}[film]", "-map", "[film]"),
            *video_codec.argv(plan.profile, plan.encoder, crf, threads=self._threads),
            *("-fps_mode", "passthrough", "-enc_time_base:v", "filter", _TRIAL),
        ]
        await self._run(plan, encode, length_s, progress, f"crf {crf}")
        # The number of a frame is its time on both sides: nothing can slip.
        numbered = "settb=1/1000,setpts=N"
        graph = (
            f"[{len(names)}:v]{numbered}[got];{joined},{numbered}[wanted];"
            f"[got][wanted]libvmaf=n_threads={max(self._threads, 1)}"
        )
        compare = [
            *(*_QUIET, "-progress", "pipe:1", *inputs, "-i", _TRIAL),
            *("-filter_complex", graph, "-f", "null", "-"),
        ]
        ran = await self._run(plan, compare, length_s, progress, f"VMAF at crf {crf}")
        found = quality.score(ran.lines)
        if found is None:
            raise ToolFailed("libvmaf told no score", host=True)
        return found

    async def _run(
        self, plan: Plan, argv: Sequence[str], film_s: float, progress: OnEncoded, words: str
    ) -> Ran:
        def on_step(step: Step) -> None:
            progress(0.0, f"{words}, {step.fps:.1f} pictures/s")

        return await self._ffmpeg.run(
            argv,
            self._folder,
            film_s=film_s,
            pixels=plan.expected.width * plan.expected.height,
            env=self._env,
            progress=on_step,
            hardware=video_codec.is_hardware(plan.encoder),
        )


def _upload(plan: Plan) -> str:
    return drawn(plan).removeprefix(plan.filters)


def _with_video(plan: Plan, **found: object) -> Plan:
    """The plan with its encoder and crf in the recipe, and what was found about them."""
    known = plan.recipe["video"] | {name: value for name, value in found.items() if value}
    video = known | {"encoder": plan.encoder, "crf": plan.crf}
    return msgspec.structs.replace(plan, recipe=plan.recipe | {"video": video})
