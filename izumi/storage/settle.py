"""Whether a file that was quiet is ready: no writer, no holes, and it ends where it says.

The quiet time is watched by `quiet`. What only reading all of it can tell is left to
`ProveWhole`.
"""

import errno
import os
import signal
import stat
from pathlib import Path
from typing import NamedTuple, Protocol

from izumi.storage import beneath
from izumi.storage.container import ending
from izumi.storage.entries import Found


class ProveWhole(Protocol):
    """Reads a whole file, and says what is missing."""

    async def __call__(self, path: Path) -> str | None:
        """None: every packet of it is there. Else what is wrong, for people.

        Raises:
            ToolFailed: It could not be told now.
        """


class Fingerprint(NamedTuple):
    """Changes whenever content, size or one of the names of a file does."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    def found(self, path: str) -> Found:
        """As a look meets it."""
        return Found(path, self.device, self.inode, self.size, self.mtime_ns)


def fingerprint(status: os.stat_result) -> Fingerprint:
    """Of a file from its `stat`."""
    return Fingerprint(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


def look(root: Path, path: str) -> Fingerprint | None:
    """The file as it is now; None: nothing, or no regular file, is there."""
    try:
        status = beneath.lstat(root, path)
    except OSError:
        return None
    return fingerprint(status) if stat.S_ISREG(status.st_mode) else None


class Unready(NamedTuple):
    """Why a file cannot be taken now. `passing`: it may end without the file changing."""

    reason: str
    passing: bool = False


class Settled(NamedTuple):
    """No objection. `proved` is False when the container does not say where it ends."""

    proved: bool


class Changed(Exception):
    """The file is not what it was when it was last looked at, or is gone."""


def examine(root: Path, path: str, before: Fingerprint) -> Unready | Settled:
    """Look at a file that was quiet. Never waits on what is not a file.

    Raises:
        Changed: It is not what `before` says any more.
    """
    try:
        with beneath.opened(root, path) as fd:
            if fingerprint(os.fstat(fd)) != before:
                raise Changed
            verdict = _examine(fd, before.size, path)
            if fingerprint(os.fstat(fd)) != before:
                raise Changed
    except beneath.NotAFile as exc:
        raise Changed from exc
    except OSError as exc:
        if exc.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            raise Changed from exc
        return Unready(f"cannot be read: {exc.strerror}", passing=True)
    if beside := _control_file(root, path):
        return Unready(f"is still being downloaded: {beside} lies beside it", passing=True)
    return verdict


def _examine(fd: int, size: int, path: str) -> Unready | Settled:
    if size == 0:
        return Unready("is empty")
    if _is_written(fd):
        return Unready("is open for writing in another program", passing=True)
    hole = _first_hole(fd, size)
    if hole < size:
        return Unready(
            f"has a hole at byte {hole} of {size}: not all of it was written yet (if it was, "
            "copy it with `cp --sparse=never`)"
        )
    end = ending(lambda count, at: os.pread(fd, count, at), size, path)
    return Unready(end.wrong) if end.wrong else Settled(end.proved)


def _is_written(fd: int) -> bool:
    """Whether any program has the file open for writing, as far as the host tells.

    A read lease is refused while one has (fcntl(2), "Leases"). It needs the file's owner or
    CAP_LEASE and a local file system; a refusal for another reason proves nothing.
    """
    try:
        import fcntl  # noqa: PLC0415 - leases exist on Linux only

        # A program that opens the file while we hold the lease makes the kernel signal us,
        # by default with SIGIO, which kills; SIGURG is ignored by default.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as exc:
        return exc.errno == errno.EAGAIN
    except (ImportError, AttributeError):
        return False
    return False


def _first_hole(fd: int, size: int) -> int:
    """Offset of the first hole; `size` when there is none, or the host does not tell."""
    try:
        return min(os.lseek(fd, 0, os.SEEK_HOLE), size)
    except (OSError, AttributeError):
        return size


def _control_file(root: Path, path: str) -> str:
    """The name of a file beside it by which aria2 says that it is not done."""
    control = path + ".aria2"
    try:
        beneath.lstat(root, control)
    except OSError:
        return ""
    return control.rpartition("/")[2]
