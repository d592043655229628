"""Proves an output with real tools: it decodes whole, and the text is seen where it belongs."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from izumi.domain import looks, proof, render_log
from izumi.domain.encode_plan import OUTPUT, Plan, input_argv
from izumi.domain.errors import Held
from izumi.domain.probe import SubtitleStream
from izumi.domain.proof import Seen
from izumi.media.ffmpeg import Ffmpeg
from izumi.media.formats import FORMATS
from izumi.media.progress import Step

_MOST_TRIES = 9
_WIDTH = 640
# Pictures before the one of a moment, for filters that look at neighbours.
_WARM_UP_S = 1.0


class OutputProof:
    """Looks at one output.

    Args:
        ffmpeg: The program.
        plan: What was planned.
        folder: The job's folder, with the source and everything that was drawn.
        env: What makes libass find the same fonts as in the encode.
        threads: Of decoders and filters.
    """

    def __init__(
        self, ffmpeg: Ffmpeg, plan: Plan, folder: Path, *, env: Mapping[str, str], threads: int
    ) -> None:
        self._ffmpeg = ffmpeg
        self._plan = plan
        self._folder = folder
        self._env = env
        self._threads = threads
        self._pixels = plan.expected.width * plan.expected.height

    async def decodes(self, progress: Callable[[Step], None]) -> None:
        """Decode all of the output.

        Raises:
            Held: Something in it does not decode, or fewer pictures come out than are in it.
            ToolFailed: See `Ffmpeg.run`.
        """
        argv = [
            *("-hide_banner", "-nostdin", "-v", "level+info", "-nostats"),
            # The loop filter changes how a picture looks, not whether it can be read.
            *("-progress", "pipe:1", "-xerror", "-skip_loop_filter", "all"),
            *("-threads", str(self._threads), "-i", f"file:{OUTPUT}"),
            *("-map", "0:v:0", "-map", "0:a?", "-fps_mode", "passthrough"),
            *("-enc_time_base:v", "demux", "-f", "null", "-"),
        ]
        ran = await self._ffmpeg.run(
            argv,
            self._folder,
            film_s=self._plan.duration_s,
            pixels=self._pixels,
            subject="the output",
            progress=progress,
        )
        said = render_log.damage(ran.lines)
        if said:
            raise Held(f"the output does not decode: {said[0]}", {"log": "; ".join(said[:5])})
        least = self._plan.expected.frames_min
        if ran.last.frames < least:
            raise Held(f"only {ran.last.frames} of {least} pictures of the output decode")

    async def text_is_seen(self) -> list[dict[str, Any]]:
        """Look where subtitles are: at the beginning, the end and the middle of each track.

        Returns:
            The moments that were looked at, with the pixels of text on the small frame.

        Raises:
            Held: The text is not there, or draws nothing at any moment.
            ToolFailed: See `Ffmpeg.run`.
        """
        seen: list[dict[str, Any]] = []
        for track in self._plan.subtitles:
            seen += await self._track_is_seen(track)
        return seen

    async def _track_is_seen(self, track: SubtitleStream) -> list[dict[str, Any]]:
        moments = looks.moments(track, self._plan.expected.video_last_s)[:_MOST_TRIES]
        seen: list[dict[str, Any]] = []
        for moment in moments:
            found = await self._look(moment)
            if found.burnt is False:
                raise Held(
                    f"the subtitles are not seen in the output at {moment:.2f} s",
                    {"track": f"{track.index}", "pixels": f"{found.pixels}"},
                )
            if found.burnt:
                seen.append({"track": track.index, "at_s": moment, "pixels": found.pixels})
            if len(seen) == looks.ENOUGH:
                break
        if not moments:
            raise Held(f"no line of track {track.index} is shown while the film lasts")
        if not seen:
            raise Held(f"track {track.index} draws nothing at {len(moments)} moments of the film")
        return seen

    async def _look(self, moment: float) -> Seen:
        """The source with and without subtitles, and the output, as one tall grey picture."""
        plan, ffmpeg = self._plan, self._ffmpeg
        width = min(_WIDTH, plan.expected.width)
        height = max(plan.expected.height * width // plan.expected.width, 1)
        small = (
            f"trim=start={moment:.3f},trim=end_frame=1,setpts=0,"
            f"scale={width}:{height}:flags=area,format=gray,setsar=1"
        )
        # Pictures of subtitles stay from the frame on at which they came; text is drawn anew.
        text = all(track.text for track in plan.subtitles)
        near = f"trim=start={max(moment - _WARM_UP_S, 0.0):.3f}," if text else ""
        graph = (
            f"[0:V:0]{near}split[a][b];[a]{plan.filters},{small}[drawn];"
            f"[b]{plan.bare_filters},{small}[bare];[1:v:0]{small}[got];"
            "[drawn][bare][got]vstack=inputs=3[out]"
        )
        source = input_argv(
            plan, max_pixels=ffmpeg.settings.max_pixels, threads=self._threads, formats=FORMATS
        )
        early = ("-ss", f"{max(moment - plan.lead_s, 0.0):.3f}")
        argv = [
            *("-hide_banner", "-nostdin", "-v", "level+info", "-nostats"),
            # Times count from the film's start, as in the scripts and in the output.
            *("-copyts", "-start_at_zero", *early, *source),
            *("-ss", f"{moment:.3f}", "-threads", str(self._threads), "-i", f"file:{OUTPUT}"),
            *("-filter_complex", graph, "-map", "[out]", "-frames:v", "1"),
            *("-f", "rawvideo", "pipe:1"),
        ]
        one = width * height
        ran = await ffmpeg.run(
            argv, self._folder, pixels=self._pixels, env=self._env, keep_bytes=3 * one
        )
        if len(ran.stdout) < 3 * one:
            raise Held(f"no picture of the output can be taken at {moment:.2f} s")
        drawn, bare, got = (ran.stdout[n * one : (n + 1) * one] for n in range(3))
        return await asyncio.to_thread(proof.compare, drawn, bare, got)
