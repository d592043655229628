"""Small pieces of an encode, tried on this host before anything depends on them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from izumi.domain import ass_write, video_codec
from izumi.domain.errors import Held, ToolFailed
from izumi.domain.probe import FontUse
from izumi.domain.profile import Profile
from izumi.media.ffmpeg import Ffmpeg

_SHEET: Final = "glyphs.ass"


async def refusal(ffmpeg: Ffmpeg, profile: Profile, encoder: str, folder: Path) -> str | None:
    """Why an encoder cannot encode a frame as a profile wants it; None: it did.

    Args:
        ffmpeg: The program.
        profile: What is wanted.
        encoder: One that the program was built with.
        folder: Working directory.
    """
    shape = f"format={video_codec.pixel_format(profile)}"
    argv = [
        *("-hide_banner", "-nostdin", "-y", "-v", "level+info", "-nostats"),
        *video_codec.device_argv(encoder),
        *("-f", "lavfi", "-i", "color=size=1280x720:rate=24:duration=1"),
        *("-vf", shape + video_codec.upload(profile, encoder), "-frames:v", "1"),
        *video_codec.argv(profile, encoder, profile.quality, threads=0),
        *("-f", "null", "-"),
    ]
    hardware = video_codec.is_hardware(encoder)
    try:
        await ffmpeg.run(argv, folder, subject=encoder, hardware=hardware)
    except (ToolFailed, Held) as exc:
        # What an input would be: here the encoder itself does not work.
        return str(exc).removeprefix(f"{encoder} is damaged: ")[:300]
    return None


async def glyph_sheet(
    ffmpeg: Ffmpeg, uses: Iterable[FontUse], folder: Path, *, env: Mapping[str, str]
) -> tuple[str, ...]:
    """Draw every character of every face in one picture; what libass says of them.

    Args:
        ffmpeg: The program.
        uses: Faces, and what is shown in them.
        folder: The job's folder, with its fonts.
        env: What makes libass find the others.

    Raises:
        ToolFailed: See `Ffmpeg.run`.
    """
    (folder / _SHEET).write_text(ass_write.glyph_sheet(uses), encoding="utf-8")
    argv = [
        *("-hide_banner", "-nostdin", "-v", "level+info", "-nostats", "-progress", "pipe:1"),
        *("-f", "lavfi", "-i", "color=size=640x360:rate=1:duration=1"),
        *("-vf", f"ass=filename={_SHEET}:fontsdir=fonts", "-frames:v", "1", "-f", "null", "-"),
    ]
    return (await ffmpeg.run(argv, folder, env=env)).lines
