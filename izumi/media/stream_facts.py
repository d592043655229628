"""What PyAV says of a stream, in the words of `izumi.domain.probe`."""

from typing import Any, Final

from av.stream import Stream as AvStream

from izumi.domain.probe import AudioStream, SubtitleStream, VideoStream

# Numbers of libavutil's enums, as ITU-T H.273 has them; PyAV gives the numbers.
_SPACES: Final = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco",
    9: "bt2020nc", 10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_PRIMARIES: Final = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film",
    9: "bt2020", 11: "smpte431", 12: "smpte432",
}  # fmt: skip
_TRANSFERS: Final = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear",
    13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67",
}  # fmt: skip
_LEVELS: Final = {1: "tv", 2: "pc"}
# Dolby's names for what only its own decoders can show; the others have the plain names.
_DOLBY_ONLY: Final = frozenset({"dvh1", "dvhe", "dva1", "dvav", "dav1"})
_PROGRESSIVE: Final = frozenset({0, 1})

_TEXT: Final = frozenset({"ass", "ssa", "subrip", "srt", "webvtt", "mov_text", "text"})


def codec(stream: Any) -> str:
    """Canonical name of the format; the decoder's own name differs ("ssa" for ASS)."""
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else ""


def is_text(stream: AvStream) -> bool:
    """Whether these are subtitles that libass can draw."""
    return stream.type == "subtitle" and codec(stream) in _TEXT


def is_cover(stream: AvStream) -> bool:
    """Whether this is cover art that passes for a video stream."""
    return "attached_pic" in dispositions(stream)


def dispositions(stream: AvStream) -> tuple[str, ...]:
    """Names of the flags that are set."""
    return tuple(flag.name or "" for flag in type(stream.disposition) if flag in stream.disposition)


def video(stream: Any, frame: Any, common: dict[str, Any]) -> VideoStream:
    """Facts of a picture; `frame` is its first one, where it was decoded."""
    context = stream.codec_context
    sar = stream.sample_aspect_ratio or context.sample_aspect_ratio
    shape = (sar.numerator, sar.denominator) if sar else (1, 1)
    rate = stream.guessed_rate or stream.average_rate
    pixel_format = context.pix_fmt or ""
    levels = "pc" if pixel_format.startswith("yuvj") else _LEVELS.get(int(context.color_range), "")
    side_data = {entry.type.name for entry in frame.side_data} if frame is not None else set()
    return VideoStream(
        **common,
        width=context.width,
        height=context.height,
        pixel_format=pixel_format,
        sar=shape if shape[0] > 0 and shape[1] > 0 else (1, 1),
        rate=(rate.numerator, rate.denominator) if rate else (0, 1),
        space=_SPACES.get(int(context.colorspace), ""),
        primaries=_PRIMARIES.get(int(context.color_primaries), ""),
        transfer=_TRANSFERS.get(int(context.color_trc), ""),
        levels=levels,
        rotation=round(frame.rotation) % 360 if frame is not None else 0,
        interlaced=int(context.field_order) not in _PROGRESSIVE
        or bool(frame is not None and frame.interlaced_frame),
        cover=is_cover(stream),
        dolby_vision=any(name.startswith("DOVI") for name in side_data),
        dolby_only=context.codec_tag in _DOLBY_ONLY,
    )


def audio(stream: Any, common: dict[str, Any]) -> AudioStream:
    """Facts of a sound track."""
    context = stream.codec_context
    return AudioStream(**common, channels=context.channels, sample_rate=context.sample_rate or 0)


def subtitles(stream: AvStream, common: dict[str, Any]) -> SubtitleStream:
    """Facts of subtitles that need no look at their lines."""
    return SubtitleStream(**common, text=is_text(stream))


def common(stream: AvStream) -> dict[str, Any]:
    """What every stream has."""
    return {
        "index": stream.index,
        "codec": codec(stream),
        "profile": str(stream.profile or ""),
        "language": stream.metadata.get("language", ""),
        "title": stream.metadata.get("title", ""),
        "dispositions": dispositions(stream),
    }
