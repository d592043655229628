"""The folders that are watched as wholes: are they there, and can events be trusted."""

import os
import re
import stat
from pathlib import Path
from typing import Final, NamedTuple

_UNSEEN_CHANGES: Final = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|9p|afs|ceph|glusterfs|lustre|ocfs2|gfs2|virtiofs|vboxsf"
    r"|prl_fs|drvfs|fuse(?!blk)(\..*)?"
)
"""File systems that other hosts change without inotify hearing of it."""


class Root(NamedTuple):
    """Identity of a watch folder: device and inode of the folder itself."""

    device: int
    inode: int


class Offline(NamedTuple):
    """Why a watch folder cannot be swept now."""

    reason: str


def look(path: Path) -> Root | Offline:
    """What stands at the path of a watch folder now."""
    try:
        status = path.stat()
    except OSError as exc:
        return Offline(f"{path}: {exc.strerror}")
    if not stat.S_ISDIR(status.st_mode):
        return Offline(f"{path} is not a folder")
    if not os.access(path, os.R_OK | os.X_OK):
        return Offline(f"{path} may not be listed by this user")
    return Root(status.st_dev, status.st_ino)


def is_empty(path: Path) -> bool:
    """Whether nothing at all lies in a folder; False where that cannot be told."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def judge(
    path: Path,
    before: Root | None,
    now: Root | Offline,
    known: int,
    kept: int,
    *,
    empty: bool = False,
) -> str:
    """Why the folder must not be swept; empty: it is what it was.

    A mount point without its mount is an empty folder on another device; sweeping it
    would make every file of the mount vanish. Another device is believed when it holds
    files that are recorded (device numbers change at reboots), or when nothing is; another
    folder on the same device also when it holds anything else: it was made anew, and is used.

    Args:
        path: Of the watch folder.
        before: Its identity at the last sweep; None: never swept.
        now: Its identity now.
        known: Files recorded below it that were there at the last sweep.
        kept: How many of a sample of those are there now, unchanged but for the device.
        empty: Nothing lies in it now.
    """
    if isinstance(now, Offline):
        return now.reason
    if before is None or before == now or not known or kept:
        return ""
    if before.device == now.device:
        if not empty:
            return ""
        what = "is another folder than before, and empty: it"
    else:
        what = "is on another device than before and"
    return (
        f"{path} {what} holds none of the {known} files that were in it: is its disk mounted? "
        f"If this is right, `izumi acquire {path}` says so"
    )


def file_system(mountinfo: str, path: str) -> str:
    """The type of the file system that holds `path`.

    Args:
        mountinfo: Text of `/proc/self/mountinfo`; its fields are in proc(5).
        path: Absolute, links resolved.

    Returns:
        "" where it cannot be told.
    """
    best, kind = "", ""
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one is the one that is seen.
        if inside and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind


def polled(kind: str) -> bool:
    """Whether changes on such a file system can happen without an event."""
    return bool(_UNSEEN_CHANGES.fullmatch(kind))


def kind_at(path: Path) -> str:
    """The type of the file system at `path`; "" where the host does not tell."""
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""
    return file_system(mountinfo, os.path.realpath(path))
