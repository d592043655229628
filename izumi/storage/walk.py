"""Walking a watch folder: what is there, seen through folder descriptors."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from izumi.storage import beneath
from izumi.storage.entries import Found, Kind, Rules, decide, foreign, kind_of

_DEEPEST = 64
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(NamedTuple):
    """An entry that is left alone though a person may have expected otherwise."""

    found: Found
    reason: str


class Walk(NamedTuple):
    """What a walk met. `folders` are those entered; `failed` those that could not be."""

    found: list[Found]
    refused: list[Refused]
    folders: list[str]
    failed: dict[str, str]


def walk(root: Path, rules: Rules, below: str = "") -> Walk:
    """Everything at and below `root/below`; an entry that vanishes meanwhile is skipped.

    Raises:
        OSError: `root` cannot be opened.
    """
    seen = Walk([], [], [], {})
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    rules = beside_owner(rules, os.fstat(top).st_uid)
    if not below:
        _folder(top, "", rules, seen)
        return seen
    os.close(top)
    status = _approach(root, below, rules, seen)
    if status is None:
        return seen
    if not stat.S_ISDIR(status.st_mode):
        seen.found.append(_found(below, status))
        return seen
    try:
        with beneath.parent(root, below) as (fd, name):
            folder = os.open(name, _FOLDER, dir_fd=fd)
    except OSError as exc:
        seen.failed[below] = exc.strerror or str(exc)
    else:
        _folder(folder, below, rules, seen)
    return seen


def beside_owner(rules: Rules, uid: int) -> Rules:
    """The rules of a watch folder that belongs to `uid`: whose it is may put files into it."""
    return rules if rules.owners is None else rules._replace(owners=rules.owners | {uid})


def _approach(root: Path, path: str, rules: Rules, seen: Walk) -> os.stat_result | None:
    """Judge every part of a path from the root on; None: gone, or left alone."""
    status = None
    for end in (at for at, sign in enumerate(path + "/") if sign == "/"):
        part = path[:end]
        try:
            status = beneath.lstat(root, part)
        except OSError:
            return None
        kind = kind_of(status.st_mode)
        ignored = decide(part, kind, rules)
        if ignored is None and kind == "file":
            ignored = foreign(status.st_uid, rules)
        if ignored is not None:
            if ignored.tell:
                seen.refused.append(Refused(_found(part, status), ignored.reason))
            return None
    return status


def _folder(fd: int, path: str, rules: Rules, seen: Walk) -> None:
    """Walk an open folder, and close it."""
    try:
        seen.folders.append(path)
        if path.count("/") >= _DEEPEST:
            seen.failed[path] = f"lies more than {_DEEPEST} folders deep"
            return
        folders = []
        with os.scandir(fd) as entries:
            for entry in entries:
                below = f"{path}/{entry.name}" if path else entry.name
                if _entry(entry, below, rules, seen):
                    folders.append(below)
        for below in folders:
            try:
                inner = os.open(below.rpartition("/")[2], _FOLDER, dir_fd=fd)
            except FileNotFoundError:
                continue
            except OSError as exc:
                seen.failed[below] = exc.strerror or str(exc)
            else:
                _folder(inner, below, rules, seen)
    except OSError as exc:
        seen.failed[path] = exc.strerror or str(exc)
    finally:
        os.close(fd)


def _entry(entry: os.DirEntry[str], path: str, rules: Rules, seen: Walk) -> bool:
    """Note an entry; True when it is a folder to enter."""
    try:
        kind = _kind(entry)
        ignored = decide(path, kind, rules)
        if ignored is not None and not ignored.tell:
            return False
        if kind == "folder":
            return True
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    found = _found(path, status)
    ignored = ignored or foreign(status.st_uid, rules)
    if ignored is None:
        seen.found.append(found)
    else:
        seen.refused.append(Refused(found, ignored.reason))
    return False


def _kind(entry: os.DirEntry[str]) -> Kind:
    # The folder's listing tells these three; only the rest cost a system call.
    if entry.is_file(follow_symlinks=False):
        return "file"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    if entry.is_symlink():
        return "link"
    return kind_of(entry.stat(follow_symlinks=False).st_mode)


def _found(path: str, status: os.stat_result) -> Found:
    return Found(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
