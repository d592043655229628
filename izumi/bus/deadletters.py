"""Messages that were given up: read from `IZUMI_DLQ`.

The stream keeps the server's own notices, and what people said of each (`letters.py`);
nothing is ever deleted. The message itself stays in `IZUMI`, so that even bytes that do
not decode can be read and tried again.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog

from izumi.bus import reading, topology
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import DeadLetter, Stored
from izumi.domain import subjects
from izumi.domain.events import LetterAnswered

log = structlog.get_logger("izumi.bus")

_AT_ONCE: Final = 50
_LARGEST: Final = 1 << 53
_ANSWERS: Final = "izumi.letter."

_said: Final = msgspec.json.Decoder(LetterAnswered)


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

    One of a consumer that somebody made by hand has no unit: it can be read and dropped.
    """
    try:
        unit, group, priority = topology.parse_consumer(notice.consumer)
    except ValueError:
        unit = group = priority = ""
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
        headers=original.headers if original else {},
        stored=original.at if original else "",
    )


def unreadable(seq: int, why: str) -> DeadLetter:
    """The letter of a notice that cannot be read: it is shown, and can be dropped."""
    return DeadLetter(
        seq=seq,
        consumer="",
        unit="",
        group="",
        priority="",
        kind="unreadable",
        reason=why,
        deliveries=0,
        source=0,
        at="",
        subject=None,
        data=None,
    )


def with_answer(letter: DeadLetter, said: Stored | None) -> DeadLetter:
    """The letter, and what was said of it last."""
    if said is None:
        return letter
    try:
        return letter._replace(answer=_said.decode(said.data), answer_seq=said.seq)
    except msgspec.DecodeError as exc:
        # A newer version said it: to us the letter is open still, and nothing is hidden.
        log.warning("bus.answer_not_understood", letter=letter.seq, error=str(exc))
        return letter._replace(answer_seq=said.seq)


class JetStreamDeadLetters:
    """See `ports.DeadLetters`."""

    def __init__(self, bus: JetStreamBus) -> None:
        self._bus = bus

    async def entries(self, *, everything: bool = False) -> list[DeadLetter]:
        """What was given up and not answered, oldest first."""
        notices: list[Stored] = []
        said: dict[int, Stored] = {}
        start = 1
        while page := await reading.page(self._bus.connection, topology.DEAD, start):
            for stored in page:
                if stored.subject.startswith(_ANSWERS):
                    said[_number(stored.subject)] = stored
                else:
                    notices.append(stored)
            start = page[-1].seq + 1
        wanted = [one for one in notices if everything or not _is_answered(one.seq, said)]
        found: list[DeadLetter] = []
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            letters = await asyncio.gather(*(self._letter(one) for one in some))
            found += [with_answer(letter, said.get(letter.seq)) for letter in letters]
        return found

    async def entry(self, number: int) -> DeadLetter | None:
        """One letter, answered or not; None: there is none of that number."""
        if not 1 <= number < _LARGEST:
            return None
        notice = await reading.by_seq(self._bus.connection, topology.DEAD, number)
        if notice is None or notice.subject.startswith(_ANSWERS):
            return None
        said = await self._bus.last(subjects.letter(number))
        return with_answer(await self._letter(notice), said)

    async def _letter(self, stored: Stored) -> DeadLetter:
        try:
            notice = msgspec.json.decode(stored.data, type=Notice)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as exc:
            return unreadable(stored.seq, f"the server's notice cannot be read: {exc}")
        if not 1 <= notice.stream_seq < _LARGEST:
            return unreadable(stored.seq, f"the notice is about message {notice.stream_seq}")
        original = await reading.by_seq(self._bus.connection, topology.STREAM, notice.stream_seq)
        return letter_of(notice, stored.seq, original)


def _number(subject: str) -> int:
    """The letter that an answer is about; 0: none of ours."""
    number = subject.removeprefix(_ANSWERS)
    return int(number) if number.isascii() and number.isdecimal() else 0


def _is_answered(seq: int, said: Mapping[int, Stored]) -> bool:
    return with_answer(unreadable(seq, ""), said.get(seq)).answer is not None
