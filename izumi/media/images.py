"""Subtitles that are pictures: when they are shown, and where."""

import re
from typing import Any, Final

import av

from izumi.domain import ass
from izumi.domain.ass import Event, Moment
from izumi.media import stream_facts

BURNABLE: Final = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle"})
_PGS_COMPOSITION: Final = 0x16
# A picture without an end is taken away by the next one; the last one stays so long.
_STAYS_S: Final = 5.0
_LONGEST_S: Final = 3600.0


class Images:
    """The pictures of one subtitle stream; their times count from the film's start.

    Attributes:
        unread: Packets that cannot be decoded.
    """

    def __init__(self, stream: Any, start_s: float) -> None:
        self._base = float(stream.time_base or 0)
        self._start_s = start_s
        self._context = stream.codec_context
        self._pgs = stream_facts.codec(stream) == "hdmv_pgs_subtitle"
        self._canvas = (0, 0) if self._pgs else _dvd_canvas(bytes(self._context.extradata or b""))
        self._area: tuple[int, int, int, int] | None = None
        # When something is shown, and until when by its own word; (t, None) clears.
        self._shown: list[tuple[float, float | None, bool]] = []
        self.unread = 0

    def add(self, packet: Any) -> None:
        """Take one more packet into account."""
        if not packet.size or packet.pts is None:
            return
        data = bytes(packet)
        if self._pgs and data[:1] == bytes([_PGS_COMPOSITION]) and len(data) >= 7:
            self._canvas = (
                int.from_bytes(data[3:5], "big"),
                int.from_bytes(data[5:7], "big"),
            )
        try:
            shown = self._context.decode2(packet)
        except av.FFmpegError:
            self.unread += 1
            return
        if shown is None:
            return
        at_s = packet.pts * self._base - self._start_s
        pictures = [rect for rect in shown.rects if rect.width and rect.height]
        begin_s = at_s + shown.start_display_time / 1000
        lasts_s = (shown.end_display_time - shown.start_display_time) / 1000
        if not 0 < lasts_s <= _LONGEST_S:
            lasts_s = (packet.duration or 0) * self._base
        until_s = begin_s + lasts_s if 0 < lasts_s <= _LONGEST_S else None
        self._shown.append((begin_s, until_s, bool(pictures)))
        for rect in pictures:
            self._cover(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)

    def _cover(self, left: int, top: int, right: int, bottom: int) -> None:
        old = self._area or (left, top, right, bottom)
        self._area = (
            min(left, old[0]),
            min(top, old[1]),
            max(right, old[2]),
            max(bottom, old[3]),
        )

    def facts(self, end_s: float) -> dict[str, Any]:
        """What they tell, as fields of `SubtitleStream`; the film ends then."""
        shown = sorted(self._shown)
        events = []
        for number, (begin_s, until_s, something) in enumerate(shown):
            later_s = shown[number + 1][0] if number + 1 < len(shown) else None
            ends = [time for time in (until_s, later_s) if time is not None]
            if something:
                events.append(Event(begin_s, min(ends, default=begin_s + _STAYS_S), "", ""))
        return {
            "events": len(events),
            "spoken": len(events),
            "spoken_s": round(ass.covered_s(events), 3),
            "unread": self.unread,
            "canvas": self._canvas,
            "area": self._area or (0, 0, 0, 0),
            "moments": tuple(ass.spread(Moment(_moment(e)) for e in events if _moment(e) < end_s)),
        }


def _moment(event: Event) -> float:
    """A time soon after it appears: whoever looks has to read the film from there on."""
    return event.start_s + min((event.end_s - event.start_s) / 2, 1.0)


def _dvd_canvas(extradata: bytes) -> tuple[int, int]:
    """The size that the head of a VobSub names; zeros: it names none."""
    match = re.search(rb"size:\s*(\d+)x(\d+)", extradata)
    return (int(match[1]), int(match[2])) if match else (0, 0)
