"""Reads the facts of one file: `python -m izumi.media.probing FILE ...`, JSON on stdout.

A program of its own because it opens strangers' files with C code: it can be killed, and
what it may use is limited from outside. Exit code 65: the file is no media that can be
read; the last line on stderr says why.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import msgspec
from av import logging as av_logging
from av.stream import AttachmentStream

from izumi.domain import render_log
from izumi.domain.probe import Probe, SubtitleStream
from izumi.media import stream_facts
from izumi.media.beside import read as read_beside
from izumi.media.font_folder import FontFolder
from izumi.media.formats import FORMATS, UNREADABLE
from izumi.media.images import BURNABLE, Images
from izumi.media.scripts import Scripts
from izumi.media.walking import Lines, Times, Unreadable

_MOST_COMPLAINTS = 20
_MOST_FRAME_PACKETS = 200


class _Reader:
    """One open file."""

    def __init__(self, container: Any, folder: Path | None, max_pixels: int) -> None:
        self._container = container
        self._folder = folder
        self._fonts = FontFolder(None if folder is None else folder / "fonts")
        self.start_s = (container.start_time or 0) / av.time_base
        self.streams = list(container.streams)
        self._times = {stream.index: Times(stream) for stream in self.streams}
        self._lines = {
            stream.index: Lines(stream, self.start_s)
            for stream in self.streams
            if stream_facts.is_text(stream)
        }
        self._images = {
            stream.index: Images(stream, self.start_s)
            for stream in self.streams
            if stream_facts.codec(stream) in BURNABLE
        }
        films = [stream for stream in container.streams.video if not stream_facts.is_cover(stream)]
        self._film = films[0] if films else None
        size = self._film.codec_context if self._film is not None else None
        self._decode = size is not None and 0 < size.width * size.height <= max_pixels
        self._frame: Any = None

    def read(self, *, walk: bool) -> None:
        """Go through the packets: all of them, or until the first picture was decoded."""
        tried = 0
        for packet in self._container.demux():
            if packet.stream is self._film and self._decode and self._frame is None:
                self._frame = _first_frame(packet)
                tried += 1
                self._decode = tried < _MOST_FRAME_PACKETS
            if walk:
                self._times[packet.stream_index].add(packet)
                if packet.stream_index in self._lines:
                    self._lines[packet.stream_index].add(packet)
                elif packet.stream_index in self._images:
                    self._images[packet.stream_index].add(packet)
            elif not self._decode or self._frame is not None:
                return

    def facts(self, beside: Sequence[tuple[Path, str]]) -> dict[str, Any]:
        """The streams, as fields of `Probe`; scripts and fonts are written on the way."""
        video, audio, subtitles = [], [], []
        scripts = Scripts(self._folder, self._fonts, self._film_end_s(), self._keys_s())
        for stream in self.streams:
            common = stream_facts.common(stream)
            if stream.type == "video":
                frame = self._frame if stream is self._film else None
                found = stream_facts.video(stream, frame, common)
                packets = self._times[stream.index].facts(found.rate)
                video.append(msgspec.structs.replace(found, packets=packets))
            elif stream.type == "audio":
                packets = self._times[stream.index].facts((0, 1))
                audio.append(stream_facts.audio(stream, common | {"packets": packets}))
            elif isinstance(stream, AttachmentStream):
                name = stream.metadata.get("filename", "")
                self._fonts.add(stream.index, name, bytes(stream.data))
            elif stream.type == "subtitle":
                packets = self._times[stream.index].facts((0, 1))
                shown = stream_facts.subtitles(stream, common | {"packets": packets})
                found_in_it = self._shown(stream.index, scripts)
                subtitles.append(msgspec.structs.replace(shown, **found_in_it))
        for number, (path, language) in enumerate(beside, len(self.streams)):
            size = self._picture_size()
            subtitles.append(read_beside(path, language, number, scripts=scripts, size=size))
        return {
            "video": tuple(video),
            "audio": tuple(audio),
            "subtitles": tuple(_compared(subtitles, scripts)),
            "attachments": tuple(self._fonts.found),
        }

    def _shown(self, index: int, scripts: Scripts) -> dict[str, Any]:
        """What a subtitle stream shows, as fields of `SubtitleStream`."""
        packets = self._times[index].facts((0, 1))
        if packets is None:
            return {}
        if index in self._images:
            return self._images[index].facts(self._film_end_s())
        if index not in self._lines:
            return {"events": packets.count}
        lines = self._lines[index]
        return {"unread": lines.unread} | scripts.keep(index, lines.script(*self._picture_size()))

    def _picture_size(self) -> tuple[int, int]:
        """Width and height of the picture as it is drawn on, turned where players turn it."""
        if self._film is None:
            return (640, 360)
        size = self._film.codec_context
        turned = self._frame is not None and round(self._frame.rotation) % 180 == 90
        return (size.height, size.width) if turned else (size.width, size.height)

    def _film_end_s(self) -> float:
        if self._film is None:
            return float("inf")
        packets = self._times[self._film.index].facts((0, 1))
        return float("inf") if packets is None else packets.last_s - self.start_s

    def _keys_s(self) -> list[float]:
        return [] if self._film is None else self._times[self._film.index].keys_s(self.start_s)


def _compared(tracks: list[SubtitleStream], scripts: Scripts) -> list[SubtitleStream]:
    return [msgspec.structs.replace(own, shared=scripts.shared(own.index)) for own in tracks]


def _first_frame(packet: Any) -> Any:
    """The first picture, when this packet completes it; damage is not ours to judge here."""
    try:
        frames = packet.decode()
    except av.FFmpegError:
        return None
    return frames[0] if frames else None


def probe(
    path: Path,
    *,
    walk: bool,
    folder: Path | None,
    max_pixels: int,
    beside: Sequence[tuple[Path, str]] = (),
) -> Probe:
    """All facts; `folder` receives `fonts/` and `track_<index>.ass`.

    Args:
        path: The file.
        walk: Read every packet.
        folder: None: nothing is written.
        max_pixels: Larger pictures are not decoded.
        beside: Subtitle files beside it, with their languages; they become tracks after
            those of the file.

    Raises:
        Unreadable: The file is no media, or holds something that no episode holds.
    """
    size = path.stat().st_size
    # Without it nothing is captured, or only the first complaint of a kind.
    av_logging.set_level(av_logging.ERROR)
    av_logging.set_skip_repeated(False)
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    with av_logging.Capture() as log:
        try:
            with av.open(f"file:{path.absolute()}", options=options) as container:
                demuxer = container.format.name
                reader = _Reader(container, folder, max_pixels)
                reader.read(walk=walk)
                duration = container.duration
                facts = reader.facts(beside)
        except av.FFmpegError as exc:
            said = "; ".join(_errors(log)[:3])
            raise Unreadable(f"{exc.strerror}{f' ({said})' if said else ''}") from exc
    return Probe(
        container=demuxer,
        size=size,
        start_s=reader.start_s,
        duration_s=None if duration is None else duration / av.time_base,
        # Decoders complain of small things that they mend; a demuxer lost its place.
        complaints=tuple(_errors(log, demuxer)[:_MOST_COMPLAINTS]),
        **facts,
    )


def _errors(log: list[tuple[int, str, str]], source: str = "") -> list[str]:
    lines = [
        text.strip()
        for level, name, text in log
        if level <= av_logging.ERROR
        and (not source or name == source)
        and not render_log.harmless(text)
    ]
    return list(dict.fromkeys(lines))


def main(argv: list[str]) -> int:
    """Print the facts as JSON."""
    parser = argparse.ArgumentParser(prog="izumi.media.probing")
    parser.add_argument("file", type=Path)
    parser.add_argument("--walk", action="store_true", help="read every packet")
    parser.add_argument("--folder", type=Path, help="receives fonts and scripts")
    parser.add_argument("--beside", type=Path, action="append", default=[], help="subtitles")
    parser.add_argument("--language", action="append", default=[], help="of each of them")
    parser.add_argument("--max-pixels", type=int, default=4096 * 2304)
    asked = parser.parse_args(argv)
    try:
        found = probe(
            asked.file,
            walk=asked.walk,
            folder=asked.folder,
            max_pixels=asked.max_pixels,
            beside=list(zip(asked.beside, asked.language, strict=True)),
        )
    except (Unreadable, OSError) as exc:
        sys.stderr.write(f"{exc}\n")
        return UNREADABLE
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
