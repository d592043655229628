"""Subtitles that are pictures, laid over the film and looked at in pixels."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from izumi.domain.profile import Profile
from tests.support.media import (
    FAST,
    Encode,
    Frame,
    Line,
    Media,
    Subtitles,
    contracts,
    script,
    silent,
)
from tests.support.pgs import Box, write_pgs

CANVAS = (640, 360)
RED = (63, 240, 102, 255)
BOXES = (Box(0.5, 1.0, 120, 300, 400, 40), Box(2.0, 2.5, 40, 20, 80, 40, RED))


async def with_pictures(
    media: Media,
    folder: Path,
    *,
    boxes: tuple[Box, ...] = BOXES,
    canvas: tuple[int, int] = CANVAS,
    vobsub: bool = False,
    film: Path | None = None,
) -> Path:
    """A film of 320x180 with the boxes as Blu-ray or DVD subtitles."""
    plain = film or await media.sample(silent(subtitles=(), attachments=()))
    sup = write_pgs(folder / "boxes.sup", boxes, canvas=canvas)
    source = folder / "source.mkv"
    codec = "dvdsub" if vobsub else "copy"
    media.run(
        # DVD subtitles hold their own end: it is taken from what comes next.
        *(
            "-i",
            plain,
            "-copyts",
            *(("-fix_sub_duration",) if vobsub else ()),
            "-i",
            sup,
            "-map",
            "0:v",
            "-map",
            "1",
            "-c:v",
            "copy",
        ),
        *("-metadata:s:s:0", "language=eng", "-c:s", codec, source),
    )
    return source


def bright(pixel: tuple[int, int, int]) -> bool:
    return max(pixel) > 150


def near(found: Sequence[float], wanted: Sequence[float], by: float = 3) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def frames(media: Media, made: Encode, *times_s: float) -> list[Frame]:
    return [media.frame(made.output, at) for at in times_s]


@pytest.mark.parametrize("vobsub", [False, True], ids=["PGS", "VobSub"])
async def test_pictures_lie_at_their_place_in_their_size_and_only_while_they_are_shown(
    media: Media, tmp_path, vobsub
):
    source = await with_pictures(media, tmp_path, vobsub=vobsub)
    made = await media.encode(source, tmp_path / "job")
    boxes = [frame.box(bright) for frame in frames(media, made, 0.2, 0.75, 1.5, 2.25, 2.8)]
    assert boxes[0] == boxes[2] == boxes[4] == (0, 0, 0, 0)
    assert near(boxes[1], (60, 150, 260, 170)), boxes
    assert near(boxes[3], (20, 10, 60, 30)), boxes
    seen = [moment["at_s"] for moment in made.recipe["seen"]]
    assert near(seen, (0.75, 2.25), 0.02)


@pytest.mark.parametrize(
    ("size", "tags", "red"),
    [
        ((320, 180), "", (81, 90, 240)),
        ((320, 180), ",setparams=colorspace=bt709", (63, 102, 240)),
        ((1280, 96), "", (63, 102, 240)),
    ],
    ids=["SD, not said", "BT.709", "HD, not said"],
)
async def test_pictures_have_the_colour_that_the_film_will_be_read_with(
    media: Media, tmp_path, size, tags, red
):
    width, height = size
    film = await media.sample(
        silent(
            seconds=1.0, width=width, height=height, subtitles=(), attachments=(),
            filters=f"eq=brightness=-0.4,format=yuv420p{tags}",
        )
    )  # fmt: skip
    # Pure red in the matrix that a canvas of this height stands for.
    canvas = (1920, 1080) if width == 320 else (width, height)
    colour = (63, 240, 102, 255) if canvas[1] > 576 else (81, 240, 90, 255)
    box = Box(0.2, 0.9, 0, 0, canvas[0], canvas[1], colour)
    source = await with_pictures(media, tmp_path, boxes=(box,), canvas=canvas, film=film)
    made = await media.encode(source, tmp_path / "job")
    stored = media.stored(made.output, 0.5, width // 2, height // 2)
    assert near(stored, red, 4), stored


@pytest.mark.parametrize(
    ("canvas", "box", "lies"),
    [
        # 4:3 cut out of a 16:9 disc: the text was inside, and stays where and what it was.
        ((640, 360), (240, 300, 160, 40), (80, 150, 160, 170)),
        # Bars cut off: the text was in them, and comes inside whole, in its own shape.
        ((320, 320), (80, 280, 160, 40), (115, 158, 205, 180)),
    ],
    ids=["sides", "bars"],
)
async def test_pictures_keep_their_shape_and_are_whole_where_the_film_was_cropped(
    media: Media, tmp_path, canvas, box, lies
):
    width = 240 if canvas == (640, 360) else 320
    film = await media.sample(silent(width=width, subtitles=(), attachments=()))
    source = await with_pictures(
        media, tmp_path, boxes=(Box(0.5, 2.0, *box),), canvas=canvas, film=film
    )
    made = await media.encode(source, tmp_path / "job")
    (found,) = [frame.box(bright) for frame in frames(media, made, 1.0)]
    assert near(found, lies), found


async def test_a_dvd_keeps_its_pixels_and_its_pictures_lie_on_the_stored_frame(
    media: Media, tmp_path
):
    wide = await media.sample(
        silent(
            width=360, height=240, subtitles=(), attachments=(),
            filters="eq=brightness=-0.4:contrast=0.5,format=yuv420p,setsar=32/27",
        )
    )  # fmt: skip
    source = await with_pictures(
        media,
        tmp_path,
        boxes=(Box(0.5, 2.0, 180, 400, 360, 40),),
        canvas=(720, 480),
        vobsub=True,
        film=wide,
    )
    made = await media.encode(source, tmp_path / "job")
    assert made.plan.expected.sar == (32, 27)
    assert near(media.frame(made.output, 1.0).box(bright), (90, 200, 270, 220))


async def test_pictures_are_laid_over_ten_bit_and_hdr_as_they_are(media: Media, tmp_path):
    film = await media.sample(
        silent(
            seconds=1.0, subtitles=(), attachments=(),
            filters="zscale=transferin=bt709:primariesin=bt709:matrixin=bt709:transfer=smpte2084:"
            "primaries=bt2020:matrix=bt2020nc,format=yuv420p10le",
            video=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
        )
    )  # fmt: skip
    source = await with_pictures(
        media, tmp_path, boxes=(Box(0.2, 0.8, 120, 300, 400, 40),), film=film
    )
    made = await media.encode(source, tmp_path / "job")
    y, u, v = media.stored(made.output, 0.5, 160, 160)
    assert near((y, u, v), (235, 128, 128), 4), "white, not the grey of a misread PQ"


async def test_a_first_picture_long_after_the_beginning_lies_right(media: Media, tmp_path):
    # More than ffmpeg reads to learn what a stream is: it does not know the canvas then.
    film = await media.sample(
        silent(
            seconds=9.0, subtitles=(), attachments=(),
            filters="eq=brightness=-0.4:contrast=0.5,noise=alls=40:allf=t,format=yuv420p",
        )
    )  # fmt: skip
    assert film.stat().st_size > 5_500_000
    late = (Box(8.2, 8.8, 120, 300, 400, 40),)
    source = await with_pictures(media, tmp_path, boxes=late, film=film)
    made = await media.encode(source, tmp_path / "job")
    found = media.frame(made.output, 8.5).box(lambda pixel: min(pixel) > 220)
    assert near(found, (60, 150, 260, 170)), found


async def test_pictures_of_a_film_that_starts_late_come_at_their_time(media: Media, tmp_path):
    early = await with_pictures(media, tmp_path)
    late = tmp_path / "late.mkv"
    media.run("-copyts", "-i", early, "-map", "0", "-c", "copy", "-output_ts_offset", "5", late)
    made = await media.encode(late, tmp_path / "job")
    assert made.probe.start_s == pytest.approx(5, abs=0.05)
    shown = [frame.count(bright) > 50 for frame in frames(media, made, 0.2, 0.75, 1.5, 2.25, 2.8)]
    assert shown == [False, True, False, True, False]


async def test_signs_as_text_and_dialogue_as_pictures_are_drawn_in_one_go(media: Media, tmp_path):
    signs = script(
        [Line(0.3, 2.7, r"{\an8\1c&H00FF00&\p1}m 0 0 l 40 0 40 20 0 20", "Sign")],
        width=320, height=180, font="none",
    )  # fmt: skip
    film = await media.sample(
        silent(subtitles=(Subtitles(script=signs, title="Signs"),), attachments=())
    )
    sup = write_pgs(tmp_path / "boxes.sup", BOXES[:1], canvas=CANVAS)
    source = tmp_path / "both.mkv"
    media.run(
        *("-i", film, "-copyts", "-i", sup, "-map", "0", "-map", "1", "-c", "copy"),
        *("-metadata:s:s:1", "language=eng", "-metadata:s:s:1", "title=Dialogue only", source),
    )
    made = await media.encode(source, tmp_path / "job")
    (frame,) = frames(media, made, 0.75)
    assert near(frame.box(lambda pixel: min(pixel) > 150), (60, 150, 260, 170))
    green = frame.box(lambda pixel: pixel[1] > 150 and pixel[0] < 90)
    assert green[1] < 20 < green[3] < 60, green


async def test_text_is_taken_before_pictures_of_the_same_lines(media: Media, tmp_path):
    film = await media.sample(silent(Line(0.5, 1.0, "One"), Line(2.0, 2.5, "Two")))
    source = await with_pictures(media, tmp_path, film=film)
    both = tmp_path / "both.mkv"
    media.run(
        "-i", film, "-i", source, "-map", "1:v", "-map", "1:s", "-map", "0:s", "-c", "copy", both
    )
    made = await media.encode(both, tmp_path / "job")
    assert [track.codec for track in made.plan.subtitles] == ["ass"]


@pytest.mark.parametrize(
    ("track", "codec", "box"),
    [(1, "dvd_subtitle", (76, 131, 100, 137)), (2, "hdmv_pgs_subtitle", (76, 126, 100, 135))],
)
async def test_published_pictures_are_seen_at_their_place(
    media: Media, tmp_path, track, codec, box
):
    clip = contracts() / "video" / "subtitleedit_sample_MKV_VobSub_PGS.mkv"
    source = tmp_path / "one.mkv"
    media.run("-i", clip, "-map", "0:0", "-map", f"0:{track}", "-c", "copy", source)
    made = await media.encode(source, tmp_path / "job", profile=FAST)
    (chosen,) = made.plan.subtitles
    assert (chosen.codec, chosen.events) == (codec, 2)
    bare = tmp_path / "bare.mkv"
    media.run("-i", source, "-map", "0:0", "-c", "copy", bare)
    plain = await media.encode(
        bare, tmp_path / "plain", profile=Profile(preset="ultrafast", crf=16, no_subtitles="pass")
    )
    with_text, without = (media.frame(path, 1.9) for path in (made.output, plain.output))
    drawn = [
        (at % 176, at // 176)
        for at in range(176 * 144)
        if abs(with_text.data[at * 3] - without.data[at * 3]) > 60
    ]
    across, down = [x for x, _ in drawn], [y for _, y in drawn]
    assert near((min(across), min(down), max(across) + 1, max(down) + 1), box, 4)
