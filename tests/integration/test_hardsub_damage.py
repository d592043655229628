"""Damaged and hostile files: held with a reason, and never an output that looks right."""

import asyncio
import os
import random
import stat
from pathlib import Path

import pytest

from izumi.domain.errors import Held, NoSpace, ToolFailed
from izumi.media.probe import ChildProber
from izumi.media.settings import FfmpegSettings
from tests.support.damage import damaged
from tests.support.media import Line, Media, attached, clip, silent

HALVES = (0.999, 0.9, 0.5, 0.1, 0.01)


async def noisy(media: Media, suffix: str = ".mkv") -> Path:
    """A file that is mostly picture, so that damage anywhere hits one."""
    sample = clip(
        seconds=2.0,
        filters="noise=alls=40:allf=t,format=yuv420p",
        attachments=(attached(media.blocks),) if suffix == ".mkv" else (),
    )
    source = await media.sample(sample)
    if suffix == ".mkv":
        return source
    moved = source.with_suffix(suffix)
    if not moved.exists():
        media.run(
            *("-i", source, "-map", "0:v", "-map", "0:a", "-map", "0:s", "-c", "copy"),
            *("-c:s", "mov_text", "-movflags", "+faststart", moved),
        )
    return moved


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
async def test_a_file_cut_short_is_held_before_it_is_encoded(media: Media, tmp_path, suffix):
    whole = (await noisy(media, suffix)).read_bytes()
    transcoder = await media.transcoder()
    for part in HALVES:
        folder = tmp_path / f"{part}"
        folder.mkdir()
        (folder / "source").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(Held, match=r"not whole|no media"):
            await transcoder.examine(folder)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
async def test_zeros_in_the_middle_never_become_an_output(media: Media, tmp_path, suffix):
    whole = (await noisy(media, suffix)).read_bytes()
    place = random.Random(7)  # noqa: S311 - the same places every time
    for number in range(4):
        at = place.randrange(len(whole) // 3, len(whole) - 100_000)
        spoilt = tmp_path / f"spoilt{number}"
        spoilt.write_bytes(whole[:at] + bytes(65536) + whole[at + 65536 :])
        with pytest.raises(Held, match=r"damaged|not whole|no media"):
            await media.encode(spoilt, tmp_path / f"job{number}")


@pytest.mark.parametrize("seed", range(4))
async def test_of_a_damaged_file_there_is_no_output_even_where_its_hash_is_not_known(
    media: Media, tmp_path, seed
):
    source = await media.sample(
        clip(
            Line(0.1, 0.9, "Hello there"),
            seconds=1.0,
            filters="noise=alls=40:allf=t,format=yuv420p",
            attachments=(attached(media.blocks),),
        )
    )
    place = random.Random(seed)  # noqa: S311 - the same damage every time
    whole = source.read_bytes()
    for kind in ("cut", "zeros"):
        spoilt = tmp_path / f"{kind}.mkv"
        spoilt.write_bytes(damaged(whole, kind, place))
        with pytest.raises(Held):
            await media.encode(spoilt, tmp_path / kind)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1a\x45\xdf\xa3",
        bytes(range(256)) * 4000,
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/a.ts\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 1 RTP/AVP 96\n",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b"[Script Info]\n\n[Events]\nDialogue: 0,0:00:00.00,0:00:01.00,,,0,0,0,,Hi\n",
    ],
    ids=["empty", "header", "garbage", "concat", "hls", "sdp", "svg", "ass"],
)
async def test_what_is_no_media_is_held_and_nothing_else_is_opened(tmp_path, content):
    path = tmp_path / "x.mkv"
    path.write_bytes(content)
    prober = ChildProber(FfmpegSettings())
    with pytest.raises(Held, match="no media"):
        await prober.probe(path, walk=True)
    assert "no media" in str(await prober.prove_whole(path))


async def test_a_whole_file_proves_itself_whole(media: Media):
    assert await ChildProber(FfmpegSettings()).prove_whole(await noisy(media)) is None


async def test_sound_alone_is_no_episode(media: Media, tmp_path):
    only = tmp_path / "sound.mkv"
    media.run("-i", await noisy(media), "-map", "0:a", "-c", "copy", only)
    assert await ChildProber(FfmpegSettings()).prove_whole(only) == "there is no video in it"


async def test_a_picture_too_large_is_held_before_it_is_decoded(media: Media, tmp_path):
    (tmp_path / "source").write_bytes((await noisy(media)).read_bytes())
    transcoder = await media.transcoder(FfmpegSettings(max_pixels=320 * 180 - 1))
    with pytest.raises(Held, match="320x180 is larger than max_pixels"):
        await transcoder.examine(tmp_path)


def without_text(media: Media, output: Path) -> None:
    bare = output.with_name("bare.mp4")
    media.run(
        "-i",
        output.with_name("source"),
        "-map",
        "0:V:0",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-vf",
        "setparams=colorspace=bt709,format=yuv420p",
        bare,
    )
    bare.replace(output)


def shorter(media: Media, output: Path) -> None:
    cut = output.with_name("cut.mp4")
    media.run("-i", output, "-t", "2", "-c", "copy", cut)
    cut.replace(output)


def truncated(_: Media, output: Path) -> None:
    os.truncate(output, output.stat().st_size * 9 // 10)


def flipped(_: Media, output: Path) -> None:
    data = bytearray(output.read_bytes())
    middle = data.index(b"mdat") + 4000
    # Not with zeros: these are a gap that nobody wrote, and seen before anything is decoded.
    data[middle : middle + 2000] = b"\x55\xaa" * 1000
    output.write_bytes(data)


def resized(media: Media, output: Path) -> None:
    other = output.with_name("other.mp4")
    media.run("-i", output, "-vf", "scale=640:360", "-preset", "ultrafast", other)
    other.replace(output)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_text, "subtitles are not seen"),
        (shorter, "not what was planned"),
        (truncated, "not what was planned|no media"),
        (flipped, "the output does not decode|the output is damaged"),
        (resized, "not what was planned"),
    ],
    ids=["without text", "shorter", "truncated", "overwritten", "resized"],
)
async def test_an_output_that_is_not_what_was_planned_fails_its_proof(
    media: Media, tmp_path, spoil, says
):
    source = await media.sample(
        silent(Line(0.5, 2.5, "Hello there"), attachments=(attached(media.blocks),))
    )
    with pytest.raises(Held, match=says):
        await media.encode(source, tmp_path / "job", spoil=lambda output: spoil(media, output))


def fake_ffmpeg(folder: Path, body: str) -> FfmpegSettings:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return FfmpegSettings(path=path)


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ("sleep 600", ToolFailed, "no further for 0.5 s"),
        ("kill -SEGV $$", ToolFailed, "ended with SIGSEGV"),
        ("echo '[out] [error] No space left on device' >&2; exit 228", NoSpace, "disk filled up"),
        ("echo '[h264] [error] Invalid data found when' >&2; exit 1", Held, "source is damaged"),
        ("echo '[x] [fatal] Cannot allocate memory' >&2; exit 1", ToolFailed, "Cannot allocate"),
        ("echo '[matroska] [warning] File ended prematurely' >&2; exit 0", Held, "damaged"),
        ("kill -XFSZ $$", Held, "grew larger"),
        ("exit 3", ToolFailed, "ended with 3"),
    ],
    ids=["hangs", "crashes", "full disk", "damage", "memory", "short", "huge", "3"],
)
async def test_every_bad_end_of_ffmpeg_means_one_thing(media: Media, tmp_path, body, error, says):
    source = await media.sample(silent(attachments=(attached(media.blocks),)))
    real = await media.transcoder()
    bad = await media.transcoder(fake_ffmpeg(tmp_path, body), stall_s=0.5)
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "source").write_bytes(source.read_bytes())
    probe = await real.examine(folder)
    plan = media.plan(probe)
    with pytest.raises(error, match=says):
        await bad.encode(plan, folder, lambda *_: None)


async def test_the_deadline_holds_what_takes_for_ever(media: Media, tmp_path):
    source = await media.sample(silent(attachments=(attached(media.blocks),)))
    body = "while :; do echo frame=$((n+=1)); echo progress=continue; sleep 0.1; done"
    settings = fake_ffmpeg(tmp_path, body)
    bad = await media.transcoder(
        FfmpegSettings(path=settings.path, deadline_floor_s=1.0, deadline_factor=0.0)
    )
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "source").write_bytes(source.read_bytes())
    plan = media.plan(await (await media.transcoder()).examine(folder))
    with pytest.raises(Held, match="takes longer than its limit"):
        await bad.encode(plan, folder, lambda *_: None)


async def test_a_cancelled_encode_leaves_no_process_behind(media: Media, tmp_path):
    source = await media.sample(silent(attachments=(attached(media.blocks),)))
    marker = tmp_path / "pid"
    bad = await media.transcoder(
        fake_ffmpeg(tmp_path, f"echo $$ > {marker}; exec sleep 600"), stall_s=60
    )
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "source").write_bytes(source.read_bytes())
    plan = media.plan(await (await media.transcoder()).examine(folder))
    running = asyncio.create_task(bad.encode(plan, folder, lambda *_: None))
    while not marker.exists() or not marker.read_text().strip():
        await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


async def test_a_script_made_to_eat_memory_is_stopped_and_the_host_lives(media: Media, tmp_path):
    blurred = r"{\an7\pos(0,0)\blur80\bord60\p1}m 0 0 l 4000 0 4000 4000 0 4000"
    source = await media.sample(
        silent(
            *(Line(0.0, 1.0, blurred) for _ in range(60)),
            seconds=1.0,
            width=640,
            height=360,
        )
    )
    transcoder = await media.transcoder(
        FfmpegSettings(memory_mb=512, deadline_floor_s=30, deadline_factor=0)
    )
    with pytest.raises((ToolFailed, Held)):
        await media.encode(source, tmp_path / "job", transcoder=transcoder)
