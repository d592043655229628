"""Facts that survive a restart, in an SQLite file of the state folder."""

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from izumi.clients.cache_file import CacheFile

_KEPT_S: Final = 400 * 86400.0
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value BLOB, at REAL)"


class Kept(NamedTuple):
    """A value and when it was stored, in seconds since the epoch."""

    value: bytes
    at: float


class FactsCache:
    """Keys and values, each with its time.

    Args:
        path: The file, a `CacheFile`.
    """

    def __init__(self, path: Path) -> None:
        self._file = CacheFile(path, _SCHEMA)

    async def get(self, key: str) -> Kept | None:
        """What is kept under `key`."""
        return await self._file.run(lambda file: _get(file, key), None)

    async def put(self, key: str, value: bytes, at: float) -> None:
        """Keep `value`, in place of what was kept."""
        await self._file.run(lambda file: _put(file, key, Kept(value, at)), None)

    async def aclose(self) -> None:
        """Close the file. May be called twice; nothing is kept afterwards."""
        await self._file.aclose()


def _get(file: sqlite3.Connection, key: str) -> Kept | None:
    row = file.execute("SELECT value, at FROM facts WHERE key = ?", (key,)).fetchone()
    return None if row is None else Kept(bytes(row[0]), float(row[1]))


def _put(file: sqlite3.Connection, key: str, kept: Kept) -> None:
    file.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (key, kept.value, kept.at))
    file.execute("DELETE FROM facts WHERE at < ?", (kept.at - _KEPT_S,))
