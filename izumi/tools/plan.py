"""What is to be done at a location, step by step, and what is left alone and why. Pure.

A plan is decided once, from listings, shown, written down, and then carried out as it
stands: whatever comes to lie there in between is not touched.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from izumi.tools.shelves import Item, beneath, folder_of

Verb = Literal["move", "rmdir", "rename", "season", "delete", "empty", "undo"]
Policy = Literal["skip", "rename", "newest"]
"""What becomes of two files that would have one name: both stay, the newest gets it and the
others a number, or the newest gets it and the others go to the trash."""

StepKind = Literal["move", "make", "rmdir", "purge"]

MAKE: Final = 0
CLEAR: Final = 1
BRING: Final = 2
SETTLE: Final = 3
TIDY: Final = 4
"""Phases; a step of one begins when those of the phase before have ended. What is in the
way is cleared before anything is brought; folders go last, the deepest first."""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change at a location.

    Attributes:
        phase: Steps of one phase do not depend on each other.
        kind: "move" a file; "make" or "rmdir" a folder; "purge": remove a file for good.
        path: Below the location's root.
        to: Where a file goes.
        size: Its bytes, as listed.
        why: What else is to be said of it.
    """

    phase: int
    kind: StepKind
    path: str
    to: str = ""
    size: int = 0
    why: str = ""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stays as it is, and the reason."""

    path: str
    why: str


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Files that would have one name, and what is done about it.

    Attributes:
        to: The name.
        paths: The files; one that lies there already comes first.
        decided: For people.
    """

    to: str
    paths: tuple[str, ...]
    decided: str


class PlacePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The plan of one location.

    Attributes:
        place: The location.
        steps: In no order within a phase.
        left: What stays as it is.
        conflicts: As they were decided.
        notices: What else is to be said.
        refused: One of the folders is no show, so that nothing is done in it.
    """

    place: str
    steps: tuple[Step, ...] = ()
    left: tuple[Left, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    notices: tuple[str, ...] = ()
    refused: bool = False

    @property
    def moved(self) -> tuple[Step, ...]:
        """The files that end elsewhere or nowhere, once each, from where they lie now."""
        return tuple(step for step in journeys(self.steps) if step.path != step.to)

    @property
    def files(self) -> int:
        """How many files there are to move or remove."""
        return len(self.moved)

    @property
    def size(self) -> int:
        """Bytes of them."""
        return sum(max(step.size, 0) for step in self.moved)


class Wish(NamedTuple):
    """A file that is to lie elsewhere.

    Attributes:
        item: The file.
        to: Where; below the location's root.
        why: For people.
    """

    item: Item
    to: str
    why: str = ""


def journeys(steps: Sequence[Step]) -> Iterator[Step]:
    """Every file with its first place and its last: names in between are left out."""
    moves = [step for step in steps if step.kind == "move"]
    leaving = {step.path: step for step in moves}
    arriving = {step.to: step for step in moves}

    def goes_on(first: Step | None, then: Step | None) -> bool:
        return first is not None and then is not None and first.phase < then.phase

    for step in steps:
        if step.kind == "purge":
            yield step
        elif step.kind == "move" and not goes_on(arriving.get(step.path), step):
            last = step
            while goes_on(last, then := leaving.get(last.to)) and then is not None:
                last = then
            yield msgspec.structs.replace(step, to=last.to)


def tidied(root: str, there: Sequence[Item], steps: Sequence[Step]) -> list[Step]:
    """The folders from `root` down that are empty once the steps are done, deepest first.

    Args:
        root: It may go as well.
        there: Everything that lies there.
        steps: What becomes of the files.
    """
    gone = {step.path for step in steps if step.kind in {"move", "purge"}}
    staying = {item.path for item in there if not item.folder and item.path not in gone}
    staying |= {step.to for step in steps if step.kind == "move" and step.phase != CLEAR}
    staying |= {step.path for step in steps if step.kind == "make"}
    kept: set[str] = set()
    for path in staying:
        while path := folder_of(path):
            kept.add(path)
    kept |= {step.path for step in steps if step.kind == "make"}
    empty = [
        item.path
        for item in there
        if item.folder and (item.path == root or beneath(item.path, root))
    ]
    return removals([path for path in empty if path not in kept])


def removals(folders: Sequence[str]) -> list[Step]:
    """Steps that remove folders, the deepest in the first phase."""
    deepest = max((path.count("/") for path in folders), default=0)
    return [
        Step(phase=TIDY + deepest - path.count("/"), kind="rmdir", path=path)
        for path in sorted(folders)
    ]


def makings(targets: Sequence[str], there: Sequence[Item]) -> list[Step]:
    """Steps that make the folders which `targets` are going to lie in and that are not there.

    They are steps of their own so that an undo takes them back.
    """
    known = {item.path for item in there if item.folder}
    known |= {folder_of(item.path) for item in there}
    missing: set[str] = set()
    for path in targets:
        while (path := folder_of(path)) and path not in known:
            missing.add(path)
    return [Step(phase=MAKE, kind="make", path=path) for path in sorted(missing)]
