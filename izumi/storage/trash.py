"""What was put into the trash of a watch folder, and until when it stays there.

The trash is a hidden folder in the watch folder itself: on its file system, so that a file
only gets another name, and out of the sweeps' sight. Only what is recorded here is ever
removed from it, whatever else lies there.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from izumi.storage import beneath
from izumi.storage.database import Database
from izumi.storage.items import Item
from izumi.storage.relocate import remove_empty_folders

FOLDER: Final = ".izumi-trash"


class Trashed(NamedTuple):
    """A file in the trash. `path` is below the watch folder."""

    id: int
    root: str
    path: str
    size: int
    mtime_ns: int


class Trash:
    """The records of one ledger. Raises what its database raises."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, item: Item) -> str | None:
        """Where the file of an item was put, or was about to be; None: nowhere."""

        def work(db: sqlite3.Connection) -> str | None:
            row = db.execute(
                "SELECT path FROM trash WHERE item = ? AND root = ? AND size = ? AND mtime_ns = ?"
                " ORDER BY id DESC",
                (item.id, os.fsencode(item.root), item.size, item.mtime_ns),
            ).fetchone()
            return None if row is None else os.fsdecode(row["path"])

        return await self._db.read(work)

    async def note(self, item: Item, path: str, until: float) -> None:
        """The file of an item is about to be put under `path`, until then."""
        row = (
            *(item.id, os.fsencode(item.root), os.fsencode(path)),
            *(item.size, item.mtime_ns, until),
        )
        insert = "INSERT INTO trash (item, root, path, size, mtime_ns, until)"
        await self._db.write(lambda db: db.execute(f"{insert} VALUES (?, ?, ?, ?, ?, ?)", row))

    async def due(self, now: float) -> list[Trashed]:
        """What has been there for long enough."""

        def work(db: sqlite3.Connection) -> list[Trashed]:
            rows = db.execute("SELECT * FROM trash WHERE until <= ? ORDER BY until", (now,))
            return [
                Trashed(
                    row["id"],
                    os.fsdecode(row["root"]),
                    os.fsdecode(row["path"]),
                    row["size"],
                    row["mtime_ns"],
                )
                for row in rows
            ]

        return await self._db.read(work)

    async def drop(self, id_: int) -> None:
        """It is not there any more."""
        await self._db.write(lambda db: db.execute("DELETE FROM trash WHERE id = ?", (id_,)))


def free_path(root: Path, path: str, day: str) -> str:
    """Where in the trash of `root` a file may be put: below the day, with its folders.

    Raises:
        OSError: It cannot be told.
    """
    number = 1
    while True:
        folder = day if number == 1 else f"{day}-{number}"
        free = f"{FOLDER}/{folder}/{path}"
        try:
            beneath.lstat(root, free)
        except FileNotFoundError:
            return free
        number += 1


def remove(one: Trashed) -> bool:
    """Remove a file from the trash; whether it was there as it was put there.

    Raises:
        OSError: It cannot be removed.
    """
    root = Path(one.root)
    try:
        with beneath.parent(root, one.path) as (fd, name):
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if (status.st_size, status.st_mtime_ns) != (one.size, one.mtime_ns):
                return False
            os.unlink(name, dir_fd=fd)
    except (FileNotFoundError, NotADirectoryError):
        return False
    remove_empty_folders(root, one.path)
    return True
