"""ffmpeg's log and progress, and the proof of an output: what each word means."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import fontfile, proof, render_log
from izumi.domain.encode_plan import Expected
from izumi.domain.probe import AudioStream, FontUse, Packets, Probe, VideoStream
from izumi.domain.render_log import Selected
from izumi.domain.sound import OutputSound
from izumi.media.progress import ProgressReader, Step
from tests.support.blockfont import block_font

CHOSEN = (
    "[Parsed_ass_0 @ 0x7fd0] [info] fontselect: (No (odd), name, 400, 0) ->"
    " /fonts/Sans, Bold.ttf, 0, Sans-Bold"
)
LOST = (
    "[Parsed_ass_0 @ 0x7fd0] [warning] fontselect: failed to find any fallback with glyph 0xE44"
    " for font: (Sans, 400, 0)"
)


@pytest.mark.parametrize(
    "line",
    [
        "[matroska,webm @ 0x55] [warning] File ended prematurely",
        "[vist#0:0/h264 @ 0x55] [error] Error submitting packet to decoder: Invalid data found",
        "[h264 @ 0x55] [error] error while decoding MB 12 4, bytestream -5",
        "[h264 @ 0x55] [info] concealing 920 DC, 920 AC, 920 MV errors in P frame",
        "[mov,mp4 @ 0x55] [warning] Packet corrupt (stream = 0, dts = 11)",
        "[out#0 @ 0x55] [fatal] anything at all",
    ],
)
def test_lines_that_mean_damage_are_found(line):
    assert render_log.damage([line, line]) == [render_log.message(line)]
    assert "0x55" not in render_log.damage([line])[0]


@pytest.mark.parametrize(
    "line",
    [
        "[h264 @ 0x55] [error] mmco: unref short failure",
        "[libx264 @ 0x55] [info] using SAR=1/1",
        "[warning] deprecated pixel format used",
        "Fontconfig error: Cannot load default config file",
    ],
)
def test_lines_that_sound_files_give_too_are_no_damage(line):
    assert render_log.damage([line]) == []


def test_the_font_that_was_taken_is_read_whatever_its_name():
    assert render_log.selected([CHOSEN, CHOSEN]) == [
        Selected("No (odd), name", "/fonts/Sans, Bold.ttf", "Sans-Bold")
    ]


def test_missing_characters_are_listed_once_and_only_if_shown():
    use = FontUse(family="Sans", characters="\u0e44a")
    assert render_log.missing([use], [LOST, LOST]) == {"Sans": "\u0e44"}
    assert render_log.missing([FontUse(family="Sans", characters="a")], [LOST]) == {}


def test_full_disks_and_memory_limits_are_told_from_damage():
    assert render_log.disk_full(["[out] [error] av_interleaved_write: No space left on device"])
    assert render_log.memory_short(["[fatal] Cannot allocate memory"])
    assert render_log.memory_short(
        ["[out#0/null] [error] pthread_create() failed: Resource temporarily unavailable"]
    )
    assert not render_log.read_error(["[fatal] Cannot allocate memory"])


def test_progress_is_told_only_when_it_got_further():
    reader = ProgressReader()
    lines = "frame=0\nout_time_us=N/A\nspeed=N/A\nprogress=continue".splitlines()
    assert [reader.feed(line) for line in lines] == [None] * 4
    lines = "frame=24\nfps=48.0\nout_time_us=1000000\nspeed=2.0x\nprogress=continue".splitlines()
    assert [reader.feed(line) for line in lines][-1] == Step(1.0, 24, 48.0, 2.0)
    assert [reader.feed(line) for line in lines][-1] is None


@given(st.lists(st.text()))
def test_no_line_breaks_the_readers(lines):
    reader = ProgressReader()
    for line in lines:
        reader.feed(line)
    render_log.damage(lines)
    render_log.selected(lines)
    render_log.without_glyph(lines)


def frame(value: int, text: int | None = None) -> bytes:
    return bytes([value] * 900 + [value if text is None else text] * 100)


def test_text_is_seen_where_the_output_is_nearer_to_the_drawn_frame():
    assert proof.compare(frame(20, 250), frame(20), frame(24, 240)) == proof.Seen(100, burnt=True)


def test_text_is_missed_where_the_output_is_as_bare_as_the_source():
    assert proof.compare(frame(20, 250), frame(20), frame(24)).burnt is False


def test_half_of_the_text_is_not_enough():
    assert proof.compare(frame(20, 250), frame(20), frame(20, 130)).burnt is False


def test_a_frame_without_text_proves_nothing():
    assert proof.compare(frame(20), frame(20), frame(20)).burnt is None


SOUND = OutputSound(
    track=AudioStream(index=1, codec="flac", channels=2, sample_rate=48000),
    copied=False, channels=2, kbps=192, end_s=4.2,
)  # fmt: skip
EXPECTED = Expected(
    frames_min=99, frames_max=100, video_last_s=4.125, frame_s=1 / 24, sound=(SOUND,),
    width=640, height=360, sar=(1, 1),
)  # fmt: skip
RIGHT = Probe(
    container="mov,mp4",
    size=1,
    video=(
        VideoStream(
            index=0, codec="h264", profile="High", width=640, height=360, pixel_format="yuv420p",
            packets=Packets(count=100, first_s=0, last_s=4.125, end_s=4.167),
        ),
    ),
    audio=(
        AudioStream(
            index=1, codec="aac", profile="LC", channels=2, sample_rate=48000,
            packets=Packets(count=200, first_s=0, last_s=4.18, end_s=4.2),
        ),
    ),
)  # fmt: skip


def with_film(**changes) -> Probe:
    return msgspec.structs.replace(
        RIGHT, video=(msgspec.structs.replace(RIGHT.video[0], **changes),)
    )


def with_sound(**changes) -> Probe:
    return msgspec.structs.replace(
        RIGHT, audio=(msgspec.structs.replace(RIGHT.audio[0], **changes),)
    )


def packets(**changes) -> Packets:
    fields = {"count": 100, "first_s": 0.0, "last_s": 4.125, "end_s": 4.167}
    return Packets(**fields | changes)


def test_an_output_as_planned_has_no_fault():
    assert proof.faults(EXPECTED, RIGHT) == []


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (with_film(packets=packets(count=98)), "98 pictures came out of 99 to 100"),
        (with_film(packets=packets(count=101)), "101 pictures"),
        (with_film(packets=packets(last_s=4.0)), "last picture is at 4.000 s"),
        (with_film(packets=None), "holds no picture"),
        (with_film(width=320), "the picture is 320x360"),
        (with_film(sar=(4, 3)), "a pixel is"),
        (with_film(pixel_format="yuv420p10le"), "yuv420p10le"),
        (with_film(profile="High 10"), "High 10"),
        (with_sound(packets=packets(end_s=3.9)), "sound track 1 ends at 3.900 s"),
        (with_sound(codec="opus"), "sound track 1 is opus"),
        (msgspec.structs.replace(RIGHT, audio=()), "0 sound tracks"),
        (msgspec.structs.replace(RIGHT, complaints=("x",)), "not whole"),
    ],
)
def test_every_fault_of_an_output_is_named(output, says):
    (fault,) = proof.faults(EXPECTED, output)
    assert says in fault


def test_sound_that_nobody_planned_is_a_fault():
    silent = msgspec.structs.replace(EXPECTED, sound=())
    assert proof.faults(silent, RIGHT) == ["1 sound tracks came out, not 0"]


def test_fonts_are_known_by_their_content_and_answer_to_their_names():
    data = block_font("Some Family", "ab")
    assert fontfile.kind(data) == "ttf"
    assert fontfile.families(data) == ("Some Family", "SomeFamily")
    assert fontfile.kind(b"GIF89a") == ""


@given(st.binary(max_size=400), st.integers(0, 2500), st.integers(0, 255))
def test_no_font_file_breaks_the_reader(junk, at, value):
    data = bytearray(block_font("Some Family", "abcdefgh"))
    data[at % len(data)] = value
    for spoilt in (junk, b"OTTO" + junk, b"ttcf" + junk, bytes(data), bytes(data[:at])):
        fontfile.families(spoilt)


def test_pictures_a_second_are_known_before_ffmpeg_says_them():
    reader = ProgressReader()
    lines = ("frame=48", "fps=0.00", "out_time_us=2000000", "speed=4.0x", "progress=continue")
    steps = [step for line in lines if (step := reader.feed(line))]
    assert steps == [Step(2.0, 48, 96.0, 4.0)]
