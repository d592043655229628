"""A SQLite file with a thread of its own: opened, locked, brought up to date, closed."""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from izumi.domain.errors import NoSpace, Unavailable, UserError

T = TypeVar("T")

_BUSY_S = 10.0
_LOOK_S = 0.02
_USELESS = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}


class Database:
    """A connection that only its own thread uses, so that no call stops the event loop.

    Args:
        file: The database; its folder is made when missing, 0700.
        steps: SQL from one version to the next; the version is how many were run.
        own: Be the one owner: take the lock, and bring the tables up to date.

    Raises:
        UserError: Another process owns it, it is another user's, or it is missing, damaged
            or too new.
        Unavailable: It cannot be written now.
    """

    def __init__(self, file: Path, steps: Sequence[str], *, own: bool) -> None:
        self._file = file
        self._steps = steps
        self._own = own
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=file.stem)
        self._lock = -1
        try:
            self._db = self._thread.submit(self._mapped, self._open).result()
        except BaseException as exc:
            self._release()
            self._thread.shutdown()
            if isinstance(exc, PermissionError):
                msg = f"{file}: {exc.strerror}: run this as the user that acquisition runs as"
                raise UserError(msg) from exc
            raise

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the thread, in one transaction that is durable when this returns.

        Cancelling waits for it: what was begun is done or not, and the caller can tell.

        Raises:
            Unavailable: It cannot be written now.
            UserError: The file is damaged.
        """
        return await self._on_thread("BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `write`, without keeping others from writing."""
        return await self._on_thread("BEGIN", work)

    async def _on_thread(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(
            self._thread, self._mapped, lambda: self._transaction(begin, work)
        )
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            with contextlib.suppress(Unavailable, UserError):
                await running
            raise

    async def aclose(self) -> None:
        """Close, and give up the lock. May be called twice."""
        with contextlib.suppress(RuntimeError):  # closed before: the thread takes no more
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        self._db.close()
        self._release()

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        self._db.execute(begin)
        try:
            result = work(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            # A full disk makes SQLite roll back by itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result

    def _mapped(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.DatabaseError as exc:
            code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise NoSpace(f"{self._file}: {exc}") from exc
            if code in _USELESS:
                msg = (
                    f"{self._file}: {exc}; move it away, and every file is found and judged "
                    "again (what was announced is not announced twice)"
                )
                raise UserError(msg) from exc
            raise Unavailable(f"{self._file}: {exc}", host=True) from exc

    def _open(self) -> sqlite3.Connection:
        if self._own:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_lock()
        elif not self._file.is_file():
            raise UserError(f"{self._file} does not exist: acquisition never ran here")
        db = sqlite3.connect(self._file, timeout=_BUSY_S, isolation_level=None)
        db.row_factory = sqlite3.Row
        try:
            # Without FULL a power cut takes back what others were already told.
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
            self._bring_up(db)
        except BaseException:
            db.close()
            raise
        return db

    def _take_lock(self) -> None:
        path = self._file.with_suffix(".lock")
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            msg = f"{self._file} is in use by another process: one acquisition a state folder"
            raise UserError(msg) from exc

    def _bring_up(self, db: sqlite3.Connection) -> None:
        version = _version(db)
        end = time.monotonic() + _BUSY_S
        while not self._own and version < len(self._steps) and time.monotonic() < end:
            if not is_owned(self._file):
                break
            time.sleep(_LOOK_S)  # the owner is bringing it up right now
            version = _version(db)
        if version == len(self._steps):
            return
        if version > len(self._steps) or not self._own:
            msg = f"{self._file} has version {version}, this Izumi knows {len(self._steps)}"
            raise UserError(f"{msg}: run the same version everywhere on this host")
        for number, step in enumerate(self._steps[version:], version + 1):
            # executescript would commit on its own; a step is done whole or not at all.
            db.executescript(f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def is_owned(file: Path) -> bool:
    """Whether a process owns the database now."""
    try:
        lock = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
