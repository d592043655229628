"""Gathers what the packets of a stream tell, and the lines of its subtitles."""

import itertools
from collections.abc import Iterator
from typing import Any, Final

from izumi.domain import ass_write
from izumi.domain.ass_write import Cue
from izumi.domain.probe import Packets
from izumi.media import stream_facts

_MOST_SCRIPT_BYTES = 64 << 20

# What these make of a picture, however dark and still, never has so many zeros in a row; of
# others, such as MPEG-2, stuffing may. Sound may be padded, but a packet is never zeros alone.
_GAP: Final = bytes(1024)
_NO_GAPS: Final = {"h264", "hevc", "av1", "vp8", "vp9", "mpeg4"}
_NEVER_BLANK: Final = _NO_GAPS | {
    *("aac", "ac3", "dts", "eac3", "flac", "mp2", "mp3", "opus", "truehd", "vorbis")
}


class Unreadable(Exception):
    """The file is no media, or holds something that no episode holds."""


class Times:
    """When the packets of one stream are shown."""

    def __init__(self, stream: Any) -> None:
        self._base = float(stream.time_base or 0)
        self._times: list[int] = []
        self._end = 0
        self._keys: list[int] = []
        self._before_key = 0
        self._damaged = 0
        self._unwritten = 0
        self._codec = stream_facts.codec(stream)

    def add(self, packet: Any) -> None:
        """Take one more packet into account."""
        if not packet.size or packet.pts is None:
            return
        self._damaged += packet.is_corrupt
        self._unwritten += self._codec in _NEVER_BLANK and _unwritten(bytes(packet), self._codec)
        if packet.is_keyframe:
            self._keys.append(packet.pts)
        if packet.is_discard:
            # What an edit list leaves out is decoded, and not shown.
            return
        self._times.append(packet.pts)
        self._end = max(self._end, packet.pts + (packet.duration or 0))
        if not self._keys:
            self._before_key += 1

    def keys_s(self, start_s: float) -> list[float]:
        """When key frames are shown, in order, counted from a time of the file."""
        return [key * self._base - start_s for key in sorted(self._keys)]

    def facts(self, rate: tuple[int, int]) -> Packets | None:
        """What they tell together; None: there was none."""
        times = sorted(self._times)
        if not times:
            return None
        key = self._keys[0] if self._keys else times[0]
        leading = self._before_key + sum(1 for time in times if time < key)
        return Packets(
            count=len(times),
            first_s=times[0] * self._base,
            last_s=times[-1] * self._base,
            end_s=self._end * self._base,
            leading=min(leading, len(times)),
            damaged=self._damaged,
            unwritten=self._unwritten,
            keys_apart_s=self._keys_apart(times) * self._base,
            steady=self._steady(times, rate),
        )

    def _keys_apart(self, times: list[int]) -> int:
        marks = [times[0], *sorted(self._keys), max(times[-1], self._end)]
        return max(later - sooner for sooner, later in itertools.pairwise(marks))

    def _steady(self, times: list[int], rate: tuple[int, int]) -> bool:
        """Whether every time lies within a quarter frame of the grid of the rate."""
        if rate[0] <= 0 or rate[1] <= 0:
            return False
        frame_s = rate[1] / rate[0]
        first, base = times[0], self._base
        return all(
            abs((time - first) * base - number * frame_s) <= frame_s / 4
            for number, time in enumerate(times)
        )


def _unwritten(data: bytes, codec: str) -> bool:
    """Whether part of a packet is a gap that nobody wrote yet, which reads as zeros."""
    return (codec in _NO_GAPS and _GAP in data) or not data.strip(b"\0")


class Lines:
    """The lines of one text subtitle stream; their times count from the film's start."""

    def __init__(self, stream: Any, start_s: float) -> None:
        self._base = float(stream.time_base or 0)
        self._start_s = start_s
        self._context = stream.codec_context
        self._raw = stream_facts.codec(stream) in {"ass", "ssa"}
        self._cues: list[Cue] = []
        self._size = 0
        self._endless = 0
        self._unread = 0

    def add(self, packet: Any) -> None:
        """Take one more packet into account.

        Raises:
            Unreadable: No script is as large as this track.
        """
        if not packet.size or packet.pts is None:
            return
        begin_s = packet.pts * self._base - self._start_s
        end_s = begin_s + (packet.duration or 0) * self._base
        # A container holds an ASS line as it is; other formats are converted to the same.
        for line in [bytes(packet)] if self._raw else _converted(packet):
            self._size += len(line)
            if self._size > _MOST_SCRIPT_BYTES:
                raise Unreadable("a subtitle track is larger than any script")
            order, *fields = line.decode("utf-8", "replace").rstrip("\0\r\n").split(",", 8)
            if len(fields) != 8 or not order.lstrip("-").isdigit():
                self._unread += 1
            else:
                self._endless += not packet.duration
                self._cues.append(Cue(begin_s, end_s, int(order), tuple(fields)))

    @property
    def unread(self) -> int:
        """Packets that ought to hold a line and do not.

        A line without a length is shown by nobody. Authors leave one now and then; where
        most have none, the container lost them.
        """
        return self._unread + (self._endless if self._endless * 2 > len(self._cues) else 0)

    def script(self, width: int, height: int) -> str:
        """The whole as an ASS file; what brings no styles gets them for that picture."""
        header = (self._context.extradata or b"").decode("utf-8", "replace") if self._raw else ""
        return ass_write.assemble(header or ass_write.plain_header(width, height), self._cues)


def _converted(packet: Any) -> Iterator[bytes]:
    for shown in packet.decode():
        line = getattr(shown, "ass", b"")
        if line:
            yield line
