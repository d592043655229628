"""`[rclone]`, and one `[storage.<name>]` for each place that files lie at."""

import re
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import msgspec

from izumi.domain.keys import LEAST_PART_BYTES, MAX_PART_BYTES, fault
from izumi.domain.links import base_fault
from izumi.storage.ports import Location

_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. +@-]*")
_BWLIMIT = re.compile(r"[0-9A-Za-z][0-9A-Za-z.,: -]*")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FOLDERS: Final = ("softsub", "hardsub", "premiered", "premiered_hardsub")

Verify = Literal["hash", "read", "size"]


class RcloneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rclone that moves files, one for each process.

    Attributes:
        path: The program; None: the one that was installed with Izumi.
        config: rclone.conf with the remotes that `[storage.<name>]` speaks of, for its
            owner alone to read; None: there are none, all locations are local folders.
        connect_timeout_s: How long a connection to a storage may take.
        idle_timeout_s: A connection over which nothing came for so long is given up.
        stall_s: A transfer that moved no byte for so long is ended and tried again later.
        call_s: Most that a look at a storage may take.
        server_side_s: Most that a storage may take to copy or move a file by itself.
        low_level_retries: How often rclone itself tries one request.
        transfers: Files that are moved at once; the others wait.
        bwlimit: As rclone's option: "10M", or "08:00,1M 23:00,off"; None: as fast as it
            goes. For all transfers of the process together.
    """

    path: Path | None = None
    config: Path | None = None
    connect_timeout_s: float = 15.0
    idle_timeout_s: float = 60.0
    stall_s: float = 120.0
    call_s: float = 120.0
    server_side_s: float = 1800.0
    low_level_retries: int = 3
    transfers: int = 8
    bwlimit: str | None = None

    def __post_init__(self) -> None:
        for name in (
            "connect_timeout_s",
            "idle_timeout_s",
            "stall_s",
            "call_s",
            "server_side_s",
            "low_level_retries",
            "transfers",
        ):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} {getattr(self, name)} is not above 0")
        if self.bwlimit is not None and not _BWLIMIT.fullmatch(self.bwlimit):
            raise ValueError(f"bwlimit {self.bwlimit!r} is no limit of rclone's, such as '10M'")


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that files lie at.

    Attributes:
        remote: rclone's `remote:path`, where the remote is one of rclone.conf, or the
            absolute path of a folder of this host. The folder must be there: one that is
            not is taken for a disk that is not mounted.
        softsub: Folder below `remote` for softsubs, and files without subtitles; "" puts
            the shows right below `remote`.
        hardsub: Folder below `remote` for hardsubs.
        premiered: Where `izumi-admin move` brings the softsubs of a show that has ended.
        premiered_hardsub: As `premiered`, for hardsubs.
        verify: How an upload is proved. "hash" trusts a hash that the storage itself took
            of what it holds, and reads the file back where there is none; "read" always
            reads it back; "size" is for storage that charges for reading.
        name_bytes: Most bytes of UTF-8 that a name may have there. Clean names fit the
            least of all locations that acquisition's configuration knows. A remote of rclone's
            that encrypts names (crypt, base32) takes 143 where what lies beneath takes 255.
        link_base: Where people can have what lies at `remote`, such as
            "https://files.example": news of files here link to
            `<link_base>/<softsub or hardsub>/<show>/<episode>`.
    """

    remote: str
    softsub: str = "Airing"
    hardsub: str = "Airing [Hardsub]"
    premiered: str = "Premiered"
    premiered_hardsub: str = "Premiered [Hardsub]"
    verify: Verify = "hash"
    name_bytes: int = MAX_PART_BYTES
    link_base: str | None = None

    def __post_init__(self) -> None:
        if not LEAST_PART_BYTES <= self.name_bytes <= MAX_PART_BYTES:
            raise ValueError(
                f"name_bytes {self.name_bytes} is not between {LEAST_PART_BYTES} and "
                f"{MAX_PART_BYTES}"
            )
        if self.link_base is not None and (problem := base_fault("link_base", self.link_base)):
            raise ValueError(problem)
        if problem := remote_fault(self.remote):
            raise ValueError(f"remote {self.remote!r} {problem}")
        for name in _FOLDERS:
            if problem := _folder_fault(getattr(self, name)):
                raise ValueError(f"{name} {getattr(self, name)!r} {problem}")
        for airing, ended in (("softsub", "premiered"), ("hardsub", "premiered_hardsub")):
            if getattr(self, airing) == getattr(self, ended):
                raise ValueError(
                    f"{airing} and {ended} are both {getattr(self, ended)!r}; a show that has "
                    "ended could not be moved"
                )

    def location(self, name: str) -> Location:
        """What units know of it, under the name that events call it by."""
        return Location(
            name=name,
            remote=self.remote,
            softsub=self.softsub,
            hardsub=self.hardsub,
            verify=self.verify,
            name_bytes=self.name_bytes,
        )


def remote_fault(text: str) -> str | None:
    """Why `text` is no place of ours, as the end of a sentence; None: it is one.

    A remote that is described on the spot (`:sftp,host=...:`, `name,option=...:`) is
    none: some of their options run commands.
    """
    if _HIDDEN.search(text):
        return "has a control character"
    if text.startswith("/"):
        path = text
    else:
        name, colon, path = text.partition(":")
        if not colon:
            return (
                "is no place: give `remote:path` with a remote of rclone.conf, or the absolute "
                "path of a folder"
            )
        if not _REMOTE.fullmatch(name):
            return (
                f"has the remote {name!r}: a name of rclone.conf has letters, digits, `_`, `.`, "
                "`+`, `@`, `-` and inner spaces; options belong into rclone.conf"
            )
    if ".." in PurePosixPath(path).parts:
        return "climbs with '..'; write the path that is meant"
    return None


def _folder_fault(text: str) -> str | None:
    if not text:
        return None
    for part in text.split("/"):
        if reason := fault(part):
            return f"is no folder below `remote`: {part!r} {reason}"
    return None
