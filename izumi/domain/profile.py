"""How an episode is encoded, as the configuration says it: `[profile.<name>]`."""

from typing import Final, Literal

import msgspec

from izumi.domain import keys, languages

Codec = Literal["h264", "hevc", "av1"]
Hardware = Literal["nvenc", "qsv", "vaapi", "videotoolbox"]
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
Tune = Literal["animation", "film", "grain", "stillimage", "fastdecode"]

TUNES: Final[dict[Codec, frozenset[str]]] = {
    "h264": frozenset({"animation", "film", "grain", "stillimage", "fastdecode"}),
    "hevc": frozenset({"animation", "grain", "fastdecode"}),
    "av1": frozenset(),
}
DEFAULT_CRF: Final[dict[Codec, int]] = {"h264": 18, "hevc": 20, "av1": 24}
"""Hard to tell from the source, each on its own scale."""

HIGHEST_CRF: Final[dict[Codec, int]] = {"h264": 51, "hevc": 51, "av1": 63}
_LONGEST_SUFFIX_BYTES = 48


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an episode is encoded; always with stereo AAC-LC in MP4.

    The default, `hardsub`, is H.264 High, 8 bit: what every player plays.

    Attributes:
        codec: Of the picture. HEVC and AV1 are half the size and play on fewer devices.
        crf: Quality: 0 (best) to 51, or 63 for AV1; when not set, one that is hard to tell
            from the source: 18 for H.264, 20 for HEVC, 24 for AV1.
        vmaf: Search for the crf at which samples of the film score so much, 60 to 99, against
            the drawn source; in place of crf. 95 is hard to tell from the source.
        preset: The encoder's trade of time for size. SVT-AV1 and hardware have numbers of
            their own for the same words.
        tune: What the encoder favours: for H.264 "animation", "film", "grain",
            "stillimage" or "fastdecode"; for HEVC "animation", "grain" or "fastdecode".
        bits: Of a colour, 8 or 10; 10 for HEVC and AV1 alone, since few players take it in
            H.264.
        max_height: Taller pictures are made smaller, in their shape; none is made larger.
        scale: When they are made smaller: "after" the subtitles are drawn, as their authors
            saw them, or "before", so that text is drawn sharp on the smaller picture.
        hardware: Encoders of this host to try, best first; each has to encode a frame before
            it is used, and the software encoder does the work where none can.
        suffix: Follows the name of the output, before ".mp4", such as " [HEVC]"; profiles
            whose outputs lie at one place need different ones.
        audio_kbps: Bit rate of sound that has to be encoded; AAC-LC in stereo is copied.
        surround: Keep surround sound too, as a second track of AAC-LC with six channels at
            most and twice the bit rate.
        audio_languages: Sound to prefer, first is best.
        subtitle_languages: Subtitles to burn, first is best.
        no_subtitles: A file without subtitles is held, or encoded as it is ("pass"); it is
            filed among the hardsubs all the same.
    """

    codec: Codec = "h264"
    crf: int | None = None
    vmaf: float | None = None
    preset: Preset = "medium"
    tune: Tune | None = None
    bits: Literal[8, 10] = 8
    max_height: int | None = None
    scale: Literal["after", "before"] = "after"
    hardware: tuple[Hardware, ...] = ()
    suffix: str = ""
    audio_kbps: int = 192
    surround: bool = False
    audio_languages: tuple[str, ...] = ("jpn", "zho", "kor")
    subtitle_languages: tuple[str, ...] = ("eng",)
    no_subtitles: Literal["hold", "pass"] = "hold"

    def __post_init__(self) -> None:
        """Values that no encoder takes are mistakes."""
        self._check_quality()
        if self.tune is not None and self.tune not in TUNES[self.codec]:
            known = ", ".join(sorted(TUNES[self.codec])) or "none"
            msg = f"tune is {self.tune!r}: the encoder of {self.codec} knows {known}"
            raise ValueError(msg)
        if self.bits == 10 and self.codec == "h264":
            msg = "bits is 10 with codec h264, which few players take; choose hevc or av1, or 8"
            raise ValueError(msg)
        if self.max_height is not None and not 144 <= self.max_height <= 4320:
            msg = f"max_height is {self.max_height}: it goes from 144 to 4320"
            raise ValueError(msg)
        if not 32 <= self.audio_kbps <= 512:
            msg = f"audio_kbps is {self.audio_kbps}: it goes from 32 to 512"
            raise ValueError(msg)
        if self.suffix:
            self._check_suffix()
        if not self.subtitle_languages:
            msg = "subtitle_languages is empty: name at least one, such as eng"
            raise ValueError(msg)
        for tag in (*self.audio_languages, *self.subtitle_languages):
            if not languages.normal(tag):
                msg = f"{tag!r} is no language; write it like eng or en"
                raise ValueError(msg)

    def _check_quality(self) -> None:
        highest = HIGHEST_CRF[self.codec]
        if self.crf is not None and not 0 <= self.crf <= highest:
            msg = f"crf is {self.crf}: for {self.codec} it goes from 0 (best) to {highest}"
            raise ValueError(msg)
        if self.vmaf is not None and not 60 <= self.vmaf <= 99:
            msg = f"vmaf is {self.vmaf}: it goes from 60 to 99"
            raise ValueError(msg)
        if self.vmaf is not None and self.crf is not None:
            msg = f"crf ({self.crf}) and vmaf ({self.vmaf}) are both set; leave one out"
            raise ValueError(msg)

    def _check_suffix(self) -> None:
        why = keys.fault(f"x{self.suffix}.mp4")
        if why is None and len(self.suffix.encode()) > _LONGEST_SUFFIX_BYTES:
            why = f"is longer than {_LONGEST_SUFFIX_BYTES} bytes"
        if why is not None:
            msg = f"suffix is {self.suffix!r}, which makes no good name: it {why}"
            raise ValueError(msg)

    @property
    def quality(self) -> int:
        """The crf in force where none is searched for."""
        return DEFAULT_CRF[self.codec] if self.crf is None else self.crf
