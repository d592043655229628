"""A worker for tests: a handler given as a function, on whichever bus, quick and observed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec

from izumi.bus.ports import Bus
from izumi.domain.events import Fact, JobRecord
from izumi.domain.retry import RetryPolicy
from izumi.runtime.breaker import Breaker
from izumi.runtime.ports import JobContext
from izumi.runtime.scratch import Scratch
from izumi.runtime.settings import WorkerSettings
from izumi.runtime.shutdown import Shutdown
from izumi.runtime.worker import Worker

QUICK = RetryPolicy(first_s=0.05, longest_s=0.2, tool_attempts=2, lost_attempts=3)

Work = Callable[[Fact, JobContext], Coroutine[Any, Any, Sequence[Fact]]]


class Book:
    """What the worker tells its parent."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def took(self, reply: str) -> None:
        self.lines.append(f"+{reply}")

    def settled(self, reply: str) -> None:
        self.lines.append(f"-{reply}")

    @property
    def held(self) -> set[str]:
        taken = {line[1:] for line in self.lines if line[0] == "+"}
        return taken - {line[1:] for line in self.lines if line[0] == "-"}


@contextlib.asynccontextmanager
async def working(
    bus: Bus,
    work: Work,
    folder: Path,
    *,
    instance: str = "one",
    unit: str = "encoder",
    group: str = "main",
    jobs: int = 1,
    ack_wait_s: float = 1.0,
    settings: WorkerSettings | None = None,
    policy: RetryPolicy = QUICK,
    breaker: Breaker | None = None,
    book: Book | None = None,
) -> AsyncIterator[tuple[Worker, Shutdown]]:
    """A running worker; it is hurried to its end when the block is left."""
    scratch = Scratch(folder / "scratch", instance, keep_free_bytes=0)
    worker = Worker(
        unit=unit,
        group=group,
        instance=instance,
        bus=bus,
        inbox=bus.inbox(unit, group),
        handler=work,
        jobs=jobs,
        scratch=scratch,
        settings=settings or WorkerSettings(drain_s=10),
        policy=policy,
        ack_wait_s=ack_wait_s,
        book=book or Book(),
        breaker=breaker or Breaker(),
        spread=lambda: 0.0,
    )
    shutdown = Shutdown()
    running = asyncio.create_task(worker.run(shutdown))
    try:
        yield worker, shutdown
    finally:
        shutdown.request()
        shutdown.request()
        await asyncio.wait({running}, timeout=30)
        scratch.close()
    running.result()


async def record_of(bus: Bus, subject: str) -> JobRecord | None:
    """The state of a job."""
    stored = await bus.last(subject)
    return None if stored is None else msgspec.json.decode(stored.data, type=JobRecord)


async def until_state(bus: Bus, subject: str, state: str, within_s: float = 30) -> JobRecord:
    """Wait until the job log says so."""
    async with asyncio.timeout(within_s):
        while True:
            record = await record_of(bus, subject)
            if record is not None and record.state == state:
                return record
            await asyncio.sleep(0.02)
