"""Subtitle files beside a video, drawn like those inside."""

import pytest

from izumi.domain.errors import Held
from izumi.domain.profile import Profile
from tests.support.media import (
    BLOCKS,
    Line,
    Media,
    Subtitles,
    attached,
    clip,
    likeness,
    script,
    silent,
    white,
)

PLAIN = (
    "1\n00:00:00,500 --> 00:00:01,000\nOne\n\n2\n00:00:02,000 --> 00:00:02,500\nTwo <i>too</i>\n"
)
WEB = "WEBVTT\n\n" + PLAIN.replace(",", ".")
TIMES_S = (0.2, 0.75, 1.5, 2.25, 2.8)
SHOWN = [False, True, False, True, False]


OLD_FIELDS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, TertiaryColour, BackColour, Bold,"
    " Italic, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, AlphaLevel,"
    " Encoding"
)


def styled(*lines: Line) -> str:
    shown = lines or (Line(0.5, 1.0, "One"), Line(2.0, 2.5, "Two"))
    return script(shown, width=320, height=180, font=BLOCKS)


def old(text: str) -> str:
    """The same as SubStation Alpha 4 wrote it."""
    style = f"Style: Default,{BLOCKS},26,16777215,65535,0,0,0,0,1,2,1,2,20,20,18,0,1"
    events = [line for line in text.splitlines() if line.startswith("Dialogue")]
    return "\n".join(
        [
            "[Script Info]", "ScriptType: v4.00", "PlayResX: 320", "PlayResY: 180", "",
            "[V4 Styles]",
            f"Format: {OLD_FIELDS}",
            style, "", "[Events]",
            "Format: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
            *(line.replace("Dialogue: 0", "Dialogue: Marked=0") for line in events), "",
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".en.ass", styled().encode()),
        (".ssa", old(styled()).encode()),
        (".eng.srt", PLAIN.encode("utf-16")),
        (".vtt", WEB.encode()),
    ],
    ids=["ass", "ssa", "srt", "vtt"],
)
async def test_lines_beside_the_video_are_drawn_at_their_times(
    media: Media, tmp_path, name, content
):
    source = await media.sample(silent(subtitles=(), attachments=(attached(media.blocks),)))
    made = await media.encode(source, tmp_path / "job", beside={name: content})
    kept = next(path for path in made.folder.iterdir() if path.stem == "beside_0")
    assert kept.read_bytes() == content, "it may be a link to the file itself"
    (track,) = made.plan.subtitles
    assert (track.beside, track.events) == (f"video{name}", 2)
    assert "beside the video" in made.recipe["subtitles"][0]["what"]
    shown = [media.frame(made.output, at).count(white) > 15 for at in TIMES_S]
    assert shown == SHOWN


async def test_a_script_beside_the_video_looks_as_libass_draws_it(media: Media, tmp_path):
    text = styled(Line(0.5, 2.5, r"{\an5\fs40\frz20}Signs"))
    source = await media.sample(
        silent(
            subtitles=(),
            attachments=(attached(media.blocks),),
            filters="lutyuv=y=16,format=yuv420p",
        )
    )
    made = await media.encode(
        source, tmp_path / "job", beside={".en.ass": text.encode("utf-16")}, profile=Profile(crf=8)
    )
    golden = media.golden(text, 1.5, width=320, height=180)
    assert likeness(media.frame(made.output, 1.5), golden) > 0.95


async def test_times_beside_a_film_that_starts_late_count_from_its_beginning(
    media: Media, tmp_path
):
    early = await media.sample(clip(subtitles=(), attachments=(attached(media.blocks),)))
    late = tmp_path / "late.mkv"
    media.run("-copyts", "-i", early, "-map", "0", "-c", "copy", "-output_ts_offset", "5", late)
    made = await media.encode(late, tmp_path / "job", beside={".ass": styled().encode()})
    assert made.probe.start_s == pytest.approx(5, abs=0.05)
    shown = [media.frame(made.output, at).count(white) > 15 for at in TIMES_S]
    assert shown == SHOWN


async def test_japanese_in_an_old_encoding_is_read_as_what_it_is(media: Media, tmp_path):
    text = PLAIN.replace("One", "月の泉は今夜も満ちている").replace("Two", "静かに聴いて")
    source = await media.sample(silent(subtitles=(), attachments=()))
    made = await media.encode(
        source,
        tmp_path / "job",
        beside={".ja.srt": text.encode("cp932")},
        profile=Profile(preset="ultrafast", crf=16, subtitle_languages=("jpn",)),
    )
    (track,) = made.plan.subtitles
    assert "泉" in track.fonts[0].characters
    assert made.recipe["han"] == "JP"
    assert media.frame(made.output, 0.75).count(white) > 100


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (".srt", PLAIN.replace("One", "月の泉").encode("cp932"), "its encoding may be any of"),
        (".ass", b"PK\x03\x04\0\0\0junk", "it is no text"),
        (".srt", b"nothing that has a time\n", "no line of it can be read|it cannot be read"),
        (".en.ass", b"", "no line of it can be read"),
    ],
)
async def test_what_cannot_be_read_beside_a_video_is_held_not_passed_over(
    media: Media, tmp_path, name, content, says
):
    source = await media.sample(silent(Line(0.5, 2.5, "Inside")))
    with pytest.raises(Held, match=says) as held:
        await media.encode(source, tmp_path / "job", beside={name: content})
    assert f"video{name}" in str(held.value)


async def test_a_file_in_a_language_that_is_not_wanted_changes_nothing(media: Media, tmp_path):
    source = await media.sample(silent(attachments=(attached(media.blocks),)))
    made = await media.encode(source, tmp_path / "job", beside={".de.ass": b"\xff\xff"})
    assert [track.beside for track in made.plan.subtitles] == [""]


async def test_the_same_lines_inside_and_beside_are_no_question_and_others_are_one(
    media: Media, tmp_path
):
    lines = (Line(0.5, 1.0, "One"), Line(2.0, 2.5, "Two"))
    inside = Subtitles(script=styled(*lines))
    source = await media.sample(silent(subtitles=(inside,), attachments=(attached(media.blocks),)))
    same = await media.encode(source, tmp_path / "same", beside={".en.ass": styled().encode()})
    assert [track.index for track in same.plan.subtitles] == [1]
    other = styled(Line(0.5, 1.0, "Otherwise"), Line(2.0, 2.5, "Anders"))
    with pytest.raises(Held, match="several subtitle tracks would do as well"):
        await media.encode(source, tmp_path / "other", beside={".en.ass": other.encode()})


async def test_kinds_that_are_not_read_are_named_and_never_taken_for_no_subtitles(
    media: Media, tmp_path
):
    pair = {".en.idx": b"# VobSub index file, v7", ".en.sub": b"\0\0\1\xba"}
    raw = await media.sample(silent(subtitles=(), attachments=()))
    passing = Profile(preset="ultrafast", no_subtitles="pass")
    with pytest.raises(Held, match=r"video\.en\.idx cannot be read: files of that kind"):
        await media.encode(raw, tmp_path / "raw", beside=pair, profile=passing)
    full = await media.sample(silent(attachments=(attached(media.blocks),)))
    made = await media.encode(full, tmp_path / "full", beside=pair)
    assert [track.beside for track in made.plan.subtitles] == [""]
    assert any("not video.en.idx: files of that kind" in why for why in made.plan.why)
