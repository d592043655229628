"""An operation as the lines of its file tell it: what is asked, planned, begun and done. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from izumi.tools.plan import PlacePlan, Step
from izumi.tools.requests import Request

Outcome = Literal["done", "skipped", "failed"]


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="is"):
    """Base of the lines."""


class Opened(Line, frozen=True, kw_only=True, tag="opened"):
    """The first line: what is asked, by whom, when, and at which locations."""

    id: str
    request: Request
    by: str
    at: str
    places: tuple[str, ...]


class Planned(Line, frozen=True, kw_only=True, tag="planned"):
    """What is going to be done at a location; its steps are numbered from 0."""

    plan: PlacePlan


class Begun(Line, frozen=True, kw_only=True, tag="begun"):
    """These steps may have been done from now on."""

    place: str
    steps: tuple[int, ...]


class Ended(Line, frozen=True, kw_only=True, tag="ended"):
    """What became of steps; reasons of those that were not done."""

    place: str
    steps: dict[int, Outcome]
    reasons: dict[int, str] = {}


class Failed(Line, frozen=True, kw_only=True, tag="failed"):
    """A location could not be listed, or went away."""

    place: str
    reason: str


class Closed(Line, frozen=True, kw_only=True, tag="closed"):
    """Nothing more is to be done; "left" is as it stands, because a person says so."""

    state: Literal["done", "undone", "left"]
    at: str
    by: str = ""


@dataclass
class Progress:
    """How far an operation is at one location."""

    plan: PlacePlan | None = None
    begun: set[int] = field(default_factory=set)
    ended: dict[int, Outcome] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    failed: str = ""

    @property
    def open(self) -> list[int]:
        """The steps that are not settled."""
        steps = self.plan.steps if self.plan else ()
        return [n for n in range(len(steps)) if self.ended.get(n, "failed") == "failed"]

    @property
    def is_whole(self) -> bool:
        """Whether everything was done, or needed not to be."""
        return self.plan is not None and not self.open

    def touched(self) -> Iterator[Step]:
        """The steps that were done, or may have been."""
        for number, step in enumerate(self.plan.steps if self.plan else ()):
            outcome = self.ended.get(number)
            if outcome == "done" or (outcome != "skipped" and number in self.begun):
                yield step


@dataclass
class Operation:
    """An operation as its file tells it."""

    opened: Opened
    places: dict[str, Progress]
    closed: Closed | None = None

    @property
    def id(self) -> str:
        """What people call it."""
        return self.opened.id

    @property
    def state(self) -> Literal["open", "done", "undone", "left"]:
        """Whether something is left to do."""
        return self.closed.state if self.closed else "open"

    @property
    def files(self) -> int:
        """Files that were to be moved or removed, at all locations."""
        return sum(one.plan.files for one in self.places.values() if one.plan)


def take(operation: Operation, line: Line) -> None:
    """Let an operation be as a line says."""
    match line:
        case Planned():
            operation.places[line.plan.place] = Progress(plan=line.plan)
        case Begun():
            operation.places[line.place].begun.update(line.steps)
        case Ended():
            progress = operation.places[line.place]
            progress.ended.update(line.steps)
            progress.reasons.update(line.reasons)
            progress.failed = ""
        case Failed():
            operation.places[line.place].failed = line.reason
        case Closed():
            operation.closed = line
