"""The plan that takes back what an operation did at a location. Pure."""

from collections.abc import Iterable
from typing import Final

from izumi.tools.plan import Left, PlacePlan, Step, StepKind

_BACK: Final[dict[StepKind, StepKind]] = {"move": "move", "make": "rmdir", "rmdir": "make"}


def undo(place: str, touched: Iterable[Step]) -> PlacePlan:
    """Every step the other way round, in the opposite order.

    Args:
        place: The location.
        touched: The steps that were done, or may have been.
    """
    steps = list(touched)
    last = max((step.phase for step in steps), default=0)
    back: list[Step] = []
    left: list[Left] = []
    for step in steps:
        kind = _BACK.get(step.kind)
        if kind is None:
            left.append(Left(path=step.path, why="it was removed for good"))
            continue
        path, to = (step.to, step.path) if kind == "move" else (step.path, "")
        # Folders that were made one in another go in the order of their depth.
        depth = step.path.count("/") if kind == "rmdir" else 0
        phase = last - step.phase + (1000 - depth if kind == "rmdir" else 0)
        back.append(Step(phase=phase, kind=kind, path=path, to=to, size=step.size))
    return PlacePlan(place=place, steps=tuple(back), left=tuple(left))
