"""Opening what lies below a folder without ever following a link on the way.

A torrent can bring links, and whoever writes into a watch folder can put one in the place
of a folder between two looks; a path that was checked is not the path that is opened.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the open of a FIFO waits for a writer, for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotAFile(OSError):
    """What lies there is no regular file."""


@contextlib.contextmanager
def parent(root: Path, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """The open folder that holds `root/path`, and the last part of the path.

    Args:
        root: Must be there.
        path: Below it.
        make: Make the folders that are missing.

    Raises:
        OSError: A part is missing, no folder, or a link (ELOOP or ENOTDIR).
    """
    *folders, name = path.split("/")
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=fd)
                    sync(fd)
            below = os.open(part, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd, name
    finally:
        os.close(fd)


def sync(folder: int) -> None:
    """Have the names in an open folder on the disk, where its file system can tell."""
    try:
        os.fsync(folder)
    except OSError as exc:
        if exc.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


def lstat(root: Path, path: str) -> os.stat_result:
    """`lstat` of `root/path`, no link followed on the way. Raises OSError."""
    with parent(root, path) as (fd, name):
        return os.stat(name, dir_fd=fd, follow_symlinks=False)


@contextlib.contextmanager
def opened(root: Path, path: str) -> Iterator[int]:
    """`root/path` open for reading; never waits, whatever lies there.

    Raises:
        NotAFile: It is a link, a FIFO, a device, ...
        OSError: As `parent`, or it may not be read.
    """
    with parent(root, path) as (fd, name):
        # Opening a device can have effects, so its kind is asked before and after.
        if not stat.S_ISREG(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
            raise NotAFile(f"{name!r} is not a regular file")
        file = os.open(name, _FILE, dir_fd=fd)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise NotAFile(f"{name!r} is not a regular file")
        yield file
    finally:
        os.close(file)
