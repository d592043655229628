"""An SQLite file that may be lost: whatever is wrong with it, the worst is to ask again.

Several processes may share it. A broken one is made anew; where none can be, the memory of
the process takes its place.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import structlog

log = structlog.get_logger()

_T = TypeVar("_T")
_BUSY_S: Final = 5.0
_BROKEN: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


class CacheFile:
    """A connection that only its own thread uses, so that no disk stops the event loop.

    Args:
        path: The file; made when it is missing. None: nothing outlives the process.
        schema: Statements that make its tables and may be repeated.
        version: Of the schema. A file of another version is made anew.
    """

    def __init__(self, path: Path | None, schema: str, *, version: int = 0) -> None:
        self._path = path
        self._schema = schema
        self._version = version
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=path.stem if path else "cache")
        self._open: sqlite3.Connection | None = None
        self._inode = 0

    async def run(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """What `work` returns, in one transaction; `otherwise` where the file fails."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._guarded(work, otherwise))

    async def aclose(self) -> None:
        """Close the file. May be called twice; nothing is kept afterwards."""
        if self._open is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open.close)
            self._open = None
        self._thread.shutdown()

    def _guarded(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        try:
            return self._worked(work)
        except sqlite3.Error as exc:
            if not _is_broken(exc):
                log.warning("cache.failed", path=str(self._path), error=str(exc))
                return otherwise
            log.warning("cache.made_anew", path=str(self._path), error=str(exc))
        try:
            self._make_anew()
            return self._worked(work)
        except (sqlite3.Error, OSError) as exc:
            log.warning("cache.failed", path=str(self._path), error=str(exc))
            return otherwise

    def _worked(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._open is None:
            self._open = self._connected()
        with self._open as transaction:
            transaction.execute("BEGIN")
            return work(transaction)

    def _connected(self) -> sqlite3.Connection:
        if self._path is None:
            return self._connect(":memory:")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._connect(self._path)
            self._inode = self._path.stat().st_ino
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise  # soon it can be read
            reason = str(exc)
        else:
            return file
        log.warning("cache.in_memory", path=str(self._path), error=reason)
        return self._connect(":memory:")

    def _connect(self, path: Path | str) -> sqlite3.Connection:
        file = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the newest
            (version,) = file.execute("PRAGMA user_version").fetchone()
            tables = file.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if tables and version != self._version:
                raise _OtherVersion(f"it has version {version}, not {self._version}")
            file.executescript(f"{self._schema}; PRAGMA user_version = {self._version};")
        except sqlite3.Error:
            file.close()
            raise
        return file

    def _make_anew(self) -> None:
        """Remove the file, unless another process has done so."""
        if self._open is not None:
            self._open.close()
            self._open = None
        if self._path is None:
            return
        with _alone(self._path.with_name(self._path.name + ".lock")):
            with contextlib.suppress(FileNotFoundError):
                if self._inode not in {0, self._path.stat().st_ino}:
                    return
            if self._inode == 0:
                try:
                    self._connect(self._path).close()
                except sqlite3.Error as exc:
                    if not _is_broken(exc):
                        raise
                else:
                    return
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._inode = 0


class _OtherVersion(sqlite3.DatabaseError):
    """Written by an older or a newer Izumi."""


def _is_broken(exc: sqlite3.Error) -> bool:
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    return code in _BROKEN or isinstance(exc, _OtherVersion)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Nobody else removes the file meanwhile."""
    fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
