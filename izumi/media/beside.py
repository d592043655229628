"""Subtitle files beside a video, read into the same scripts as those inside."""

from pathlib import Path
from typing import Final

import av
import msgspec

from izumi.domain import sidecars
from izumi.domain.probe import SubtitleStream
from izumi.media import charset
from izumi.media.scripts import Scripts
from izumi.media.walking import Lines

_CODECS: Final = {".ass": "ass", ".ssa": "ssa", ".srt": "subrip", ".vtt": "webvtt"}
_DEMUXERS: Final = {".srt": "srt", ".vtt": "webvtt"}


def read(
    path: Path, language: str, index: int, *, scripts: Scripts, size: tuple[int, int]
) -> SubtitleStream:
    """One file as a track; its `trouble` says why it cannot be used, where it cannot.

    Args:
        path: Named by ourselves; its suffix is one of `sidecars.SUFFIXES`.
        language: What it is said to be in; or empty.
        index: That the track gets.
        scripts: Keeps what was read.
        size: Of the picture that it is drawn on.
    """
    track = SubtitleStream(index=index, codec=_CODECS[path.suffix], text=True)
    if path.stat().st_size > sidecars.MOST_BYTES:
        return msgspec.structs.replace(track, trouble="it is larger than any script")
    try:
        text, _ = charset.decode(path.read_bytes(), language)
    except ValueError as exc:
        return msgspec.structs.replace(track, trouble=str(exc))
    text = "\n".join(text.removeprefix("\ufeff").splitlines()) + "\n"
    if path.suffix in _DEMUXERS:
        # Beside it, not over it: it may be a link to the file itself.
        told = path.with_name(f"{path.stem}_utf8{path.suffix}")
        told.write_text(text, encoding="utf-8")
        try:
            text, unread = _converted(told, size)
        except av.FFmpegError as exc:
            return msgspec.structs.replace(track, trouble=f"it cannot be read: {exc.strerror}")
    else:
        unread = 0
    kept = scripts.keep(index, text)
    if not kept["events"]:
        return msgspec.structs.replace(track, trouble="no line of it can be read")
    return msgspec.structs.replace(track, unread=unread, **kept)


def _converted(path: Path, size: tuple[int, int]) -> tuple[str, int]:
    """Plain text as a script in the house style, and how many lines could not be read."""
    options = {"protocol_whitelist": "file"}
    with av.open(f"file:{path}", format=_DEMUXERS[path.suffix], options=options) as container:
        lines = Lines(container.streams[0], 0.0)
        for packet in container.demux():
            lines.add(packet)
        return lines.script(*size), lines.unread
