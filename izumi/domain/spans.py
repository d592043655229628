"""Episode numbers for people: `01-12, 12.5, 14`. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_PLAIN: Final = re.compile(r"[0-9]{1,4}")


def spans(labels: Iterable[tuple[int | None, str]]) -> str:
    """Numbers, those that follow each other joined.

    Args:
        labels: Season and number as written of each episode, in the order of the episodes.
            The season is written only where there are several.
    """
    by_season: dict[int | None, list[str]] = {}
    for season, number in labels:
        by_season.setdefault(season, []).append(number)
    if len(by_season) == 1:
        return ", ".join(_joined(next(iter(by_season.values()))))
    return ", ".join(
        f"{f'S{season} ' if season is not None else ''}{text}"
        for season, numbers in by_season.items()
        for text in [", ".join(_joined(numbers))]
    )


def _joined(numbers: Sequence[str]) -> list[str]:
    runs: list[list[str]] = []
    for number in dict.fromkeys(numbers):
        if runs and _follows(runs[-1][-1], number):
            runs[-1].append(number)
        else:
            runs.append([number])
    return [_run(run) for run in runs]


def _follows(before: str, after: str) -> bool:
    whole = _PLAIN.fullmatch(before) and _PLAIN.fullmatch(after)
    return bool(whole) and int(after) == int(before) + 1


def _run(run: Sequence[str]) -> str:
    first, last = _padded(run[0]), _padded(run[-1])
    return first if len(run) == 1 else f"{first}-{last}"


def _padded(number: str) -> str:
    """As file names have it: two digits at least."""
    return number.zfill(2) if _PLAIN.fullmatch(number) else number
