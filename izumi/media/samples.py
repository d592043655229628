"""Makes small episodes out of nothing: a night by a spring, with sound and styled subtitles.

For demonstrations and tests, which need real media and may not ship anyone's. The picture
is drawn by ffmpeg's own sources and by ASS drawings, so no font is needed for it.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from izumi import children
from izumi.domain.errors import ToolFailed
from izumi.media.binary import locate
from izumi.media.fonts import SHIPPED, SHIPPED_FAMILY
from izumi.media.sample_scripts import Line, scenery, script
from izumi.media.settings import FfmpegSettings


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """One sound track: a soft chord on `pitch_hz`."""

    language: str = "jpn"
    title: str = ""
    codec: tuple[str, ...] = ("-c:a", "aac", "-b:a", "96k")
    channels: int = 2
    pitch_hz: int = 220
    default: bool = True


class Subtitles(msgspec.Struct, frozen=True, kw_only=True):
    """One subtitle track. `script` is a whole ASS file, or SRT for other codecs."""

    script: str
    language: str = "eng"
    title: str = ""
    dispositions: tuple[str, ...] = ()
    codec: str = "ass"


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """One attachment of the container."""

    path: Path
    name: str
    mime_type: str = "application/x-truetype-font"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """An episode to make.

    Attributes:
        filters: Applied to the picture last, for other pixel formats, shapes and tags.
        video: Arguments of the video encoder.
        container: Arguments before the output's name.
    """

    seconds: float = 6.0
    width: int = 640
    height: int = 360
    rate: str = "24000/1001"
    filters: str = "format=yuv420p"
    video: tuple[str, ...] = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "22")
    audio: tuple[Audio, ...] = (Audio(),)
    subtitles: tuple[Subtitles, ...] = ()
    attachments: tuple[Attached, ...] = ()
    container: tuple[str, ...] = ()


def make_argv(ffmpeg: Path, sample: Sample, output: str) -> list[str]:
    """The command; it runs in a folder that holds `scene.ass` and `sub0`, `sub1`, ..."""
    size = f"{sample.width}x{sample.height}"
    source = (
        f"gradients=s={size}:r={sample.rate}:d={sample.seconds}:n=4:c0=0x16213e:c1=0x533483:"
        f"c2=0xe94560:c3=0xf8b195:x0=0:y0=0:x1=0:y1={sample.height}:speed=0.00001"
    )
    argv = [str(ffmpeg), "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", source]
    for track in sample.audio:
        chord = "|".join([f"0.1*sin({track.pitch_hz}*2*PI*t)"] * track.channels)
        argv += ["-f", "lavfi", "-i", f"aevalsrc={chord}:s=48000:d={sample.seconds}"]
    for number, subtitles in enumerate(sample.subtitles):
        form = "ass" if subtitles.codec == "ass" else "srt"
        argv += ["-f", form, "-i", f"sub{number}"]
    inputs = 1 + len(sample.audio) + len(sample.subtitles)
    for number in range(inputs):
        argv += ["-map", str(number)]
    argv += ["-vf", f"ass=scene.ass,{sample.filters}", *sample.video]
    for number, track in enumerate(sample.audio):
        options = [
            option.replace(":a", f":a:{number}") if option.startswith("-") else option
            for option in track.codec
        ]
        argv += [*options, *_tags("a", number, track.language, track.title)]
        argv += [f"-disposition:a:{number}", "default" if track.default else "0"]
    for number, subtitles in enumerate(sample.subtitles):
        argv += [f"-c:s:{number}", subtitles.codec]
        argv += _tags("s", number, subtitles.language, subtitles.title)
        argv += [f"-disposition:s:{number}", "+".join(subtitles.dispositions) or "0"]
    for number, attached in enumerate(sample.attachments):
        argv += ["-attach", str(attached.path)]
        argv += [f"-metadata:s:t:{number}", f"filename={attached.name}"]
        argv += [f"-metadata:s:t:{number}", f"mimetype={attached.mime_type}"]
    return [*argv, *sample.container, output]


def _tags(kind: str, number: int, language: str, title: str) -> list[str]:
    tags = ["-metadata:s:" + f"{kind}:{number}", f"language={language}"] if language else []
    return tags + (["-metadata:s:" + f"{kind}:{number}", f"title={title}"] if title else [])


async def make(sample: Sample, output: Path, *, ffmpeg: Path | None = None) -> Path:
    """Make it; nothing is seen under the output's name before it is whole.

    Raises:
        ToolFailed: ffmpeg refused; the text holds its last words.
    """
    program = ffmpeg or locate(FfmpegSettings())
    inputs = {"scene.ass": scenery(sample.seconds)}
    inputs |= {f"sub{number}": track.script for number, track in enumerate(sample.subtitles)}
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=output.parent) as folder:
        work = Path(folder)
        for name, text in inputs.items():
            (work / name).write_text(text, encoding="utf-8")
        made = work / f"made{output.suffix}"
        done = await children.run(make_argv(program, sample, made.name), cwd=work, deadline_s=600)
        if done.returncode != 0:
            raise ToolFailed(f"no sample was made: {done.stderr}")
        made.replace(output)
    return output


def episode(
    *,
    lines: Sequence[Line] | None = None,
    signs_track: bool = False,
    cjk: bool = False,
    seconds: float = 8.0,
    height: int = 360,
    fonts: Sequence[Path] = (SHIPPED,),
    family: str = SHIPPED_FAMILY,
) -> Sample:
    """What a fansub group would release: video, Japanese sound, English subtitles, fonts."""
    width = round(height * 16 / 9 / 2) * 2
    third = seconds / 3
    spoken = lines or [
        Line(0.3, third - 0.1, "The spring never runs dry."),
        Line(third, 2 * third - 0.1, r"{\i1}Even on a night like this?{\i0}"),
        Line(2 * third, seconds - 0.2, "Listen. It is full tonight.", "Alt"),
    ]
    signs = [Line(0.2, seconds - 0.2, "Spring of the Moon", "Sign")]
    if cjk:
        signs.append(Line(0.2, seconds - 0.2, "月の泉", "Sign"))
    tracks = [
        Subtitles(
            script=script([*spoken, *signs], width=width, height=height, font=family),
            title="Full Subtitles",
            dispositions=("default",),
        )
    ]
    if signs_track:
        only = script(signs, width=width, height=height, font=family)
        tracks.append(Subtitles(script=only, title="Signs & Songs"))
    return Sample(
        seconds=seconds,
        width=width,
        height=height,
        subtitles=tuple(tracks),
        attachments=tuple(Attached(path=font, name=font.name) for font in fonts),
    )


async def make_sample(
    folder: Path,
    release_name: str,
    *,
    lines: Sequence[Line] | None = None,
    signs_track: bool = False,
    cjk: bool = False,
    seconds: float = 8.0,
    height: int = 360,
    ffmpeg: Path | None = None,
) -> Path:
    """Make one release in `folder` and return where it lies.

    Args:
        folder: Made when it is not there.
        release_name: Its file name, `.mkv` included.
        lines: What is said; three lines about a spring when None.
        signs_track: Add a second track "Signs & Songs".
        cjk: Add a line in Japanese.
        seconds: How long it lasts.
        height: Of the picture; the width follows as 16:9.
        ffmpeg: The program; the bundled one when None.

    Raises:
        ToolFailed: ffmpeg refused.
    """
    sample = episode(lines=lines, signs_track=signs_track, cjk=cjk, seconds=seconds, height=height)
    return await make(sample, folder / release_name, ffmpeg=ffmpeg)
