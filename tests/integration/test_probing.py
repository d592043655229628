"""The prober's program, run in this process: what it finds, and what it writes."""

import json
from pathlib import Path

import pytest

from izumi.domain.errors import ToolFailed
from izumi.domain.probe import Probe
from izumi.media import probing
from izumi.media.formats import UNREADABLE
from izumi.media.probe import ChildProber
from izumi.media.settings import FfmpegSettings
from tests.support.media import (
    BLOCKS,
    Audio,
    Line,
    Media,
    Subtitles,
    attached,
    clip,
    contracts,
    script,
    silent,
)


@pytest.fixture
async def episode(media: Media):
    return await media.sample(
        clip(
            Line(0.5, 1.5, "Hello"),
            audio=(Audio(title="Stereo"), Audio(language="eng", default=False)),
            attachments=(
                attached(media.blocks, "../a.ttf"),
                attached(Path(__file__), "README.md"),
            ),
        )
    )


def probe(path, folder=None, *, walk=True, max_pixels=10_000_000) -> Probe:
    return probing.probe(path, walk=walk, folder=folder, max_pixels=max_pixels)


async def test_every_fact_of_an_episode_is_found(episode, tmp_path):
    found = probe(episode, tmp_path)
    film = found.film
    assert film is not None
    assert (film.width, film.height, film.rate) == (320, 180, (24000, 1001))
    assert (film.codec, film.pixel_format, film.levels, film.rotation) == (
        "h264", "yuv420p", "tv", 0,
    )  # fmt: skip
    assert film.packets is not None
    assert film.packets.count == 72
    assert film.packets.steady
    assert [(track.language, track.title) for track in found.audio] == [
        ("jpn", "Stereo"), ("eng", ""),
    ]  # fmt: skip
    assert ["default" in track.dispositions for track in found.audio] == [True, False]
    (lines,) = found.subtitles
    assert (lines.events, lines.spoken, lines.spoken_s, lines.unread) == (1, 1, 1.0, 0)
    assert lines.moments == (1.0,)
    assert [(use.family, use.characters) for use in lines.fonts] == [(BLOCKS, "Helo")]
    assert [(item.name, item.font, item.file) for item in found.attachments] == [
        ("../a.ttf", "ttf", "font_000.ttf"),
        ("README.md", "", ""),
    ]
    assert found.attachments[0].families == ("Izumi Blocks", "IzumiBlocks")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "font_000.ttf", "track_3.ass",
    ]  # fmt: skip


async def test_without_a_walk_only_headers_are_read_and_nothing_is_written(episode, tmp_path):
    found = probe(episode, tmp_path, walk=False)
    assert found.film is not None
    assert found.film.packets is None
    assert found.subtitles[0].events == 0
    assert not list(tmp_path.glob("*.ass"))


async def test_a_picture_larger_than_allowed_is_not_decoded(media: Media, tmp_path):
    plain = await media.sample(silent())
    turned = tmp_path / "turned.mkv"
    media.run("-display_rotation", "90", "-i", plain, "-map", "0", "-c", "copy", turned)
    seen, unseen = probe(turned).film, probe(turned, max_pixels=100).film
    assert seen is not None
    assert unseen is not None
    assert seen.rotation in {90, 270}
    assert unseen.rotation == 0, "only a decoded frame tells"


async def test_fonts_inside_a_script_are_written_like_attached_ones(media: Media, tmp_path):
    text = script([Line(0.5, 1.5, "Hi")], width=320, height=180, font=BLOCKS)
    text = text.replace("[Events]", "[Fonts]\nfontname: x.ttf\n!!%!!!\n\n[Events]")
    found = probe(await media.sample(silent(subtitles=(Subtitles(script=text),))), tmp_path)
    # `!!%!!!` is 00 01 00 00: the first four bytes of a TrueType font, and no more.
    assert [(item.name, item.size, item.font) for item in found.attachments] == [
        ("inside track 1", 4, "ttf")
    ]


def test_subtitles_that_are_pictures_are_counted():
    found = probe(contracts() / "video" / "subtitleedit_sample_MKV_VobSub_PGS.mkv")
    assert [(track.codec, track.text, track.events) for track in found.subtitles] == [
        ("dvd_subtitle", False, 2),
        ("hdmv_pgs_subtitle", False, 2),
    ]


async def test_a_script_line_that_cannot_be_read_is_counted(media: Media, tmp_path):
    source = await media.sample(silent(Line(0.5, 1.5, "Hello")))
    spoilt = tmp_path / "spoilt.mkv"
    spoilt.write_bytes(
        source.read_bytes().replace(b"0,0,Default,,0,0,0,,", b"xxxxxxxxxxxxxxxxxxxx")
    )
    assert probe(spoilt).subtitles[0].unread == 1


async def test_the_program_prints_json_or_says_why_not(episode, tmp_path, capfdbinary):
    assert probing.main([str(episode), "--walk", "--folder", str(tmp_path)]) == 0
    assert json.loads(capfdbinary.readouterr().out)["container"] == "matroska,webm"
    junk = tmp_path / "junk.mkv"
    junk.write_bytes(b"junk" * 100)
    assert probing.main([str(junk)]) == UNREADABLE
    assert b"Invalid" in capfdbinary.readouterr().err
    assert probing.main([str(tmp_path / "gone.mkv")]) == UNREADABLE


async def test_a_prober_that_takes_too_long_is_a_failed_tool(episode):
    hasty = FfmpegSettings(probe_floor_s=0.001, probe_bytes_per_s=1e12)
    with pytest.raises(ToolFailed, match="the prober met its deadline"):
        await ChildProber(hasty).probe(episode, walk=True)
