"""What a track is for: told by its flags, its title, and how much it says."""

import re
from collections.abc import Sequence
from typing import Literal

from izumi.domain import languages
from izumi.domain.probe import AudioStream, Stream, SubtitleStream

Kind = Literal["full", "dubtitles", "captions", "signs", "commentary"]

_COMMENTARY = re.compile(r"comment|cast talk|director|コメンタリー", re.IGNORECASE)
_DESCRIBED = re.compile(r"descri|\bad\b|visual(?:ly)?[ -]impaired", re.IGNORECASE)
_CAPTIONS = re.compile(r"\bsdh\b|\bcc\b|closed caption|hearing", re.IGNORECASE)
_DUBTITLES = re.compile(r"\bdub|dubtitle", re.IGNORECASE)
_SIGNS = re.compile(
    r"\bsigns?\b|\bsongs?\b|s\s*&\s*s|forced|karaoke|\bops?\b|\beds?\b|typeset", re.IGNORECASE
)
_FULL = re.compile(r"\bfull\b|dialog|\+|with signs", re.IGNORECASE)
_NO_SIGNS = re.compile(r"dialog(?:ue)?s? only|no signs|without signs|no typeset", re.IGNORECASE)

# Speech of a track, against the most talkative one of its language, below which it can
# only be signs and songs. Full tracks of one episode differ by a few per cent.
_SIGNS_SHARE = 0.35
# Lines of a track of signs that are in a full track too, by which that one has the signs.
_SIGNS_REPEATED = 0.2


def describe(stream: Stream) -> str:
    """A track in a few words, for whoever has to decide."""
    much = beside = ""
    if isinstance(stream, SubtitleStream):
        much = f"{stream.events} {'lines' if stream.text else 'pictures'}"
        beside = stream.beside
    elif isinstance(stream, AudioStream):
        much = f"{stream.channels} channels"
    said = (
        language(stream) or "language not said",
        repr(stream.title) if stream.title else "",
        stream.codec,
        much,
        *stream.dispositions,
        f"in {beside} beside the video" if beside else "",
    )
    return ", ".join(filter(None, said))


def language(track: Stream) -> str:
    """Its language; empty: not said."""
    return languages.of_track(track.language, track.title)


def speech(track: AudioStream) -> bool:
    """Whether sound is that of the film: no commentary, no description for the blind."""
    flags = {"comment", "visual_impaired"} & set(track.dispositions)
    return not (flags or _COMMENTARY.search(track.title) or _DESCRIBED.search(track.title))


def kind(track: SubtitleStream, tracks: Sequence[SubtitleStream]) -> Kind:
    """What a subtitle track is for, seen beside the others of the file."""
    title = track.title
    if "comment" in track.dispositions or _COMMENTARY.search(title):
        return "commentary"
    named_signs = _SIGNS.search(title) or "forced" in track.dispositions
    if named_signs and not called_full(track):
        return "signs"
    most = max(other.spoken_s for other in tracks if language(other) == language(track))
    if track.spoken_s < _SIGNS_SHARE * most:
        return "signs"
    flags = {"hearing_impaired", "captions"} & set(track.dispositions)
    if flags or _CAPTIONS.search(title):
        return "captions"
    return "dubtitles" if _DUBTITLES.search(title) else "full"


def called_full(track: SubtitleStream) -> bool:
    """Whether its title says that the speech is in it."""
    return bool(_FULL.search(track.title))


def lacks(full: SubtitleStream, signs: SubtitleStream) -> bool:
    """Whether the signs of one track are missing in the other.

    A title that says so decides; else it takes placed or drawn lines that the other does
    not show too. Lines of speech, as in a forced track, may be there in other words.
    """
    if _NO_SIGNS.search(full.title):
        return True
    if called_full(full) or not (full.text and signs.text and signs.events):
        return False
    placed = signs.spoken * 2 < signs.events
    return placed and repeated(signs, full) < _SIGNS_REPEATED


def repeated(track: SubtitleStream, other: SubtitleStream) -> float:
    """How much of a track, 0 to 1, is shown by another one too."""
    return dict(track.shared).get(other.index, 0) / max(track.events, 1)
