"""Acquisition with the real prober and the real bus, on files that real ffmpeg made."""

import asyncio
import os
import subprocess

import pytest

from izumi.media.probe import ChildProber
from izumi.media.settings import FfmpegSettings
from tests.support.acquiring import Place, in_states, until
from tests.support.bus import provisioned
from tests.support.media import clip


@pytest.fixture
async def place(tmp_path, nats_server):
    async with provisioned(nats_server) as bus:
        place = Place(tmp_path, bus=bus)
        place.prober = ChildProber(FfmpegSettings()).prove_whole
        yield place


@pytest.fixture
async def episode(media):
    return (await media.sample(clip())).read_bytes()


async def test_real_episodes_are_taken_and_damaged_ones_are_not(place, episode, media, tmp_path):
    mp4, live = tmp_path / "a.mp4", tmp_path / "live.mkv"
    source = tmp_path / "source.mkv"
    source.write_bytes(episode)
    for target, options in ((mp4, ["-sn"]), (live, ["-live", "1"])):
        command = [media.ffmpeg, "-v", "error", "-i", source, "-map", "0", "-map", "-0:t?"]
        command += ["-c", "copy", *options, target]
        await asyncio.to_thread(subprocess.run, command, check=True)
    middle = len(episode) // 2
    place.put("Show/whole.mkv", episode)
    place.put("Show/other.mp4", mp4.read_bytes())
    place.put("Show/live.mkv", live.read_bytes())
    place.put("Show/cut.mkv", episode[: len(episode) * 9 // 10])
    place.put("Show/cut2.mp4", mp4.read_bytes()[:-1000])
    # The size is right, the end is right, and a piece in the middle never came.
    place.put(
        "Show/zeros.mkv", episode[: middle - 40_000] + bytes(80_000) + episode[middle + 40_000 :]
    )
    place.put("Show/text.mkv", b"Matroska? " * 5000)
    async with place.running() as ledger:
        await until(in_states(ledger, whole="done", other="done", live="done"))
        bad = {"cut", "cut2", "zeros", "text"}
        await until(lambda: _judged(ledger, bad))
    assert {fact.release for fact in await place.facts()} == {
        "whole.mkv",
        "other.mp4",
        "live.mkv",
    }


async def _judged(ledger, stems):
    items = [item for item in await ledger.list() if item.state == "settling"]
    judged = {item.name.rpartition("/")[2].partition(".")[0] for item in items if item.judged}
    return judged == stems


@pytest.mark.parametrize("how", ["sparse", "allocated"])
async def test_a_torrent_client_that_writes_pieces_in_any_order_is_waited_for(place, episode, how):
    path = place.root / "a.mkv"
    pieces = [(at, episode[at : at + 16_384]) for at in range(0, len(episode), 16_384)]
    async with place.running() as ledger:
        with path.open("w+b") as file:
            file.truncate(len(episode))
            if how == "allocated":
                os.posix_fallocate(file.fileno(), 0, len(episode))
            for at, piece in pieces[::-2] + pieces[-2::-2]:
                file.seek(at)
                file.write(piece)
                file.flush()
                assert await place.facts() == []
        await until(in_states(ledger, a="done"))
    assert place.stored()["Airing/a/a.mkv"] == episode


_NOISE = ("-f", "lavfi", "-i", "nullsrc=s=320x180:r=10:d=1,geq=random(1)*255:128:128")
_BLACK = ("-f", "lavfi", "-i", "color=black:s=320x180:r=10:d=1")
_SILENCE = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo:d=1")


async def _made(media, path, *options):
    command = [media.ffmpeg, "-v", "error", *options, path]
    await asyncio.to_thread(subprocess.run, command, check=True)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
async def test_a_piece_that_was_not_written_yet_is_seen_inside_one_picture(media, tmp_path, suffix):
    # Nothing of the container lies in the gap, and its size is right.
    path = tmp_path / f"a{suffix}"
    options = (*_NOISE, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "5")
    whole = await _made(media, path, *options)
    prove_whole = ChildProber(FfmpegSettings()).prove_whole
    assert await prove_whole(path) is None
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(4096) + whole[middle + 4096 :])
    assert "a gap of zeros" in (await prove_whole(path) or "")


@pytest.mark.parametrize(
    "codecs",
    [
        ("libx264", "pcm_s16le"),
        ("libx264", "ac3"),
        ("mpeg2video", "mp2"),
        ("rawvideo", "flac"),
        ("mjpeg", "aac"),
    ],
)
async def test_a_dark_and_silent_film_has_no_gap(media, tmp_path, codecs):
    path = tmp_path / "a.mkv"
    video, audio = codecs
    bitrate = ("-b:v", "4M", "-minrate", "4M", "-maxrate", "4M", "-bufsize", "1M")
    steady = bitrate if video == "mpeg2video" else ()
    await _made(media, path, *_BLACK, *_SILENCE, "-c:v", video, *steady, "-c:a", audio)
    assert await ChildProber(FfmpegSettings()).prove_whole(path) is None
