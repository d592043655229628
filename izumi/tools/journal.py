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
from pathlib import Path
from typing import Final, Literal

import msgspec

from izumi.domain.errors import NoSpace, UserError
from izumi.tools.operation import (
    Begun,
    Closed,
    Ended,
    Failed,
    Line,
    Opened,
    Operation,
    Outcome,
    Planned,
    Progress,
    take,
)
from izumi.tools.plan import PlacePlan

FOLDER: Final = "library"
_ENDING: Final = ".jsonl"
_OWED: Final = ".untold"

_lines: Final = msgspec.json.Decoder(Opened | Planned | Begun | Ended | Failed | Closed)
_encoder: Final = msgspec.json.Encoder()


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
        take(self.operation, line)


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

    def owe(self, operation: Operation) -> None:
        """Note that others are to hear of what an operation is about to do.

        Raises:
            NoSpace: It cannot be noted.
        """
        path = self._folder / f"{operation.id}{_OWED}"
        try:
            path.touch(mode=0o600)
        except OSError as exc:
            raise NoSpace(f"{path} cannot be written: {exc.strerror}") from exc

    def owed(self) -> list[Operation]:
        """The operations that others have not heard of, the oldest first."""
        paths = sorted(self._folder.glob(f"*{_OWED}"))
        files = (path.with_name(f"{path.name.removesuffix(_OWED)}{_ENDING}") for path in paths)
        found = (_read(path) for path in files if path.is_file())
        return [operation for operation in found if operation is not None]

    def told(self, operation: Operation) -> None:
        """Others have heard of it."""
        (self._folder / f"{operation.id}{_OWED}").unlink(missing_ok=True)

    def taken_back_by(self, operation: Operation) -> str:
        """The undo of an operation that has begun and not ended; "" for none."""
        return next(
            (
                one.id
                for one in self.operations()
                if one.opened.request.of == operation.id and one.state == "open"
            ),
            "",
        )

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
            take(operation, line)
    return operation
