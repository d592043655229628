"""One file of a folder deleted, or moved to another folder: that file, and nothing else.

Whether the file is still the one that is meant is asked right before each change, and no
name is ever given to two files: what lies at the other end is compared, never overwritten.
All of it runs on threads, and may be done again after a crash at any step.
"""

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from izumi.domain import keys
from izumi.failpoints import failpoint
from izumi.storage import beneath
from izumi.storage.entries import Found
from izumi.storage.settle import Changed
from izumi.storage.staging import Cancelled

_CHUNK: Final = 1 << 20
_FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_LINKS: Final = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""The file system knows no hard links, or the host lets us make none to this file."""


class Taken(Exception):
    """Another file has the name, or it is this one's; everything stays as it is."""


def delete(root: Path, found: Found) -> bool:
    """Delete the file, if it is there and still is the one meant; whether it was.

    Raises:
        OSError: It cannot be deleted.
    """
    try:
        with beneath.parent(root, found.path) as (fd, name):
            if not _is(found, fd, name):
                return False
            os.unlink(name, dir_fd=fd)
            beneath.sync(fd)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def move(
    root: Path, found: Found, to: Path, path: str, *, sha256: str, token: str, stop: threading.Event
) -> bool:
    """Move the file to `to/path`, making folders; whether it was there and the one meant.

    Within a file system it gets another name; to another one it is copied and read back,
    before it is deleted. The same content at the other end already is as good.

    Args:
        root: Folder that the file lies in.
        found: The file.
        to: Must be there.
        path: Where it shall lie below `to`.
        sha256: Of its content.
        token: Of the copy's temporary name; the same for every attempt, no one else's.
        stop: Ends the copying.

    Raises:
        Taken: Something else lies there.
        Changed: Its content is not what `sha256` says.
        Cancelled: `stop` was set.
        OSError: It cannot be moved.
    """
    with beneath.parent(to, path, make=True) as (there, name):
        part = keys.part_name(token, name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=there)
        with _folder_of(root, found) as (here, old):
            if here < 0 or not _is(found, here, old):
                return False
            moving = _Moving(found, here, old, there, name, part, sha256, stop)
            if not moving.lies() and not moving.give_name():
                return False
            beneath.sync(there)
            failpoint("acquisition.after_source_placed")
            if _is(found, here, old):
                os.unlink(old, dir_fd=here)
                beneath.sync(here)
    return True


@contextlib.contextmanager
def _folder_of(root: Path, found: Found) -> Iterator[tuple[int, str]]:
    """The open folder of a file, and its name; -1 where the folder is gone."""
    with contextlib.ExitStack() as stack:
        try:
            place = stack.enter_context(beneath.parent(root, found.path))
        except (FileNotFoundError, NotADirectoryError):
            place = (-1, "")
        yield place


def remove_empty_folders(root: Path, path: str) -> None:
    """Remove the folders above `root/path` that are empty, `root` itself never."""
    folder = path.rpartition("/")[0]
    while folder:
        try:
            with beneath.parent(root, folder) as (fd, name):
                os.rmdir(name, dir_fd=fd)
        except OSError:
            return
        folder = folder.rpartition("/")[0]


class _Moving(NamedTuple):
    """A file on its way from one open folder to another one."""

    found: Found
    here: int
    old: str
    there: int
    name: str
    part: str
    sha256: str
    stop: threading.Event

    def lies(self) -> bool:
        """Whether the content lies at the other end already; False: nothing does.

        Raises:
            Taken: Something else does.
        """
        try:
            if _is(self.found, self.there, self.name):
                self._two_folders()
                return True
            status = os.stat(self.name, dir_fd=self.there, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and status.st_size == self.found.size:
                with _opened(self.there, self.name, os.O_RDONLY) as fd:
                    same = _hash(fd, self.stop) == self.sha256
                if same:
                    self._two_folders()
                    return True
        except FileNotFoundError:
            return False
        raise Taken("something else lies there")

    def _two_folders(self) -> None:
        """By another path, or another mount, the other end may be the file itself.

        Raises:
            Taken: It is.
        """
        with _opened(self.there, self.part, os.O_RDWR | os.O_CREAT | os.O_EXCL):
            try:
                os.stat(self.part, dir_fd=self.here, follow_symlinks=False)
            except FileNotFoundError:
                return
            finally:
                os.unlink(self.part, dir_fd=self.there)
        raise Taken("it is the folder that the file lies in")

    def give_name(self) -> bool:
        """Have it lie under its new name too; False: the old name is another file's now."""
        try:
            renamed = _second_name(self.here, self.old, self.there, self.name)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            self._copy()
            return True
        if _is(self.found, self.there, self.name):
            return True
        # It was another one's right then. That file gets its one old name back.
        if renamed:
            _second_name(self.there, self.name, self.here, self.old)
        else:
            os.unlink(self.name, dir_fd=self.there)
        return False

    def _copy(self) -> None:
        try:
            with (
                _opened(self.here, self.old, os.O_RDONLY) as old,
                _opened(self.there, self.part, os.O_RDWR | os.O_CREAT | os.O_EXCL) as new,
            ):
                _copied(old, new, self.stop)
                os.utime(new, ns=(self.found.mtime_ns, self.found.mtime_ns))
                os.fsync(new)
                # Read back from the disk, not from memory.
                with contextlib.suppress(OSError, AttributeError):
                    os.posix_fadvise(new, 0, 0, os.POSIX_FADV_DONTNEED)
                if _hash(new, self.stop) != self.sha256:
                    raise Changed
            failpoint("acquisition.after_source_copied")
            _second_name(self.there, self.part, self.there, self.name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.part, dir_fd=self.there)


def _is(found: Found, folder: int, name: str) -> bool:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    there = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return there == (found.device, found.inode, found.size, found.mtime_ns)


def _second_name(here: int, old: str, there: int, name: str) -> bool:
    """Give a file a second name; where it can have one only, another one: then True.

    Raises:
        Taken: The name is another file's.
        OSError: It cannot; EXDEV: the name would be on another file system.
    """
    try:
        os.link(old, name, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
    except FileExistsError as exc:
        raise Taken("something else lies there") from exc
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=there, follow_symlinks=False)
            raise Taken("something else lies there") from exc
        os.rename(old, name, src_dir_fd=here, dst_dir_fd=there)
        return True
    return False


@contextlib.contextmanager
def _opened(folder: int, name: str, how: int) -> Iterator[int]:
    fd = os.open(name, how | _FILE, 0o666, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)


def _copied(old: int, new: int, stop: threading.Event) -> None:
    while chunk := os.read(old, _CHUNK):
        if stop.is_set():
            raise Cancelled
        left = memoryview(chunk)
        while left:
            left = left[os.write(new, left) :]


def _hash(fd: int, stop: threading.Event) -> str:
    """The sha256 of an open file, from its beginning."""
    os.lseek(fd, 0, os.SEEK_SET)
    sha256 = hashlib.sha256()
    while chunk := os.read(fd, _CHUNK):
        if stop.is_set():
            raise Cancelled
        sha256.update(chunk)
    return sha256.hexdigest()
