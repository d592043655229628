"""The tables of the acquisition ledger, as steps from one version to the next.

A step is never changed once it was released; a change is a new step.
"""

from typing import Final

STEPS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE owner (id TEXT NOT NULL);
    CREATE TABLE root (path BLOB PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL);
    CREATE TABLE item (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        root BLOB NOT NULL,
        path BLOB NOT NULL,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        state TEXT NOT NULL,
        since REAL NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        held_at TEXT NOT NULL DEFAULT '',
        judged INTEGER NOT NULL DEFAULT 0,
        gone_since REAL,
        key TEXT NOT NULL DEFAULT '',
        sub TEXT NOT NULL DEFAULT 'none',
        episode BLOB,
        sha256 TEXT NOT NULL DEFAULT '',
        proved TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE upload (token TEXT PRIMARY KEY, item INTEGER NOT NULL) WITHOUT ROWID;
    CREATE UNIQUE INDEX item_content ON item (device, inode, size, mtime_ns);
    CREATE INDEX item_state ON item (state);
    CREATE INDEX item_path ON item (path);
    CREATE TABLE request (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL,
        asked REAL NOT NULL,
        taken REAL,
        problem TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE asked (
        request INTEGER NOT NULL REFERENCES request ON DELETE CASCADE,
        item INTEGER NOT NULL REFERENCES item ON DELETE CASCADE,
        PRIMARY KEY (request, item)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE item ADD COLUMN hold TEXT NOT NULL DEFAULT '';
    ALTER TABLE item ADD COLUMN answered INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE item ADD COLUMN fix BLOB;
    ALTER TABLE item ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX item_hold ON item (hold) WHERE hold != '';
    """,
    """
    ALTER TABLE item ADD COLUMN owed TEXT NOT NULL DEFAULT '';
    CREATE TABLE trash (
        id INTEGER PRIMARY KEY,
        item INTEGER NOT NULL,
        root BLOB NOT NULL,
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        until REAL NOT NULL
    );
    CREATE INDEX trash_item ON trash (item);
    """,
)
