"""Messages that were given up: read from `IZUMI_DLQ`, and ordered again.

The stream keeps the server's own notices. The message itself stays in `IZUMI`, so that
even bytes that do not decode can be read and tried again.
"""

import json
from typing import Final

import msgspec
import structlog

from izumi.bus import reading, topology
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import DeadLetter, Outgoing, Stored
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, UserError

log = structlog.get_logger("izumi.bus")

_ANSWER_S: Final = 5.0


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The server's advisory that a consumer gave a message up."""

    type: str
    consumer: str
    stream_seq: int
    deliveries: int
    timestamp: str = ""
    reason: str = ""


def letter_of(notice: Notice, seq: int, original: Stored | None) -> DeadLetter:
    """A dead letter from a notice, its place, and the message that it is about.

    Raises:
        ValueError: The consumer is not one of Izumi's.
    """
    unit, group, priority = topology.parse_consumer(notice.consumer)
    terminated = notice.type.endswith("terminated")
    return DeadLetter(
        seq=seq,
        consumer=notice.consumer,
        unit=unit,
        group=group,
        priority=priority,
        kind="terminated" if terminated else "max_deliveries",
        reason=notice.reason,
        deliveries=notice.deliveries,
        source=notice.stream_seq,
        at=notice.timestamp,
        subject=original.subject if original else None,
        data=original.data if original else None,
    )


def replay_of(letter: DeadLetter) -> Outgoing:
    """The order that repeats the work; the same one for the same letter.

    Raises:
        UserError: The message is not kept any more.
    """
    if letter.data is None:
        raise UserError(f"message {letter.source} is not kept any more: announce the file anew")
    name = f"replay-{letter.source}-{letter.seq}"
    subject = subjects.order(letter.unit, letter.group, letter.priority, name)
    return Outgoing(subject, letter.data, msg_id=f"{letter.unit}-{letter.group}-{name}")


class JetStreamDeadLetters:
    """See `ports.DeadLetters`."""

    def __init__(self, bus: JetStreamBus) -> None:
        self._bus = bus

    async def entries(self) -> list[DeadLetter]:
        """Everything that was given up and not ordered again, oldest first."""
        found: list[DeadLetter] = []
        start = 1
        while notices := await reading.page(self._bus.connection, topology.DEAD, start):
            for stored in notices:
                letter = await self._letter(stored)
                if letter is not None:
                    found.append(letter)
            start = notices[-1].seq + 1
        return found

    async def replay(self, letter: DeadLetter) -> int:
        """Order the work again, from that group alone."""
        seq = await self._bus.publish(replay_of(letter))
        request = json.dumps({"seq": letter.seq, "no_erase": True}).encode()
        subject = f"$JS.API.STREAM.MSG.DELETE.{topology.DEAD}"
        answer = await self._bus.connection.request(subject, request, timeout_s=_ANSWER_S)
        error = msgspec.json.decode(answer.data).get("error")
        # Gone already: this letter was replayed before.
        if error is not None and "no message found" not in error.get("description", ""):
            raise BusUnavailable(f"ordered, but not taken off the list: {error}")
        return seq

    async def _letter(self, stored: Stored) -> DeadLetter | None:
        try:
            notice = msgspec.json.decode(stored.data, type=Notice)
            original = await reading.by_seq(
                self._bus.connection, topology.STREAM, notice.stream_seq
            )
            return letter_of(notice, stored.seq, original)
        except (msgspec.DecodeError, ValueError) as exc:
            # A consumer that someone made by hand: not ours to order again.
            log.warning("bus.foreign_dead_letter", seq=stored.seq, error=str(exc))
            return None
