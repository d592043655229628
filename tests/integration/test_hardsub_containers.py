"""Sources in other containers than Matroska: every picture, the sound, and lines at their times."""

import pytest

from izumi.media.settings import FfmpegSettings
from tests.support.media import Audio, Line, Media, clip, script, white

TEXT = script([Line(0.5, 1.0, "One"), Line(2.0, 2.5, "Two")], width=320, height=180, font="none")
BESIDE = {".en.ass": TEXT.encode()}
FILM = (
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-crf",
    "22",
    "-keyint_min",
    "1000",
    "-g",
    "1000",
)
TIMES_S = (0.2, 0.75, 1.5, 2.25, 2.8)
SHOWN = [False, True, False, True, False]


@pytest.mark.parametrize(
    ("suffix", "argv"),
    [
        (".ts", ()),
        (".m2ts", ("-mpegts_m2ts_mode", "1")),
        (".avi", ("-c:v", "mpeg4", "-q:v", "3")),
        (".mov", ()),
        (".mp4", ("-output_ts_offset", "5")),
    ],
)
async def test_lines_beside_it_are_drawn_at_their_times(media: Media, tmp_path, suffix, argv):
    # One key frame in all: a seek finds no other one.
    film = await media.sample(clip(subtitles=(), video=FILM))
    source = tmp_path / f"source{suffix}"
    media.run(
        "-i", film, "-map", "0:v", "-map", "0:a", "-c:v", "copy", "-c:a", "copy", *argv, source
    )
    made = await media.encode(source, tmp_path / "job", beside=BESIDE)
    assert [media.frame(made.output, at).count(white) > 15 for at in TIMES_S] == SHOWN
    assert [moment["at_s"] for moment in made.recipe["seen"]] == pytest.approx(
        [0.75, 2.25], abs=0.1
    )


async def test_a_preview_of_a_transport_stream_is_of_its_moment(media: Media, tmp_path):
    film = await media.sample(clip(subtitles=()))
    source = tmp_path / "source.ts"
    media.run("-i", film, "-map", "0:v", "-map", "0:a", "-c", "copy", source)
    made = await media.encode(source, tmp_path / "job", beside=BESIDE)
    transcoder = await media.transcoder(FfmpegSettings())
    for at_s, shown in zip(TIMES_S, SHOWN, strict=True):
        picture = await transcoder.preview(made.plan, made.folder, at_s)
        assert (media.frame(picture, 0).count(white) > 15) == shown


async def test_pictures_that_an_edit_list_leaves_out_are_not_expected(media: Media, tmp_path):
    film = await media.sample(clip(subtitles=()))
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    media.run("-i", film, "-map", "0:v", "-map", "0:a", "-c", "copy", whole)
    media.run("-ss", "1.3", "-i", whole, "-map", "0", "-c", "copy", cut)
    text = script([Line(0.7, 1.2, "Two")], width=320, height=180, font="none")
    made = await media.encode(cut, tmp_path / "job", beside={".ass": text.encode()})
    count = made.plan.expected.frames_min
    assert count == made.plan.expected.frames_max
    assert 38 <= count <= 42, "1.7 seconds of 24 pictures"
    assert [media.frame(made.output, at).count(white) > 15 for at in (0.3, 0.95, 1.4)] == [
        False,
        True,
        False,
    ]


async def test_sound_beside_pictures_of_a_varying_rate_keeps_its_own_times(media: Media, tmp_path):
    film = await media.sample(
        clip(subtitles=(), audio=(Audio(codec=("-c:a", "libmp3lame", "-b:a", "96k")),))
    )
    source = tmp_path / "source.avi"
    # One picture is missing, and the clock of AVI's sound is as coarse as its packets.
    media.run(
        *("-i", film, "-map", "0:v", "-map", "0:a", "-c:a", "copy", "-c:v", "mpeg4", "-q:v", "3"),
        *("-vf", "select=not(eq(n\\,30))", "-fps_mode", "passthrough", source),
    )
    made = await media.encode(source, tmp_path / "job", beside=BESIDE)
    assert made.recipe["variable_rate"] is True
    (sound,) = (await media.probe(made.output)).audio
    assert sound.packets is not None
    assert sound.packets.end_s == pytest.approx(3.0, abs=0.1)
