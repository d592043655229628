"""Media made to exhaust a host or to reach out of it: ended by limits, and nothing touched."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from izumi.domain.encode_plan import OUTPUT, SOURCE
from izumi.domain.errors import Held, ToolFailed
from izumi.media.samples import Attached
from izumi.media.settings import FfmpegSettings
from izumi.media.transcoder import FfmpegTranscoder
from tests.support.media import FAST, Line, Media, attached, clip, ignore, silent

MOST_BYTES = 2 << 30


class Watch:
    """The most memory that children of this process had together."""

    def __init__(self) -> None:
        self.most_bytes = 0

    async def look(self) -> None:
        while True:
            self.most_bytes = max(self.most_bytes, sum(map(_resident, _below(os.getpid()))))
            await asyncio.sleep(0.05)


def _below(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _below(int(child))


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        pages = Path(f"/proc/{pid}/statm").read_text().split()
        return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


@contextlib.asynccontextmanager
async def small_memory(most_bytes: int = MOST_BYTES) -> AsyncIterator[None]:
    """Fails where what runs inside takes more than a host can give."""
    watch = Watch()
    looking = asyncio.create_task(watch.look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    assert 0 < watch.most_bytes < most_bytes


async def limited(media: Media, limit_s: float) -> FfmpegTranscoder:
    transcoder = await media.transcoder()
    transcoder._ffmpeg._limit_s = limit_s
    return transcoder


def others(folder: Path) -> set[Path]:
    """Everything beside a job's folder."""
    return {path for path in folder.parent.iterdir() if path != folder}


async def test_a_picture_of_gigantic_size_is_held_before_it_is_decoded(media: Media, tmp_path):
    bomb = tmp_path / SOURCE
    media.run(
        *("-f", "lavfi", "-i", "color=s=8192x8192:r=1:d=1", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-f", "matroska", bomb),
    )
    assert bomb.stat().st_size < 1_000_000
    transcoder = await media.transcoder()
    async with small_memory():
        with pytest.raises(Held, match="8192x8192 is larger than max_pixels"):
            await transcoder.examine(tmp_path)


async def test_a_picture_that_grows_in_the_middle_is_not_encoded(media: Media, tmp_path):
    parts = []
    for number, size in enumerate(("320x180", "4608x2592")):
        parts.append(tmp_path / f"{number}.ts")
        media.run(
            *("-f", "lavfi", "-i", f"color=s={size}:r=5:d=2", "-c:v", "libx264"),
            *("-preset", "ultrafast", "-output_ts_offset", f"{2 * number}", parts[-1]),
        )
    bomb = tmp_path / "bomb.ts"
    bomb.write_bytes(b"".join(part.read_bytes() for part in parts))
    async with small_memory():
        profile = msgspec.structs.replace(FAST, no_subtitles="pass")
        with pytest.raises((Held, ToolFailed)):
            await media.encode(bomb, tmp_path / "job", profile=profile)


async def test_a_cover_of_gigantic_size_is_never_decoded(media: Media, tmp_path):
    cover = tmp_path / "cover.png"
    media.run("-f", "lavfi", "-i", "color=s=4000x4000", "-frames:v", "1", cover)
    assert cover.stat().st_size < 5_000_000
    plain = await media.sample(silent(seconds=1.5, attachments=(attached(media.blocks),)))
    bomb = tmp_path / "bomb.mkv"
    media.run(
        *("-i", plain, "-map", "0", "-c", "copy", "-attach", cover),
        *("-metadata:s:t:1", "mimetype=image/png", "-metadata:s:t:1", "filename=cover.png", bomb),
    )
    async with small_memory():
        made = await media.encode(bomb, tmp_path / "job")
    assert made.plan.expected.width == 320


def glow(number: int, text: str) -> str:
    """A line of huge letters like no other line's, blurred as far as libass does."""
    place = f"{17 * number % 1920},{29 * number % 1080}"
    return rf"{{\blur80\bord50\fs300\frz{number}\pos({place})}}{text}"


async def test_subtitles_that_take_too_much_memory_to_draw_are_held_before_the_encode(
    media: Media, tmp_path
):
    lines = [Line(0.9, 1.4, glow(n, "MMMMMMMM")) for n in range(100)]
    bomb = await media.sample(
        silent(
            *(Line(0.1, 0.8, "Hello"), *lines),
            seconds=1.5,
            width=1280,
            height=720,
            attachments=(attached(media.blocks),),
        )
    )
    async with small_memory():
        transcoder = await media.transcoder(FfmpegSettings(memory_mb=640))
        with pytest.raises(Held, match="320 MB of memory are not enough to draw") as raised:
            await media.encode(bomb, tmp_path / "job", transcoder=transcoder)
    assert raised.value.facts["moments"] == "1.15 s"
    assert not (tmp_path / "job" / OUTPUT).exists()


async def test_subtitles_that_no_encode_would_finish_are_held_before_it(media: Media, tmp_path):
    lines = [Line(0.1, 1.4, glow(n, "MM")) for n in range(40)]
    bomb = await media.sample(
        silent(*lines, seconds=1.5, width=1280, height=720, attachments=(attached(media.blocks),))
    )
    async with small_memory():
        with pytest.raises(Held, match="raise limit_h if that is right") as raised:
            await media.encode(bomb, tmp_path / "job", transcoder=await limited(media, 0.5))
    assert "one picture" in raised.value.facts
    assert not (tmp_path / "job" / OUTPUT).exists()


async def test_hundreds_of_attachments_with_climbing_names_stay_in_the_jobs_folder(
    media: Media, tmp_path
):
    outside = tmp_path / "outside.ttf"
    names = ["../outside.ttf", str(outside), "/etc/izumi-evil", "a/../../x", "..", "x" * 300]
    many = tuple(
        Attached(path=media.blocks, name=names[n % len(names)], mime_type="font/ttf")
        for n in range(300)
    )
    bomb = await media.sample(silent(seconds=1.5, attachments=many))
    folder = tmp_path / "jobs" / "job"
    async with small_memory():
        made = await media.encode(bomb, folder)
    assert others(folder) == set()
    assert not outside.exists()
    fonts = sorted(path.name for path in (folder / "fonts").iterdir())
    assert all(name.replace(".", "").replace("_", "").isalnum() for name in fonts)
    assert len(made.probe.attachments) == 300


async def test_hundreds_of_streams_are_read_and_one_of_each_kind_is_taken(media: Media, tmp_path):
    plain = await media.sample(clip(seconds=1.5, attachments=(attached(media.blocks),)))
    bomb = tmp_path / "bomb.mkv"
    copies = [word for _ in range(100) for word in ("-map", "0:a")]
    text = [word for _ in range(100) for word in ("-map", "0:s")]
    media.run("-i", plain, "-map", "0:v", *copies, *text, "-map", "0:t", "-c", "copy", bomb)
    async with small_memory():
        try:
            made = await media.encode(bomb, tmp_path / "job")
        except Held:
            return  # a hundred equal tracks may be a question for a person
    assert len(made.plan.sound) == 1
    assert len(made.plan.subtitles) == 1


class Canary:
    """Counts who connects."""

    def __init__(self) -> None:
        self.hits = 0

    async def met(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        writer.close()


HOSTILE = {
    "concat": "ffconcat version 1.0\nfile 'http://{host}/a.mkv'\nfile '{secret}'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://{host}/a.ts\n#EXT-X-ENDLIST\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' width="64" height="64"><image width="64" height="64" xlink:href="http://{host}/a.png"/></svg>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<BaseURL>http://{host}/</BaseURL></MPD>",
    "playlist": "[playlist]\nFile1=http://{host}/a.mkv\nNumberOfEntries=1\n",
    "smil": '<smil><body><video src="http://{host}/a.mkv"/></body></smil>',
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_what_names_other_files_or_hosts_is_held_and_nobody_is_asked(
    media: Media, tmp_path, kind
):
    canary = Canary()
    server = await asyncio.start_server(canary.met, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    secret = tmp_path / "secret.mkv"
    secret.write_bytes(b"secret")
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / SOURCE).write_text(HOSTILE[kind].format(host=host, secret=secret))
    transcoder = await media.transcoder()
    with pytest.raises(Held, match="no media"):
        await transcoder.examine(folder)
    # The encoder itself would not open it either.
    ran = await _forced(media, transcoder, folder)
    assert ran.returncode != 0
    assert canary.hits == 0
    assert not (folder / OUTPUT).exists() or not (folder / OUTPUT).stat().st_size
    server.close()


async def _forced(
    media: Media, transcoder: FfmpegTranscoder, folder: Path
) -> subprocess.CompletedProcess[bytes]:
    """The command of an encode, on a source that never had a plan."""
    plain = folder.parent / "plain"
    plain.mkdir()
    sample = await media.sample(silent(seconds=1.5, attachments=(attached(media.blocks),)))
    (plain / SOURCE).write_bytes(sample.read_bytes())
    plan = media.plan(await transcoder.examine(plain), FAST)
    argv: list[str | Path] = [media.ffmpeg, *transcoder.argv(plan)]
    return await asyncio.to_thread(
        lambda: subprocess.run(argv, cwd=folder, capture_output=True, check=False, timeout=60)
    )


async def test_a_child_reaches_no_host_where_the_kernel_lets_us(media: Media, tmp_path):
    canary = Canary()
    server = await asyncio.start_server(canary.met, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transcoder = await media.transcoder()
    argv = ["-v", "error", "-i", f"http://127.0.0.1:{port}/a.mkv", "-f", "null", "-"]
    with pytest.raises((Held, ToolFailed)):
        await transcoder._ffmpeg.run(argv, tmp_path)
    server.close()
    if canary.hits:
        pytest.skip("this kernel gives no network namespace to a plain user")


async def test_memory_of_a_run_is_bounded_by_the_configuration(media: Media, tmp_path):
    source = await media.sample(
        silent(width=1280, height=720, attachments=(attached(media.blocks),))
    )
    transcoder = await media.transcoder(FfmpegSettings(memory_mb=512))
    slow = msgspec.structs.replace(FAST, preset="veryslow")
    (tmp_path / SOURCE).write_bytes(source.read_bytes())
    plan = media.plan(await transcoder.examine(tmp_path), slow)
    async with small_memory(600 << 20):
        with contextlib.suppress(ToolFailed, Held):
            await transcoder.encode(plan, tmp_path, ignore)
