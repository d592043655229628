"""How an episode is encoded, as the configuration says it: `[profile.<name>]`."""

from typing import Literal

import msgspec

from izumi.domain import languages

Preset = Literal[
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """H.264 High, 8 bit, with stereo AAC-LC in MP4: what every player plays.

    Attributes:
        crf: Quality: 0 (best) to 51; 18 is hard to tell from the source.
        preset: x264's trade of time for size.
        audio_kbps: Bit rate of sound that has to be encoded; AAC-LC in stereo is copied.
        audio_languages: Sound to prefer, first is best.
        subtitle_languages: Subtitles to burn, first is best.
        no_subtitles: A file without subtitles is held, or encoded as it is ("pass").
    """

    crf: int = 18
    preset: Preset = "medium"
    audio_kbps: int = 192
    audio_languages: tuple[str, ...] = ("jpn", "zho", "kor")
    subtitle_languages: tuple[str, ...] = ("eng",)
    no_subtitles: Literal["hold", "pass"] = "hold"

    def __post_init__(self) -> None:
        """Values that no encoder takes are mistakes."""
        if not 0 <= self.crf <= 51:
            msg = f"crf is {self.crf}: it goes from 0 (best) to 51"
            raise ValueError(msg)
        if not 32 <= self.audio_kbps <= 512:
            msg = f"audio_kbps is {self.audio_kbps}: it goes from 32 to 512"
            raise ValueError(msg)
        if not self.subtitle_languages:
            msg = "subtitle_languages is empty: name at least one, such as eng"
            raise ValueError(msg)
        for tag in (*self.audio_languages, *self.subtitle_languages):
            if not languages.normal(tag):
                msg = f"{tag!r} is no language; write it like eng or en"
                raise ValueError(msg)
