"""What looks into watch folders write into the ledger. Runs on the ledger's thread."""

import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from izumi.storage import beneath
from izumi.storage.entries import Found, shown
from izumi.storage.items import Item, by_ids, key_of, known_of, signed, unsigned
from izumi.storage.reconcile import Changes, Known, reconcile
from izumi.storage.roots import Root
from izumi.storage.walk import Walk

_SAMPLE = 50
_AT_FIND = "find"
"""Of a refused entry: the step that refused it, so that it is taken once it may be."""


class TakenIn(NamedTuple):
    """What a look brought.

    Attributes:
        todo: Files that are new, changed, renamed, or back.
        refused: Name and reason of each entry that is refused and was not before.
        met: Ids of the candidates met; empty for a sweep.
        gone: How many files left.
    """

    todo: list[Item]
    refused: list[tuple[str, str]]
    met: list[int]
    gone: int


def take_in(db: sqlite3.Connection, root: str, walk: Walk, *, whole: bool, now: float) -> TakenIn:
    """Write down what a look met; a sweep (`whole`) also tells what is gone."""
    seen = [*walk.found, *(entry.found for entry in walk.refused)]
    known = _everything(db) if whole else _related(db, seen)
    changes = reconcile(known, seen, root=root, whole=whole, unseen=walk.failed, stands=_stands)
    reasons = {entry.found.path: entry.reason for entry in walk.refused}
    ids = _write(db, os.fsencode(root), changes, reasons, now)
    ids += _allowed(db, known, walk.found, now)
    refused_before = {row.id for row in known if row.state == "ignored"}
    fresh = [found for found, _ in changes.new]
    fresh += [found for id_, found in changes.changed if id_ not in refused_before]
    return TakenIn(
        by_ids(db, ids),
        [(shown(found.path), reasons[found.path]) for found in fresh if found.path in reasons],
        [] if whole else _ids(db, walk.found),
        len(changes.gone),
    )


def _write(
    db: sqlite3.Connection, root: bytes, changes: Changes, reasons: Mapping[str, str], now: float
) -> list[int]:
    todo = []
    for found, revision in changes.new:
        reason = reasons.get(found.path, "")
        state = "ignored" if reason else "seen"
        row = db.execute(
            "INSERT INTO item (root, path, device, inode, size, mtime_ns, revision, state, since,"
            " reason, held_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(root, os.fsencode(found.path), *key_of(found), revision, state, now, reason),
                _AT_FIND if reason else "",
            ),
        )
        todo.append(int(row.lastrowid or 0))
    for id_, found in changes.changed:
        replace(db, id_, root, found, now=now, refused=reasons.get(found.path, ""))
    # What people said, they said of the file under its old name.
    db.executemany(
        "UPDATE item SET root = ?, path = ?, answered = 0, fix = NULL, approved = 0 WHERE id = ?",
        [(root, os.fsencode(found.path), id_) for id_, found in changes.moved],
    )
    db.executemany(
        "UPDATE item SET gone_since = NULL WHERE id = ?", [(id_,) for id_ in changes.back]
    )
    db.executemany(
        "UPDATE item SET gone_since = ? WHERE id = ?", [(now, id_) for id_ in changes.gone]
    )
    db.execute("DELETE FROM item WHERE state = 'ignored' AND gone_since IS NOT NULL AND hold = ''")
    others = [*changes.changed, *changes.moved]
    return list(dict.fromkeys([*todo, *(id_ for id_, _ in others), *changes.back]))


def _allowed(
    db: sqlite3.Connection, known: Iterable[Known], found: Iterable[Found], now: float
) -> list[int]:
    """Files that were refused, and are not any more: their owner is another, or allowed now."""
    refused = {
        (row.device, row.inode, row.size, row.mtime_ns): row.id
        for row in known
        if row.state == "ignored"
    }
    if not refused:
        return []
    ids = [id_ for one in found if (id_ := refused.get(one[1:])) is not None]
    sql = (
        "UPDATE item SET state = 'seen', since = ?, reason = '', held_at = ''"
        " WHERE id = ? AND state = 'ignored' AND held_at = ?"
    )
    return [id_ for id_ in ids if db.execute(sql, (now, id_, _AT_FIND)).rowcount]


def replace(
    db: sqlite3.Connection, id_: int, root: bytes, found: Found, *, now: float, refused: str = ""
) -> bool:
    """Give a row another content; False when that content has a row already."""
    updated = db.execute(
        "UPDATE OR IGNORE item SET root = ?, path = ?, device = ?, inode = ?, size = ?,"
        " mtime_ns = ?, state = ?, since = ?, reason = ?, held_at = ?, judged = 0,"
        " gone_since = NULL, key = '', sub = 'none', episode = NULL, sha256 = '', proved = '',"
        " answered = 0, fix = NULL, approved = 0"
        " WHERE id = ?",
        (
            *(root, os.fsencode(found.path), *key_of(found)),
            *("ignored" if refused else "settling", now, refused),
            *(_AT_FIND if refused else "", id_),
        ),
    )
    return updated.rowcount > 0


def root_of(db: sqlite3.Connection, path: str) -> Root | None:
    """A watch folder's identity at its last sweep."""
    row = db.execute("SELECT * FROM root WHERE path = ?", (os.fsencode(path),)).fetchone()
    return None if row is None else Root(unsigned(row["device"]), unsigned(row["inode"]))


def sample(db: sqlite3.Connection, path: str) -> tuple[int, list[Found]]:
    """How many files are recorded below a watch folder as there, and some of them."""
    there = (os.fsencode(path),)
    count = db.execute(
        "SELECT count(*) FROM item WHERE root = ? AND gone_since IS NULL AND state != 'ignored'",
        there,
    ).fetchone()[0]
    rows = db.execute(
        "SELECT * FROM item WHERE root = ? AND gone_since IS NULL AND state != 'ignored'"
        " ORDER BY id DESC LIMIT ?",
        (*there, _SAMPLE),
    )
    return count, [
        Found(row.path, row.device, row.inode, row.size, row.mtime_ns)
        for row in map(known_of, rows)
    ]


def believe(db: sqlite3.Connection, path: str, root: Root) -> None:
    """Record what a watch folder is; the files of its old device are on its new one."""
    folder, device = os.fsencode(path), signed(root.device)
    old = root_of(db, path)
    if old is not None and old.device != root.device:
        db.execute(
            "UPDATE OR IGNORE item SET device = ? WHERE root = ? AND device = ?",
            (device, folder, signed(old.device)),
        )
    db.execute("INSERT OR REPLACE INTO root VALUES (?, ?, ?)", (folder, device, signed(root.inode)))


def _everything(db: sqlite3.Connection) -> list[Known]:
    rows = db.execute(
        "SELECT id, root, path, device, inode, size, mtime_ns, state, gone_since, revision"
        " FROM item"
    )
    return [known_of(row) for row in rows]


def _related(db: sqlite3.Connection, seen: Iterable[Found]) -> list[Known]:
    """Rows of the inodes met, and of the paths met, which tell a revision."""
    related: dict[int, Known] = {}
    for found in seen:
        rows = db.execute(
            "SELECT * FROM item WHERE device = ? AND inode = ?"
            " UNION SELECT * FROM item WHERE path = ?",
            (*key_of(found)[:2], os.fsencode(found.path)),
        )
        related.update((row["id"], known_of(row)) for row in rows)
    return list(related.values())


def _ids(db: sqlite3.Connection, seen: Iterable[Found]) -> list[int]:
    rows = (
        db.execute(
            "SELECT id FROM item WHERE device = ? AND inode = ? AND size = ? AND mtime_ns = ?",
            key_of(found),
        ).fetchone()
        for found in seen
    )
    return [row["id"] for row in rows if row is not None]


def _stands(row: Known) -> bool:
    """Whether the file of a row still has the name that is recorded."""
    try:
        status = beneath.lstat(Path(row.root), row.path)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (row.device, row.inode)
