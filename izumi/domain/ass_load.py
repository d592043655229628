"""When a script is hardest to draw: most lines, most text, largest effects at once. Pure."""

import itertools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from izumi.domain.ass import Event, Script
from izumi.domain.probe import Heavy

_EFFECT: Final = re.compile(r"\\(?:blur|be|[xy]?bord|[xy]?shad|fs|fsc[xy])(\d{1,5})")


class _Load(NamedTuple):
    """How much there is to draw at a time."""

    lines: int
    characters: int
    effects: int

    def plus(self, other: "_Load", sign: int) -> "_Load":
        return _Load(*(own + sign * more for own, more in zip(self, other, strict=True)))


_NOTHING: Final = _Load(0, 0, 0)


def heaviest(script: Script, *, end_s: float) -> tuple[Heavy, ...]:
    """Where one of the loads is the highest, in order; three at most.

    Args:
        script: What is shown.
        end_s: When the film ends: what comes later is drawn by nobody.
    """
    stretches = list(_stretches(script, end_s))
    found = set()
    for number in range(len(_NOTHING)):
        peak = max(stretches, key=lambda own: own[2][number], default=None)
        if peak is None or not peak[2][number]:
            continue
        alike = [own for own in stretches if own[2][number] * 2 >= peak[2][number]]
        lasts_s = sum(until_s - begin_s for begin_s, until_s, _ in alike)
        found.add(Heavy(round((peak[0] + peak[1]) / 2, 3), round(lasts_s, 3)))
    return tuple(sorted(found))


def _stretches(script: Script, end_s: float) -> Iterator[tuple[float, float, _Load]]:
    """Stretches of the film in which nothing comes or goes, and what is shown in them."""
    turns: list[tuple[float, int, _Load]] = []
    for event in script.events:
        begin_s, until_s = max(event.start_s, 0.0), min(event.end_s, end_s)
        if begin_s < until_s:
            load = _load(event)
            turns += [(begin_s, 1, load), (until_s, -1, load)]
    turns.sort()
    shown = _NOTHING
    for (at_s, sign, load), (next_s, *_) in itertools.pairwise(turns):
        shown = shown.plus(load, sign)
        if at_s < next_s:
            yield at_s, next_s, shown


def _load(event: Event) -> _Load:
    effects = sum(int(size) for size in _EFFECT.findall(event.text))
    return _Load(1, len(event.text), effects)
