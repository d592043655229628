"""`izumi encode` as a process: one file, without a bus."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from izumi.commands.encode import place, seconds
from izumi.domain.errors import UserError
from tests.support.media import Media, attached, clip, script, white
from tests.support.media import Subtitles as Track

IZUMI = Path(sys.executable).with_name("izumi")


class Desk:
    """A folder with one file in it, and the command."""

    def __init__(self, root: Path, source: Path) -> None:
        self.folder = root / "desk"
        self.folder.mkdir()
        self.file = self.folder / "[Group] It's 100%: a, [film] - 01.mkv"
        self.file.write_bytes(source.read_bytes())
        self.config = root / "izumi.toml"
        self.config.write_text(
            f'state = "{root / "state"}"\n'
            '[profile.hardsub]\npreset = "ultrafast"\n'
            '[profile.small]\npreset = "ultrafast"\nmax_height = 144\nsuffix = " [small]"\n'
        )

    def argv(self, *words: str | Path) -> list[str | Path]:
        return [IZUMI, "encode", *words, "--config", self.config]

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.argv(*words), capture_output=True, text=True, check=False)

    def others(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path != self.file)


@pytest.fixture
async def desk(media: Media, tmp_path) -> Desk:
    return Desk(tmp_path, await media.sample(clip(attachments=(attached(media.blocks),))))


def test_a_file_becomes_a_proved_hardsub_beside_it_and_nothing_is_overwritten(
    desk: Desk, media: Media
):
    done = desk.run(desk.file)
    assert done.returncode == 0, done.stderr
    (name,) = desk.others()
    assert name == desk.file.with_suffix(".mp4").name
    assert done.stdout == f"{desk.folder / name}\n"
    assert media.frame(desk.folder / name, 1.5).count(white) > 20
    steps = [line.split()[0] for line in done.stderr.splitlines()]
    assert list(dict.fromkeys(steps)) == ["examining", "choosing", "encoding", "proving"]
    assert "\x1b" not in done.stderr
    before = (desk.folder / name).read_bytes()
    again = desk.run(desk.file)
    assert again.returncode == 2
    assert "is there already, and nothing is overwritten" in again.stderr
    assert (desk.folder / name).read_bytes() == before


def test_a_profile_and_a_place_can_be_named(desk: Desk, media: Media):
    done = desk.run(desk.file, "--profile", "small")
    assert done.returncode == 0, done.stderr
    assert desk.others() == [f"{desk.file.stem} [small].mp4"]
    out = desk.folder / "out.mp4"
    done = desk.run(desk.file, "-p", "small", "-o", out)
    assert done.returncode == 0, done.stderr
    assert media.frame(out, 1.5).height == 144


def test_a_plan_is_explained_with_its_command_and_nothing_is_made(desk: Desk):
    done = desk.run("--plan", desk.file)
    assert done.returncode == 0, done.stderr
    assert "subtitles: track 2 (eng" in done.stdout
    assert "libx264 at crf 18" in done.stdout
    assert re.search(
        r"^command: ffmpeg .*-filter_complex .*ass=filename=", done.stdout, re.MULTILINE
    )
    assert desk.others() == []


async def test_a_preview_is_the_picture_with_its_subtitles(desk: Desk, media: Media):
    done = desk.run("--preview", desk.file, "--at", "00:00:01.5")
    assert done.returncode == 0, done.stderr
    (name,) = desk.others()
    assert name.endswith(" 00.00.01.5.png")
    shown = media.frame(desk.folder / name, 0)
    desk.run(desk.file)
    output = media.frame(desk.file.with_suffix(".mp4"), 1.5)
    assert shown.count(white) > 20
    for here, there in zip(shown.box(white), output.box(white), strict=True):
        assert abs(here - there) <= 1


async def test_a_preview_has_square_pixels_and_may_be_of_the_end(media: Media, tmp_path):
    sample = clip(
        seconds=1.5,
        width=720,
        height=480,
        filters="eq=brightness=-0.4:contrast=0.5,format=yuv420p,setsar=32/27",
        attachments=(attached(media.blocks),),
    )
    desk = Desk(tmp_path, await media.sample(sample))
    done = desk.run("--preview", desk.file, "--at", "1.5", "--out", desk.folder / "x.png")
    assert done.returncode == 0, done.stderr
    assert media.frame(desk.folder / "x.png", 0).width == 854
    late = desk.run("--preview", desk.file, "--at", "0:09", "--out", desk.folder / "y.png")
    assert late.returncode == 2
    assert "after the end" in late.stderr


async def test_what_a_person_must_decide_is_told_with_the_facts(media: Media, tmp_path):
    text = script((), width=320, height=180, font="x")
    sample = clip(subtitles=(Track(script=text, language="ger"),))
    desk = Desk(tmp_path, await media.sample(sample))
    done = desk.run(desk.file)
    assert done.returncode == 1
    assert "track 2: deu" in done.stderr
    assert "Traceback" not in done.stderr
    assert desk.others() == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("{file}x",), "is no file"),
        (("{file}", "--profile", "smal"), "known are hardsub, small"),
        (("{file}", "--plan", "--preview"), "leave one out"),
        (("{file}", "--at", "3"), "add --preview"),
        (("{file}", "--preview", "--at", "3:99"), "is no moment"),
        (("{file}", "--out", "/nowhere/x.mp4"), "is no folder"),
        (("{file}", "--out", "/proc/x.mp4"), "/proc cannot be written to"),
        (("{file}", "--nice", "30"), "nice is 30"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(desk: Desk, words, says):
    done = desk.run(*(word.format(file=desk.file) for word in words))
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert desk.others() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_leaves_nothing_behind(media: Media, tmp_path, number):
    desk = Desk(tmp_path, await media.sample(clip(attachments=(attached(media.blocks),))))
    # One that takes long: slowly, and a second at a time.
    desk.config.write_text(
        f'state = "{tmp_path / "state"}"\n[profile.hardsub]\npreset = "veryslow"\ncrf = 0\n'
    )
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(*desk.argv(desk.file), stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        while not list(desk.folder.glob(".izumi-encode-*/output.mp4")):
            assert running.returncode is None
            await asyncio.sleep(0.005)
        running.send_signal(number)
        _, said = await running.communicate()
    assert running.returncode == 130, said
    assert desk.others() == []
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    ("text", "at_s"),
    [("", 0), ("190", 190), ("190.5", 190.5), ("3:10", 190), ("00:03:10", 190), ("1:0:0", 3600)],
)
def test_moments_are_written_as_people_write_them(text, at_s):
    assert seconds(text) == at_s


def test_a_name_that_came_to_be_meanwhile_is_kept(tmp_path):
    made, target = tmp_path / "made", tmp_path / "target"
    made.write_text("new")
    target.write_text("old")
    with pytest.raises(UserError, match="came to be meanwhile"):
        place(made, target)
    assert target.read_text() == "old"


def test_a_file_system_without_hard_links_gets_the_file_too(tmp_path, monkeypatch):
    def refuse(*_args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    made, target = tmp_path / "made", tmp_path / "target"
    made.write_text("new")
    place(made, target)
    assert target.read_text() == "new"
    made.write_text("newer")
    with pytest.raises(UserError, match="came to be meanwhile"):
        place(made, target)
    assert target.read_text() == "new"
