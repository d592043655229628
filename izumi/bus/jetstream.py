"""The bus on NATS JetStream."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from nats.aio.msg import Msg

from izumi.bus import connection as connections
from izumi.bus import topology
from izumi.bus.client import status
from izumi.bus.connection import Connection
from izumi.bus.ports import Conflict, Outgoing, Stored
from izumi.bus.pull import JetStreamInbox, Pulling
from izumi.bus.reading import latest, stored, stream_of
from izumi.bus.settings import BusSettings
from izumi.domain.errors import BusUnavailable, Rejected

T = TypeVar("T")

_CONFLICTS: Final = (10071, 10164, 10201)
"""Two of a wrong last sequence, one of a message id that was used within the window."""
_BATCH: Final = 1000
_HEARD: Final = 10_000
_WRITES: Final = 16
"""Messages on their way to the disk of the bus at once. It stores one after the other: of
hundreds most would be given up while they wait, and sent again, which makes it worse."""


class _Error(msgspec.Struct):
    err_code: int = 0
    description: str = ""


class _Receipt(msgspec.Struct):
    seq: int = 0
    error: _Error | None = None


_receipts = msgspec.json.Decoder(_Receipt)


class JetStreamBus:
    """See `ports.Bus`.

    Args:
        connection: Open; closed with the bus.
        answer_s: How long one answer may take.
        publish_s: How long storing one message is tried.
        pulling: Times of the pull loop.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        answer_s: float = 2.0,
        publish_s: float = 10.0,
        pulling: Pulling | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection = connection
        self._answer_s = answer_s
        self._publish_s = publish_s
        self._pulling = pulling
        self._clock = clock
        self._writing = asyncio.Semaphore(_WRITES)
        self._inboxes: list[JetStreamInbox] = []
        self._heard: set[asyncio.Queue[Stored | None]] = set()

    async def aclose(self) -> None:
        """Give back what nobody works on, send what is pending, close."""
        await asyncio.gather(*(inbox.aclose() for inbox in self._inboxes))
        await self.connection.aclose()
        for queue in self._heard:
            queue.put_nowait(None)

    async def publish(self, message: Outgoing) -> int:
        """Store. Tried for `publish_s`, under one id, so that it is stored once."""
        named = message._replace(msg_id=message.msg_id or uuid.uuid4().hex)
        return await self._persist(lambda: self._store(named))

    async def commit(self, batch: Sequence[Outgoing]) -> int:
        """Store all or nothing: an atomic batch, acknowledged once, at its end."""
        if not 1 <= len(batch) <= _BATCH:
            raise Rejected(f"a batch of {len(batch)} messages: the bus takes 1 to {_BATCH}")
        for message in batch:
            self.connection.check_size(message.data)
        try:
            async with self._writing:
                return _receipt(await self._send_batch(batch))
        except BusUnavailable:
            # A part that our role may not send leaves the batch incomplete.
            for message in batch:
                self.connection.check_allowed(message.subject)
            raise

    async def last(self, subject: str) -> Stored | None:
        """The last message on exactly this subject."""
        direct = f"$JS.API.DIRECT.GET.{stream_of(subject)}.{subject}"
        answer = await self._persist(
            lambda: self.connection.request(direct, timeout_s=self._answer_s)
        )
        if status(answer) == "404":
            return None
        return stored(answer)

    async def latest(self, pattern: str) -> list[Stored]:
        """The last message on every subject that matches, oldest first."""
        return await self._persist(lambda: latest(self.connection, pattern))

    async def tell(self, subject: str, data: bytes, *, ttl_s: int | None = None) -> None:
        """Send once, without a receipt; nothing happens when the bus is away."""
        headers = None if ttl_s is None else {"Nats-TTL": f"{ttl_s}s"}
        with contextlib.suppress(BusUnavailable):
            await self.connection.send(subject, data, headers=headers)

    async def listen(self, subject: str) -> AsyncIterator[Stored]:
        """Messages from now on. Of a listener too slow, the oldest are dropped."""
        queue: asyncio.Queue[Stored | None] = asyncio.Queue()

        def on_message(msg: Msg) -> None:
            if queue.qsize() >= _HEARD:
                queue.get_nowait()
            queue.put_nowait(Stored(msg.subject, msg.data, 0, msg.headers or {}))

        subscription = await self.connection.subscribe(subject, on_message)
        self._heard.add(queue)
        try:
            await self.connection.settled(subject)
            while (heard := await queue.get()) is not None:
                yield heard
        finally:
            self._heard.discard(queue)
            await self.connection.unsubscribe(subscription)

    def inbox(self, unit: str, group: str, *, tier: int = 0) -> JetStreamInbox:
        """Join a queue group."""
        inbox = JetStreamInbox(
            self.connection,
            topology.STREAM,
            topology.consumer_names(unit, group),
            tier=tier,
            pulling=self._pulling,
        )
        self._inboxes.append(inbox)
        return inbox

    async def _store(self, message: Outgoing) -> int:
        try:
            async with self._writing:
                return _receipt(await self._request(message, _headers(message)))
        except Conflict:
            if message.unless is not None:
                raise  # that an earlier message has our id says nothing about this one
            # The server looks at `expect` before the id, so what was stored by a try
            # whose answer was lost looks like someone else's.
            there = await self.last(message.subject)
            if there is not None and there.headers.get("Nats-Msg-Id") == message.msg_id:
                return there.seq
            raise

    async def _send_batch(self, batch: Sequence[Outgoing]) -> Msg:
        name = uuid.uuid4().hex
        for place, message in enumerate(batch, 1):
            headers = _headers(message) | {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(place)}
            if place < len(batch):
                await self.connection.send(message.subject, message.data, headers=headers)
        headers["Nats-Batch-Commit"] = "1"
        return await self._request(batch[-1], headers)

    async def _request(self, message: Outgoing, headers: Mapping[str, str]) -> Msg:
        return await self.connection.request(
            message.subject, message.data, headers=headers, timeout_s=self._answer_s
        )

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        until = self._clock() + self._publish_s
        pause_s = 0.05
        while True:
            try:
                return await attempt()
            except BusUnavailable:
                left_s = until - self._clock()
                if left_s <= pause_s or not await self.connection.ready(left_s):
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 1.0)


def _headers(message: Outgoing) -> dict[str, str]:
    headers = {}
    if message.msg_id is not None:
        headers["Nats-Msg-Id"] = message.msg_id
    if message.expect is not None:
        headers["Nats-Expected-Last-Subject-Sequence"] = str(message.expect)
    if message.unless is not None:
        headers["Nats-Expected-Last-Subject-Sequence"] = "0"
        headers["Nats-Expected-Last-Subject-Sequence-Subject"] = message.unless
    return headers


def _receipt(answer: Msg) -> int:
    """The sequence of a receipt. Raises Conflict or BusUnavailable for a refusal."""
    try:
        receipt = _receipts.decode(answer.data)
    except msgspec.DecodeError as exc:
        raise BusUnavailable(f"not a receipt: {answer.data[:80]!r}") from exc
    if receipt.error is None:
        return receipt.seq
    if receipt.error.err_code in _CONFLICTS:
        raise Conflict(receipt.error.description)
    raise BusUnavailable(f"the bus refused: {receipt.error.description}")


async def connect(
    settings: BusSettings,
    *,
    name: str,
    role: str = "",
    wait_s: float = 10.0,
    pulling: Pulling | None = None,
) -> JetStreamBus:
    """A bus over a new connection; arguments and errors as `connection.connect`."""
    connection = await connections.connect(settings, name=name, role=role, wait_s=wait_s)
    return JetStreamBus(connection, pulling=pulling)
