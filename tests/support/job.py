"""A job context for tests of units: in memory, or in a file that outlives a killed process."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from izumi.domain import events
from izumi.domain.errors import Fenced, NoSpace
from izumi.domain.events import Fact
from izumi.domain.pace import Pace


class FakeJob:
    """What `izumi.runtime.ports.JobContext` asks for, with everything written down.

    Args:
        scratch: A private folder of the test.
        record: File that holds the checkpoint; what is there is loaded, as a later
            attempt of the real runtime would.

    Attributes:
        reports: Arguments of each `report`.
        saves: Checkpoint of each `save`, in order.
        facts: What was published with them.
        reserved: Bytes of each `reserve`.
        failures: Raised by the next calls of `save`, one each.
        fenced: The job belongs to someone else now.
        room_bytes: Largest reservation that is granted.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        unit: str = "unit",
        group: str = "main",
        job: str = "0123456789abcdef0123456789abcdef",
        attempt: int = 1,
        checkpoint: Mapping[str, Any] | None = None,
        record: Path | None = None,
    ) -> None:
        self.unit = unit
        self.group = group
        self.instance = "test-1"
        self.job = job
        self.attempt = attempt
        self.token = f"{job[-12:]}-{attempt}"
        self.scratch = scratch
        self.checkpoint: Mapping[str, Any] = dict(checkpoint or {})
        self.reports: list[tuple[str, float | None, str]] = []
        self.paces: list[Pace] = []
        self.saves: list[dict[str, Any]] = []
        self.facts: list[Fact] = []
        self.reserved: list[int] = []
        self.failures: list[Exception] = []
        self.fenced = False
        self.room_bytes = 1 << 50
        self._record = record
        if record is not None and record.exists():
            self.checkpoint = json.loads(record.read_text())

    @property
    def lost(self) -> bool:
        return self.fenced

    def report(
        self,
        step: str,
        fraction: float | None = None,
        detail: str = "",
        pace: Pace | None = None,
    ) -> None:
        self.reports.append((step, fraction, detail))
        self.paces += [pace] if pace else []

    async def save(self, checkpoint: Mapping[str, Any], facts: Sequence[Fact] = ()) -> None:
        await self.still_ours()
        await asyncio.sleep(0)  # as on the bus, others run before it is stored
        if self.failures:
            raise self.failures.pop(0)
        # As on the bus: only what JSON can carry, and a copy of it.
        stored = json.loads(json.dumps(checkpoint))
        for fact in facts:
            events.decode_fact(events.encode(fact))
        if self._record is not None:
            part = self._record.with_suffix(".part")
            part.write_text(json.dumps(stored))
            part.replace(self._record)
        self.checkpoint = stored
        self.saves.append(stored)
        self.facts.extend(facts)

    async def still_ours(self) -> None:
        if self.fenced:
            raise Fenced("someone else claimed the job")

    async def reserve(self, size_bytes: int) -> None:
        if size_bytes > self.room_bytes:
            raise NoSpace(f"{size_bytes} bytes wanted, {self.room_bytes} there")
        self.reserved.append(size_bytes)

    def again(self) -> "FakeJob":
        """The next attempt at the same job, wherever it runs."""
        return FakeJob(
            self.scratch,
            unit=self.unit,
            group=self.group,
            job=self.job,
            attempt=self.attempt + 1,
            checkpoint=self.checkpoint,
            record=self._record,
        )
