"""Which tracks of a file are used. What cannot be decided is held, never guessed."""

import re
from collections.abc import Sequence
from typing import Literal

from izumi.domain import languages
from izumi.domain.errors import Held
from izumi.domain.probe import AudioStream, Probe, Stream, SubtitleStream
from izumi.domain.profile import Profile

Kind = Literal["full", "dubtitles", "captions", "signs", "commentary"]

_PICTURES = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle"})

_COMMENTARY = re.compile(r"comment|cast talk|director", re.IGNORECASE)
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


def describe(stream: Stream) -> str:
    """A track in a few words, for whoever has to decide."""
    lines = ""
    if isinstance(stream, SubtitleStream):
        lines = f"{stream.events} {'lines' if stream.text else 'pictures'}"
    said = (
        languages.of_track(stream.language, stream.title) or "language not said",
        repr(stream.title) if stream.title else "",
        stream.codec,
        lines,
        *stream.dispositions,
    )
    return ", ".join(filter(None, said))


def choose_audio(probe: Probe, profile: Profile) -> AudioStream | None:
    """The sound to take; None: the file has none.

    Raises:
        Held: Several languages, none of them preferred, none marked as the default.
    """
    speech = [
        track
        for track in probe.audio
        if "comment" not in track.dispositions
        and "visual_impaired" not in track.dispositions
        and not _COMMENTARY.search(track.title)
        and not _DESCRIBED.search(track.title)
    ]
    if not speech:
        if probe.audio:
            raise _undecided("every sound track is a commentary or a description", probe.audio)
        return None
    for language in map(languages.normal, profile.audio_languages):
        spoken = [track for track in speech if _language(track) == language]
        if spoken:
            return _default_first(spoken)
    unsaid = [track for track in speech if not _language(track)]
    marked = [track for track in speech if "default" in track.dispositions]
    if len({_language(track) for track in speech}) == 1:
        return _default_first(speech)
    if unsaid and len(unsaid) == 1:
        return unsaid[0]
    if len(marked) == 1:
        return marked[0]
    wanted = ", ".join(profile.audio_languages)
    raise _undecided(f"no sound in {wanted}, and none of the others is the default", speech)


def choose_subtitles(
    probe: Probe, profile: Profile, audio: AudioStream | None
) -> tuple[SubtitleStream, ...]:
    """The subtitles to burn, lowest first; empty: there are none, and that is allowed.

    Raises:
        Held: There are none, only signs, none in a wanted language, or several as good.
    """
    tracks = [track for track in probe.subtitles if track.events]
    if not tracks:
        if profile.no_subtitles == "pass":
            return ()
        raise Held(
            "there are no subtitles in it; set no_subtitles to pass in the profile to encode it"
            " as it is",
            {f"track {track.index}": describe(track) for track in probe.subtitles},
        )
    kinds = {track.index: kind(track, tracks) for track in tracks}
    for language in [*map(languages.normal, profile.subtitle_languages), ""]:
        own = [track for track in tracks if _language(track) == language]
        for wanted in ("full", "dubtitles", "captions"):
            able = [track for track in own if kinds[track.index] == wanted]
            if able:
                return _with_signs(_only_one(able), own, kinds)
        signs = [track for track in own if kinds[track.index] == "signs"]
        if signs and audio is not None and language and _language(audio) == language:
            # The speech is understood already: the signs are all there is to burn.
            return (_only_one(signs),)
        if signs:
            raise _undecided("there are only signs and songs, no subtitles of the speech", tracks)
    wanted = ", ".join(profile.subtitle_languages)
    raise _undecided(f"there are no subtitles in {wanted}", tracks)


def kind(track: SubtitleStream, tracks: Sequence[SubtitleStream]) -> Kind:
    """What a subtitle track is for, by its flags, its title, and its share of speech."""
    title = track.title
    if "comment" in track.dispositions or _COMMENTARY.search(title):
        return "commentary"
    named_signs = _SIGNS.search(title) and not _FULL.search(title)
    if named_signs or ("forced" in track.dispositions and not _FULL.search(title)):
        return "signs"
    most = max(other.spoken_s for other in tracks if _language(other) == _language(track))
    if track.spoken_s < _SIGNS_SHARE * most:
        return "signs"
    flags = {"hearing_impaired", "captions"} & set(track.dispositions)
    if flags or _CAPTIONS.search(title):
        return "captions"
    return "dubtitles" if _DUBTITLES.search(title) else "full"


def _language(track: Stream) -> str:
    return languages.of_track(track.language, track.title)


def _default_first(tracks: Sequence[AudioStream]) -> AudioStream:
    marked = [track for track in tracks if "default" in track.dispositions]
    return (marked or list(tracks))[0]


def _only_one(tracks: Sequence[SubtitleStream]) -> SubtitleStream:
    text = [track for track in tracks if track.text] or list(tracks)
    marked = [track for track in text if "default" in track.dispositions] or text
    if len(marked) == 1:
        return marked[0]
    raise _undecided("several subtitle tracks would do as well", marked)


def _with_signs(
    track: SubtitleStream, own: Sequence[SubtitleStream], kinds: dict[int, Kind]
) -> tuple[SubtitleStream, ...]:
    """The track, and the signs that it leaves to another one, where its title says so."""
    signs = [other for other in own if kinds[other.index] == "signs"]
    if _NO_SIGNS.search(track.title) and len(signs) == 1:
        return (track, signs[0])
    return (track,)


def _undecided(reason: str, tracks: Sequence[Stream]) -> Held:
    return Held(reason, {f"track {track.index}": describe(track) for track in tracks})


def refuse_unreadable(subtitles: Sequence[SubtitleStream]) -> None:
    """What is chosen has to be of a kind that can be drawn, and all of it has to be there.

    Raises:
        Held: Some of its lines or pictures could not be read, or nobody can draw them.
    """
    for track in subtitles:
        if not (track.file if track.text else track.codec in _PICTURES):
            raise _undecided(f"subtitles of the kind {track.codec} cannot be burnt", [track])
        if track.unread:
            what = "lines" if track.text else "pictures"
            raise _undecided(f"{track.unread} {what} of the subtitles cannot be read", [track])
