"""One consumer of the bus in memory: what is ready, and what is leased until when."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Sequence

from izumi.bus.clock import boottime
from izumi.bus.ports import Stored
from izumi.bus.topology import ConsumerConfig


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject matches a pattern with `*` and `>`."""
    wanted, have = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        if len(have) < len(wanted):
            return False
        wanted.pop()
        del have[len(wanted) :]
    return len(wanted) == len(have) and all(
        want in {"*", part} for want, part in zip(wanted, have, strict=True)
    )


class MemoryDelivery:
    """See `ports.Delivery`. As on the server, an answer counts for whoever holds it now."""

    def __init__(self, queue: "Queue", message: Stored, attempt: int) -> None:
        self.subject = message.subject
        self.data = message.data
        self.headers = message.headers
        self.seq = message.seq
        self.attempt = attempt
        self.reply = f"memory.{queue.config.name}.{message.seq}"
        self.received = boottime()
        self._queue = queue

    async def ack(self) -> None:
        """Settle for good."""
        self._queue.settle(self.seq)

    async def nak(self, delay_s: float = 0.0) -> None:
        """Give it back, to be delivered again after `delay_s`."""
        self._queue.give_back(self.seq, delay_s)

    async def term(self, reason: str) -> None:
        """Never deliver again; the reason goes to the dead letters."""
        if self._queue.settle(self.seq):
            self._queue.bury(self.seq, "terminated", reason)

    async def in_progress(self) -> None:
        """Prolong the lease."""
        self._queue.prolong(self.seq)


class Queue:
    """A consumer that all who joined its group share."""

    def __init__(
        self,
        config: ConsumerConfig,
        messages: Sequence[Stored],
        changed: Callable[[], None],
        dead: Callable[[ConsumerConfig, int, str, str, int], None],
    ) -> None:
        self.config = config
        self._messages = messages
        self._changed = changed
        self._dead = dead
        self._ready: list[int] = []
        self._attempts: Counter[int] = Counter()
        self._leased: dict[int, asyncio.TimerHandle] = {}

    def offer(self, message: Stored) -> None:
        """Make a new message ready, if this consumer hears it."""
        if any(matches(pattern, message.subject) for pattern in self.config.filter_subjects):
            heapq.heappush(self._ready, message.seq)

    def next(self) -> MemoryDelivery | None:
        """Lease the oldest that is ready; None when there is none."""
        while self._ready:
            seq = heapq.heappop(self._ready)
            if self._attempts[seq] >= self.config.max_deliver:
                self.bury(seq, "max_deliveries", "")
                continue
            self._attempts[seq] += 1
            self._arm(seq, self.config.ack_wait / 1e9)
            return MemoryDelivery(self, self._messages[seq - 1], self._attempts[seq])
        return None

    def settle(self, seq: int) -> bool:
        """End a lease; False when there was none."""
        timer = self._leased.pop(seq, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def prolong(self, seq: int) -> None:
        """Start a lease anew."""
        if self.settle(seq):
            self._arm(seq, self.config.ack_wait / 1e9)

    def give_back(self, seq: int, delay_s: float = 0.0) -> None:
        """End a lease and make the message ready again."""
        if not self.settle(seq):
            return
        if delay_s > 0:
            self._arm(seq, delay_s)
            return
        heapq.heappush(self._ready, seq)
        self._changed()

    def bury(self, seq: int, kind: str, reason: str) -> None:
        """Hand a message over to the dead letters."""
        self._dead(self.config, seq, kind, reason, self._attempts[seq])

    def _arm(self, seq: int, after_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._leased[seq] = loop.call_later(after_s, self.give_back, seq)
