"""Profiles carried out by real encoders, and looked at as pixels."""

import msgspec
import pytest

from izumi.domain.encode_plan import SOURCE
from izumi.domain.errors import ConfigError
from izumi.domain.profile import Profile
from izumi.media import binary
from izumi.media.settings import FfmpegSettings
from izumi.media.transcoder import FfmpegTranscoder
from tests.support.media import Frame, Line, Media, attached, clip, silent, white

QUICK = Profile(preset="ultrafast")


def changed(**fields) -> Profile:
    return msgspec.structs.replace(QUICK, **fields)


@pytest.mark.parametrize(
    ("profile", "codec", "pixels"),
    [
        (changed(codec="hevc"), "hevc", "yuv420p"),
        (changed(codec="hevc", bits=10, tune="animation"), "hevc", "yuv420p10le"),
        (changed(codec="av1"), "av1", "yuv420p"),
        (changed(codec="av1", bits=10), "av1", "yuv420p10le"),
    ],
    ids=["hevc", "hevc 10 bit", "av1", "av1 10 bit"],
)
async def test_other_codecs_go_through_every_step(media: Media, tmp_path, profile, codec, pixels):
    source = await media.sample(clip(seconds=1.5, attachments=(attached(media.blocks),)))
    made = await media.encode(source, tmp_path, profile=profile)
    film = (await media.probe(made.output)).film
    assert film is not None
    assert (film.codec, film.pixel_format) == (codec, pixels)
    assert media.frame(made.output, 1.0).count(white) > 50
    assert made.recipe["video"]["encoder"] == made.plan.encoder


async def text_boxes(media: Media, tmp_path, sample, **fields) -> tuple[Frame, Frame]:
    """A frame of the film as it is, and as the profile makes it."""
    source = await media.sample(sample)
    whole = await media.encode(source, tmp_path / "whole", profile=QUICK)
    small = await media.encode(source, tmp_path / "small", profile=changed(**fields))
    return media.frame(whole.output, 1.0), media.frame(small.output, 1.0)


@pytest.mark.parametrize("scale", ["after", "before"])
async def test_a_height_limit_makes_picture_and_text_smaller_in_their_shape(
    media: Media, tmp_path, scale
):
    sample = silent(
        Line(0.2, 1.4, "HELLO"),
        seconds=1.5,
        width=640,
        height=360,
        attachments=(attached(media.blocks),),
    )
    whole, small = await text_boxes(media, tmp_path, sample, max_height=181, scale=scale)
    assert (small.width, small.height) == (320, 180)
    for big, little in zip(whole.box(white), small.box(white), strict=True):
        assert abs(big / 2 - little) <= 2


async def test_an_anamorphic_film_keeps_its_shape_when_it_is_made_smaller(media: Media, tmp_path):
    sample = silent(
        Line(0.2, 1.4, "HELLO"),
        seconds=1.5,
        width=720,
        height=480,
        filters="eq=brightness=-0.4:contrast=0.5,format=yuv420p,setsar=32/27",
        attachments=(attached(media.blocks),),
    )
    source = await media.sample(sample)
    made = await media.encode(source, tmp_path, profile=changed(max_height=240))
    film = (await media.probe(made.output)).film
    assert film is not None
    assert (film.width, film.height, film.sar) == (360, 240, (32, 27))


async def test_no_film_is_made_larger(media: Media, tmp_path):
    source = await media.sample(silent(seconds=1.5, attachments=(attached(media.blocks),)))
    made = await media.encode(source, tmp_path, profile=changed(max_height=720))
    assert (made.plan.expected.width, made.plan.expected.height) == (320, 180)
    assert "scale=" not in made.plan.filters


async def test_the_crf_that_a_quality_target_asks_for_is_found_and_recorded(media: Media, tmp_path):
    sample = silent(
        seconds=2.0,
        filters="eq=brightness=-0.4:contrast=0.5,noise=alls=12:allf=t,format=yuv420p",
        attachments=(attached(media.blocks),),
    )
    source = await media.sample(sample)
    made = await media.encode(source, tmp_path, profile=changed(vmaf=80))
    video = made.recipe["video"]
    trials = {int(crf): score for crf, score in video["vmaf"]["trials"].items()}
    assert video["crf"] == made.plan.crf
    assert video["vmaf"]["reached"] == trials[made.plan.crf] >= 80
    assert 2 <= len(trials) <= 7
    ranked = [trials[crf] for crf in sorted(trials)]
    assert ranked == sorted(ranked, reverse=True), "frames are compared with their own"
    assert made.plan.crf > 18
    assert not list(tmp_path.glob("sample*"))
    assert not (tmp_path / "trial.mkv").exists()


async def test_hardware_that_does_not_work_here_is_recorded_and_software_does_it(
    media: Media, tmp_path
):
    source = await media.sample(silent(seconds=1.5, attachments=(attached(media.blocks),)))
    transcoder = await media.transcoder()
    profile = changed(hardware=("nvenc", "videotoolbox"))
    made = await media.encode(source, tmp_path, profile=profile, transcoder=transcoder)
    video = made.recipe["video"]
    assert video["encoder"] == "libx264"
    assert set(video["refused"]) == {"h264_nvenc", "h264_videotoolbox"}
    assert "built without" in video["refused"]["h264_videotoolbox"]


async def test_a_hardware_encoder_that_encodes_a_frame_is_used(media: Media, tmp_path, monkeypatch):
    # No card here: an encoder of the processor stands for one.
    monkeypatch.setattr("izumi.domain.video_codec.hardware", lambda _: ["libopenh264"])
    source = await media.sample(silent(seconds=1.5, attachments=(attached(media.blocks),)))
    monkeypatch.setattr(
        "izumi.domain.video_codec._on_hardware",
        lambda *_: ["-b:v", "2M", "-profile:v", "high"],
    )
    made = await media.encode(source, tmp_path, profile=changed(hardware=("nvenc",)))
    assert made.recipe["video"]["encoder"] == "libopenh264"
    assert "refused" not in made.recipe["video"]


async def test_a_profile_that_this_ffmpeg_cannot_carry_out_is_refused_by_name(media: Media):
    found = await binary.examine(media.ffmpeg)
    for codec in ("h264", "hevc", "av1"):
        binary.able(found, Profile(codec=codec, vmaf=95), "good")
    poor = msgspec.structs.replace(found, encoders=frozenset({"libx264"}), vmaf=False)
    with pytest.raises(ConfigError, match=r"\[profile.small\] needs libsvtav1 and libvmaf"):
        binary.able(poor, Profile(codec="av1", vmaf=95), "small")


async def test_an_encode_outside_its_hours_waits_where_it_is_and_goes_on(media: Media, tmp_path):
    source = await media.sample(silent(seconds=1.5, attachments=(attached(media.blocks),)))
    asked: list[bool] = []
    told: list[str] = []

    def paused() -> bool:
        asked.append(True)
        return len(asked) < 4

    transcoder = FfmpegTranscoder(
        await binary.examine(media.ffmpeg),
        FfmpegSettings(),
        cache=tmp_path / "cache",
        stall_s=2.0,
        paused=paused,
    )
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / SOURCE).write_bytes(source.read_bytes())
    plan = media.plan(await transcoder.examine(folder), QUICK)
    await transcoder.encode(plan, folder, lambda _, words, *__: told.append(words))
    assert told[0] == "paused until work is allowed again"
    assert len(asked) >= 4
    await transcoder.prove(plan, folder, lambda _, words, *__: told.append(words))
