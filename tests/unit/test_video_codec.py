"""Profiles as arguments of encoders."""

from typing import Any

import msgspec
import pytest

from izumi.domain import video_codec
from izumi.domain.profile import Profile


def argv(encoder: str = "", threads: int = 0, **fields: Any) -> str:
    profile = Profile(**fields)
    encoder = encoder or video_codec.software(profile)
    return " ".join(video_codec.argv(profile, encoder, profile.quality, threads=threads))


@pytest.mark.parametrize(
    ("fields", "encoder", "words"),
    [
        ({}, "", "-c:v libx264 -preset medium -crf 18 -profile:v high -threads 2"),
        (
            {"preset": "slow", "tune": "animation", "crf": 20},
            "",
            "-c:v libx264 -preset slow -tune animation -crf 20 -profile:v high -threads 2",
        ),
        (
            {"codec": "hevc", "bits": 10},
            "",
            (
                "-c:v libx265 -preset medium -crf 20 -profile:v main10 "
                "-x265-params log-level=warning:pools=2 -tag:v hvc1"
            ),
        ),
        (
            {"codec": "av1", "preset": "slow", "bits": 10},
            "",
            "-c:v libsvtav1 -preset 4 -crf 24 -svtav1-params lp=2",
        ),
        (
            {"codec": "hevc"},
            "hevc_nvenc",
            "-c:v hevc_nvenc -preset p4 -rc vbr -cq 20 -b:v 0 -profile:v main -tag:v hvc1",
        ),
        (
            {"preset": "superfast"},
            "h264_qsv",
            "-c:v h264_qsv -preset veryfast -global_quality 18 -profile:v high",
        ),
        (
            {"codec": "av1"},
            "av1_vaapi",
            "-c:v av1_vaapi -rc_mode CQP -global_quality 24",
        ),
        ({}, "h264_videotoolbox", "-c:v h264_videotoolbox -q:v 64 -profile:v high"),
    ],
)
def test_the_words_of_a_profile_become_each_encoders_own(fields, encoder, words):
    assert argv(encoder, threads=2, **fields) == words


def test_only_hardware_that_needs_it_gets_its_frames_uploaded():
    eight, ten = Profile(codec="hevc"), Profile(codec="hevc", bits=10)
    assert video_codec.upload(eight, "libx265") == ""
    assert video_codec.upload(ten, "libx265") == ""
    assert video_codec.upload(eight, "hevc_nvenc") == ""
    assert video_codec.upload(ten, "hevc_nvenc") == ",format=p010le"
    assert video_codec.upload(eight, "hevc_vaapi") == ",format=nv12,hwupload"
    assert video_codec.upload(eight, "hevc_qsv") == ",format=nv12"
    assert video_codec.device_argv("hevc_vaapi")
    assert not video_codec.device_argv("hevc_qsv")


def test_hardware_is_tried_in_the_order_of_the_profile():
    profile = Profile(codec="av1", hardware=("qsv", "nvenc"))
    assert video_codec.hardware(profile) == ["av1_qsv", "av1_nvenc"]
    assert video_codec.is_hardware("av1_qsv")
    assert not video_codec.is_hardware(video_codec.software(profile))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"crf": 52}, "from 0 .best. to 51"),
        ({"codec": "av1", "crf": 64}, "from 0 .best. to 63"),
        ({"crf": 20, "vmaf": 95}, "leave one out"),
        ({"vmaf": 100}, "60 to 99"),
        ({"codec": "hevc", "tune": "film"}, "knows animation, fastdecode, grain"),
        ({"codec": "av1", "tune": "grain"}, "knows none"),
        ({"bits": 10}, "choose hevc or av1"),
        ({"max_height": 100}, "144 to 4320"),
        ({"suffix": "/../x"}, "makes no good name"),
        ({"suffix": "x" * 60}, "longer than 48 bytes"),
        ({"bits": 9}, "bits"),
        ({"hardware": ["gpu"]}, "Invalid enum value"),
    ],
)
def test_values_that_no_encoder_takes_are_refused_with_the_way_out(wrong, says):
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert(wrong, Profile)
