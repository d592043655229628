"""What every operation planned and did: one file each in the state folder, never rewritten.

A line is on disk before what it announces is done, and after what it tells was proved, so
that whoever reads the file after a kill knows what may have been begun. The lines of a file
are its history as well: who, when, what, where.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from izumi.domain.errors import NoSpace, UserError
from izumi.tools.plan import PlacePlan, Step
from izumi.tools.requests import Request

FOLDER: Final = "library"
_ENDING: Final = ".jsonl"

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


_lines: Final = msgspec.json.Decoder(Opened | Planned | Begun | Ended | Failed | Closed)
_encoder: Final = msgspec.json.Encoder()


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


class Journal:
    """The file of one operation, open for writing.

    Args:
        path: Of the file.
        operation: As read so far.
    """

    def __init__(self, path: Path, operation: Operation) -> None:
        self.operation = operation
        self._path = path

    def planned(self, plan: PlacePlan) -> None:
        """Write down a location's plan."""
        self._write(Planned(plan=plan))

    def begun(self, place: str, steps: Sequence[int]) -> None:
        """Write down that steps are about to be done."""
        self._write(Begun(place=place, steps=tuple(steps)))

    def ended(self, place: str, steps: Mapping[int, Outcome], reasons: Mapping[int, str]) -> None:
        """Write down what became of steps."""
        self._write(Ended(place=place, steps=dict(steps), reasons=dict(reasons)))

    def failed(self, place: str, reason: str) -> None:
        """Write down that a location does not answer."""
        self._write(Failed(place=place, reason=reason))

    def close(self, state: Literal["done", "undone", "left"], at: str, by: str = "") -> None:
        """Write down that nothing more is to be done."""
        self._write(Closed(state=state, at=at, by=by))

    def _write(self, line: Line) -> None:
        """Append, and return when it is on disk.

        Raises:
            NoSpace: It cannot be written; what it announces must not be done.
        """
        _append(self._path, line)
        _take(self.operation, line)


class Journals:
    """The folder of all of them.

    Args:
        state: Folder of this host's state.
    """

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other `izumi-admin` of this host from changing the library meanwhile.

        Raises:
            UserError: One is at it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(lock)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise UserError(
                f"another izumi-admin is changing the library ({self._folder}); wait for it"
            ) from exc

    def open(self, opened: Opened) -> Journal:
        """Begin the file of a new operation."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{opened.id}{_ENDING}"
        operation = Operation(opened, {name: Progress() for name in opened.places})
        journal = Journal(path, operation)
        _append(path, opened)
        return journal

    def again(self, operation: Operation) -> Journal:
        """Go on with the file of an operation that was read."""
        return Journal(self._folder / f"{operation.id}{_ENDING}", operation)

    def operations(self) -> list[Operation]:
        """Every operation, the oldest first."""
        found = (_read(path) for path in sorted(self._folder.glob(f"*{_ENDING}")))
        return [operation for operation in found if operation is not None]

    def find(self, text: str) -> Operation:
        """The operation whose id is, or begins with, a text.

        Raises:
            UserError: None or several are.
        """
        known = self.operations()
        found = [one for one in known if text and one.id.startswith(text)]
        if len(found) != 1:
            what = "no operation is" if not found else "several operations are"
            raise UserError(f"{what} called {text!r}; see izumi-admin history")
        return found[0]


def _append(path: Path, line: Line) -> None:
    try:
        new = not path.exists()
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            # A line that a kill cut short ends here, and what comes after it counts.
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            text = b"\n" * torn + _encoder.encode(line) + b"\n"
            if os.write(fd, text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(fd)
        finally:
            os.close(fd)
        if new:
            _sync_folder(path.parent)
    except OSError as exc:
        raise NoSpace(f"{path} cannot be written: {exc.strerror}") from exc


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _read(path: Path) -> Operation | None:
    """An operation; None where its first line was never written whole."""
    operation: Operation | None = None
    for text in path.read_bytes().split(b"\n"):
        try:
            line = _lines.decode(text)
        except msgspec.DecodeError:
            continue
        if isinstance(line, Opened):
            operation = Operation(line, {name: Progress() for name in line.places})
        elif operation is not None:
            _take(operation, line)
    return operation


def _take(operation: Operation, line: Line) -> None:
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
