"""Where an output is looked at to prove that its subtitles are seen. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from izumi.domain import ass
from izumi.domain.probe import Probe, SubtitleStream

ENOUGH: Final = 3
"""So many looks that show a track prove it."""

_PICTURE_LEAD_S: Final = 4.0
_SEEK_SLACK_S: Final = 0.5
_WITHOUT_INDEX: Final = frozenset({"mpegts"})


def moments(track: SubtitleStream, last_s: float) -> list[float]:
    """When to look for a track, best first; the last picture is shown at `last_s`."""
    return [at_s for at_s in track.moments if at_s <= last_s]


def key_frames(tracks: Iterable[SubtitleStream], last_s: float) -> list[str]:
    """Arguments of the encode: a key frame before each look, which then decodes no more."""
    wanted = {at_s for track in tracks for at_s in moments(track, last_s)[:ENOUGH]}
    times = [f"{max(at_s - ass.AFTER_KEY_S, 0.0):.3f}" for at_s in sorted(wanted)]
    return ["-force_key_frames", ",".join(times)] if times else []


def lead_s(probe: Probe, subtitles: Sequence[SubtitleStream]) -> float:
    """How long before a picture reading has to begin, for it to be drawn as in the encode."""
    film = probe.film
    apart_s = film.packets.keys_apart_s if film is not None and film.packets is not None else 0.0
    return max(
        # A picture is laid over the film from its packet on.
        0.0 if all(track.text for track in subtitles) else _PICTURE_LEAD_S,
        # Without an index a seek ends anywhere, and decoding begins at the next key frame.
        apart_s + _SEEK_SLACK_S if probe.container in _WITHOUT_INDEX else 0.0,
    )
