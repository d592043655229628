"""Where the answers to pulls come: one private subject, one pull a consumer at a time."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from izumi.bus.connection import Connection
from izumi.bus.delivery import ACK_PREFIX, JetStreamDelivery
from izumi.domain.errors import BusUnavailable

log = structlog.get_logger("izumi.bus")

NEXT = "$JS.API.CONSUMER.MSG.NEXT"


class Answer(NamedTuple):
    """What a consumer (its place among ours) said: a message, or a status and why."""

    consumer: int
    job: JetStreamDelivery | None
    status: str = ""
    why: str = ""


class Mailbox:
    """Pulls from several consumers, and their answers as they come. Made by `open_`."""

    _subscription: Subscription

    def __init__(
        self, connection: Connection, stream: str, consumers: Sequence[str], answer_s: float
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._consumers = consumers
        self._answer_s = answer_s
        self._subject = connection.nc.new_inbox()
        self._arrived: deque[Answer] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._asked: set[int] = set()
        self._leaving: asyncio.Task[None] | None = None
        self.given_back = 0

    @classmethod
    async def open_(
        cls, connection: Connection, stream: str, consumers: Sequence[str], answer_s: float
    ) -> "Mailbox":
        """A mailbox that listens. Raises BusUnavailable."""
        box = cls(connection, stream, consumers, answer_s)
        box._subscription = await connection.subscribe(f"{box._subject}.*", box._on_message)
        return box

    @property
    def clean(self) -> bool:
        """Whether every pull was answered, so that nothing more can come."""
        return not self._asked and not self._arrived and self._leaving is None

    async def ask(self, consumer: int, pull: bytes) -> None:
        """Send a pull to one consumer. Raises BusUnavailable."""
        self._asked.add(consumer)
        await self._connection.pull(
            f"{NEXT}.{self._stream}.{self._consumers[consumer]}",
            pull,
            reply=f"{self._subject}.{consumer}",
        )

    async def answer(self, timeout_s: float) -> Answer | None:
        """The next answer; None when none came in time or before `wake`."""
        if not self._arrived:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            timer = loop.call_later(timeout_s, self.wake)
            try:
                await self._waiting
            finally:
                timer.cancel()
                self._waiting = None
        return self._arrived.popleft() if self._arrived else None

    def answers(self) -> list[Answer]:
        """What came already and was not looked at."""
        found = list(self._arrived)
        self._arrived.clear()
        return found

    def wake(self) -> None:
        """Make a waiting `answer` return what is there, else None."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def leave(self) -> None:
        """Stop listening; messages that were on their way go back to their queue."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())
        await asyncio.shield(self._leaving)

    async def _leave(self) -> None:
        await self._connection.unsubscribe(self._subscription)
        for answer in self.answers():
            if answer.job is not None:
                await self.give_back(answer.job)

    async def give_back(self, job: JetStreamDelivery) -> None:
        """Return a message that nobody here works on. Cut off: its lease runs out."""
        self.given_back += 1
        with contextlib.suppress(BusUnavailable):
            await job.nak()

    def _on_message(self, msg: Msg) -> None:
        try:
            answer = self._read(msg)
        except ValueError as exc:
            # Not from the server; raising here would end the reading of the connection.
            log.warning("bus.strange_answer", subject=msg.subject, error=str(exc))
            return
        if answer.status != "100":
            self._asked.discard(answer.consumer)
        self._arrive(answer)

    def _read(self, msg: Msg) -> Answer:
        if msg.reply.startswith(ACK_PREFIX):
            job = JetStreamDelivery(self._connection, msg, self._answer_s)
            return Answer(self._consumers.index(job.consumer), job)
        headers = msg.headers or {}
        consumer = int(msg.subject.rpartition(".")[2])
        why = headers.get("Description", "").strip()
        return Answer(consumer, None, headers.get("Status", ""), why)

    def _arrive(self, answer: Answer) -> None:
        self._arrived.append(answer)
        self.wake()
