"""Presence: an instance says every few seconds that it lives and how it is.

Health is told from facts (what runs, whether the breaker is open, when the last sweep
was), never from "the process is up".
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from izumi import __version__
from izumi.bus.ports import Bus
from izumi.domain import events, subjects
from izumi.domain.errors import BusUnavailable
from izumi.domain.events import Node
from izumi.runtime.shutdown import Shutdown
from izumi.runtime.worker import Worker, utcnow

EVERY_S = 5.0
TTL_S = 15


class Facts(NamedTuple):
    """How a unit is, right now. `reason` is for people; empty when all is well."""

    state: Literal["running", "draining", "broken"]
    jobs: Sequence[str] = ()
    reason: str = ""


def of_worker(worker: Worker, shutdown: Shutdown) -> Facts:
    """The facts of a consumer."""
    jobs = sorted(worker.running)
    if worker.breaker.state == "open":
        return Facts("broken", jobs, worker.breaker.reason)
    idle = "" if worker.may_work() else "takes no job at this hour"
    return Facts("draining" if shutdown.stopping.is_set() else "running", jobs, idle)


class Presence:
    """Tells the bus about one unit of one instance.

    Args:
        bus: Where to.
        unit: Kind of unit.
        group: Its group; empty where it has none.
        instance: Name of the instance.
        host: Name of the host.
        facts: Asked before each telling.
        now: Wall clock.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        unit: str,
        group: str,
        instance: str,
        host: str,
        facts: Callable[[], Facts],
        now: Callable[[], dt.datetime] = utcnow,
    ) -> None:
        self._bus = bus
        self._node = Node(
            unit=unit,
            group=group,
            instance=instance,
            host=host,
            version=__version__,
            state="running",
            since=now(),
            at=now(),
        )
        self._facts = facts
        self._now = now

    def node(self) -> Node:
        """What would be told now."""
        facts = self._facts()
        return Node(
            unit=self._node.unit,
            group=self._node.group,
            instance=self._node.instance,
            host=self._node.host,
            version=self._node.version,
            state=facts.state,
            jobs=tuple(facts.jobs),
            reason=facts.reason,
            since=self._node.since,
            at=self._now(),
        )

    async def run(self) -> None:
        """Tell until cancelled; a bus that is away is no reason to stop."""
        subject = subjects.node(self._node.unit, f"{self._node.group}-{self._node.instance}")
        while True:
            with contextlib.suppress(BusUnavailable):
                await self._bus.tell(subject, events.encode(self.node()), ttl_s=TTL_S)
            await asyncio.sleep(EVERY_S)
