"""What a person does to dead letters: orders their work again, or drops them. Over any bus.

What was said is a message on `izumi.letter.<number>`, beside the notices of the server:
nothing is deleted, and the last message counts. The order goes out before it is noted, so
that a death between the two costs a repeat and never the work; the repeat orders nothing
more.
"""

import contextlib
import datetime as dt
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from izumi.bus import history as histories
from izumi.bus.deadletters import with_answer
from izumi.bus.ports import Bus, Conflict, DeadLetter, DeadLetters, History, Outgoing
from izumi.domain import events, subjects
from izumi.domain.errors import BadEvent, BusUnavailable, Declined, TooLate, Unknown, UnknownEvent
from izumi.domain.events import HeldFile, JobRecord, LetterAnswered
from izumi.failpoints import failpoint

_TRIES: Final = 20

_records: Final = msgspec.json.Decoder(JobRecord)


class Remark(NamedTuple):
    """Who says it, when and why."""

    by: str
    at: dt.datetime
    reason: str = ""


class Evidence(NamedTuple):
    """All that the bus knows of a letter.

    Attributes:
        letter: The letter.
        job: The job that was given up; empty where that cannot be told.
        log: Every entry of its log with its place, oldest first.
    """

    letter: DeadLetter
    job: str
    log: Sequence[tuple[int, JobRecord]]


def replay_of(letter: DeadLetter) -> Outgoing:
    """The order that repeats the work; the same one for the same letter.

    Raises:
        Declined: The message is not kept any more, or it is nobody's of ours.
    """
    if not letter.unit:
        raise Declined(f"dead letter {letter.seq}: {_foreign(letter)}; it can only be dropped")
    if letter.data is None:
        raise Declined(
            f"dead letter {letter.seq}: message {letter.source} is not kept any more: announce "
            "the file anew, and drop this"
        )
    subject = _order(letter)
    name = f"{letter.unit}-{letter.group}-{subject.rpartition('.')[2]}"
    return Outgoing(subject, letter.data, msg_id=name, expect=0)


async def find(letters: DeadLetters, number: int) -> DeadLetter:
    """The letter of a number, answered or not.

    Raises:
        Unknown: There is none.
        BusUnavailable: The bus does not answer.
    """
    letter = await letters.entry(number)
    if letter is None:
        raise Unknown(f"there is no dead letter {number}; see izumi-admin dlq list")
    return letter


async def retry(bus: Bus, letter: DeadLetter, remark: Remark) -> LetterAnswered:
    """Order the work again, from the group that gave it up alone; what is noted of it.

    Repeated for the same letter it orders nothing more, and tells what was noted first.

    Raises:
        Declined: The message is not kept any more, or its consumer is none of Izumi's.
        BusUnavailable: No receipt came; asking again is safe.
    """
    if letter.answer is not None and letter.answer.answer == "retry":
        return letter.answer
    order = replay_of(letter)
    # It was ordered before where the order is there; the note of it may be missing.
    with contextlib.suppress(Conflict):
        await bus.publish(order)
    failpoint("letters.after_order")
    for _ in range(_TRIES):
        said = _answer(letter, "retry", remark, job=subjects.job_id(order.subject))
        if await _note(bus, letter, said):
            return said
        # Somebody dropped it meanwhile, but its work is ordered: that is what is true.
        letter = await _now(bus, letter)
        if letter.answer is not None and letter.answer.answer == "retry":
            return letter.answer
    raise TooLate(f"dead letter {letter.seq} changes all the time; try again")


async def drop(bus: Bus, letter: DeadLetter, remark: Remark) -> LetterAnswered:
    """Take it off the list: nobody does the work. The message stays where it is.

    Repeated it changes nothing, and tells who dropped it first.

    Raises:
        TooLate: Its work was ordered again.
        BusUnavailable: No receipt came; asking again is safe.
    """
    for _ in range(_TRIES):
        if letter.answer is not None:
            return _dropped(letter, letter.answer)
        if letter.unit and await bus.last(_order(letter)) is not None:
            raise TooLate(
                f"dead letter {letter.seq}: its work is ordered again already; retry it once "
                "more, and it is off the list"
            )
        said = _answer(letter, "drop", remark)
        if await _note(bus, letter, said):
            return said
        letter = await _now(bus, letter)
    raise TooLate(f"dead letter {letter.seq} changes all the time; try again")


async def evidence(bus: Bus, history: History, letter: DeadLetter) -> Evidence:
    """Gather what is known of a letter. Raises BusUnavailable."""
    job = await _job(bus, letter)
    if not job:
        return Evidence(letter, "", ())
    log = []
    subject = subjects.job(letter.unit, letter.group, job)
    for entry in await histories.whole(history, subject):
        with contextlib.suppress(msgspec.DecodeError):  # of a newer version
            log.append((entry.seq, _records.decode(entry.data)))
    return Evidence(letter, job, log)


def content(letter: DeadLetter) -> str:
    """What its message is, in words."""
    if letter.data is None:
        return "not kept any more"
    try:
        fact = events.decode_fact(letter.data)
    except (BadEvent, UnknownEvent) as exc:
        return str(exc)
    tag = str(type(fact).__struct_config__.tag)
    file = getattr(fact, "file", None)
    name = fact.name if isinstance(fact, HeldFile) else getattr(file, "key", "")
    return f"{tag} {name}".rstrip()


def prospects(letter: DeadLetter) -> tuple[str, str]:
    """What a retry and a drop would do, in words."""
    said = letter.answer
    try:
        order = replay_of(letter)
    except Declined as exc:
        again = f"cannot be: {str(exc).partition(': ')[2]}"
    else:
        again = (
            f"{letter.unit}.{letter.group} alone gets the message once more, at priority "
            f"{letter.priority}, as the job {subjects.job_id(order.subject)}; unless what the "
            "reason says is mended, it is given up again"
        )
    if said is not None and said.answer == "retry":
        return f"nothing more: {words(said)}", f"cannot be: {words(said)}"
    if said is not None:
        return again, f"nothing more: {words(said)}"
    kept = "" if letter.data is None else "; the message stays, and can be retried while it is kept"
    return again, f"nobody does the work, and the list names it no more{kept}"


def words(said: LetterAnswered) -> str:
    """An answer in words: what, by whom, when, why."""
    what = f"ordered again as {said.job}" if said.answer == "retry" else "dropped"
    why = f": {said.reason}" if said.reason else ""
    return f"{what} (by {said.by or 'nobody'}, {said.at:%Y-%m-%d %H:%M} UTC){why}"


def _foreign(letter: DeadLetter) -> str:
    if not letter.consumer:
        return letter.reason
    return f"the consumer {letter.consumer!r} is none of Izumi's"


def _order(letter: DeadLetter) -> str:
    """Subject of the order that repeats the work; no other letter has it."""
    name = f"replay-{letter.source}-{letter.seq}"
    return subjects.order(letter.unit, letter.group, letter.priority, name)


def _answer(letter: DeadLetter, answer: str, remark: Remark, *, job: str = "") -> LetterAnswered:
    return LetterAnswered(
        letter=letter.seq,
        answer="retry" if answer == "retry" else "drop",
        unit=letter.unit,
        group=letter.group,
        source=letter.source,
        job=job,
        reason=remark.reason,
        by=remark.by,
        at=remark.at,
    )


def _dropped(letter: DeadLetter, said: LetterAnswered) -> LetterAnswered:
    if said.answer == "drop":
        return said
    raise TooLate(f"dead letter {letter.seq}: it was {words(said)} before")


async def _note(bus: Bus, letter: DeadLetter, said: LetterAnswered) -> bool:
    """Store what was said; False when somebody said something meanwhile."""
    subject = subjects.letter(letter.seq)
    try:
        await bus.publish(Outgoing(subject, events.encode(said), expect=letter.answer_seq))
    except Conflict:
        return False
    except BusUnavailable as exc:
        way_out = "; if that stays so, run izumi-admin bus apply"
        hint = way_out if "nobody takes" in str(exc) else ""
        raise BusUnavailable(f"dead letter {letter.seq} stays on the list: {exc}{hint}") from exc
    return True


async def _now(bus: Bus, letter: DeadLetter) -> DeadLetter:
    return with_answer(letter, await bus.last(subjects.letter(letter.seq)))


async def _job(bus: Bus, letter: DeadLetter) -> str:
    """The job that was given up; of a message that is gone, the one whose log names it."""
    if not letter.unit:
        return ""
    if letter.subject is not None:
        try:
            return subjects.job_id(letter.subject)
        except ValueError:
            return ""
    pattern = subjects.job(letter.unit, letter.group, "x").rpartition(".")[0]
    for entry in await bus.latest(f"{pattern}.*"):
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            if _records.decode(entry.data).source == letter.source:
                return subjects.untoken(entry.subject.rpartition(".")[2])
    return ""
