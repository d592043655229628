"""A backup on disk: a folder that is there whole or not at all, and proves itself.

manifest.json      what it is, and of each stream the settings and what it holds
IZUMI.archive ...  the streams, as the server writes them
SHA256SUMS         of all of these, as `sha256sum -c` reads it
"""

import contextlib
import datetime as dt
import fcntl
import functools
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from izumi.bus.backup_archive import Position
from izumi.domain.errors import NoSpace, UserError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"

_LOCK: Final = "in-the-making"
_PART: Final = 1 << 20
_SPARE_BYTES: Final = 16 << 20


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A stream in a backup.

    Attributes:
        config: Its settings, as the server writes them.
        state: What the server said of it when its snapshot began.
        messages: How many messages are in the archive.
        first_seq: Of the first of them; what the next one would have, when there is none.
        last_seq: The last sequence that the stream gave.
        first_ns: Time of the first message, in nanoseconds since 1970; 0 without one.
        last_ns: Of the last.
        bytes: What the messages take in the stream.
        consumers: Its consumers, and how far they are.
        file: Name of the archive.
        size: Its bytes.
        sha256: Of the archive.
    """

    config: Mapping[str, Any]
    state: Mapping[str, Any]
    messages: int
    first_seq: int
    last_seq: int
    first_ns: int
    last_ns: int
    bytes: int
    consumers: Mapping[str, Position]
    file: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The stream's name."""
        return str(self.config["name"])


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is."""

    format: int = FORMAT
    izumi: str
    server: str
    host: str
    at: dt.datetime
    streams: tuple[Kept, ...]

    @property
    def id(self) -> str:
        """Tells it from every other backup."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


@contextlib.contextmanager
def made(path: Path, room: int) -> Iterator[Path]:
    """A folder to write a backup into, which gets its name when the block is left.

    Args:
        path: What it is going to be called.
        room: Bytes that are needed.

    Raises:
        UserError: It is there already, cannot be made, or is being made.
        NoSpace: The disk has not so much room.
    """
    path = path.absolute()
    if path.exists() or path.is_symlink():
        raise UserError(f"{path} is there already; give a name that is not")
    folder = path.with_name(f".{path.name}.part")
    with _disk(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
    if free < room + _SPARE_BYTES:
        raise NoSpace(f"{path.parent} has {free} bytes free, and the backup may take {room}")
    with _disk(path):
        _sweep(path.parent)
        with _owned(folder):
            if any(one.name != _LOCK for one in folder.iterdir()):
                (folder / _LOCK).unlink()
                raise UserError(f"{folder} holds what no backup left there; move it away")
            try:
                yield folder
                (folder / _LOCK).unlink()
                sync(folder)
                folder.rename(path)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        sync(path.parent)


def _sweep(parent: Path) -> None:
    """Remove what killed runs left, of any name."""
    for left in parent.glob(".*.part"):
        if (left / _LOCK).is_file() or (left / SUMS).is_file():
            with contextlib.suppress(UserError), _owned(left):
                shutil.rmtree(left)


@contextlib.contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """The folder, which no other process writes to while the block runs."""
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder} is being written by another process") from None
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise UserError(f"{exc.filename or path} cannot be written: {exc.strerror}") from exc


def new_file(path: Path) -> BinaryIO:
    """A file for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def seal(folder: Path, manifest: Manifest) -> None:
    """Write what proves a backup, when all its archives are there."""
    text = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)
    lines = [f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n"]
    lines += [f"{kept.sha256}  {kept.file}\n" for kept in manifest.streams]
    for name, data in ((MANIFEST, text), (SUMS, "".join(lines).encode())):
        with new_file(folder / name) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def checked(path: Path, told: Callable[[str, int, int], object]) -> Manifest:
    """Read every byte of a backup, and see that it is what was written.

    Args:
        path: Of the backup.
        told: Is told of each file how many of its bytes were read, of how many.

    Raises:
        UserError: It is no backup, of another version, or damaged.
    """
    try:
        sums = _sums(path)
        for name, wanted in sums.items():
            found = digest(path / name, functools.partial(told, name))
            if found != wanted:
                raise UserError(f"{path / name} is damaged: it has not the hash that {SUMS} says")
        manifest = _manifest(path)
    except OSError as exc:
        raise UserError(f"{exc.filename} cannot be read: {exc.strerror}") from exc
    if sums.keys() != {MANIFEST, *(kept.file for kept in manifest.streams)}:
        raise UserError(f"{path / SUMS} does not name the files that {MANIFEST} does")
    return manifest


def _sums(path: Path) -> dict[str, str]:
    try:
        text = (path / SUMS).read_text("ascii")
    except FileNotFoundError:
        raise UserError(f"{path} is no backup: there is no {SUMS} in it") from None
    except UnicodeDecodeError:
        text = ""
    found: dict[str, str] = {}
    for line in text.splitlines():
        value, _, name = line.partition("  ")
        if not name or "/" in name or name in {"..", "."}:
            raise UserError(f"{path / SUMS} is damaged")
        found[name] = value
    if MANIFEST not in found:
        raise UserError(f"{path / SUMS} is damaged")
    return found


def _manifest(path: Path) -> Manifest:
    data = (path / MANIFEST).read_bytes()
    try:
        found = msgspec.json.decode(data, type=dict[str, Any]).get("format")
        if found != FORMAT:
            raise UserError(
                f"{path} is a backup of format {found}, and this Izumi reads {FORMAT}; "
                "restore it with the version that made it"
            )
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as exc:
        raise UserError(f"{path / MANIFEST} cannot be read: {exc}") from exc


def digest(path: Path, told: Callable[[int, int], object]) -> str:
    """SHA-256 of a file; `told` is told of the bytes read, and of all."""
    made_of = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while part := file.read(_PART):
            made_of.update(part)
            done += len(part)
            told(done, size)
    return made_of.hexdigest()
