"""Requests left in the ledger by other processes: "acquire this path now".

They lie in the database, so that one made while acquisition is down is not lost. A
doorbell beside it saves the owner from looking all the time.
"""

import contextlib
import os
import socket
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from izumi.storage.database import Database
from izumi.storage.items import Item, by_ids

_BELL = "acquisition.bell"


class Request(NamedTuple):
    """A path that somebody wants acquired now; may be a folder."""

    id: int
    path: str


class Answer(NamedTuple):
    """What became of a request: not `taken` yet, a `problem`, or files and their states."""

    taken: bool
    problem: str
    items: list[Item]


class Mailbox:
    """The requests of one ledger. Raises what its database raises."""

    def __init__(self, db: Database, folder: Path, now: Callable[[], float]) -> None:
        self._db = db
        self._folder = folder
        self._now = now

    async def ask(self, paths: Iterable[str]) -> list[int]:
        """Leave requests, and ring; their numbers."""
        rows = [(os.fsencode(path), self._now()) for path in paths]

        def work(db: sqlite3.Connection) -> list[int]:
            insert = "INSERT INTO request (path, asked) VALUES (?, ?)"
            return [int(db.execute(insert, row).lastrowid or 0) for row in rows]

        numbers = await self._db.write(work)
        ring(self._folder)
        return numbers

    async def waiting(self) -> list[Request]:
        """Requests that the owner has not taken yet, oldest first."""

        def work(db: sqlite3.Connection) -> list[Request]:
            rows = db.execute("SELECT id, path FROM request WHERE taken IS NULL ORDER BY id")
            return [Request(row["id"], os.fsdecode(row["path"])) for row in rows]

        return await self._db.read(work)

    async def take(self, request: Request, items: Iterable[int], problem: str = "") -> None:
        """The owner took a request: these files answer it, or this is why it cannot."""
        asked = [(request.id, id_) for id_ in items]

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE request SET taken = ?, problem = ? WHERE id = ?",
                (self._now(), problem, request.id),
            )
            db.executemany("INSERT OR IGNORE INTO asked VALUES (?, ?)", asked)

        await self._db.write(work)

    async def answer(self, number: int) -> Answer:
        """What became of a request so far."""

        def work(db: sqlite3.Connection) -> Answer:
            row = db.execute("SELECT * FROM request WHERE id = ?", (number,)).fetchone()
            if row is None:
                return Answer(taken=True, problem="the request was forgotten", items=[])
            items = db.execute("SELECT item FROM asked WHERE request = ?", (number,))
            ids = [one["item"] for one in items]
            return Answer(row["taken"] is not None, row["problem"], by_ids(db, ids))

        return await self._db.read(work)


class Bell:
    """A datagram socket that wakes the owner; without it the owner looks now and then.

    Args:
        folder: Of the ledger.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _BELL
        self.socket: socket.socket | None = None

    def hang(self) -> socket.socket | None:
        """Open it; None where the path is too long for a socket or the place forbids it."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bell.settimeout(0)
        try:
            bell.bind(str(self._path))
        except OSError:
            bell.close()
            return None
        self.socket = bell
        return bell

    def take_down(self) -> None:
        """Close and remove it. May be called twice."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
            self._path.unlink(missing_ok=True)


def ring(folder: Path) -> None:
    """Wake the owner of the ledger in `folder`; nothing happens when nobody is there."""
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bell.settimeout(0)
    with contextlib.closing(bell), contextlib.suppress(OSError):
        bell.sendto(b"!", str(folder / _BELL))
