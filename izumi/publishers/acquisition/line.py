"""Files waiting for a worker, the urgent first, each once; and those that wait for later."""

import asyncio
import heapq
from collections.abc import Callable

Order = tuple[int, ...]
"""Priority (0 first), then those that were not tried before, then age."""


class Line:
    """A queue of ids in which each stands once, and none is handed to two workers.

    Args:
        order: Where an id belongs.
    """

    def __init__(self, order: Callable[[int], Order]) -> None:
        self._order = order
        self._heap: list[tuple[Order, int]] = []
        self._standing: set[int] = set()
        self._in_hand: set[int] = set()
        self._again: set[int] = set()
        self._later: dict[int, asyncio.TimerHandle] = {}
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_hand(self) -> frozenset[int]:
        """Ids that a worker has."""
        return frozenset(self._in_hand)

    def __len__(self) -> int:
        return len(self._standing)

    def put(self, id_: int) -> None:
        """Let it wait for a worker now; one in a worker's hand comes again after that."""
        timer = self._later.pop(id_, None)
        if timer is not None:
            timer.cancel()
        if id_ in self._in_hand:
            self._again.add(id_)
        elif id_ not in self._standing:
            self._standing.add(id_)
            heapq.heappush(self._heap, (self._order(id_), id_))
            self._more.set()

    def put_later(self, id_: int, delay_s: float) -> None:
        """Let it wait so long before it waits for a worker; a shorter wait stays."""
        timer = self._later.get(id_)
        loop = asyncio.get_running_loop()
        if timer is not None:
            if timer.when() <= loop.time() + delay_s:
                return
            timer.cancel()
        self._later[id_] = loop.call_later(delay_s, self.put, id_)

    async def take(self) -> int:
        """The next id; give it back with `done`."""
        while not self._heap:
            self._more.clear()
            await self._more.wait()
        _, id_ = heapq.heappop(self._heap)
        self._standing.discard(id_)
        self._in_hand.add(id_)
        self._idle.clear()
        return id_

    def done(self, id_: int) -> None:
        """The worker has it no more."""
        self._in_hand.discard(id_)
        if not self._in_hand:
            self._idle.set()
        if id_ in self._again:
            self._again.discard(id_)
            self.put(id_)

    async def idle(self) -> None:
        """Wait until no worker has any."""
        await self._idle.wait()

    def close(self) -> None:
        """Forget all that waits for later."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
