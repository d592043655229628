"""The bus in one process, under the same contract: for tests and for trying things out."""

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from izumi.bus import topology
from izumi.bus.deadletters import Notice, letter_of, with_answer
from izumi.bus.memory_queue import MemoryDelivery, Queue, matches
from izumi.bus.ports import Conflict, DeadLetter, Outgoing, Stored
from izumi.bus.topology import ConsumerConfig, Membership
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, Rejected, UserError

_STREAM = (
    "izumi.file.",
    "izumi.do.",
    "izumi.job.",
    "izumi.rule.",
    "izumi.told.",
    "izumi.library.",
    "izumi.letter.",
)
_LARGEST = (1 << 20) - 1024
_BATCH = 1000


class MemoryInbox:
    """See `ports.Inbox`."""

    def __init__(self, bus: "MemoryBus", queues: Sequence[Queue], tier: int) -> None:
        self._bus = bus
        self.queues = queues
        self.tier = tier
        self._stopped = False
        self._waiting: set[asyncio.Future[MemoryDelivery | None]] = set()

    async def take(self) -> MemoryDelivery | None:
        """The next message, waited for; None after `stop()`."""
        if self._stopped:
            return None
        place: asyncio.Future[MemoryDelivery | None] = asyncio.get_running_loop().create_future()
        self._waiting.add(place)
        self._bus.wait(self, place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and (job := place.result()) is not None:
                await job.nak()
            raise
        finally:
            self._waiting.discard(place)

    def stop(self) -> None:
        """Hand out nothing more."""
        self._stopped = True
        for place in self._waiting:
            if not place.done():
                place.set_result(None)

    async def aclose(self) -> None:
        """Stop. Nothing can have slipped in."""
        self.stop()


class MemoryBus:
    """See `ports.Bus`; also its own `ports.DeadLetters`.

    Args:
        memberships: Groups that may be joined.
        ack_wait_s: A lease lasts so long without a sign of life.
        max_deliver: A message is given up after so many deliveries.
        duplicate_window_s: How long a message id is remembered.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        memberships: Iterable[Membership] = (),
        *,
        ack_wait_s: float = 10.0,
        max_deliver: int = 10_000,
        duplicate_window_s: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window_s = duplicate_window_s
        self._clock = clock
        self._messages: list[Stored] = []
        self._last: dict[str, Stored] = {}
        self._ids: dict[str, tuple[int, float]] = {}
        self._told: dict[str, tuple[Stored, float]] = {}
        self._dead: list[DeadLetter] = []
        self._listeners: dict[asyncio.Queue[Stored | None], str] = {}
        self._places: list[tuple[MemoryInbox, asyncio.Future[MemoryDelivery | None]]] = []
        configs = topology.consumers(memberships, ack_wait_s=ack_wait_s, max_deliver=max_deliver)
        self._queues = {
            config.name: Queue(config, self._messages, self._dispatch, self._bury)
            for config in configs
        }
        self._counter = itertools.count(1)

    async def aclose(self) -> None:
        """End what listens."""
        for queue in self._listeners:
            queue.put_nowait(None)

    async def publish(self, message: Outgoing) -> int:
        """Store; a known `msg_id` gives the first receipt."""
        self._check(message)
        self._absent(message)
        known = self._known(message.msg_id)
        if known is not None:
            return known
        self._expected(message)
        seq = self._store(message)
        self._dispatch()
        return seq

    async def commit(self, batch: Sequence[Outgoing]) -> int:
        """Store all or nothing."""
        if not 1 <= len(batch) <= _BATCH:
            raise Rejected(f"a batch of {len(batch)} messages: the bus takes 1 to {_BATCH}")
        for message in batch:
            self._check(message)
        for message in batch:
            self._absent(message)
            self._expected(message)
            if self._known(message.msg_id) is not None:
                raise Conflict(f"message id {message.msg_id!r} was used before")
        seq = [self._store(message) for message in batch][-1]
        self._dispatch()
        return seq

    async def last(self, subject: str) -> Stored | None:
        """The last message on exactly this subject."""
        return self._last.get(subject)

    async def latest(self, pattern: str) -> list[Stored]:
        """The last message on every subject that matches, oldest first."""
        now = self._clock()
        told = [message for message, until in self._told.values() if until > now]
        found = [m for m in (*self._last.values(), *told) if matches(pattern, m.subject)]
        return sorted(found, key=lambda message: message.seq)

    async def tell(self, subject: str, data: bytes, *, ttl_s: int | None = None) -> None:
        """Kept as the last of its subject, and heard by who listens."""
        until = float("inf") if ttl_s is None else self._clock() + ttl_s
        if subject.startswith(("izumi.progress.", "izumi.node.")):
            self._told[subject] = (Stored(subject, data, next(self._counter), {}), until)
        self._heard(subject, data, {})

    async def listen(self, subject: str) -> AsyncIterator[Stored]:
        """Messages from now on."""
        queue: asyncio.Queue[Stored | None] = asyncio.Queue()
        self._listeners[queue] = subject
        try:
            while (heard := await queue.get()) is not None:
                yield heard
        finally:
            del self._listeners[queue]

    def inbox(self, unit: str, group: str, *, tier: int = 0) -> MemoryInbox:
        """Join a queue group. Raises UserError when there is none."""
        names = topology.consumer_names(unit, group)
        missing = [name for name in names if name not in self._queues]
        if missing:
            raise UserError(f"consumer {missing[0]} does not exist")
        return MemoryInbox(self, [self._queues[name] for name in names], tier)

    async def entries(self, *, everything: bool = False) -> list[DeadLetter]:
        """What was given up and not answered, oldest first."""
        known = [with_answer(one, self._last.get(subjects.letter(one.seq))) for one in self._dead]
        return [letter for letter in known if everything or letter.answer is None]

    async def entry(self, number: int) -> DeadLetter | None:
        """One letter, answered or not."""
        known = await self.entries(everything=True)
        return next((letter for letter in known if letter.seq == number), None)

    def wait(self, inbox: MemoryInbox, place: asyncio.Future[MemoryDelivery | None]) -> None:
        """Serve this place as soon as there is something for it."""
        self._places.append((inbox, place))
        self._dispatch()

    def _dispatch(self) -> None:
        self._places = [(inbox, place) for inbox, place in self._places if not place.done()]
        for inbox, place in sorted(self._places, key=lambda entry: entry[0].tier):
            for queue in inbox.queues:
                job = queue.next()
                if job is not None:
                    place.set_result(job)
                    break

    def _check(self, message: Outgoing) -> None:
        if len(message.data) > _LARGEST:
            raise Rejected(f"a message of {len(message.data)} bytes is too big")
        if not message.subject.startswith(_STREAM):
            raise BusUnavailable(f"nobody takes {message.subject} now")

    def _known(self, msg_id: str | None) -> int | None:
        if msg_id is None or msg_id not in self._ids:
            return None
        seq, at = self._ids[msg_id]
        return seq if self._clock() - at < self._window_s else None

    def _absent(self, message: Outgoing) -> None:
        if message.unless is not None and (last := self._last.get(message.unless)) is not None:
            raise Conflict(f"last of {message.unless} is {last.seq}, not 0")

    def _expected(self, message: Outgoing) -> None:
        last = self._last.get(message.subject)
        seq = last.seq if last else 0
        if message.expect is not None and message.expect != seq:
            raise Conflict(f"last of {message.subject} is {seq}, not {message.expect}")

    def _store(self, message: Outgoing) -> int:
        msg_id = message.msg_id or uuid.uuid4().hex
        headers: Mapping[str, str] = {"Nats-Msg-Id": msg_id}
        seq = len(self._messages) + 1
        stored = Stored(message.subject, message.data, seq, headers)
        self._messages.append(stored)
        self._last[message.subject] = stored
        self._ids[msg_id] = (seq, self._clock())
        for queue in self._queues.values():
            queue.offer(stored)
        self._heard(message.subject, message.data, headers)
        return seq

    def _heard(self, subject: str, data: bytes, headers: Mapping[str, str]) -> None:
        for queue, pattern in self._listeners.items():
            if matches(pattern, subject):
                queue.put_nowait(Stored(subject, data, 0, headers))

    def _bury(
        self, config: ConsumerConfig, seq: int, kind: str, reason: str, attempts: int
    ) -> None:
        self._dead.append(
            letter_of(
                Notice(
                    type=kind,
                    consumer=config.name,
                    stream_seq=seq,
                    deliveries=attempts,
                    reason=reason,
                ),
                next(self._counter),
                self._messages[seq - 1],
            )
        )
