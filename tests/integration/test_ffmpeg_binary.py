"""Which ffmpeg runs here, and what a wrong one is told."""

import stat
from pathlib import Path

import msgspec
import pytest

from izumi.domain.errors import ConfigError, ToolFailed
from izumi.media.binary import Capabilities, examine, locate, usable
from izumi.media.ffmpeg import Ffmpeg
from izumi.media.settings import FfmpegSettings


def program(folder: Path, body: str) -> Path:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


async def test_the_bundled_ffmpeg_can_do_all_of_the_work():
    found = usable(await examine(locate(FfmpegSettings())))
    assert found.missing == ()
    assert found.version


def test_a_configured_path_is_taken_and_must_be_a_program(tmp_path):
    path = program(tmp_path, "exit 0")
    assert locate(FfmpegSettings(path=path)) == path
    for wrong in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ConfigError, match=r"ffmpeg.path: .* is no program"):
            locate(FfmpegSettings(path=wrong))


async def test_a_program_that_is_no_ffmpeg_is_named(tmp_path):
    with pytest.raises(ToolFailed, match="is no ffmpeg: it says 'hello"):
        await examine(program(tmp_path, "echo hello"))
    with pytest.raises(ToolFailed, match="ended with 3: broken"):
        await examine(program(tmp_path, "echo broken >&2; exit 3"))


async def test_an_ffmpeg_without_libass_is_refused_with_the_way_out(tmp_path):
    body = 'case "$*" in *version*) echo "ffmpeg version 8.1 x";; *) echo " .. scale V->V x";; esac'
    found = await examine(program(tmp_path, body))
    assert found.version == "8.1"
    assert "ass" in found.missing
    assert "scale" not in found.missing
    with pytest.raises(ConfigError, match=r"built without ass, .*libx264.*leave ffmpeg.path out"):
        usable(found)
    whole = Capabilities(path=tmp_path, version="9", missing=())
    assert usable(whole) is whole


@pytest.mark.parametrize(
    "wrong",
    [
        {"memory_mb": 100},
        {"max_pixels": 0},
        {"probe_floor_s": 0},
        {"deadline_factor": -1},
        {"probe_bytes_per_s": 0},
        {"pth": "/usr/bin/ffmpeg"},
    ],
)
def test_limits_that_forbid_every_file_are_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, FfmpegSettings)


def test_memory_grows_with_the_picture_but_never_falls():
    settings = FfmpegSettings(memory_mb=2048)
    assert settings.memory_bytes(0) == settings.memory_bytes(1920 * 1080) == 2048 << 20
    assert settings.memory_bytes(3840 * 2160) == 2048 * 5 // 2 << 20


async def test_one_that_was_killed_is_told_by_its_signal_and_its_last_words(tmp_path):
    path = tmp_path / "ffmpeg"
    path.write_text(
        "#!/bin/sh\n"
        "echo '[aac @ 0x5d0] [warning] a short frame' >&2\n"
        "echo '[ass @ 0x5d1] [info] fontselect: (Arial, 400, 0) -> /a, 0, A' >&2\n"
        "kill -KILL $$\n"
    )
    path.chmod(0o755)
    with pytest.raises(ToolFailed, match=r"ended with SIGKILL, after .*: \[aac\] a short frame$"):
        await Ffmpeg(path, FfmpegSettings()).run([], tmp_path)
