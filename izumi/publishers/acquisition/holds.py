"""What people are asked about files, and what they answer: two subjects of the bus.

A hold is open until something came on the subject of its answers after it was told. So a
file that is doubtful again after an answer is told again, and is open again.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from izumi.bus.ports import Bus, Conflict, Outgoing, Stored
from izumi.domain import events, subjects
from izumi.domain.errors import BadEvent, Held, UnknownEvent
from izumi.domain.events import Answered, AnswerKind, HeldFile
from izumi.domain.fix import Fix
from izumi.publishers.acquisition.claims import UNIT
from izumi.storage.items import Item

log = structlog.get_logger()

STEPS: Final = ("settle", "identify", "store", "bring")
"""Before which a file may be held."""

_ANSWERS: Final[dict[str, tuple[AnswerKind, ...]]] = {
    "settle": ("reject",),
    "identify": ("approve", "fix", "reject"),
    "store": ("fix", "reject"),
    "bring": ("approve", "reject"),
}


class Unsure(Held):
    """Held because of what its name says.

    Args:
        reason: See `Held`.
        facts: See `Held`.
        title: The title by which a rule would know the release; empty: none was read.
        season: The season that the release writes.
        readable: A show was read, so that it may be taken as it was read.
    """

    def __init__(
        self,
        reason: str,
        facts: dict[str, str],
        *,
        title: str = "",
        season: int | None = None,
        readable: bool = False,
    ) -> None:
        super().__init__(reason, facts)
        self.title = title
        self.season = season
        self.readable = readable


class Given(NamedTuple):
    """An answer, its place in the stream, and what was said before it."""

    answer: Answered
    seq: int
    before: Fix | None


class _Said(NamedTuple):
    """What stands on the two subjects of a hold; `given` came after the hold."""

    held: Stored | None
    answered: Stored | None
    given: Given | None

    @property
    def is_open(self) -> bool:
        return self.held is not None and self.given is None


@dataclass(kw_only=True)
class Holds:
    """Asks, and reads what was answered.

    Every method raises `BusUnavailable` when the bus does not answer, and may be called
    again.

    Attributes:
        bus: Where both are.
        host: Name of this host, for people.
        now: Wall clock, for people.
    """

    bus: Bus
    host: str
    now: Callable[[], dt.datetime]

    async def tell(self, item: Item, step: str, error: Held) -> Given | None:
        """Tell people of a file, once for each content, step and reason.

        Returns:
            What was answered before and is not carried out yet; then nobody was told.
        """
        hold = hold_of(item, step)
        if item.hold and item.hold != hold:
            await self.close(item.hold, item, "it waits for something else now")
        said = await self._said(hold)
        if _is_new(said.given, item):
            return said.given
        told = _told(said.held)
        if said.is_open and (error.reason == item.reason or (told and error.reason == told.reason)):
            return None
        before = said.held.seq if said.held is not None else 0
        fact = self._fact(item, step, error)
        try:
            await self.bus.publish(
                Outgoing(events.subject_of(fact), events.encode(fact), f"{hold}-{before}", before)
            )
        except Conflict:
            log.debug("file.held_before", name=item.name)
        return None

    async def given(self, item: Item) -> Given | None:
        """What was answered to the hold of a file, and is not carried out yet."""
        if not item.hold:
            return None
        given = (await self._said(item.hold)).given
        return given if _is_new(given, item) else None

    async def close(self, hold: str, item: Item, reason: str) -> None:
        """Tell that nobody need answer any more, unless somebody did."""
        said = await self._said(hold)
        if not said.is_open:
            return
        settled = Answered(
            unit=UNIT,
            hold=hold,
            answer="settled",
            name=item.name,
            reason=reason,
            by=self.host,
            at=self.now(),
        )
        before = said.answered.seq if said.answered is not None else 0
        message = Outgoing(events.subject_of(settled), events.encode(settled), expect=before)
        try:
            await self.bus.publish(message)
        except Conflict:
            log.debug("hold.closed_before", hold=hold)

    async def _said(self, hold: str) -> _Said:
        held = await self.bus.last(subjects.held(UNIT, hold))
        answered = await self.bus.last(subjects.answered(UNIT, hold))
        if answered is None or (held is not None and answered.seq < held.seq):
            return _Said(held, answered, None)
        answer = _answer(answered)
        if answer is None:
            return _Said(held, answered, None)
        told = _told(held)
        return _Said(held, answered, Given(answer, answered.seq, told.fix if told else None))

    def _fact(self, item: Item, step: str, error: Held) -> HeldFile:
        answers = _ANSWERS[step]
        unsure = error if isinstance(error, Unsure) else Unsure(error.reason, error.facts)
        if step == "identify" and not unsure.readable:
            answers = ("fix", "reject")
        return HeldFile(
            unit=UNIT,
            job=hold_of(item, step),
            name=item.name,
            reason=error.reason,
            facts={key: value for key, value in error.facts.items() if value},
            step=step,
            answers=answers,
            title=unsure.title,
            season=unsure.season,
            fix=item.fix,
            at=self.now(),
            host=self.host,
        )


def hold_of(item: Item, step: str) -> str:
    """What a hold is called: the same on every host that sees the file, for this content."""
    return subjects.file_id(f"{item.size}:{item.mtime_ns}", f"{step}:{item.name}")


def _is_new(given: Given | None, item: Item) -> bool:
    """Whether a person said something that this file was not yet taken by."""
    return given is not None and given.answer.answer != "settled" and given.seq > item.answered


def _answer(stored: Stored) -> Answered | None:
    try:
        fact = events.decode_fact(stored.data)
    except (BadEvent, UnknownEvent) as exc:
        log.warning("hold.answer_not_understood", subject=stored.subject, error=str(exc))
        return None
    return fact if isinstance(fact, Answered) else None


def _told(stored: Stored | None) -> HeldFile | None:
    """What was told; None: nothing, or by a newer version."""
    try:
        fact = None if stored is None else events.decode_fact(stored.data)
    except (BadEvent, UnknownEvent):
        return None
    return fact if isinstance(fact, HeldFile) else None
