"""Encoders of the picture: which can make what a profile wants, and their arguments. Pure.

Words of a profile (preset, crf) mean about the same for every encoder; here they become
each one's own numbers.
"""

from typing import Final

from izumi.domain.profile import Codec, Profile

_SOFTWARE: Final[dict[Codec, str]] = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
_SVT_PRESETS: Final = {
    "ultrafast": 12,
    "superfast": 11,
    "veryfast": 10,
    "faster": 9,
    "fast": 8,
    "medium": 6,
    "slow": 4,
    "slower": 3,
    "veryslow": 2,
}
_NVENC_PRESETS: Final = {
    "ultrafast": "p1",
    "superfast": "p1",
    "veryfast": "p2",
    "faster": "p3",
    "fast": "p3",
    "medium": "p4",
    "slow": "p5",
    "slower": "p6",
    "veryslow": "p7",
}
_QSV_FASTEST: Final = frozenset({"ultrafast", "superfast"})
_VAAPI_DEVICE: Final = "/dev/dri/renderD128"


def software(profile: Profile) -> str:
    """The encoder that works on every host."""
    return _SOFTWARE[profile.codec]


def hardware(profile: Profile) -> list[str]:
    """Names of the hardware encoders that the profile wants tried, best first."""
    return [f"{profile.codec}_{kind}" for kind in profile.hardware]


def is_hardware(encoder: str) -> bool:
    """Whether it runs outside the processor."""
    return encoder not in _SOFTWARE.values()


def pixel_format(profile: Profile) -> str:
    """Of the finished picture, as a decoder gives it back."""
    return "yuv420p" if profile.bits == 8 else "yuv420p10le"


def device_argv(encoder: str) -> list[str]:
    """Arguments before the inputs."""
    return ["-vaapi_device", _VAAPI_DEVICE] if encoder.endswith("_vaapi") else []


def upload(profile: Profile, encoder: str) -> str:
    """What follows the graph of the picture to hand it to the encoder; mostly nothing."""
    _, _, kind = encoder.partition("_")
    if kind in {"", "nvenc"} and profile.bits == 8:
        return ""
    surface = "nv12" if profile.bits == 8 else "p010le"
    return {
        "": "",
        "vaapi": f",format={surface},hwupload",
    }.get(kind, f",format={surface}")


def argv(profile: Profile, encoder: str, crf: int, *, threads: int) -> list[str]:
    """Arguments of the encoder.

    Args:
        profile: What is wanted.
        encoder: `software(profile)` or one of `hardware(profile)`.
        crf: Quality on the scale of the profile's codec.
        threads: Of the encoder; 0: as many as there are cores.
    """
    chosen = {
        "libx264": _x264,
        "libx265": _x265,
        "libsvtav1": _svt,
    }.get(encoder, _on_hardware)
    words = chosen(profile, encoder, crf, threads)
    return ["-c:v", encoder, *words, *_label(profile)]


def _label(profile: Profile) -> list[str]:
    # Apple's players take HEVC under this name alone.
    return ["-tag:v", "hvc1"] if profile.codec == "hevc" else []


def _x264(profile: Profile, _encoder: str, crf: int, threads: int) -> list[str]:
    tune = ["-tune", profile.tune] if profile.tune else []
    return [
        *("-preset", profile.preset, *tune, "-crf", str(crf), "-profile:v", "high"),
        *("-threads", str(threads)),
    ]


def _x265(profile: Profile, _encoder: str, crf: int, threads: int) -> list[str]:
    tune = ["-tune", profile.tune] if profile.tune else []
    pools = [f"pools={threads}"] if threads else []
    level = "main" if profile.bits == 8 else "main10"
    return [
        *("-preset", profile.preset, *tune, "-crf", str(crf), "-profile:v", level),
        *("-x265-params", ":".join(["log-level=warning", *pools])),
    ]


def _svt(profile: Profile, _encoder: str, crf: int, threads: int) -> list[str]:
    pools = ["-svtav1-params", f"lp={threads}"] if threads else []
    return ["-preset", str(_SVT_PRESETS[profile.preset]), "-crf", str(crf), *pools]


def _on_hardware(profile: Profile, encoder: str, crf: int, _threads: int) -> list[str]:
    codec, _, kind = encoder.partition("_")
    level = {"h264": "high", "hevc": "main" if profile.bits == 8 else "main10"}.get(codec)
    words: tuple[str, ...] = ()
    match kind:
        case "nvenc":
            words = ("-preset", _NVENC_PRESETS[profile.preset], "-rc", "vbr", "-cq", str(crf))
            words = (*words, "-b:v", "0")
        case "qsv":
            preset = "veryfast" if profile.preset in _QSV_FASTEST else profile.preset
            words = ("-preset", preset, "-global_quality", str(crf))
        case "vaapi":
            words = ("-rc_mode", "CQP", "-global_quality", str(crf))
        case "videotoolbox":
            # Counts the other way round, from 1 to 100.
            words = ("-q:v", str(max(100 - 2 * crf, 1)))
    return [*words, *(("-profile:v", level) if level else ())]
