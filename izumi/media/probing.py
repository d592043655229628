"""Reads the facts of one file: `python -m izumi.media.probing FILE ...`, JSON on stdout.

A program of its own because it opens strangers' files with C code: it can be killed, and
what it may use is limited from outside. Exit code 65: the file is no media that can be
read; the last line on stderr says why.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import av
import msgspec
from av import logging as av_logging
from av.stream import AttachmentStream

from izumi.domain import ass_fonts, render_log
from izumi.domain.probe import Probe
from izumi.media import stream_facts
from izumi.media.font_folder import FontFolder
from izumi.media.formats import FORMATS, UNREADABLE
from izumi.media.images import BURNABLE, Images
from izumi.media.walking import Lines, Times, Unreadable, subtitle_facts

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

    def facts(self) -> dict[str, Any]:
        """The streams, as fields of `Probe`; scripts and fonts are written on the way."""
        video, audio, subtitles = [], [], []
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
                subtitles.append(msgspec.structs.replace(shown, **self._script(stream.index)))
        return {
            "video": tuple(video),
            "audio": tuple(audio),
            "subtitles": tuple(subtitles),
            "attachments": tuple(self._fonts.found),
        }

    def _script(self, index: int) -> dict[str, Any]:
        packets = self._times[index].facts((0, 1))
        lines = self._lines.get(index)
        if packets is None:
            return {}
        if index in self._images:
            return self._images[index].facts(self._film_end_s())
        if lines is None:
            return {"events": packets.count}
        size = self._film.codec_context if self._film is not None else None
        text = lines.script(size.width if size else 640, size.height if size else 360)
        named: dict[str, Any] = {"unread": lines.unread}
        if self._folder is not None:
            named["file"] = f"track_{index}.ass"
            (self._folder / named["file"]).write_text(text, encoding="utf-8")
        for font in ass_fonts.embedded(text):
            self._fonts.add(index, f"inside track {index}", font)
        return named | subtitle_facts(text, self._film_end_s())

    def _film_end_s(self) -> float:
        if self._film is None:
            return float("inf")
        packets = self._times[self._film.index].facts((0, 1))
        return float("inf") if packets is None else packets.last_s - self.start_s


def _first_frame(packet: Any) -> Any:
    """The first picture, when this packet completes it; damage is not ours to judge here."""
    try:
        frames = packet.decode()
    except av.FFmpegError:
        return None
    return frames[0] if frames else None


def probe(path: Path, *, walk: bool, folder: Path | None, max_pixels: int) -> Probe:
    """All facts; `folder` receives `fonts/` and `track_<index>.ass`.

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
                facts = reader.facts()
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
    parser.add_argument("--max-pixels", type=int, default=4096 * 2304)
    asked = parser.parse_args(argv)
    try:
        found = probe(asked.file, walk=asked.walk, folder=asked.folder, max_pixels=asked.max_pixels)
    except (Unreadable, OSError) as exc:
        sys.stderr.write(f"{exc}\n")
        return UNREADABLE
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
