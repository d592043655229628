"""The picture of hardsubs: every row is made for real and looked at in pixels."""

import pytest

from izumi.domain.errors import Held
from izumi.domain.probe import Probe, VideoStream
from izumi.domain.profile import Profile
from izumi.media.probe import ChildProber
from izumi.media.settings import FfmpegSettings
from tests.support.media import (
    BLOCKS,
    Line,
    Media,
    attached,
    clip,
    likeness,
    script,
    silent,
    white,
)

# Pure red as Y, U and V of eight bits.
BT709_RED = (63, 102, 240)
BT601_RED = (81, 90, 240)


async def facts(path) -> Probe:
    return await ChildProber(FfmpegSettings()).probe(path, walk=True)


async def film_of(path) -> VideoStream:
    film = (await facts(path)).film
    assert film is not None
    assert film.packets is not None
    return film


async def test_text_is_burnt_where_lines_are_and_nowhere_else(media: Media, tmp_path):
    source = await media.sample(
        silent(Line(0.5, 1.0, "One"), Line(2.0, 2.5, "Two"), attachments=(attached(media.blocks),))
    )
    made = await media.encode(source, tmp_path / "job")
    shown = [media.frame(made.output, at).count(white) > 50 for at in (0.2, 0.75, 1.5, 2.25, 2.8)]
    assert shown == [False, True, False, True, False]
    left, top, right, _ = media.frame(made.output, 0.75).box(white)
    assert top > 120, "dialogue lies at the bottom"
    assert abs((left + right) / 2 - 160) < 4, "and in the middle"
    assert [moment["at_s"] for moment in made.recipe["seen"]] == [0.75, 2.25]


async def test_subtitles_of_a_film_that_starts_late_come_at_their_time(media: Media, tmp_path):
    early = await media.sample(
        clip(Line(0.5, 1.0, "One"), Line(2.0, 2.5, "Two"), attachments=(attached(media.blocks),))
    )
    late = tmp_path / "late.mkv"
    media.run("-copyts", "-i", early, "-map", "0", "-c", "copy", "-output_ts_offset", "5", late)
    made = await media.encode(late, tmp_path / "job")
    assert made.probe.start_s == pytest.approx(5, abs=0.05)
    shown = [media.frame(made.output, at).count(white) > 50 for at in (0.2, 0.75, 1.5, 2.25, 2.8)]
    assert shown == [False, True, False, True, False]


async def test_ten_bit_becomes_what_every_player_plays(media: Media, tmp_path):
    source = await media.sample(
        silent(
            filters="eq=brightness=-0.3,format=yuv420p10le",
            video=("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "high10"),
            attachments=(attached(media.blocks),),
        )
    )
    assert (await film_of(source)).pixel_format == "yuv420p10le"
    made = await media.encode(source, tmp_path / "job")
    film = await film_of(made.output)
    assert (film.pixel_format, film.codec) == ("yuv420p", "h264")
    assert film.profile != "High 10"
    assert media.frame(made.output, 1.5).count(white) > 100


async def test_anamorphic_pixels_keep_their_shape_and_text_is_drawn_on_the_stored_frame(
    media: Media, tmp_path
):
    boxes = []
    for name, filters in (("square", "format=yuv420p"), ("wide", "format=yuv420p,setsar=32/27")):
        source = await media.sample(
            silent(
                width=320,
                height=240,
                filters=f"eq=brightness=-0.4:contrast=0.5,{filters}",
                attachments=(attached(media.blocks),),
            )
        )
        made = await media.encode(source, tmp_path / name)
        boxes.append(media.frame(made.output, 1.5).box(white))
        film = await film_of(made.output)
        assert (film.width, film.height) == (320, 240)
    assert film.sar == (32, 27)
    assert all(abs(a - b) <= 1 for a, b in zip(*boxes, strict=True)), boxes


@pytest.mark.parametrize(
    ("matrix", "tags", "colour"),
    [
        # What an author saw who said nothing but "as the video is": on HD that is BT.709.
        ("None", "", BT709_RED),
        ("TV.709", "", BT709_RED),
        ("None", ",setparams=colorspace=bt709", BT709_RED),
        # Drawn with BT.601 in mind on a BT.709 picture: the author saw another red there.
        ("TV.601", ",setparams=colorspace=bt709", BT601_RED),
    ],
)
async def test_signs_have_the_colour_that_their_author_saw(
    media: Media, tmp_path, matrix, tags, colour
):
    drawn = r"{\an7\pos(0,0)\1c&H0000FF&\bord0\shad0\p1}m 0 0 l 1280 0 1280 720 0 720"
    source = await media.sample(
        silent(
            Line(0.0, 1.0, drawn, "Sign"),
            seconds=1.0,
            width=1280,
            height=96,
            matrix=matrix,
            filters=f"format=yuv420p{tags}",
        )
    )
    made = await media.encode(source, tmp_path / "job")
    stored = media.stored(made.output, 0.5, 640, 48)
    assert max(abs(a - b) for a, b in zip(stored, colour, strict=True)) <= 2, stored
    assert (await film_of(made.output)).space == "bt709"


async def test_every_picture_of_a_variable_rate_is_kept_at_its_time(media: Media, tmp_path):
    steady = await media.sample(silent(attachments=(attached(media.blocks),)))
    uneven = tmp_path / "uneven.mkv"
    slower = "setpts=if(lt(N\\,30)\\,N\\,30+(N-30)*1.37)/24/TB"
    media.run(
        *("-i", steady, "-map", "0", "-c", "copy", "-c:v", "libx264", "-preset", "ultrafast"),
        *("-vf", slower, "-fps_mode", "passthrough", "-enc_time_base", "1/1000", uneven),
    )
    made = await media.encode(uneven, tmp_path / "job")
    before, after = await film_of(uneven), await film_of(made.output)
    assert before.packets is not None
    assert after.packets is not None
    assert not before.packets.steady
    assert made.recipe["variable_rate"] is True
    assert after.packets.count == before.packets.count
    assert after.packets.last_s == pytest.approx(before.packets.last_s, abs=0.002)


async def test_a_steady_film_keeps_its_rate_exactly(media: Media, tmp_path):
    source = await media.sample(silent(attachments=(attached(media.blocks),)))
    made = await media.encode(source, tmp_path / "job")
    film = await film_of(made.output)
    assert film.rate == (24000, 1001)
    assert film.packets is not None
    assert film.packets.steady


async def test_cover_art_is_never_taken_for_the_film(media: Media, tmp_path):
    plain = await media.sample(silent(attachments=(attached(media.blocks),)))
    cover = tmp_path / "cover.jpg"
    media.run("-f", "lavfi", "-i", "color=red:s=600x800", "-frames:v", "1", cover)
    source = tmp_path / "with_cover.mkv"
    media.run(
        "-i",
        plain,
        "-map",
        "0",
        "-c",
        "copy",
        "-attach",
        cover,
        "-metadata:s:t:1",
        "mimetype=image/jpeg",
        "-metadata:s:t:1",
        "filename=cover.jpg",
        source,
    )
    made = await media.encode(source, tmp_path / "job")
    assert [stream.cover for stream in made.probe.video] == [False, True]
    film = await film_of(made.output)
    assert (film.width, film.height) == (320, 180)


async def test_a_picture_that_players_turn_is_turned_with_its_text_upright(media: Media, tmp_path):
    plain = await media.sample(silent(attachments=(attached(media.blocks),)))
    source = tmp_path / "turned.mkv"
    media.run("-display_rotation", "90", "-i", plain, "-map", "0", "-c", "copy", source)
    made = await media.encode(source, tmp_path / "job")
    assert made.probe.film is not None
    assert made.probe.film.rotation in {90, 270}
    film = await film_of(made.output)
    assert (film.width, film.height, film.rotation) == (180, 320, 0)
    left, top, right, bottom = media.frame(made.output, 1.5).box(white)
    assert right - left > bottom - top > 0, "the line runs across"


async def test_interlaced_pictures_are_made_whole_before_text_is_drawn(media: Media, tmp_path):
    source = await media.sample(
        silent(
            filters="eq=brightness=-0.4:contrast=0.5,format=yuv420p,setfield=tff",
            video=("-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "tff=1"),
            attachments=(attached(media.blocks),),
        )
    )
    made = await media.encode(source, tmp_path / "job")
    assert made.probe.film is not None
    assert made.probe.film.interlaced
    assert "bwdif" in made.plan.filters
    assert not (await film_of(made.output)).interlaced


async def test_hdr_is_mapped_before_white_text_is_drawn(media: Media, tmp_path):
    source = await media.sample(
        silent(
            seconds=1.0,
            width=320,
            filters="zscale=transferin=bt709:primariesin=bt709:matrixin=bt709:transfer=smpte2084:"
            "primaries=bt2020:matrix=bt2020nc,format=yuv420p10le",
            video=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
            attachments=(attached(media.blocks),),
        )
    )
    assert (await film_of(source)).transfer == "smpte2084"
    made = await media.encode(source, tmp_path / "job")
    film = await film_of(made.output)
    assert (film.space, film.transfer, film.primaries) == ("bt709", "bt709", "bt709")
    bright = media.frame(made.output, 0.8).count(lambda pixel: min(pixel) > 230)
    assert bright > 100, "text is white, not the grey of a misread PQ"


async def test_hlg_is_mapped_before_white_text_is_drawn(media: Media, tmp_path):
    source = await media.sample(
        silent(
            seconds=1.0,
            filters="zscale=transferin=bt709:primariesin=bt709:matrixin=bt709:"
            "transfer=arib-std-b67:primaries=bt2020:matrix=bt2020nc,format=yuv420p10le",
            video=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
            attachments=(attached(media.blocks),),
        )
    )
    assert (await film_of(source)).transfer == "arib-std-b67"
    made = await media.encode(source, tmp_path / "job")
    film = await film_of(made.output)
    assert (film.space, film.transfer, film.primaries) == ("bt709", "bt709", "bt709")
    assert media.frame(made.output, 0.8).count(lambda pixel: min(pixel) > 230) > 100


async def test_what_only_a_dolby_vision_decoder_shows_is_held(media: Media, tmp_path):
    plain = await media.sample(silent(seconds=1.0, attachments=()))
    tagged = tmp_path / "plain.mp4"
    media.run(
        *("-i", plain, "-map", "0:v", "-map", "0:s", "-c:s", "mov_text", "-tag:v", "hvc1"),
        *("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", tagged),
    )
    source = tmp_path / "dolby.mp4"
    source.write_bytes(tagged.read_bytes().replace(b"hvc1", b"dvh1"))
    with pytest.raises(Held, match="Dolby Vision without a base layer"):
        await media.encode(source, tmp_path / "job")


async def test_fields_that_no_decoder_puts_together_are_held(media: Media, tmp_path):
    plain = await media.sample(silent(seconds=1.0, attachments=()))
    source = tmp_path / "fields.mkv"
    media.run(
        *("-i", plain, "-map", "0", "-c:s", "copy", "-vf", "separatefields", "-c:v", "libx265"),
        *("-preset", "ultrafast", "-x265-params", "log-level=none:interlace=tff", source),
    )
    with pytest.raises(Held, match="fields are coded one by one"):
        await media.encode(source, tmp_path / "job")


async def test_fields_are_seen_in_the_pictures_where_the_header_does_not_say(
    media: Media, tmp_path
):
    shown = Line(0.2, 0.8, "Hello")
    plain = await media.sample(
        silent(
            seconds=1.0,
            subtitles=(),
            filters="format=yuv420p,setfield=tff",
            video=("-c:v", "mpeg4", "-flags", "+ildct+ilme"),
        )
    )
    quiet = tmp_path / "quiet.avi"
    media.run("-i", plain, "-map", "0:v", "-c", "copy", quiet)
    text = script([shown], width=320, height=180, font="none")
    made = await media.encode(quiet, tmp_path / "job", beside={".en.ass": text.encode()})
    assert "bwdif" in made.plan.filters


async def test_rgb_becomes_bt709_with_its_colours_and_text(media: Media, tmp_path):
    source = await media.sample(
        silent(
            Line(
                0.0, 1.0, r"{\an7\pos(160,0)\1c&HFFFFFF&\bord0\shad0\p1}m 0 0 l 160 0 160 180 0 180"
            ),
            seconds=1.0,
            filters="drawbox=color=red:t=fill,format=gbrp",
            video=("-c:v", "libx264rgb", "-preset", "ultrafast", "-crf", "0"),
            attachments=(),
        )
    )
    assert (await film_of(source)).space == "gbr"
    made = await media.encode(source, tmp_path / "job")
    film = await film_of(made.output)
    assert (film.space, film.levels, film.pixel_format) == ("bt709", "tv", "yuv420p")
    red, white_ = (media.stored(made.output, 0.5, x, 90) for x in (80, 240))
    assert max(abs(a - b) for a, b in zip(red, BT709_RED, strict=True)) <= 2, red
    assert max(abs(a - b) for a, b in zip(white_, (235, 128, 128), strict=True)) <= 2, white_


@pytest.mark.parametrize("depth", ["yuv420p", "yuv420p10le"])
async def test_what_is_burnt_is_what_libass_draws(media: Media, tmp_path, depth):
    shown = (
        Line(0.2, 1.8, r"{\an8\fad(200,200)}Moving {\b1}bold{\b0} {\i1}slanted{\i0}"),
        Line(0.2, 1.8, r"{\an5\pos(160,90)\frz30\fscx140\bord3\blur1}Turned"),
        Line(0.2, 1.8, r"{\move(20,150,280,150)\p1}m 0 0 l 30 0 30 20 0 20"),
    )
    source = await media.sample(
        silent(
            *shown,
            seconds=2.0,
            filters=f"lutyuv=y=16,format={depth}",
            attachments=(attached(media.blocks),),
        )
    )
    made = await media.encode(source, tmp_path / "job", profile=Profile(crf=8))
    text = script(shown, width=320, height=180, font=BLOCKS)
    for at_s in (0.5, 1.0, 1.5):
        # The picture that is shown then, not the moment between two.
        number = round(at_s * 24000 / 1001)
        time_s = number * 1001 / 24000
        golden = media.golden(text, time_s, width=320, height=180)
        assert likeness(media.frame(made.output, time_s - 0.001), golden) > 0.9, at_s


async def test_odd_sizes_and_full_range_come_out_even_and_limited(media: Media, tmp_path):
    source = await media.sample(
        silent(
            filters="crop=319:179,scale=out_range=pc,format=yuvj444p",
            attachments=(attached(media.blocks),),
        )
    )
    assert (await film_of(source)).levels == "pc"
    made = await media.encode(source, tmp_path / "job")
    film = await film_of(made.output)
    assert (film.width, film.height, film.levels) == (320, 180, "tv")
    assert media.frame(made.output, 1.5).count(white) > 100


async def test_the_index_comes_first_and_chapters_and_title_are_there(media: Media, tmp_path):
    plain = await media.sample(clip(attachments=(attached(media.blocks),)))
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(
        ";FFMETADATA1\ntitle=Secret Group\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\n"
        "title=Opening\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=Part A\n"
    )
    source = tmp_path / "with_chapters.mkv"
    media.run("-i", plain, "-i", chapters, "-map", "0", "-map_metadata", "1", "-c", "copy", source)
    made = await media.encode(source, tmp_path / "job")
    data = made.output.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert b"Opening" in data
    assert b"A title" in data
    assert b"Secret Group" not in data
    found = await facts(made.output)
    assert (len(found.video), len(found.audio)) == (1, 1)
    assert found.attachments == ()
