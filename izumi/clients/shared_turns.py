"""Turns at a service that the processes of a host share: it counts addresses, not processes."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from izumi.clients.cache_file import CacheFile

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS turns (service TEXT, at REAL);
CREATE TABLE IF NOT EXISTS pauses (service TEXT PRIMARY KEY, until REAL)
"""
_MINUTE_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 86400.0


class SharedTurns:
    """What every process asked in the last minute. Where its file fails, each counts alone.

    Args:
        path: The file, a `CacheFile`.
        now: Seconds since the epoch: the one clock that processes share.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._file = CacheFile(path, _SCHEMA)
        self._now = now
        self._pausing: set[asyncio.Task[None]] = set()

    async def take(self, service: str, *, per_minute: int, at_once: int) -> float:
        """Take a turn.

        Args:
            service: Whose.
            per_minute: Most turns in any minute.
            at_once: Most turns in any `at_once` seconds.

        Returns:
            0: It is ours. Else the seconds after which to ask again.
        """
        limits = (per_minute, at_once)
        return await self._file.run(lambda file: _take(file, service, limits, self._now), 0.0)

    def pause(self, service: str, seconds: float) -> None:
        """Let no process ask for so long."""
        until = self._now() + seconds
        task = asyncio.create_task(self._file.run(lambda file: _pause(file, service, until), None))
        self._pausing.add(task)
        task.add_done_callback(self._pausing.discard)

    async def aclose(self) -> None:
        """Close the file. May be called twice."""
        await asyncio.gather(*self._pausing)
        await self._file.aclose()


def _take(
    file: sqlite3.Connection, service: str, limits: tuple[int, int], clock: Callable[[], float]
) -> float:
    # Written first, so that nobody else looks before we are through; and the time is read
    # after that, or a turn that another takes while we wait would lie in our future.
    file.execute("DELETE FROM turns WHERE service IS NULL")
    now = clock()
    # What lies in the future was written before the clock was set back.
    file.execute("DELETE FROM turns WHERE at <= ? OR at > ?", (now - _MINUTE_S, now))
    paused = file.execute("SELECT until FROM pauses WHERE service = ?", (service,)).fetchone()
    if paused is not None and 0 < paused[0] - now <= _LONGEST_PAUSE_S:
        return float(paused[0] - now)
    rows = file.execute("SELECT at FROM turns WHERE service = ? ORDER BY at", (service,))
    turns = [float(at) for (at,) in rows]
    per_minute, at_once = limits
    for most, window_s in ((per_minute, _MINUTE_S), (at_once, float(at_once))):
        if len(turns) >= most and (wait_s := turns[-most] + window_s - now) > 0:
            return wait_s
    file.execute("INSERT INTO turns VALUES (?, ?)", (service, now))
    return 0.0


def _pause(file: sqlite3.Connection, service: str, until: float) -> None:
    file.execute(
        "INSERT INTO pauses VALUES (?, ?) ON CONFLICT (service) DO UPDATE "
        "SET until = max(until, excluded.until)",
        (service, until),
    )
