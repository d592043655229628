"""Facts about a media file, as the prober found them. Times are seconds as in the file.

Everything that a plan decides on is here, so that planning needs no file.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec


class Packets(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk over every packet of a stream found.

    Attributes:
        count: Packets with content.
        first_s: Earliest presentation time.
        last_s: Latest presentation time.
        end_s: Latest presentation time plus duration.
        leading: Packets shown before the first key frame: a decoder may drop these.
        damaged: Packets that are cut short, or marked as damaged.
        unwritten: Packets with a gap of zeros, as in files that are allocated first and filled
            in any order.
        keys_apart_s: Longest time between two key frames.
        steady: The times lie on the grid of the stream's frame rate.
    """

    count: int
    first_s: float
    last_s: float
    end_s: float
    leading: int = 0
    damaged: int = 0
    unwritten: int = 0
    keys_apart_s: float = 0.0
    steady: bool = True


class Stream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every stream has.

    Attributes:
        index: Place in the file, all kinds counted.
        codec: Canonical name of the format: "h264", "ass", "hdmv_pgs_subtitle".
        language: As the file says it; empty: not said.
        dispositions: Such as "default", "forced", "hearing_impaired", "comment".
        packets: None when it was not walked, or has no packet.
    """

    index: int
    codec: str
    profile: str = ""
    language: str = ""
    title: str = ""
    dispositions: tuple[str, ...] = ()
    packets: Packets | None = None


class VideoStream(Stream, frozen=True, kw_only=True):
    """A moving picture, or cover art.

    Attributes:
        sar: Shape of a stored pixel, width to height.
        rate: Frames per second as a fraction; (0, 1): not known.
        space, primaries, transfer, levels: Names as ffmpeg has them ("bt709", "tv"); empty:
            not said.
        rotation: Degrees that a player turns it by: 0, 90, 180 or 270.
        cover: Cover art, not a film.
        dolby_vision: Its frames carry Dolby Vision metadata.
        dolby_only: Its container says that only a Dolby Vision decoder can show it.
    """

    width: int
    height: int
    pixel_format: str
    sar: tuple[int, int] = (1, 1)
    rate: tuple[int, int] = (0, 1)
    space: str = ""
    primaries: str = ""
    transfer: str = ""
    levels: str = ""
    rotation: int = 0
    interlaced: bool = False
    cover: bool = False
    dolby_vision: bool = False
    dolby_only: bool = False


class AudioStream(Stream, frozen=True, kw_only=True):
    """Sound."""

    channels: int
    sample_rate: int


class FontUse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The characters that a script shows in one face."""

    family: str
    bold: bool = False
    italic: bool = False
    characters: str


class Heavy(NamedTuple):
    """A time at which a script is hardest to draw, and for how long it is nearly as hard."""

    at_s: float
    lasts_s: float


class SubtitleStream(Stream, frozen=True, kw_only=True):
    """Subtitles.

    Attributes:
        text: Text that libass can draw; else pictures.
        beside: Name of the file beside the video that it came from; empty: it is in the video.
            Such a track has an index after every stream of the video.
        file: Name below the job's folder of the ASS file made of it; empty: not made.
        events: Lines, or pictures, that are shown.
        trouble: Why none of it could be read, as a sentence; empty: it could.
        unread: Packets that ought to hold a line and do not.
        spoken: Those of them that are speech by their form: not placed, not drawn.
        spoken_s: Seconds with speech on the screen.
        canvas: Width and height that pictures are placed on; zeros: not said, or text.
        area: Left, top, right and bottom of everything that the pictures cover there.
        shared: Pairs of another text track's index and how many lines of this one are shown
            by that one too, at the same time.
        fonts: Which characters in which face.
        moments: Times in the middle of lines, best first, to prove that they are seen;
            counted from the start of the film like the ASS file.
        heaviest: Where a script is hardest to draw, counted likewise.
    """

    text: bool
    beside: str = ""
    file: str = ""
    events: int = 0
    trouble: str = ""
    unread: int = 0
    spoken: int = 0
    spoken_s: float = 0.0
    canvas: tuple[int, int] = (0, 0)
    area: tuple[int, int, int, int] = (0, 0, 0, 0)
    shared: tuple[tuple[int, int], ...] = ()
    fonts: tuple[FontUse, ...] = ()
    moments: tuple[float, ...] = ()
    heaviest: tuple[Heavy, ...] = ()


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file inside the file.

    Attributes:
        name: As the file calls it: for people only, it may hold anything.
        font: Kind of font by its first bytes; empty: it is no font.
        file: Name below the job's folder that it was written to; empty: not written.
        families: Names under which a script can ask for it.
    """

    index: int
    name: str
    size: int
    font: str = ""
    file: str = ""
    families: tuple[str, ...] = ()


class Probe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole file.

    Attributes:
        container: Names of the format, as ffmpeg lists them: "matroska,webm".
        start_s: Earliest time of any stream; ffmpeg counts from there.
        duration_s: As the header says; None: it does not.
        complaints: What the demuxer complained of, each once.
    """

    container: str
    size: int
    start_s: float = 0.0
    duration_s: float | None = None
    complaints: tuple[str, ...] = ()
    video: tuple[VideoStream, ...] = ()
    audio: tuple[AudioStream, ...] = ()
    subtitles: tuple[SubtitleStream, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def film(self) -> VideoStream | None:
        """What `0:V:0` means to ffmpeg: the first picture that is no cover."""
        return next((stream for stream in self.video if not stream.cover), None)


def broken(probe: Probe) -> str | None:
    """Why the file is not whole, in one sentence; None: nothing speaks against it.

    A flipped bit inside a picture is not seen here: only decoding or a hash finds it.
    """
    film = probe.film
    walked = [
        stream.packets
        for stream in (*probe.video, *probe.audio, *probe.subtitles)
        if stream.packets is not None
    ]
    if probe.complaints:
        return f"the container is damaged: {probe.complaints[0]}"
    if film is None:
        return "there is no video in it"
    if damaged := _damaged(walked):
        return damaged
    if walked and film.packets is None:
        return "its video holds no picture"
    says_s = probe.duration_s or 0.0
    # Matroska counts its length from zero, MP4 from the first picture.
    end_s = max((packets.end_s for packets in walked), default=0.0)
    reached_s = max(end_s, end_s - probe.start_s)
    if walked and reached_s < says_s - max(2.0, 0.02 * says_s):
        return f"it says {says_s:.1f} s, but its content ends at {reached_s:.1f} s"
    return None


def _damaged(walked: Iterable[Packets]) -> str | None:
    damaged, unwritten = 0, 0
    for packets in walked:
        damaged += packets.damaged
        unwritten += packets.unwritten
    if damaged:
        return f"{damaged} of its packets are cut short or damaged"
    if unwritten:
        return f"{unwritten} of its packets hold a gap of zeros: not all of it was written yet"
    return None
