"""Facts that survive a restart, in an SQLite file of the state folder.

It is a cache: whatever is wrong with the file, the worst is that facts are asked for
again. Several processes may share it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import structlog

log = structlog.get_logger()

_T = TypeVar("_T")
_KEPT_S: Final = 400 * 86400.0
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value BLOB, at REAL)"


class Kept(NamedTuple):
    """A value and when it was stored, in seconds since the epoch."""

    value: bytes
    at: float


class FactsCache:
    """Keys and values, each with its time.

    Args:
        path: The file; made when it is missing, made anew when it is broken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # SQLite connections belong to one thread, and disks are not to stop the loop.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="facts-cache")
        self._open: sqlite3.Connection | None = None

    async def get(self, key: str) -> Kept | None:
        """What is kept under `key`."""
        return await self._run(lambda file: _get(file, key), None)

    async def put(self, key: str, value: bytes, at: float) -> None:
        """Keep `value`, in place of what was kept."""
        await self._run(lambda file: _put(file, key, Kept(value, at)), None)

    async def aclose(self) -> None:
        """Close the file. May be called twice; nothing is kept afterwards."""
        if self._open is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open.close)
            self._open = None
        self._thread.shutdown()

    async def _run(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._guarded(work, otherwise))

    def _guarded(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        try:
            if self._open is None:
                self._open = self._connected()
            return work(self._open)
        except sqlite3.Error as exc:
            log.warning("facts_cache.failed", path=str(self._path), error=str(exc))
            return otherwise

    def _connected(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(self._path)
        except sqlite3.OperationalError:
            raise  # locked, or no space: the file may be whole
        except sqlite3.DatabaseError as exc:
            log.warning("facts_cache.made_anew", path=str(self._path), error=str(exc))
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return _connect(self._path)


def _connect(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=5.0, isolation_level=None)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the newest facts
        file.execute(_SCHEMA)
    except sqlite3.Error:
        file.close()
        raise
    return file


def _get(file: sqlite3.Connection, key: str) -> Kept | None:
    row = file.execute("SELECT value, at FROM facts WHERE key = ?", (key,)).fetchone()
    return None if row is None else Kept(bytes(row[0]), float(row[1]))


def _put(file: sqlite3.Connection, key: str, kept: Kept) -> None:
    file.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (key, kept.value, kept.at))
    file.execute("DELETE FROM facts WHERE at < ?", (kept.at - _KEPT_S,))
