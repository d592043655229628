"""Which tracks of a file are used, and why. What cannot be decided is held, never guessed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from izumi.domain import languages, overrides
from izumi.domain.errors import Held
from izumi.domain.overrides import Override
from izumi.domain.probe import AudioStream, Probe, Stream, SubtitleStream
from izumi.domain.profile import Profile
from izumi.domain.track_kinds import (
    Kind,
    called_full,
    describe,
    kind,
    lacks,
    language,
    repeated,
    speech,
)

_Track = TypeVar("_Track", AudioStream, SubtitleStream)

_PICTURES = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle"})
# What is best for whoever does not understand the speech, and for whoever does.
_TRANSLATED: tuple[Kind, ...] = ("full", "dubtitles", "captions")
_UNDERSTOOD: tuple[Kind, ...] = ("signs", "dubtitles", "captions", "full")
_STYLED = frozenset({"ass", "ssa"})
# Share of a film that speech covers in full subtitles at least; in a short one it may be any.
_SPARSE = 0.03
_LONG_S = 300.0
_SAME_LINES = 0.9
_SAME_SIGNS = 0.5


class Sound(NamedTuple):
    """The sound to take; None: the file has none."""

    track: AudioStream | None
    why: str


class Burnt(NamedTuple):
    """The subtitles to burn, lowest first."""

    tracks: tuple[SubtitleStream, ...]
    why: str


class Question(NamedTuple):
    """For whom a choice is made, so that a hold can name the line that settles it."""

    show: str = ""
    override: Override | None = None

    def held(self, key: str, reason: str, tracks: Sequence[Stream]) -> Held:
        """A hold with the candidates, and the way out."""
        facts = {f"track {track.index}": describe(track) for track in tracks}
        if tracks:
            line = overrides.line(self.show or "...", key, tracks[0].index)
            facts["settle"] = f"{line}   # or another of the tracks"
        return Held(reason, facts)


_NOBODY = Question()


def choose_audio(probe: Probe, profile: Profile, question: Question = _NOBODY) -> Sound:
    """The sound to take.

    Raises:
        Held: Several languages, none of them preferred, none marked as the default; or the
            override names none of the tracks.
    """
    wanted = None if question.override is None else question.override.audio
    if wanted is not None:
        named = _named(wanted, probe.audio)
        if not named:
            raise question.held("audio", f"the override names no sound: {wanted!r}", probe.audio)
        return Sound(_default_first(named), f"the override says {wanted!r}")
    spoken = [track for track in probe.audio if speech(track)]
    if not spoken:
        if probe.audio:
            why = "every sound track is a commentary or a description"
            raise question.held("audio", why, probe.audio)
        return Sound(None, "the file has no sound")
    for tag in map(languages.normal, profile.audio_languages):
        own = [track for track in spoken if language(track) == tag]
        if own:
            return Sound(_default_first(own), f"the first in {tag}, which the profile prefers")
    unsaid = [track for track in spoken if not language(track)]
    marked = [track for track in spoken if "default" in track.dispositions]
    if len({language(track) for track in spoken}) == 1:
        return Sound(_default_first(spoken), "there is no other language")
    if len(unsaid) == 1:
        return Sound(unsaid[0], "the only one that does not say its language")
    if len(marked) == 1:
        return Sound(marked[0], "no preferred language is there, and it is the default")
    wanted_languages = ", ".join(profile.audio_languages)
    why = f"no sound in {wanted_languages}, and none of the others is the default"
    raise question.held("audio", why, spoken)


def choose_surround(probe: Probe, first: AudioStream | None) -> AudioStream | None:
    """The surround sound that belongs to the first: the most channels in its language."""
    if first is None:
        return None
    own = [t for t in probe.audio if speech(t) and language(t) == language(first)]
    widest = max([first, *own], key=lambda track: track.channels)
    return widest if widest.channels > 2 else None


def choose_subtitles(
    probe: Probe, profile: Profile, audio: AudioStream | None, question: Question = _NOBODY
) -> Burnt:
    """The subtitles to burn; none, where there are none and that is allowed.

    Raises:
        Held: There are none, only signs, none in a wanted language, several as good, or some
            that cannot be read or drawn.
    """
    override = question.override
    policy = (override and override.no_subtitles) or profile.no_subtitles
    tracks = [track for track in probe.subtitles if track.events]
    if override is None or not override.subtitles:
        _refuse_troubled(probe.subtitles, profile, question, able=bool(tracks))
    if override is not None and override.subtitles:
        burnt = _overridden(override.subtitles, tracks, audio, question)
    elif tracks:
        wanted = [*map(languages.normal, profile.subtitle_languages), ""]
        burnt = _by_language(wanted, tracks, audio, question)
        _refuse_sparse(burnt.tracks[0], probe.duration_s or 0.0, audio, question)
    elif policy == "pass":
        return Burnt((), "there are none, and no_subtitles lets it pass")
    else:
        facts = {f"track {track.index}": describe(track) for track in probe.subtitles}
        facts["settle"] = overrides.line(question.show or "...", "no_subtitles", "pass")
        why = "there are no subtitles in it; set no_subtitles to pass to encode it as it is"
        raise Held(why, facts)
    _refuse_unreadable(burnt.tracks, question)
    return burnt


def _refuse_troubled(
    tracks: Sequence[SubtitleStream], profile: Profile, question: Question, *, able: bool
) -> None:
    """Subtitles are not taken for none because nothing of them can be read.

    Files of kinds that are never read count only where nothing else is able.
    """
    wanted = {*map(languages.normal, profile.subtitle_languages), ""}
    for track in tracks:
        trouble = "" if able and track.beside and not track.text else track.trouble
        if track.unread and not track.events:
            trouble = f"none of its {track.unread} lines or pictures can be shown"
        if trouble and language(track) in wanted:
            why = f"{track.beside or f'track {track.index}'} cannot be read: {trouble}"
            raise question.held("subtitles", why, [own for own in tracks if own.events] or tracks)


def _refuse_sparse(
    track: SubtitleStream, film_s: float, audio: AudioStream | None, question: Question
) -> None:
    """What hardly speaks in a long film is signs and songs, whatever it is called."""
    understood = audio is not None and language(audio) == language(track)
    if film_s < _LONG_S or track.spoken_s >= _SPARSE * film_s or understood or called_full(track):
        return
    why = (
        f"the subtitles speak for {track.spoken_s:.0f} s of {film_s:.0f} s: they may be signs only"
    )
    raise question.held("subtitles", why, [track])


def _by_language(
    wanted: Iterable[str],
    tracks: Sequence[SubtitleStream],
    audio: AudioStream | None,
    question: Question,
) -> Burnt:
    kinds = {track.index: kind(track, tracks) for track in tracks}
    tags = list(dict.fromkeys(wanted))
    for tag in tags:
        own = [track for track in tracks if language(track) == tag]
        understood = audio is not None and bool(tag) and language(audio) == tag
        for best in _UNDERSTOOD if understood else _TRANSLATED:
            able = [track for track in own if kinds[track.index] == best]
            if not able:
                continue
            chosen = _only_one(able, question)
            why = f"{best} in {tag or 'a language that is not said'}"
            if understood and best == "signs":
                return Burnt((chosen,), f"{why}: the speech is in {tag} already")
            return _with_signs(chosen, own, kinds, question, why)
        if any(kinds[track.index] == "signs" for track in own):
            why = "there are only signs and songs, no subtitles of the speech"
            raise question.held("subtitles", why, tracks)
    why = f"there are no subtitles in {', '.join(filter(None, tags))}"
    raise question.held("subtitles", why, tracks)


def _overridden(
    wanted: overrides.Wanted,
    tracks: Sequence[SubtitleStream],
    audio: AudioStream | None,
    question: Question,
) -> Burnt:
    """What a person named: tracks, or a language in which one is chosen as ever."""
    tag = languages.named(wanted) if isinstance(wanted, str) else ""
    if tag and any(language(track) == tag for track in tracks):
        burnt = _by_language([tag], tracks, audio, question)
        return burnt._replace(why=f"the override says {wanted!r}: {burnt.why}")
    found: dict[int, SubtitleStream] = {}
    for one in wanted if isinstance(wanted, tuple) else (wanted,):
        named = _named(one, tracks)
        if not named:
            why = f"the override names no subtitles: {one!r}"
            raise question.held("subtitles", why, tracks)
        track = _only_one(named, question)
        found[track.index] = track
    return Burnt(tuple(found.values()), f"the override says {wanted!r}")


def _named(wanted: int | str, tracks: Sequence[_Track]) -> list[_Track]:
    """The tracks with that number, in that language, or with those words in their title."""
    if isinstance(wanted, int):
        return [track for track in tracks if track.index == wanted]
    words = wanted.casefold()
    titled = [track for track in tracks if words in track.title.casefold()]
    tag = languages.named(wanted)
    return [track for track in tracks if tag and language(track) == tag] or titled


def _default_first(tracks: Sequence[AudioStream]) -> AudioStream:
    marked = [track for track in tracks if "default" in track.dispositions]
    return (marked or list(tracks))[0]


def _only_one(tracks: Sequence[SubtitleStream], question: Question) -> SubtitleStream:
    """The one of several that do the same: text before pictures, then the default.

    Of tracks with the same lines one is as good as another; one with styles is better.
    """
    text = [track for track in tracks if track.text] or list(tracks)
    marked = [track for track in text if "default" in track.dispositions] or text
    styled = [track for track in marked if track.codec in _STYLED] or marked
    first = styled[0]
    if all(repeated(other, first) > _SAME_LINES for other in marked if other is not first):
        return first
    raise question.held("subtitles", "several subtitle tracks would do as well", marked)


def _with_signs(
    track: SubtitleStream,
    own: Sequence[SubtitleStream],
    kinds: dict[int, Kind],
    question: Question,
    why: str,
) -> Burnt:
    """The track, and the signs that it leaves to others."""
    signs = [other for other in own if kinds[other.index] == "signs" and lacks(track, other)]
    signs = [other for other in signs if other.text] or signs
    for number, one in enumerate(signs):
        if any(repeated(one, other) > _SAME_SIGNS for other in signs[:number]):
            reason = "several tracks of signs complement the subtitles, and repeat each other"
            raise question.held("subtitles", reason, [track, *signs])
    if not signs:
        return Burnt((track,), why)
    if not all(other.text for other in signs) and len(signs) > 1:
        reason = "several tracks of signs complement the subtitles, and cannot be compared"
        raise question.held("subtitles", reason, [track, *signs])
    numbers = ", ".join(f"{other.index}" for other in signs)
    return Burnt((track, *signs), f"{why}; its signs are in track {numbers}")


def _refuse_unreadable(subtitles: Sequence[SubtitleStream], question: Question) -> None:
    """What is chosen has to be of a kind that can be drawn, and all of it has to be there."""
    for track in subtitles:
        if not (track.file if track.text else track.codec in _PICTURES):
            reason = f"subtitles of the kind {track.codec} cannot be burnt"
            raise question.held("subtitles", reason, [track])
        if track.unread:
            what = "lines" if track.text else "pictures"
            reason = f"{track.unread} {what} of the subtitles cannot be read"
            raise question.held("subtitles", reason, [track])
