"""Plans: what is decided from facts, and the command that carries it out."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import encode_plan, picture
from izumi.domain.encode_plan import Plan, argv, make_plan
from izumi.domain.errors import Held
from izumi.domain.probe import AudioStream, Packets, Probe, SubtitleStream, VideoStream, broken
from izumi.domain.profile import Profile


def packets(**changes: Any) -> Packets:
    fields: dict[str, Any] = {"count": 240, "first_s": 0.0, "last_s": 9.96, "end_s": 10.0}
    return Packets(**fields | changes)


def film(**changes: Any) -> VideoStream:
    fields: dict[str, Any] = {
        "index": 0, "codec": "h264", "width": 1920, "height": 1080, "pixel_format": "yuv420p",
        "rate": (24, 1), "packets": packets(), "space": "bt709", "levels": "tv",
    }  # fmt: skip
    return VideoStream(**fields | changes)


def sound(**changes: Any) -> AudioStream:
    fields: dict[str, Any] = {
        "index": 1, "codec": "aac", "profile": "LC", "language": "jpn", "channels": 2,
        "sample_rate": 48000, "packets": packets(count=470),
    }  # fmt: skip
    return AudioStream(**fields | changes)


def text(**changes: Any) -> SubtitleStream:
    fields: dict[str, Any] = {
        "index": 2, "codec": "ass", "language": "eng", "text": True, "file": "track_2.ass",
        "events": 300, "spoken": 300, "spoken_s": 600.0,
    }  # fmt: skip
    return SubtitleStream(**fields | changes)


def probe(*streams: VideoStream | AudioStream | SubtitleStream, **changes: Any) -> Probe:
    streams = streams or (film(), sound(), text())
    fields: dict[str, Any] = {
        "container": "matroska,webm",
        "size": 1000,
        "duration_s": 10.0,
        "video": tuple(s for s in streams if isinstance(s, VideoStream)),
        "audio": tuple(s for s in streams if isinstance(s, AudioStream)),
        "subtitles": tuple(s for s in streams if isinstance(s, SubtitleStream)),
    }
    return Probe(**fields | changes)


def plan(*streams: VideoStream | AudioStream | SubtitleStream, **changes: Any) -> Plan:
    return make_plan(probe(*streams, **changes), Profile(), profile_name="hardsub", title="T")


def command(made: Plan) -> list[str]:
    return argv(made, max_pixels=9_437_184, threads=3, formats="matroska")


def after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def test_the_plain_case_is_one_burn_on_the_stored_frame():
    made = plan()
    assert made.filters == "ass=filename=track_2.ass:fontsdir=fonts,format=yuv420p"
    assert made.bare_filters == "format=yuv420p"
    words = command(made)
    assert after(words, "-filter_complex") == f"[0:V:0]{made.filters}[film]"
    assert after(words, "-map") == "[film]"
    assert after(words, "-c:a:0") == "copy"
    assert after(words, "-fps_mode") == "passthrough"
    assert "-r" not in words
    assert "-enc_time_base:v" not in words
    assert words[-1] == "output.mp4"


def test_nothing_but_files_of_our_own_is_named():
    hostile = "a',x=1;[in]\\: --dry-run"
    made = plan(
        film(title=hostile),
        sound(title=hostile, language="jpn"),
        text(title=hostile),
    )
    made = msgspec.structs.replace(made, title=hostile)
    assert [word for word in command(made) if hostile in word] == [f"title={hostile}"]


@pytest.mark.parametrize(
    ("changes", "filters"),
    [
        # An untagged picture would be drawn on as BT.601, whatever its size.
        ({"space": ""}, "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709,"),
        (
            {"space": "", "width": 640, "height": 480},
            "setparams=colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m,",
        ),
        (
            {"space": "", "width": 720, "height": 576},
            "setparams=colorspace=bt470bg:color_primaries=bt470bg:color_trc=smpte170m,",
        ),
        ({"levels": "pc"}, "scale=in_range=pc:out_range=tv,"),
        ({"interlaced": True}, "bwdif=mode=send_frame:parity=auto:deint=interlaced,"),
        ({"space": "bt470bg", "width": 720, "height": 576}, ""),
    ],
)
def test_the_picture_is_made_fit_before_text_is_drawn(changes, filters):
    made = plan(film(**changes), text())
    assert made.filters == f"{filters}ass=filename=track_2.ass:fontsdir=fonts,format=yuv420p"


def test_eight_bits_come_after_the_text():
    made = plan(film(pixel_format="yuv420p10le"), text())
    assert made.filters.index("ass=") < made.filters.index("format=yuv420p")


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_mapped_before_the_text(transfer):
    made = plan(film(transfer=transfer, space="bt2020nc"), text())
    assert made.filters.index("tonemap=") < made.filters.index("ass=")


def test_untagged_hdr_says_what_it_is_before_it_is_mapped():
    made = plan(film(transfer="smpte2084", space="", primaries=""), text())
    assert made.filters.startswith("setparams=colorspace=bt2020nc:color_primaries=bt2020,zscale=")


def test_dolby_vision_without_a_base_layer_is_held():
    with pytest.raises(Held, match="Dolby Vision"):
        plan(film(dolby_vision=True, space=""), text())
    mapped = plan(film(dolby_vision=True, transfer="smpte2084"), text())
    assert "tonemap=" in mapped.filters


def test_odd_sizes_are_padded_and_turned_pictures_change_sides():
    assert picture.size(film(width=853, height=479), Profile()) == (854, 480)
    assert "pad=" in plan(film(width=853), text()).filters
    assert picture.size(film(rotation=90), Profile()) == (1080, 1920)
    assert picture.shape(film(rotation=270, sar=(4, 3))) == (3, 4)


def test_a_varying_rate_keeps_the_times_of_the_source():
    made = plan(film(packets=packets(steady=False)), text())
    assert after(command(made), "-enc_time_base:v") == "demux"
    assert made.recipe["variable_rate"] is True


@pytest.mark.parametrize(
    ("changes", "copied"),
    [
        ({}, True),
        ({"channels": 1}, True),
        ({"profile": "HE-AAC"}, False),
        ({"channels": 6}, False),
        ({"codec": "flac", "profile": ""}, False),
        ({"sample_rate": 96000}, False),
    ],
)
def test_only_sound_that_plays_everywhere_is_copied(changes, copied):
    made = plan(film(), sound(**changes), text())
    assert [one.copied for one in made.sound] == [copied]
    assert after(command(made), "-c:a:0") == ("copy" if copied else "aac")
    assert ("-filter:a:0" in command(made)) is not copied


def test_no_sound_is_no_fault():
    made = plan(film(), text())
    assert "-an" in command(made)
    assert made.expected.sound == ()


def test_what_must_come_out_counts_from_the_start_of_the_film():
    late = packets(first_s=5.0, last_s=14.96, end_s=15.0, leading=2)
    made = plan(film(packets=late), sound(packets=packets(end_s=15.2)), text(), start_s=5.0)
    assert made.expected.video_last_s == pytest.approx(9.96)
    assert made.expected.sound[0].end_s == pytest.approx(10.2)
    assert (made.expected.frames_min, made.expected.frames_max) == (238, 240)
    assert made.duration_s == pytest.approx(10.0)


def test_fields_may_come_in_packets_of_their_own():
    assert plan(film(interlaced=True), text()).expected.frames_min == 120


def test_what_cannot_be_drawn_or_read_is_held_not_dropped():
    with pytest.raises(Held, match="dvb_subtitle cannot be burnt"):
        plan(film(), text(codec="dvb_subtitle", text=False, file=""))
    with pytest.raises(Held, match="7 lines of the subtitles cannot be read"):
        plan(film(), text(unread=7))
    with pytest.raises(Held, match="2 pictures of the subtitles cannot be read"):
        plan(film(), text(codec="hdmv_pgs_subtitle", text=False, file="", unread=2))


def test_the_recipe_is_json_and_names_what_was_chosen():
    recipe = plan().recipe
    assert msgspec.json.decode(msgspec.json.encode(recipe)) == recipe
    assert recipe["subtitles"] == [{"track": 2, "what": "eng, ass, 300 lines"}]
    assert recipe["audio"]["copied"] is True
    assert recipe["video"] == {"encoder": "libx264", "crf": 18}


def test_a_plan_needs_a_walked_film():
    with pytest.raises(ValueError, match="walked"):
        plan(film(packets=None), text())
    with pytest.raises(ValueError, match="walked"):
        plan(film(cover=True), text())


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (probe(), None),
        (probe(film(packets=None), sound(packets=None)), None),
        (probe(complaints=("File ended prematurely",)), "damaged: File ended"),
        (probe(film(packets=packets(damaged=2))), "2 of its packets"),
        (probe(sound()), "no video"),
        (probe(film(packets=None), sound()), "no picture"),
        (probe(duration_s=1440.0), "says 1440.0 s, but its content ends at 10.0 s"),
        (probe(duration_s=None), None),
        # Matroska counts from zero.
        (probe(film(packets=packets(end_s=15.0)), start_s=5.0, duration_s=15.0), None),
    ],
)
def test_a_file_that_is_not_whole_says_why(found, says):
    why = broken(found)
    assert why is None if says is None else says in str(why)


@pytest.mark.parametrize(
    "wrong",
    [
        {"crf": 52},
        {"audio_kbps": 8},
        {"subtitle_languages": ()},
        {"subtitle_languages": ("und",)},
        {"preset": "fastest"},
        {"colour": 1},
    ],
)
def test_a_profile_that_no_encoder_takes_is_refused_with_its_place(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Profile)


@given(
    st.builds(
        film,
        width=st.integers(16, 4096),
        height=st.integers(16, 2304),
        space=st.sampled_from(["", "bt709", "smpte170m", "bt2020nc"]),
        transfer=st.sampled_from(["", "bt709", "smpte2084", "arib-std-b67"]),
        levels=st.sampled_from(["", "tv", "pc"]),
        rotation=st.sampled_from([0, 90, 180, 270]),
        interlaced=st.booleans(),
        pixel_format=st.sampled_from(["yuv420p", "yuv420p10le", "yuvj444p"]),
    )
)
def test_whatever_the_picture_it_ends_as_even_8_bit_420_with_the_text_before(picture_facts):
    made = plan(picture_facts, text())
    assert made.filters.endswith(",format=yuv420p")
    assert made.filters.count("ass=filename=") == 1
    assert made.expected.width % 2 == 0
    assert made.expected.height % 2 == 0
    assert encode_plan.OUTPUT in command(made)


def test_a_plan_explains_itself():
    made = plan(
        film(space="", pixel_format="yuv420p10le"),
        sound(codec="flac", profile="", channels=6),
        text(title="Full"),
        text(index=3, title="Signs", spoken_s=1.0),
    )
    assert encode_plan.explain(made) == [
        "subtitles: track 2 (eng, 'Full', ass, 300 lines)",
        "sound: track 1 (jpn, flac, 6 channels) becomes AAC-LC, 2 channels, 192 kb/s",
        "picture: 1920x1080, yuv420p, libx264 at crf 18",
        "picture: 240 pictures, steady",
        "subtitles: full in eng",
        "sound: the first in jpn, which the profile prefers",
        "picture: its colours do not say what they are: taken for bt709, by its size",
        "picture: track 2 is drawn by libass, no style of it is changed",
        "picture: yuv420p10le becomes yuv420p at the end",
        "fonts: 0 came with the file; Han characters in the forms of JP",
        f"filters: {made.filters}",
        "container: MP4, index first, with the chapters and no other texts of the source",
    ]
    assert made.recipe["why"] == list(made.why)


def test_pictures_and_shapes_are_explained_too():
    made = plan(
        film(width=1440, interlaced=True, transfer="smpte2084", space="bt2020nc"),
        sound(),
        text(
            codec="hdmv_pgs_subtitle", text=False, canvas=(1920, 1080), area=(500, 900, 1400, 990)
        ),
    )
    assert after(command(made), "-canvas_size:2") == "1920x1080"
    said = encode_plan.explain(made)
    assert "sound: track 1 (jpn, aac, 2 channels) taken as it is" in said
    assert (
        "picture: track 2 is laid over it, its canvas of 1920x1080 as 1920x1080 at -240,0:"
        " the picture was cropped" in said
    )
    assert any("interlaced" in line for line in said)
    assert any("HDR (smpte2084)" in line for line in said)


def test_surround_comes_second_and_only_where_it_is_wanted():
    wide = sound(index=3, codec="dts", profile="", channels=8)
    both = probe(film(), sound(), wide, text())
    words = command(make_plan(both, Profile(surround=True), profile_name="h", title="T"))
    assert [words[at + 1] for at, word in enumerate(words) if word == "-map"] == [
        "[film]", "0:1", "0:3",
    ]  # fmt: skip
    assert after(words, "-c:a:0") == "copy"
    assert (after(words, "-c:a:1"), after(words, "-ac:a:1")) == ("aac", "6")
    assert after(words, "-b:a:1") == "384k"
    assert (after(words, "-disposition:a:0"), after(words, "-disposition:a:1")) == ("default", "0")
    assert "0:3" not in command(plan(film(), sound(), wide, text()))
