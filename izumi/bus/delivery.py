"""A message that JetStream leased to us, and the answers to it."""

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

from nats.aio.msg import Msg

from izumi.bus.clock import boottime
from izumi.bus.connection import Connection
from izumi.domain.errors import BusUnavailable

ACK_PREFIX: Final = "$JS.ACK."
_TRIES: Final = 3


class AckSubject(NamedTuple):
    """What a reply subject tells."""

    consumer: str
    attempt: int
    seq: int


def parse_ack(reply: str) -> AckSubject:
    """Read a reply subject, in the form of today or the longer one with a domain.

    Raises:
        ValueError: It is none.
    """
    match reply.split("."):
        case ["$JS", "ACK", _stream, consumer, attempt, seq, _cseq, _time, _pending]:
            return AckSubject(consumer, int(attempt), int(seq))
        case ["$JS", "ACK", _domain, _account, _stream, consumer, attempt, seq, _, _, _, *_rest]:
            return AckSubject(consumer, int(attempt), int(seq))
    msg = f"not an acknowledgement subject: {reply!r}"
    raise ValueError(msg)


class JetStreamDelivery:
    """See `ports.Delivery`.

    While the connection is away nothing is answered: what nats-py would send after the
    return could hit the next holder's delivery.
    """

    __slots__ = (
        "_answer_s",
        "_connection",
        "attempt",
        "consumer",
        "data",
        "headers",
        "received",
        "reply",
        "seq",
        "subject",
    )
    headers: Mapping[str, str]

    def __init__(self, connection: Connection, msg: Msg, answer_s: float) -> None:
        self.subject = msg.subject
        self.data = msg.data
        self.headers = msg.headers or {}
        self.consumer, self.attempt, self.seq = parse_ack(msg.reply)
        self.reply = msg.reply
        self.received = boottime()
        self._connection = connection
        self._answer_s = answer_s

    async def ack(self) -> None:
        """Settle for good. Raises BusUnavailable when the server did not confirm."""
        await self._settle(b"+ACK")

    async def nak(self, delay_s: float = 0.0) -> None:
        """Give it back, to be delivered again after `delay_s`."""
        delay = json.dumps({"delay": round(delay_s * 1e9)}) if delay_s > 0 else ""
        await self._answer(f"-NAK {delay}".rstrip().encode())

    async def term(self, reason: str) -> None:
        """Never deliver again; the reason goes to the dead letters. Raises as `ack`."""
        await self._settle(f"+TERM {reason}".encode())

    async def in_progress(self) -> None:
        """Prolong the lease."""
        await self._answer(b"+WPI")

    async def _settle(self, what: bytes) -> None:
        for left in reversed(range(_TRIES)):
            try:
                await self._connection.request(self.reply, what, timeout_s=self._answer_s)
            except BusUnavailable:
                if not left or not await self._connection.ready(self._answer_s):
                    raise
            else:
                return

    async def _answer(self, what: bytes) -> None:
        if self._connection.connected:
            await self._connection.send(self.reply, what)
