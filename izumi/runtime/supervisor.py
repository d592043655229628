"""The parent of an instance: restarts it, and hands back the jobs of a dead one.

The instance tells, over a pipe, where each lease it holds can be settled. When it dies
the parent answers those in its place, so that a new owner starts within a second and
not after the lease ran out.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from izumi.children import Child, start
from izumi.runtime.shutdown import Shutdown

log = structlog.get_logger()

VARIABLE = "IZUMI_LEASES_FD"
HandBack = Callable[[Collection[str]], Awaitable[None]]
"""Publishes a negative acknowledgement to each of the reply subjects."""

# Exit codes that a restart cannot mend: usage and configuration.
_FINAL = frozenset({0, 2})


class LeaseBook(Protocol):
    """Where an instance writes down what it holds."""

    def took(self, reply: str) -> None:
        """A lease was taken; `reply` settles it."""

    def settled(self, reply: str) -> None:
        """The lease is settled, or lost."""


class PipeBook:
    """Tells the parent over the pipe that it passed; silent without one."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._fd = int(environ.get(VARIABLE, "-1"))

    def took(self, reply: str) -> None:
        """Write one line; a pipe takes lines this short whole."""
        self._write(f"+{reply}\n")

    def settled(self, reply: str) -> None:
        """As `took`."""
        self._write(f"-{reply}\n")

    def _write(self, line: str) -> None:
        if self._fd < 0:
            return
        try:
            os.write(self._fd, line.encode())
        except OSError:
            # The parent is gone; the lease then simply runs out.
            self._fd = -1


class Supervisor:
    """Runs one instance as a child for as long as nobody asks to stop.

    Args:
        argv: The instance's command.
        hand_back: Settles leases in a dead child's place.
        grace_s: How long a child may take to end after the first request.
        longest_pause_s: Bound of the growing pause between restarts.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        hand_back: HandBack,
        *,
        grace_s: float = 60.0,
        longest_pause_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._argv = argv
        self._hand_back = hand_back
        self._grace_s = grace_s
        self._longest_pause_s = longest_pause_s
        self._clock = clock

    async def run(self, shutdown: Shutdown) -> int:
        """Supervise until asked to stop, or until the child ends for good; its exit code."""
        pause_s = 0.5
        while True:
            began = self._clock()
            code = await self._one(shutdown)
            if code in _FINAL or shutdown.stopping.is_set():
                return code
            log.error("instance.died", exit_code=code, restart_in_s=pause_s)
            if await shutdown.pause(pause_s):
                return code
            lived_s = self._clock() - began
            pause_s = 0.5 if lived_s > 60 else min(pause_s * 2, self._longest_pause_s)

    async def _one(self, shutdown: Shutdown) -> int:
        read_fd, write_fd = os.pipe()
        leases: set[str] = set()
        try:
            child = await start(
                self._argv,
                env=dict(os.environ) | {VARIABLE: str(write_fd)},
                on_line=_relay,
                keep_bytes=0,
                pass_fds=[write_fd],
            )
        finally:
            os.close(write_fd)
        reading = asyncio.create_task(_read_leases(read_fd, leases))
        try:
            code = await self._ended(child, shutdown)
        finally:
            await child.stop(self._grace_s)
            await reading
        if leases:
            log.warning("instance.leases_handed_back", count=len(leases), exit_code=code)
            await self._hand_back(frozenset(leases))
        return code

    async def _ended(self, child: Child, shutdown: Shutdown) -> int:
        ended = asyncio.create_task(child.wait())
        asked = asyncio.create_task(shutdown.stopping.wait())
        again = asyncio.create_task(shutdown.hurry.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                child.signal(signal.SIGTERM)
                await asyncio.wait(
                    {ended, again}, timeout=self._grace_s, return_when=asyncio.FIRST_COMPLETED
                )
            if not ended.done():
                child.signal(signal.SIGTERM)
                await asyncio.wait({ended}, timeout=10)
            return await child.stop(0)
        finally:
            for task in (ended, asked, again):
                task.cancel()


def _relay(_stream: str, line: str) -> None:
    sys.stderr.write(line + "\n")


async def _read_leases(read_fd: int, leases: set[str]) -> None:
    """Keep `leases` as the child's book says, to the end of the pipe."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(read_fd, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while line := await reader.readline():
            reply = line[1:].decode().rstrip("\n")
            if line[:1] == b"+":
                leases.add(reply)
            else:
                leases.discard(reply)
    finally:
        transport.close()
