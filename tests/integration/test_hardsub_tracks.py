"""Sound and subtitle tracks of hardsubs, made for real."""

import pytest

from izumi.domain.errors import Held
from izumi.domain.profile import Profile
from izumi.media.probe import ChildProber
from izumi.media.settings import FfmpegSettings
from tests.support.media import (
    FAST,
    Audio,
    Line,
    Media,
    Subtitles,
    attached,
    clip,
    contracts,
    script,
    silent,
    white,
)

OPUS = ("-c:a", "libopus", "-b:a", "64k")


async def sound_of(path):
    (track,) = (await ChildProber(FfmpegSettings()).probe(path, walk=True)).audio
    assert track.packets is not None
    return track


def packets(media: Media, path, stream: str) -> bytes:
    hashes = path.with_suffix(".hash")
    media.run("-i", path, "-map", stream, "-c", "copy", "-f", "framemd5", hashes)
    return b"\n".join(
        line.split(b",")[5] for line in hashes.read_bytes().splitlines() if line[:1] != b"#"
    )


async def test_stereo_aac_is_taken_as_it_is(media: Media, tmp_path):
    source = await media.sample(clip(attachments=(attached(media.blocks),)))
    made = await media.encode(source, tmp_path / "job")
    assert made.recipe["audio"]["copied"] is True
    assert packets(media, made.output, "0:a:0") == packets(media, source, "0:a:0")


async def test_surround_opus_becomes_stereo_aac_of_the_same_length(media: Media, tmp_path):
    source = await media.sample(
        clip(
            audio=(Audio(codec=OPUS, channels=6),),
            attachments=(attached(media.blocks),),
        )
    )
    made = await media.encode(source, tmp_path / "job")
    track = await sound_of(made.output)
    assert (track.codec, track.profile, track.channels) == ("aac", "LC", 2)
    assert track.language == "jpn"
    assert track.packets.end_s == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("codec", [("-c:a", "aac"), OPUS], ids=["copied", "encoded"])
async def test_sound_that_begins_late_begins_late(media: Media, tmp_path, codec):
    plain = await media.sample(
        clip(audio=(Audio(codec=codec),), attachments=(attached(media.blocks),))
    )
    source = tmp_path / "late.mkv"
    media.run(
        *("-i", plain, "-itsoffset", "1", "-i", plain, "-map", "0:v", "-map", "1:a"),
        *("-map", "0:s", "-map", "0:t", "-c", "copy", "-t", "3", source),
    )
    made = await media.encode(source, tmp_path / "job")
    assert made.recipe["audio"]["copied"] is (codec is not OPUS)
    loud = [loudness(media, made.output, at) > 0.01 for at in (0.3, 1.5, 2.5)]
    assert loud == [False, True, True]


async def test_surround_is_kept_as_the_second_track_where_it_is_wanted(media: Media, tmp_path):
    source = await media.sample(
        clip(audio=(Audio(codec=OPUS, channels=6),), attachments=(attached(media.blocks),))
    )
    profile = Profile(preset="ultrafast", surround=True)
    made = await media.encode(source, tmp_path / "job", profile=profile)
    sound = (await ChildProber(FfmpegSettings()).probe(made.output, walk=True)).audio
    assert [(track.codec, track.profile, track.channels) for track in sound] == [
        ("aac", "LC", 2), ("aac", "LC", 6),
    ]  # fmt: skip
    assert ["default" in track.dispositions for track in sound] == [True, False]
    assert made.recipe["surround"]["track"] == 1


async def test_a_gap_in_the_sound_becomes_silence_and_what_follows_stays_in_time(
    media: Media, tmp_path
):
    plain = await media.sample(
        clip(audio=(Audio(codec=OPUS),), attachments=(attached(media.blocks),))
    )
    source = tmp_path / "gap.mkv"
    media.run(
        *("-i", plain, "-map", "0", "-c", "copy", "-c:a", "flac"),
        *("-af", "aselect=lt(t\\,1)+gt(t\\,2)", source),
    )
    made = await media.encode(source, tmp_path / "job")
    assert made.recipe["audio"]["copied"] is False
    loud = [loudness(media, made.output, at) > 0.01 for at in (0.5, 1.5, 2.5)]
    assert loud == [True, False, True]
    # Not a hole in the times, which players bridge each in their own way.
    track = await sound_of(made.output)
    assert track.packets.count * 1024 / 48000 == pytest.approx(3.0, abs=0.1)


def loudness(media: Media, path, at_s: float) -> float:
    raw = path.with_suffix(".pcm")
    media.run("-ss", f"{at_s}", "-t", "0.2", "-i", path, "-ac", "1", "-f", "s16le", raw)
    samples = memoryview(raw.read_bytes()).cast("h")
    return max((abs(sample) for sample in samples), default=0) / 32768


async def test_the_original_language_is_heard_and_the_speech_is_read(media: Media, tmp_path):
    full = [Line(0.2, 0.8, "First"), Line(0.9, 1.6, "Second"), Line(1.7, 2.8, "Third")]
    signs = [Line(0.2, 0.5, r"{\pos(160,20)}Sign", "Sign")]
    tracks = [
        Subtitles(script=script(lines, width=320, height=180, font="Izumi Blocks"), title=title)
        for lines, title in ((signs, ""), ([*full, *signs], ""))
    ]
    source = await media.sample(
        clip(
            audio=(Audio(language="eng", pitch_hz=220), Audio(pitch_hz=880, default=False)),
            subtitles=tuple(tracks),
            attachments=(attached(media.blocks),),
        )
    )
    made = await media.encode(source, tmp_path / "job")
    assert [track.index for track in made.plan.subtitles] == [4]
    assert packets(media, made.output, "0:a:0") == packets(media, source, "0:a:1")
    assert media.frame(made.output, 1.3).count(white) > 50


@pytest.mark.parametrize("titles", [("Dialogue only", "Signs & Songs"), ("", "")])
async def test_dialogue_without_signs_and_the_signs_are_burnt_in_one_go(
    media: Media, tmp_path, titles
):
    speech = [Line(0.2, 1.2, "First"), Line(1.5, 2.8, "Second")]
    signs = [Line(0.3, 2.7, r"{\an8\pos(160,10)}Sign", "Sign")]
    tracks = [
        Subtitles(script=script(lines, width=320, height=180, font="Izumi Blocks"), title=title)
        for lines, title in zip((speech, signs), titles, strict=True)
    ]
    source = await media.sample(
        silent(subtitles=tuple(tracks), attachments=(attached(media.blocks),))
    )
    made = await media.encode(source, tmp_path / "job")
    box = media.frame(made.output, 0.7).box(white)
    assert box[1] < 40, "the sign is at the top"
    assert box[3] > 140, "and the speech at the bottom"
    assert {moment["track"] for moment in made.recipe["seen"]} == {1, 2}


@pytest.mark.parametrize(
    ("codec", "suffix"), [("srt", ".mkv"), ("webvtt", ".mkv"), ("mov_text", ".mp4")]
)
async def test_plain_text_gets_the_house_style_at_the_size_of_the_picture(
    media: Media, tmp_path, codec, suffix
):
    text = "1\n00:00:00,500 --> 00:00:02,500\nHello <i>there</i>\n"
    source = await media.sample(
        silent(
            height=360,
            width=640,
            subtitles=(Subtitles(script=text, codec=codec),),
            attachments=(),
        ),
        suffix,
    )
    made = await media.encode(source, tmp_path / "job")
    left, top, right, bottom = media.frame(made.output, 1.5).box(white)
    assert 12 < bottom - top < 40, "one line, of a readable size"
    assert top > 300
    assert abs((left + right) / 2 - 320) < 6


async def test_lines_with_one_and_the_same_read_order_are_all_shown(media: Media, tmp_path):
    source = await media.sample(
        silent(Line(0.5, 1.0, "One"), Line(2.0, 2.5, "Two"), attachments=(attached(media.blocks),))
    )
    spoilt = tmp_path / "same_order.mkv"
    data = source.read_bytes()
    assert data.count(b"1,0,Default") == 1
    spoilt.write_bytes(data.replace(b"1,0,Default", b"0,0,Default"))
    made = await media.encode(spoilt, tmp_path / "job")
    assert made.plan.subtitles[0].events == 2
    shown = [media.frame(made.output, at).count(white) > 50 for at in (0.75, 1.5, 2.25)]
    assert shown == [True, False, True]


async def test_lines_that_lost_their_length_are_held_not_dropped(media: Media, tmp_path):
    lines = (Line(0.2, 0.8, "One"), Line(1.0, 1.5, "Two"), Line(2.0, 2.5, "Three"))
    source = await media.sample(silent(*lines, attachments=(attached(media.blocks),)))
    spoilt = tmp_path / "spoilt.mkv"
    media.run("-i", source, "-map", "0", "-c", "copy", "-bsf:s", "setts=duration=0", spoilt)
    with pytest.raises(Held, match="none of its 3 lines or pictures can be shown"):
        await media.encode(
            spoilt, tmp_path / "job", profile=Profile(no_subtitles="pass", preset="ultrafast")
        )


async def test_a_file_without_subtitles_follows_the_profile(media: Media, tmp_path):
    source = await media.sample(silent(subtitles=(), attachments=()))
    with pytest.raises(Held, match="no subtitles in it"):
        await media.encode(source, tmp_path / "held")
    passing = Profile(preset=FAST.preset, no_subtitles="pass")
    made = await media.encode(source, tmp_path / "job", profile=passing)
    assert made.recipe["subtitles"] == []
    assert media.frame(made.output, 1.5).count(white) == 0


async def test_a_real_script_with_fonts_that_nobody_has_is_drawn_or_held(media: Media, tmp_path):
    folder = contracts() / "subtitles" / "nekomoe"
    text = next(folder.glob("*Bocchi the Rock*.ass")).read_text(encoding="utf-8-sig")
    source = await media.sample(
        silent(width=640, height=360, subtitles=(Subtitles(script=text, language="chi"),))
    )
    profile = Profile(preset="ultrafast", subtitle_languages=("zho",))
    made = await media.encode(source, tmp_path / "job", profile=profile)
    wanted = {entry["wanted"] for entry in made.recipe["substituted_fonts"]}
    assert "DFHannotateW5-A" in wanted
    assert made.recipe["seen"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (Line(0.5, 2.5, r"{\alpha&HFF&}Nobody sees this"), "draws nothing at 1 moments"),
        (Line(9.0, 9.5, "Long after the film"), "no line of track 1 is shown"),
    ],
)
async def test_subtitles_that_nobody_could_see_are_held(media: Media, tmp_path, line, says):
    source = await media.sample(silent(line, attachments=(attached(media.blocks),)))
    with pytest.raises(Held, match=says):
        await media.encode(source, tmp_path / "job")
