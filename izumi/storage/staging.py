"""A file held fast for as long as it is worked on, whatever becomes of its name.

A hard link costs nothing and outlives the deletion of the source, but shares its content;
a copy is for other file systems, and for files that may not be linked.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from izumi.domain.errors import NoSpace, StorageUnavailable
from izumi.storage import beneath
from izumi.storage.settle import Changed, Fingerprint, fingerprint

_CHUNK: Final = 1 << 20
_FICLONE: Final = 0x40049409  # ioctl_ficlone(2)
_SPARE_BYTES: Final = 64 << 20
_NAME: Final = "file"


class Cancelled(Exception):
    """The caller asked to stop."""


class Staged(NamedTuple):
    """A staged file, and how it was staged."""

    path: Path
    sha256: str
    how: Literal["link", "reflink", "copy"]


class Staging:
    """The folder for staged files: one folder for each, named by the ledger's id.

    All methods do file work and run on threads.

    Args:
        folder: Outside every watch folder; on the same file system if links are wanted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, id_: int) -> Path:
        """Where the file of this id is staged."""
        return self._folder / str(id_) / _NAME

    def stage(
        self,
        id_: int,
        root: Path,
        path: str,
        before: Fingerprint,
        stop: threading.Event,
        *,
        sha256: str = "",
    ) -> Staged:
        """Stage `root/path`; its sha256 is taken where it was not while it was `before`.

        Raises:
            Changed: It is not, or did not stay, what `before` says (names aside).
            Cancelled: `stop` was set.
            NoSpace: There is no room for a copy.
            StorageUnavailable: The copy cannot be read back as it was written.
            OSError: It cannot be read, or the folder cannot be written.
        """
        self.release(id_)
        target = self.path(id_)
        target.parent.mkdir(mode=0o700, parents=True)
        how = self._link(root, path, target) or self._clone(root, path, before, target)
        if how is None:
            copied = self._copy(root, path, before, target, stop)
            if sha256 not in {"", copied}:
                raise Changed
            return Staged(target, copied, "copy")
        _same(target, how, before)
        if not sha256:
            sha256 = sha256_of(target, stop)
            _same(target, how, before)
        return Staged(target, sha256, how)

    def intact(self, id_: int, size: int, inode: int, mtime_ns: int) -> bool:
        """Whether what was staged under this id is there, as it was staged.

        A copy is ours alone; a link shares the inode, and so the changes, of its source.
        """
        try:
            status = os.lstat(self.path(id_))
        except OSError:
            return False
        return status.st_size == size and (status.st_ino != inode or status.st_mtime_ns == mtime_ns)

    def holds(self, id_: int, sha256: str, stop: threading.Event) -> bool:
        """Whether what is staged under this id has this content.

        Raises:
            Cancelled: `stop` was set.
            OSError: It cannot be read.
        """
        try:
            return sha256_of(self.path(id_), stop) == sha256
        except Changed:
            return False

    def release(self, id_: int) -> None:
        """Remove what is staged under this id, if anything is."""
        shutil.rmtree(self._folder / str(id_), ignore_errors=True)

    def sweep(self, keep: Callable[[int], bool]) -> int:
        """Remove what no file on its way needs; how many there were."""
        swept = 0
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                if not (entry.name.isdigit() and keep(int(entry.name))):
                    shutil.rmtree(entry.path, ignore_errors=True)
                    swept += 1
        return swept

    def _link(self, root: Path, path: str, target: Path) -> Literal["link"] | None:
        with beneath.parent(root, path) as (fd, name):
            try:
                os.link(name, target, src_dir_fd=fd, follow_symlinks=False)
            except OSError as exc:
                if exc.errno == errno.ENOENT:
                    raise Changed from exc
                return None
        return "link"

    def _clone(
        self, root: Path, path: str, before: Fingerprint, target: Path
    ) -> Literal["reflink"] | None:
        with _source(root, path, before) as source, _new(target) as new:
            try:
                fcntl.ioctl(new, _FICLONE, source)
                os.fsync(new)
            except OSError:
                target.unlink()
                return None
        _sync_folder(target.parent)
        return "reflink"

    def _copy(
        self, root: Path, path: str, before: Fingerprint, target: Path, stop: threading.Event
    ) -> str:
        free = os.statvfs(target.parent)
        if free.f_bavail * free.f_frsize < before.size + _SPARE_BYTES:
            msg = f"{self._folder}: no room for a copy of {before.size} bytes"
            raise NoSpace(msg)
        with _source(root, path, before) as source, _new(target) as new:
            sha256 = hashlib.sha256()
            for chunk in _chunks(source, stop):
                sha256.update(chunk)
                _write(new, chunk)
            os.fsync(new)
            # Read back from the disk, not from memory.
            with contextlib.suppress(OSError, AttributeError):
                os.posix_fadvise(new, 0, 0, os.POSIX_FADV_DONTNEED)
        _sync_folder(target.parent)
        if sha256_of(target, stop) != sha256.hexdigest():
            msg = f"{target}: the copy reads back otherwise than it was written"
            raise StorageUnavailable(msg, host=True)
        return sha256.hexdigest()


def sha256_below(root: Path, path: str, before: Fingerprint, stop: threading.Event) -> str:
    """The sha256 of `root/path`, which must be and stay what `before` says (names aside).

    Raises:
        Changed: It is not, or did not.
        Cancelled: `stop` was set.
        OSError: It cannot be read.
    """
    sha256 = hashlib.sha256()
    with _source(root, path, before) as source:
        for chunk in _chunks(source, stop):
            sha256.update(chunk)
    return sha256.hexdigest()


def sha256_of(path: Path, stop: threading.Event) -> str:
    """The sha256 of a file that must not change meanwhile, lower-case hex.

    Raises:
        Changed: It changed.
        Cancelled: `stop` was set.
        OSError: It cannot be read.
    """
    sha256 = hashlib.sha256()
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = fingerprint(os.fstat(file))
        for chunk in _chunks(file, stop):
            sha256.update(chunk)
        if fingerprint(os.fstat(file)) != before:
            raise Changed
    finally:
        os.close(file)
    return sha256.hexdigest()


def _same(target: Path, how: str, before: Fingerprint) -> None:
    """A link may be to what stood under the name just then, even a symbolic link."""
    if how == "link" and fingerprint(os.lstat(target))[:4] != before[:4]:
        raise Changed


@contextlib.contextmanager
def _source(root: Path, path: str, before: Fingerprint) -> Iterator[int]:
    """The open source, which must be the same before and after it was read."""
    try:
        with beneath.opened(root, path) as fd:
            opened = fingerprint(os.fstat(fd))
            if opened[:4] != before[:4]:
                raise Changed
            yield fd
            if fingerprint(os.fstat(fd)) != opened:
                raise Changed
    except beneath.NotAFile as exc:
        raise Changed from exc


@contextlib.contextmanager
def _new(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _chunks(fd: int, stop: threading.Event) -> Iterator[bytes]:
    while chunk := os.read(fd, _CHUNK):
        if stop.is_set():
            raise Cancelled
        yield chunk


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
