"""A row of the acquisition ledger, as what it means and as what SQLite keeps."""

import os
import sqlite3
from functools import cache
from typing import Any

import msgspec

from izumi.domain.events import Episode
from izumi.domain.fix import Fix
from izumi.domain.subjects import Sub
from izumi.storage.entries import Found, shown
from izumi.storage.reconcile import PROVED, Known, State


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One content of one file.

    Attributes:
        id: Of the row; never given to another one.
        root: Watch folder.
        path: Below it; may hold bytes that are no UTF-8, as `os.fsdecode` gives them.
        revision: 2 when another content under this path was acquired before.
        since: When the state began, seconds since 1970.
        reason: Why it is held, ignored, or not further yet.
        held_at: The step that a held file waits before: "settle", "identify", "store"; of an
            ignored one "find", when the look that met it refused it.
        judged: It was quiet for its whole quiet time and still not proved whole.
        gone: It is not below its watch folder any more.
        key: Where it lies below a location, once identified.
        proved: Names of the locations that hold it, proved.
        owed: Names of those that it was announced without, and is still brought to.
        hold: The hold that people were told of, until it is closed on the bus.
        answered: Place in the stream of the last answer that was carried out; 0: none.
        fix: What people said that it is.
        approved: They said that it is what its name says.
    """

    id: int
    root: str
    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    revision: int
    state: State
    since: float
    reason: str
    held_at: str
    judged: bool
    gone: bool
    key: str
    sub: Sub
    episode: Episode | None
    sha256: str
    proved: tuple[str, ...]
    hold: str = ""
    answered: int = 0
    fix: Fix | None = None
    approved: bool = False
    owed: tuple[str, ...] = ()

    @property
    def found(self) -> Found:
        """The file as a look met it."""
        return Found(self.path, self.device, self.inode, self.size, self.mtime_ns)

    @property
    def name(self) -> str:
        """The path below the watch folder, for people."""
        return shown(self.path)

    @property
    def settles(self) -> bool:
        """It waits to be quiet and whole; also when it is held because it never was."""
        return self.state in {"seen", "settling"} or self.held_at == "settle"

    @property
    def label(self) -> str:
        """The state for people: a file that left before it was stored is "gone"."""
        return "gone" if self.gone and self.state not in PROVED else self.state


def signed(number: int) -> int:
    """An unsigned 64-bit number as SQLite can keep it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def unsigned(number: int) -> int:
    """What `signed` was given."""
    return number + (1 << 64) if number < 0 else number


def key_of(found: Found) -> tuple[int, int, int, int]:
    """The columns that identify a content: device, inode, size, mtime_ns."""
    return signed(found.device), signed(found.inode), found.size, found.mtime_ns


def item_of(row: sqlite3.Row) -> Item:
    """The item that a whole row is."""
    return Item(
        id=row["id"],
        root=os.fsdecode(row["root"]),
        path=os.fsdecode(row["path"]),
        device=unsigned(row["device"]),
        inode=unsigned(row["inode"]),
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        revision=row["revision"],
        state=row["state"],
        since=row["since"],
        reason=row["reason"],
        held_at=row["held_at"],
        judged=bool(row["judged"]),
        gone=row["gone_since"] is not None,
        key=row["key"],
        sub=row["sub"],
        episode=row["episode"] and msgspec.json.decode(row["episode"], type=Episode),
        sha256=row["sha256"],
        proved=names_of(row["proved"]),
        hold=row["hold"],
        answered=row["answered"],
        fix=row["fix"] and msgspec.json.decode(row["fix"], type=Fix),
        approved=bool(row["approved"]),
        owed=names_of(row["owed"]),
    )


def names_of(text: str) -> tuple[str, ...]:
    """Names of locations as a row keeps them: one a line."""
    return tuple(filter(None, text.split("\n")))


def known_of(row: sqlite3.Row) -> Known:
    """What finding a row again needs."""
    return Known(
        row["id"],
        _root(row["root"]),
        os.fsdecode(row["path"]),
        unsigned(row["device"]),
        unsigned(row["inode"]),
        row["size"],
        row["mtime_ns"],
        row["state"],
        row["gone_since"] is not None,
        row["revision"],
    )


@cache
def _root(raw: bytes) -> str:
    """There are few, and a sweep reads them with every file."""
    return os.fsdecode(raw)


def values_of(item: Item) -> dict[str, Any]:
    """An item as named SQL parameters."""
    return {
        "id": item.id,
        "device": signed(item.device),
        "inode": signed(item.inode),
        "size": item.size,
        "mtime_ns": item.mtime_ns,
        "state": item.state,
        "since": item.since,
        "reason": item.reason,
        "held_at": item.held_at,
        "judged": item.judged,
        "key": item.key,
        "sub": item.sub,
        "episode": None if item.episode is None else msgspec.json.encode(item.episode),
        "sha256": item.sha256,
        "proved": "\n".join(item.proved),
        "owed": "\n".join(item.owed),
        "hold": item.hold,
        "answered": item.answered,
        "fix": None if item.fix is None else msgspec.json.encode(item.fix),
        "approved": item.approved,
    }


def by_ids(db: sqlite3.Connection, ids: list[int]) -> list[Item]:
    """The items that are still there, in the order asked for."""
    rows = (db.execute("SELECT * FROM item WHERE id = ?", (id_,)).fetchone() for id_ in ids)
    return [item_of(row) for row in rows if row is not None]
