"""The search for the crf at which samples of a film score as well as a profile asks. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from izumi.domain.profile import DEFAULT_CRF, Codec

MOST_TRIALS: Final = 7
_RANGES: Final[dict[Codec, tuple[int, int]]] = {"h264": (8, 38), "hevc": (10, 40), "av1": (12, 55)}
_SAMPLES: Final = 3
_SAMPLE_S: Final = 4.0
_SCORE = re.compile(r"VMAF score: ([0-9.]+)")


class Span(NamedTuple):
    """A part of the film, from its start on."""

    at_s: float
    length_s: float


def samples(duration_s: float) -> list[Span]:
    """What is looked at: parts spread over the film, or all of a short one."""
    if duration_s <= 1.5 * _SAMPLES * _SAMPLE_S:
        return [Span(0.0, duration_s)]
    step_s = duration_s / (_SAMPLES + 1)
    return [Span(step_s * (n + 1) - _SAMPLE_S / 2, _SAMPLE_S) for n in range(_SAMPLES)]


def next_crf(trials: Mapping[int, float], target: float, codec: Codec) -> int | None:
    """The crf to try next; None: the search is over.

    Args:
        trials: Score of every crf that was tried.
        target: Score that is wanted.
        codec: On whose scale.
    """
    if len(trials) >= MOST_TRIALS:
        return None
    lowest, highest = _RANGES[codec]
    too_low = min((crf for crf, score in trials.items() if score < target), default=highest + 1)
    # Scores of neighbours may lie the wrong way round; the worse half is not looked at.
    enough = max(
        (crf for crf, score in trials.items() if score >= target and crf < too_low),
        default=lowest - 1,
    )
    if too_low - enough <= 1:
        return None
    return DEFAULT_CRF[codec] if not trials else (enough + too_low) // 2


def chosen(trials: Mapping[int, float], target: float) -> int:
    """The highest crf that is good enough; else the best that was tried."""
    enough = [crf for crf, score in trials.items() if score >= target]
    return max(enough) if enough else min(trials)


def score(lines: Iterable[str]) -> float | None:
    """What libvmaf said; None: nothing."""
    found = [match[1] for line in lines if (match := _SCORE.search(line))]
    return float(found[-1]) if found else None
