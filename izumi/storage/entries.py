"""Which entries of a watch folder are videos to take. Pure; nothing is opened here."""

import fnmatch
import re
import stat
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final, Literal, NamedTuple

Kind = Literal["file", "folder", "link", "fifo", "socket", "device"]

VIDEO: Final = (".mkv", ".webm", ".mp4", ".m4v", ".mov", ".avi", ".ts", ".m2ts", ".mts")
"""Of the containers that the prober opens."""

# What is still being written or unpacked, by the names that programs give it. Most end in
# a suffix that is no video's; these count for whoever adds extensions, and in reasons.
_UNFINISHED_SUFFIXES = (
    *(".part", ".!qb", ".!ut", ".bc!", ".crdownload", ".opdownload", ".download", ".partial"),
    *(".tmp", ".temp", ".aria2", ".bts", ".filepart", ".unfinished", ".td", ".xltd", "~"),
)
_UNFINISHED = re.compile(
    r"^(\._|~syncthing~|\.syncthing\.|\.nfs|\.fuse_hidden|~\$)|\.(temp|tmp|unmanic)\.[^.]+$"
    r"|\.[0-9a-f]{8}\.partial$"
)
_FOREIGN_FOLDERS = {
    *("@eadir", "#recycle", "$recycle.bin", "lost+found", "__macosx", ".stfolder"),
    "system volume information",
}
_UNPACKING = ("_unpack_", "_failed_", "_admin_")
_KINDS: tuple[tuple[int, Kind], ...] = (
    (stat.S_IFREG, "file"),
    (stat.S_IFDIR, "folder"),
    (stat.S_IFLNK, "link"),
    (stat.S_IFIFO, "fifo"),
    (stat.S_IFSOCK, "socket"),
)
_REFUSED = {
    "link": "is a symbolic link; links are never followed, move or hard-link the file itself",
    "fifo": "is a FIFO, not a file",
    "socket": "is a socket, not a file",
    "device": "is a device, not a file",
}


class Rules(NamedTuple):
    """What a watch folder takes.

    `extensions`: lower case, with the dot. `ignore`: shell patterns, tried on every part
    of the path and on the whole, whatever the case. `owners`: user ids whose files are
    taken, besides those of the folder's own owner; None: whoever's.
    """

    extensions: frozenset[str] = frozenset(VIDEO)
    ignore: tuple[str, ...] = ()
    owners: frozenset[int] | None = None


class Ignored(NamedTuple):
    """Why an entry is left alone; `tell` when a person may have expected otherwise."""

    reason: str
    tell: bool = False


class Found(NamedTuple):
    """A candidate as `lstat` saw it. `path` is relative to the watch folder."""

    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int


def kind_of(mode: int) -> Kind:
    """The kind of an entry from its `st_mode`."""
    return next((kind for bits, kind in _KINDS if stat.S_IFMT(mode) == bits), "device")


def rules(
    extensions: Iterable[str], ignore: Iterable[str], owners: frozenset[int] | None = None
) -> Rules:
    """Rules from what a person wrote: with or without the dot, in any case."""
    return Rules(
        frozenset("." + text.lower().lstrip(".") for text in extensions),
        tuple(pattern.lower() for pattern in ignore),
        owners,
    )


def decide(path: str, kind: Kind, rules: Rules) -> Ignored | None:
    """Why an entry is left alone; None: it is a candidate, or a folder to look into.

    Args:
        path: Relative to the watch folder; the parts above were decided before.
        kind: By `lstat`, so that a link is a link.
        rules: Of the watch folder.
    """
    name = path.rpartition("/")[2].lower()
    reason = _by_name(name, path.lower(), rules)
    if reason or kind == "folder":
        foreign = name in _FOREIGN_FOLDERS or name.startswith(_UNPACKING)
        reason = reason or ("belongs to another program" if foreign else "")
        return Ignored(reason) if reason else None
    if PurePosixPath(name).suffix not in rules.extensions:
        # A link to a folder has no extension to tell by; its owner may wait for it.
        return Ignored(_REFUSED["link"], tell=True) if kind == "link" else Ignored("is no video")
    return None if kind == "file" else Ignored(_REFUSED[kind], tell=True)


def foreign(uid: int, rules: Rules) -> Ignored | None:
    """Why a file is left alone whose owner is `uid`; None: it is not for that.

    Whoever may write into the folder can put a hard link to another one's file into it.
    """
    if rules.owners is None or uid in rules.owners:
        return None
    return Ignored(
        f"belongs to user {uid}, neither to this user nor to the owner of the watch folder; "
        "if that is right, name the user in the folder's `owners`",
        tell=True,
    )


def _by_name(name: str, path: str, rules: Rules) -> str:
    if name.startswith("."):
        return "begins with a dot"
    if any(fnmatch.fnmatchcase(text, one) for one in rules.ignore for text in (name, path)):
        return "matches an ignore pattern of the watch folder"
    if name.endswith(_UNFINISHED_SUFFIXES) or _UNFINISHED.search(name):
        return "has the name of an unfinished file"
    return ""


def shown(path: str) -> str:
    r"""A path for people, logs and messages: bytes that are no UTF-8 become `\xNN`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
