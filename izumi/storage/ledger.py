"""What acquisition knows of every file, kept through crashes and power cuts.

One SQLite file in the state folder. One process owns it; others may read it and leave
requests in it (`izumi acquire`).
"""

import asyncio
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from izumi.storage import sightings
from izumi.storage.database import Database, is_owned
from izumi.storage.entries import Found
from izumi.storage.items import Item, by_ids, item_of, values_of
from izumi.storage.mailbox import Mailbox
from izumi.storage.roots import Root
from izumi.storage.schema import STEPS
from izumi.storage.sightings import TakenIn
from izumi.storage.trash import Trash
from izumi.storage.walk import Walk

FILE: Final = "acquisition.db"


class Overtaken(Exception):
    """The row holds another content by now: whoever worked on the old one stops."""


class Ledger:
    """Made by `own` or `visit`; closed by `aclose`, or used as a context manager.

    Every method raises `Unavailable` while the file cannot be written, and `UserError` when
    it is damaged.

    Attributes:
        folder: Where it lies.
        mailbox: Requests of other processes.
        trash: What was put into the trash of watch folders.
    """

    def __init__(self, folder: Path, *, own: bool, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._now = now
        self._db = Database(folder / FILE, STEPS, own=own)
        self.mailbox = Mailbox(self._db, folder, now)
        self.trash = Trash(self._db)

    @classmethod
    async def own(cls, folder: Path, *, now: Callable[[], float] = time.time) -> Self:
        """Open as the one owner; made when missing.

        Raises:
            UserError: Another process owns it, or it is not usable.
        """
        return await asyncio.to_thread(cls, folder, own=True, now=now)

    @classmethod
    async def visit(cls, folder: Path, *, now: Callable[[], float] = time.time) -> Self:
        """Open to read and to leave requests, whether an owner runs or not.

        Raises:
            UserError: There is none yet, or it is not usable.
        """
        return await asyncio.to_thread(cls, folder, own=False, now=now)

    @staticmethod
    def owned(folder: Path) -> bool:
        """Whether a process owns the ledger in `folder` now."""
        return is_owned(folder / FILE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close. May be called twice."""
        await self._db.aclose()

    async def name(self) -> str:
        """A name of this ledger that no other one has; made at the first call."""

        def work(db: sqlite3.Connection) -> str:
            row = db.execute("SELECT id FROM owner").fetchone()
            if row is not None:
                return str(row["id"])
            made = uuid.uuid4().hex
            db.execute("INSERT INTO owner VALUES (?)", (made,))
            return made

        return await self._db.write(work)

    async def take_in(self, root: str, walk: Walk, *, whole: bool) -> TakenIn:
        """Write down what a look met; a sweep (`whole`) also tells what is gone."""
        now = self._now()
        return await self._db.write(
            lambda db: sightings.take_in(db, root, walk, whole=whole, now=now)
        )

    async def root(self, path: str) -> Root | None:
        """A watch folder's identity at its last sweep; None: never swept, or disbelieved."""
        return await self._db.read(lambda db: sightings.root_of(db, path))

    async def sample(self, path: str) -> tuple[int, list[Found]]:
        """How many files are recorded below a watch folder as there, and some of them."""
        return await self._db.read(lambda db: sightings.sample(db, path))

    async def believe(self, path: str, root: Root) -> None:
        """Record what a watch folder is; the files of its old device are on its new one."""
        await self._db.write(lambda db: sightings.believe(db, path, root))

    async def disbelieve(self, path: str) -> None:
        """Forget what a watch folder was: whatever stands there at the next sweep is it."""
        await self._do("DELETE FROM root WHERE path = ?", [(os.fsencode(path),)])

    async def item(self, id_: int) -> Item | None:
        """One file."""
        return await self._db.read(lambda db: next(iter(by_ids(db, [id_])), None))

    async def open_items(self) -> list[Item]:
        """Every file that is on its way, also those that left while in hand; oldest first."""
        return await self._select(
            "SELECT * FROM item WHERE state NOT IN ('done', 'ignored') AND (gone_since IS NULL"
            " OR state IN ('staged', 'stored', 'published')) ORDER BY id"
        )

    async def save(self, item: Item, *, swept: Collection[str] = (), **changes: Any) -> Item:
        """Write the fields of `Item` in `changes`; the file as it is now.

        Its place in the watch folder is not written: only looks into the folder change it;
        nor are the locations that hold it, or shall, unless they are in `changes`.

        Args:
            item: The file as it was read.
            swept: Uploads that left nothing behind, see `uploading`.
            changes: New values of fields.

        Raises:
            Overtaken: Its content is another one by now; nothing was written.
        """
        new = msgspec.structs.replace(item, **changes)
        if new.state != item.state:
            new = msgspec.structs.replace(new, since=self._now())

        where = "".join(f", {one} = :{one}" for one in ("proved", "owed") if one in changes)

        def work(db: sqlite3.Connection) -> Item:
            updated = db.execute(
                "UPDATE item SET state = :state, since = :since, reason = :reason,"  # noqa: S608 - names of columns
                " held_at = :held_at, judged = :judged, key = :key, sub = :sub,"
                " episode = :episode, sha256 = :sha256, hold = :hold,"
                f" answered = :answered, fix = :fix, approved = :approved{where}"
                " WHERE id = :id AND device = :device AND inode = :inode AND size = :size"
                " AND mtime_ns = :mtime_ns",
                values_of(new),
            )
            if not updated.rowcount:
                raise Overtaken(item.name)
            db.executemany("DELETE FROM upload WHERE token = ?", [(token,) for token in swept])
            return by_ids(db, [item.id])[0]

        return await self._db.write(work)

    async def brought(self, item: Item, location: str) -> None:
        """One more location holds it, proved."""

        def work(db: sqlite3.Connection) -> None:
            for now in by_ids(db, [item.id]):
                names = dict.fromkeys([*now.proved, location])
                db.execute("UPDATE item SET proved = ? WHERE id = ?", ("\n".join(names), item.id))

        await self._db.write(work)

    async def paid(self, item: Item, location: str, reason: str) -> Item | None:
        """It is not owed to a location any more; `reason` tells what is with the others."""

        def work(db: sqlite3.Connection) -> Item | None:
            for now in by_ids(db, [item.id]):
                names = [name for name in now.owed if name != location]
                db.execute(
                    "UPDATE item SET owed = ?, reason = ? WHERE id = ?",
                    ("\n".join(names), reason, item.id),
                )
            return next(iter(by_ids(db, [item.id])), None)

        return await self._db.write(work)

    async def owing(self, item: Item, reason: str) -> None:
        """Why a file that was announced is not everywhere yet."""
        await self._do(
            "UPDATE item SET reason = ? WHERE id = ? AND state = 'published' AND owed != ''",
            [(reason, item.id)],
        )

    async def asked(self) -> list[Item]:
        """Every file that people were told of and whose hold is not closed, oldest first."""
        return await self._select("SELECT * FROM item WHERE hold != '' ORDER BY id")

    async def closed(self, item: Item) -> None:
        """Its hold is closed on the bus."""
        await self._do(
            "UPDATE item SET hold = '' WHERE id = ? AND hold = ?", [(item.id, item.hold)]
        )

    async def asks(self, item: Item, hold: str) -> None:
        """People were told of a hold of a file that is announced."""
        await self._do(
            "UPDATE item SET hold = ? WHERE id = ? AND state = 'published'", [(hold, item.id)]
        )

    async def heard(self, item: Item, answer: int) -> None:
        """What people said to that hold, at this place in the stream, was carried out."""
        await self._do("UPDATE item SET answered = ?, hold = '' WHERE id = ?", [(answer, item.id)])

    async def settling(self, ids: Collection[int]) -> None:
        """Files that were only seen are being watched until they are quiet."""
        await self._do(
            "UPDATE item SET state = 'settling', since = ? WHERE id = ? AND state = 'seen'",
            [(self._now(), id_) for id_ in ids],
        )

    async def changed(self, item: Item, found: Found) -> Item | None:
        """The file under an item's path holds another content: it settles anew.

        None: that content has a row of its own.
        """
        now = self._now()

        def work(db: sqlite3.Connection) -> Item | None:
            replaced = sightings.replace(db, item.id, os.fsencode(item.root), found, now=now)
            return by_ids(db, [item.id])[0] if replaced else None

        return await self._db.write(work)

    async def gone(self, item: Item) -> None:
        """The file does not have its name any more, unless another name was found since."""
        await self._do(
            "UPDATE item SET gone_since = ? WHERE id = ? AND path = ?",
            [(self._now(), item.id, os.fsencode(item.path))],
        )

    async def forget(self, older_s: float) -> int:
        """Drop files that left, and requests that were taken, so long ago; how many files."""
        before = (self._now() - older_s,)

        def work(db: sqlite3.Connection) -> int:
            db.execute("DELETE FROM request WHERE taken < ?", before)
            return db.execute(
                "DELETE FROM item WHERE gone_since < ? AND hold = ''"
                " AND state NOT IN ('staged', 'stored', 'published')",
                before,
            ).rowcount

        return await self._db.write(work)

    async def uploading(self, item: Item, token: str) -> None:
        """An upload begins whose temporary files have `token` in their names."""
        await self._do("INSERT OR IGNORE INTO upload VALUES (?, ?)", [(token, item.id)])

    async def tokens(self, item: Item | None = None) -> frozenset[str]:
        """Uploads (of one file) that may have left temporary files."""

        def work(db: sqlite3.Connection) -> frozenset[str]:
            rows = db.execute("SELECT * FROM upload")
            return frozenset(row["token"] for row in rows if item is None or row["item"] == item.id)

        return await self._db.read(work)

    async def swept(self, tokens: Iterable[str]) -> None:
        """Nothing is left of these uploads."""
        await self._do("DELETE FROM upload WHERE token = ?", [(token,) for token in tokens])

    async def counts(self) -> dict[str, int]:
        """How many files are in each state that any is in."""

        def work(db: sqlite3.Connection) -> dict[str, int]:
            rows = db.execute(
                "SELECT CASE WHEN gone_since IS NOT NULL AND state NOT IN ('stored', 'published',"
                " 'done') THEN 'gone' ELSE state END AS label, count(*) AS files FROM item"
                " GROUP BY label"
            )
            return {row["label"]: row["files"] for row in rows}

        return await self._db.read(work)

    async def _do(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        await self._db.write(lambda db: db.executemany(sql, rows))

    async def _select(self, sql: str) -> list[Item]:
        return await self._db.read(lambda db: [item_of(row) for row in db.execute(sql)])

    async def list(self, states: Collection[str] = ()) -> list[Item]:
        """Every file, or those whose `label` is in `states`; the newest state first."""
        items = await self._select("SELECT * FROM item ORDER BY since DESC, id DESC")
        return [item for item in items if not states or item.label in states]
