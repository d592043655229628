"""When a file is ready: quiet, no writer, no holes, and its container ends where it says.

The quiet time is watched by `Quiet`, which decides and does nothing else; `examine` looks
at a file that was quiet. What only reading all of it can tell is left to `ProveWhole`.
"""

import errno
import os
import signal
import stat
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from izumi.storage import beneath
from izumi.storage.container import ending
from izumi.storage.entries import Found

_LONGEST_QUIET_S: Final = 600.0
_LONGEST_AGAIN_S: Final = 3600.0
_SOON_S: Final = 30.0
_UNPROVED_TIMES: Final = 6
"""A container that cannot prove its end must be quiet so many times longer."""


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


class _Watched:
    """`wait_s` passes from `since` on without a change before the file is examined."""

    def __init__(self, now: float, quiet_s: float) -> None:
        self.seen: Fingerprint | None = None
        self.added = self.since = now
        self.changes = 0
        self.told = False
        self.quiet_s = quiet_s
        self.wait_s = quiet_s
        self.failures = 0
        self.hurried = False
        self.handed_out = False


class Quiet:
    """Decides when files that settle are examined. Pure: time comes from outside.

    Times are seconds of one monotonic clock.
    """

    def __init__(self) -> None:
        self._files: dict[int, _Watched] = {}

    def __len__(self) -> int:
        return len(self._files)

    def ids(self) -> list[int]:
        """The files watched."""
        return list(self._files)

    def add(self, id_: int, now: float, quiet_s: float) -> None:
        """Watch a file from now on; one that is watched already is left as it is."""
        self._files.setdefault(id_, _Watched(now, quiet_s))

    def hurry(self, id_: int, now: float, quiet_s: float) -> None:
        """Examine it at once: somebody says that it is complete."""
        watched = self._files.setdefault(id_, _Watched(now, quiet_s))
        watched.wait_s, watched.hurried = 0.0, True

    def drop(self, id_: int) -> None:
        """Watch it no more."""
        self._files.pop(id_, None)

    def observe(self, id_: int, seen: Fingerprint, now: float) -> None:
        """What the file looks like now; a change begins its quiet time anew."""
        watched = self._files.get(id_)
        if watched is None or watched.seen == seen:
            return
        if watched.seen is not None:
            # Who paused longer than the quiet time once will pause again.
            paused = watched.failures or now - watched.since >= watched.quiet_s
            longer = min(watched.quiet_s * 2, max(_LONGEST_QUIET_S, watched.quiet_s))
            watched.quiet_s = longer if paused else watched.quiet_s
            watched.wait_s, watched.since, watched.failures = watched.quiet_s, now, 0
            watched.hurried = watched.handed_out = False
        watched.seen = seen
        watched.changes += 1

    def restless(self, now: float, after_s: float) -> list[int]:
        """Files that were never quiet for so long; each is told once."""
        told = []
        for id_, watched in self._files.items():
            changing = watched.changes > 1 and watched.failures == 0
            if changing and not watched.told and now - watched.added >= after_s:
                watched.told = True
                told.append(id_)
        return told

    def next_s(self, now: float) -> float | None:
        """Seconds until one is due if none changes; None: none is waited for."""
        waits = [
            watched.since + watched.wait_s - now
            for watched in self._files.values()
            if not watched.handed_out
        ]
        return max(0.0, min(waits)) if waits else None

    def due(self, now: float) -> list[tuple[int, Fingerprint]]:
        """Files that were quiet long enough; each is handed out until `failed` or a change."""
        due = []
        for id_, watched in self._files.items():
            quiet = watched.seen is not None and now - watched.since >= watched.wait_s
            if quiet and not watched.handed_out:
                watched.handed_out = True
                due.append((id_, watched.seen))
        return [(id_, seen) for id_, seen in due if seen is not None]

    def was_quiet(self, id_: int, now: float) -> bool:
        """Whether the file was quiet for its whole quiet time, not hurried."""
        watched = self._files.get(id_)
        return watched is not None and now - watched.since >= watched.quiet_s

    def tried(self, id_: int) -> bool:
        """Whether it was examined since its last change, and was not ready."""
        watched = self._files.get(id_)
        return watched is not None and watched.failures > 0

    def unproved(self, id_: int, now: float) -> bool:
        """Its container does not prove its end: whether it must be quiet longer for that."""
        watched = self._files.get(id_)
        longer_s = _UNPROVED_TIMES * watched.quiet_s if watched is not None else 0.0
        if watched is None or watched.hurried or now - watched.since >= longer_s:
            return False
        watched.wait_s, watched.handed_out = longer_s, False
        return True

    def failed(self, id_: int, now: float, *, passing: bool) -> None:
        """It is not ready: examine it again later, sooner when the cause may pass."""
        watched = self._files.get(id_)
        if watched is None:
            return
        watched.failures += 1
        again_s = max(watched.quiet_s, 0.2) * 2 ** min(watched.failures - 1, 20)
        longest_s = max(_SOON_S, watched.quiet_s) if passing else _LONGEST_AGAIN_S
        # Counted from the last change, as every wait is.
        watched.wait_s = now - watched.since + min(again_s, longest_s)
        watched.hurried = watched.handed_out = False
