"""The sound of an output: stereo AAC-LC first, which every player plays, then surround."""

from typing import Final

import msgspec

from izumi.domain import languages
from izumi.domain.probe import AudioStream

_COPIED_RATES: Final = frozenset({32000, 44100, 48000})
_MOST_CHANNELS: Final = 6


class OutputSound(msgspec.Struct, frozen=True, kw_only=True):
    """One sound track that is to come out.

    Attributes:
        track: Of the source.
        copied: It is taken as it is; else encoded.
        channels: At most so many come out.
        kbps: Bit rate of what is encoded.
        end_s: When it has to end, from the start of the film; None: not known.
    """

    track: AudioStream
    copied: bool
    channels: int
    kbps: int
    end_s: float | None


def of(
    audio: AudioStream | None, surround: AudioStream | None, *, kbps: int, start_s: float
) -> tuple[OutputSound, ...]:
    """The tracks that come out, in their order.

    Args:
        audio: The sound of the film; None: there is none.
        surround: What comes second; None: nothing.
        kbps: Bit rate of stereo; surround gets twice as much.
        start_s: When the file starts.
    """
    found = []
    for track, most, rate in ((audio, 2, kbps), (surround, _MOST_CHANNELS, 2 * kbps)):
        if track is None:
            continue
        found.append(
            OutputSound(
                track=track,
                copied=_plays(track, most),
                channels=min(track.channels, most) if most > 2 else most,
                kbps=rate,
                end_s=None if track.packets is None else track.packets.end_s - start_s,
            )
        )
    return tuple(found)


def _plays(track: AudioStream, channels: int) -> bool:
    lc = track.codec == "aac" and track.profile == "LC"
    return lc and track.channels <= channels and track.sample_rate in _COPIED_RATES


def argv(sounds: tuple[OutputSound, ...]) -> list[str]:
    """What ffmpeg is told about the sound."""
    if not sounds:
        return ["-an"]
    words = []
    for number, sound in enumerate(sounds):
        language = languages.of_track(sound.track.language, sound.track.title) or "und"
        words += ["-map", f"0:{sound.track.index}"]
        words += [f"-metadata:s:a:{number}", f"language={language}"]
        words += [f"-disposition:a:{number}", "0" if number else "default"]
        if sound.copied:
            words += [f"-c:a:{number}", "copy"]
            continue
        # Gaps become silence: an encoder would close them, and the sound come too early.
        words += [f"-filter:a:{number}", "aresample=async=1:first_pts=0"]
        words += [f"-c:a:{number}", "aac", f"-profile:a:{number}", "aac_low"]
        words += [f"-b:a:{number}", f"{sound.kbps}k", f"-ac:a:{number}", str(sound.channels)]
        words += [f"-ar:a:{number}", "48000"]
    return words
