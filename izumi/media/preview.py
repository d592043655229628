"""One picture of a plan as a PNG, drawn just as the encode would draw it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from izumi.domain.encode_plan import Plan, input_argv
from izumi.domain.errors import Held
from izumi.media.ffmpeg import Ffmpeg
from izumi.media.formats import FORMATS

PICTURE: Final = "preview.png"
# Subtitles that are pictures come in packets before the moment; text comes from a script.
_LEAD_S: Final = 20.0


async def preview(
    ffmpeg: Ffmpeg,
    plan: Plan,
    folder: Path,
    at_s: float,
    *,
    env: Mapping[str, str],
    threads: int,
) -> Path:
    """Draw the picture that is shown at a time.

    Pixels are made square, as a player does.

    Args:
        ffmpeg: The program.
        plan: What would be done.
        folder: The job's folder, with the source.
        at_s: Seconds from the start of the film.
        env: What makes libass find the fonts.
        threads: Of decoder and filters.

    Returns:
        Where the PNG lies in the folder.

    Raises:
        Held: The source is damaged there, or ends before.
        ToolFailed: See `Ffmpeg.run`.
    """
    source = input_argv(
        plan, max_pixels=ffmpeg.settings.max_pixels, threads=threads, formats=FORMATS
    )
    across, down = plan.expected.sar
    square = "" if across == down else f",scale=round(iw*{across}/{down}/2)*2:ih,setsar=1"
    # The first picture that is shown at the moment or after; the last one may end later.
    last_s = min(at_s, plan.expected.video_last_s)
    lead_s = max(plan.lead_s, 0.0 if all(track.text for track in plan.subtitles) else _LEAD_S)
    argv = [
        *("-hide_banner", "-nostdin", "-y", "-v", "level+info", "-nostats"),
        # Times count from the film's start, as in the scripts and in the output.
        *("-copyts", "-start_at_zero", "-ss", f"{max(last_s - lead_s, 0.0):.3f}", *source),
        *("-filter_complex", f"[0:V:0]{plan.filters},trim=start={last_s:.3f}{square}[one]"),
        *("-map", "[one]", "-frames:v", "1", "-update", "1", "-f", "image2", PICTURE),
    ]
    await ffmpeg.run(
        argv, folder, pixels=plan.expected.width * plan.expected.height, env=env, subject="the file"
    )
    picture = folder / PICTURE
    if not picture.is_file():
        raise Held(f"there is no picture at {at_s:.2f} s")
    return picture
