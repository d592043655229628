"""Real media for tests: made once a session by real ffmpeg, encoded, and looked at as pixels."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from izumi.domain import encode_plan, sidecars
from izumi.domain.encode_plan import OUTPUT, SOURCE, Plan
from izumi.domain.pace import Pace
from izumi.domain.probe import Probe
from izumi.domain.profile import Profile
from izumi.media import fonts, samples
from izumi.media.binary import Capabilities, examine, locate
from izumi.media.probe import ChildProber
from izumi.media.sample_scripts import Line, script
from izumi.media.samples import Attached, Audio, Sample, Subtitles
from izumi.media.settings import FfmpegSettings
from izumi.media.transcoder import FfmpegTranscoder
from tests.support.blockfont import write_block_font

BLOCKS = "Izumi Blocks"
FAST = Profile(preset="ultrafast", crf=16)
NO_SYSTEM_FONTS = Path("/nowhere/fonts.conf")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,!?' "


def contracts() -> Path:
    """Media that nobody here made; the test is skipped where there is none."""
    folder = Path(os.environ.get("IZUMI_TEST_DATA", "../shared")) / "contracts"
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}; set IZUMI_TEST_DATA")
    return folder


class Frame(NamedTuple):
    """One picture in RGB."""

    width: int
    height: int
    data: bytes

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        at = (y * self.width + x) * 3
        return (self.data[at], self.data[at + 1], self.data[at + 2])

    def box(self, differs: Callable[[tuple[int, int, int]], bool]) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the pixels for which `differs` holds; zeros: none."""
        hits = [
            (x, y)
            for y in range(self.height)
            for x in range(self.width)
            if differs(self.pixel(x, y))
        ]
        if not hits:
            return (0, 0, 0, 0)
        across, down = [x for x, _ in hits], [y for _, y in hits]
        return (min(across), min(down), max(across) + 1, max(down) + 1)

    def count(self, differs: Callable[[tuple[int, int, int]], bool]) -> int:
        return sum(
            differs((self.data[at], self.data[at + 1], self.data[at + 2]))
            for at in range(0, len(self.data), 3)
        )


def likeness(one: Frame, other: Frame) -> float:
    """How much of the white of two pictures lies at one place: 1 all of it, 0 nothing."""
    pairs = [
        (white(one.pixel(x, y)), white(other.pixel(x, y)))
        for y in range(one.height)
        for x in range(one.width)
    ]
    return sum(a and b for a, b in pairs) / max(sum(a or b for a, b in pairs), 1)


def white(pixel: tuple[int, int, int]) -> bool:
    return min(pixel) > 140


class Encode(NamedTuple):
    """One encode that went through every step."""

    folder: Path
    probe: Probe
    plan: Plan
    recipe: dict[str, Any]

    @property
    def output(self) -> Path:
        return self.folder / OUTPUT


class Media:
    """Makes samples and transcoders; one a session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._capabilities: Capabilities | None = None
        self.ffmpeg = locate(FfmpegSettings())
        self.blocks = write_block_font(folder / "blocks.ttf", BLOCKS, _LETTERS)

    async def sample(self, sample: Sample, suffix: str = ".mkv") -> Path:
        """The file of that sample, made at the first request."""
        name = hashlib.sha256(msgspec.json.encode(sample, enc_hook=str)).hexdigest()[:16]
        path = self._folder / f"{name}{suffix}"
        if not path.exists():
            await samples.make(sample, path, ffmpeg=self.ffmpeg)
        return path

    async def transcoder(
        self,
        settings: FfmpegSettings | None = None,
        *,
        system_fonts: Path = NO_SYSTEM_FONTS,
        stall_s: float = 60.0,
    ) -> FfmpegTranscoder:
        """Without the host's fonts unless asked, so that every host gives the same pixels."""
        settings = settings or FfmpegSettings()
        if settings.path is None:
            if self._capabilities is None:
                self._capabilities = await examine(self.ffmpeg)
            capabilities = self._capabilities
        else:
            capabilities = Capabilities(path=settings.path, version="fake", missing=())
        return FfmpegTranscoder(
            capabilities,
            settings,
            cache=self._folder / "fontconfig",
            system_fonts=system_fonts,
            stall_s=stall_s,
        )

    async def encode(
        self,
        source: Path,
        folder: Path,
        *,
        profile: Profile = FAST,
        transcoder: FfmpegTranscoder | None = None,
        spoil: Callable[[Path], None] | None = None,
        beside: Mapping[str, bytes] | None = None,
    ) -> Encode:
        """Every step of an encode; `spoil` gets the output before it is proved.

        `beside` are subtitle files of the source, by what follows the video's name.
        """
        transcoder = transcoder or await self.transcoder()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / SOURCE)
        files = {f"video{words}": content for words, content in (beside or {}).items()}
        own = sidecars.beside("video.mkv", files)
        for number, sidecar in enumerate(one for one in own if one.read):
            (folder / sidecars.own_name(number, sidecar)).write_bytes(files[sidecar.name])
        probe = await transcoder.examine(folder, own)
        plan = self.plan(probe, profile)
        recipe = dict(plan.recipe)
        recipe |= await transcoder.preflight(plan, probe, folder)
        plan = await transcoder.settle(plan, folder, ignore)
        recipe |= plan.recipe
        recipe |= await transcoder.encode(plan, folder, ignore)
        if spoil is not None:
            spoil(folder / OUTPUT)
        recipe |= await transcoder.prove(plan, folder, ignore)
        return Encode(folder, probe, plan, recipe)

    @staticmethod
    def plan(probe: Probe, profile: Profile = FAST) -> Plan:
        return encode_plan.make_plan(probe, profile, profile_name="test", title="A title")

    async def probe(self, path: Path) -> Probe:
        """All facts of a file."""
        return await ChildProber(FfmpegSettings()).probe(path, walk=True)

    def frame(self, path: Path, at_s: float, *, matrix: str = "") -> Frame:
        """The picture that is shown at a time; `matrix` forces how its colours are read."""
        size = subprocess.run(
            [self.ffmpeg, "-v", "info", "-i", path, "-frames:v", "0", "-f", "null", "-"],
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        video = next(line for line in size.splitlines() if ": Video:" in line)
        shape = next(part for part in video.replace(",", " ").split() if _is_size(part))
        width, height = map(int, shape.split("x"))
        tag = f"setparams=colorspace={matrix}," if matrix else ""
        done = subprocess.run(
            [
                *(self.ffmpeg, "-v", "error", "-ss", f"{at_s}", "-i", path),
                *("-vf", f"{tag}format=rgb24", "-frames:v", "1", "-f", "rawvideo", "-"),
            ],
            capture_output=True,
            check=True,
        )
        return Frame(width, height, done.stdout)

    def golden(self, text: str, at_s: float, *, width: int, height: int) -> Frame:
        """What libass itself draws of a script at a time, on black, with every font by name."""
        folder = self._folder / "golden"
        folder.mkdir(exist_ok=True)
        (folder / "script.ass").write_text(text, encoding="utf-8")
        env = fonts.prepare(folder, self._folder / "fontconfig", system=NO_SYSTEM_FONTS)
        shutil.copyfile(self.blocks, folder / "fonts" / self.blocks.name)
        done = subprocess.run(
            [
                *(self.ffmpeg, "-v", "error", "-f", "lavfi"),
                *("-i", f"color=black:size={width}x{height}:rate=100"),
                *(
                    "-vf",
                    f"trim=start={at_s},ass=script.ass:fontsdir=fonts,format=rgb24",
                    "-frames:v",
                    "1",
                ),
                *("-f", "rawvideo", "-"),
            ],
            capture_output=True,
            check=True,
            cwd=folder,
            env={**os.environ, **env},
        )
        return Frame(width, height, done.stdout)

    def stored(self, path: Path, at_s: float, x: int, y: int) -> tuple[int, int, int]:
        """Y, U and V of one pixel as the file holds them, read as no colour at all."""
        frame = subprocess.run(
            [
                *(self.ffmpeg, "-v", "error", "-ss", f"{at_s}", "-i", path),
                *("-vf", f"crop=2:2:{x // 2 * 2}:{y // 2 * 2},format=yuv444p"),
                *("-frames:v", "1", "-f", "rawvideo", "-"),
            ],
            capture_output=True,
            check=True,
        ).stdout
        return (frame[0], frame[4], frame[8])

    def run(self, *argv: str | Path) -> str:
        """Run ffmpeg by hand; what it said."""
        done = subprocess.run(
            [self.ffmpeg, "-v", "error", "-nostdin", "-y", *argv],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stderr


def _is_size(word: str) -> bool:
    width, _, height = word.partition("x")
    return width.isdigit() and height.isdigit() and not word.startswith("0")


def ignore(_fraction: float, _detail: str, _pace: Pace | None = None, /) -> None:
    """Progress that nobody watches."""


def clip(
    *lines: Line,
    seconds: float = 3.0,
    width: int = 320,
    height: int = 180,
    font: str = BLOCKS,
    matrix: str = "TV.709",
    attachments: tuple[Attached, ...] = (),
    **changes: Any,
) -> Sample:
    """A short, dark film with one English track; `changes` are fields of `Sample`."""
    shown = lines or (Line(0.5, 2.5, "Hello"),)
    text = script(shown, width=width, height=height, font=font, matrix=matrix)
    fields: dict[str, Any] = {
        "seconds": seconds,
        "width": width,
        "height": height,
        "subtitles": (Subtitles(script=text),),
        "attachments": attachments,
        # Nothing in the picture is as bright as text.
        "filters": "eq=brightness=-0.4:contrast=0.5,format=yuv420p",
    }
    return Sample(**fields | changes)


def attached(path: Path, name: str = "", mime_type: str = "font/ttf") -> Attached:
    return Attached(path=path, name=name or path.name, mime_type=mime_type)


def silent(*lines: Line, **changes: Any) -> Sample:
    """As `clip`, without sound: quicker where sound does not matter."""
    return clip(*lines, audio=(), **changes)


__all__ = ["Attached", "Audio", "Line", "Sample", "Subtitles", "script"]


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return Media(tmp_path_factory.mktemp("media"))
