"""Whether scripts can be drawn at all: their hardest pictures, with little time and memory.

A script of a few kilobytes can ask for seconds and gigabytes a picture. Seen here, it costs
a minute; seen in an encode, it costs hours.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from izumi.domain.encode_plan import Plan
from izumi.domain.errors import Held
from izumi.media.ffmpeg import Exhausted, Ffmpeg, Overdue

# Heavy typesetting takes a second a picture on a slow host.
_PICTURE_S: Final = 15.0
_START_S: Final = 15.0


async def try_heaviest(ffmpeg: Ffmpeg, plan: Plan, folder: Path, *, env: Mapping[str, str]) -> None:
    """Draw the hardest pictures of every script, on nothing.

    Args:
        ffmpeg: The program.
        plan: What would be done.
        folder: The job's folder, with the scripts and fonts.
        env: What makes libass find the fonts.

    Raises:
        Held: They take more time or memory than any that people made.
        ToolFailed: See `Ffmpeg.run`.
    """
    scripts = [track for track in plan.subtitles if track.text]
    times = sorted({heavy.at_s for track in scripts for heavy in track.heaviest})
    if not times:
        return
    width, height = plan.expected.width, plan.expected.height
    moments = "+".join(f"eq(N,{number})*{at_s:.3f}" for number, at_s in enumerate(times))
    drawn = ",".join(f"ass=filename={track.file}:fontsdir=fonts" for track in scripts)
    argv = [
        *("-hide_banner", "-nostdin", "-v", "level+info", "-nostats", "-progress", "pipe:1"),
        *("-f", "lavfi", "-i", f"color=size={width}x{height}:rate=1:duration={len(times)}"),
        *("-vf", f"settb=1/1000,setpts='({moments})/TB',{drawn}", "-fps_mode", "passthrough"),
        *("-enc_time_base:v", "filter", "-f", "null", "-"),
    ]
    pixels = width * height
    limit_s = _START_S + _PICTURE_S * len(times)
    memory_bytes = ffmpeg.settings.memory_bytes(pixels) // 2
    # Those of one script are alike: it is one place by several measures, or as hard elsewhere.
    heavy_s = max(heavy.lasts_s for track in scripts for heavy in track.heaviest)
    facts = {"moments": ", ".join(f"{at_s:.2f} s" for at_s in times)}
    began = time.monotonic()
    try:
        await ffmpeg.run(
            argv,
            folder,
            pixels=pixels,
            env=env,
            subject="the subtitles",
            limit_s=limit_s,
            memory_bytes=memory_bytes,
        )
    except Overdue as exc:
        why = f"{len(times)} pictures of the subtitles were not drawn in {limit_s:.0f} s"
        raise Held(f"{why}: no encode would end", facts | exc.facts) from exc
    except Exhausted as exc:
        why = f"{memory_bytes >> 20} MB of memory are not enough to draw a picture of the subtitles"
        raise Held(why, facts | {"said": str(exc)}) from exc
    picture_s = (time.monotonic() - began) / len(times)
    whole_s = picture_s * heavy_s / max(plan.expected.frame_s, 0.001)
    allowed_s = ffmpeg.deadline_s(plan.duration_s)
    if whole_s > allowed_s:
        raise Held(
            f"drawing the subtitles would take {whole_s / 3600:.1f} h, and an encode may take"
            f" {allowed_s / 3600:.1f} h; raise limit_h if that is right",
            facts | {"one picture": f"{picture_s:.1f} s", "such pictures": f"{heavy_s:.0f} s"},
        )
