"""What a person says to holds, over any bus: checked first, then each stored once."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from izumi.bus.ports import Bus, Conflict, Outgoing
from izumi.domain import events, subjects
from izumi.domain.errors import BadEvent, Declined, TooLate, UnknownEvent
from izumi.domain.events import Acquired, Answered, AnswerKind, Encoded, Fact, RuleMade
from izumi.domain.fix import Fix
from izumi.domain.holds import Hold, find, holds, why_not
from izumi.domain.rules import Rule

log = structlog.get_logger()

_PATTERNS = ("izumi.file.held.>", "izumi.file.answered.>")


class Saying(NamedTuple):
    """What somebody says to holds; with `as_rule` to every release of their titles too.

    `seq`: place of the hold that they have seen; 0: whatever is held now.
    """

    answer: AnswerKind
    by: str
    at: dt.datetime
    fix: Fix | None = None
    as_rule: bool = False
    reason: str = ""
    seq: int = 0


class Said(NamedTuple):
    """What was said to one hold, and the rule that was made of it."""

    hold: Hold
    answer: Answered
    rule: Rule | None


async def known(bus: Bus) -> list[Hold]:
    """Every hold that the bus remembers, answered ones too."""
    facts: list[tuple[int, Fact]] = []
    for message in [one for pattern in _PATTERNS for one in await bus.latest(pattern)]:
        try:
            facts.append((message.seq, events.decode_fact(message.data)))
        except (BadEvent, UnknownEvent) as exc:
            log.warning("hold.not_understood", subject=message.subject, error=str(exc))
    return holds(facts)


async def say(bus: Bus, ids: Sequence[str], saying: Saying) -> list[Said]:
    """Say it to all of these holds, or to none when it cannot be said to one of them.

    Raises:
        Unknown: A hold is not there.
        TooLate: One was answered before, or held anew since it was seen.
        Declined: The answer cannot be.
        BusUnavailable: No receipt came; `same` tells whether it was stored all the same.
    """
    found = await known(bus)
    if not ids:
        raise Declined("name at least one hold; see izumi-admin hold list")
    meant = list({hold.id: hold for hold in (find(id_, found) for id_ in ids)}.values())
    for hold in meant:
        _check(hold, saying.answer, saying.seq)
    said = [_said(hold, saying) for hold in meant]
    for one in said:
        # The rule first: a rule without its answer frees the file too, the other way not.
        if one.rule is not None:
            await publish_rule(bus, one.rule)
        await _tell(bus, one)
    return said


async def publish_rule(bus: Bus, rule: Rule) -> None:
    """Put a rule in force, in place of one about the same."""
    await bus.publish(Outgoing(subjects.rule(rule.id), events.encode(RuleMade(rule=rule))))


def same(hold: Hold, saying: Saying) -> bool:
    """Whether just this was said to the hold already, by the same person."""
    answer = hold.answer
    return (
        answer is not None
        and (answer.answer, answer.fix, answer.reason, answer.by)
        == (saying.answer, saying.fix, saying.reason, saying.by)
        and bool(answer.rule) == saying.as_rule
    )


def _check(hold: Hold, answer: AnswerKind, seq: int = 0) -> None:
    name = hold.fact.name
    if seq not in {0, hold.seq}:
        raise TooLate(f"{name}: it was held anew at {hold.seq}, not {seq}; look at it again")
    if reason := why_not(hold, answer):
        raise (Declined if hold.answer is None else TooLate)(f"{name}: {reason}")


def _said(hold: Hold, saying: Saying) -> Said:
    rule = _rule(hold, saying.fix, saying) if saying.fix and saying.as_rule else None
    answered = Answered(
        unit=hold.fact.unit,
        hold=hold.fact.hold,
        answer=saying.answer,
        fix=saying.fix,
        rule="" if rule is None else rule.id,
        name=hold.fact.name,
        reason=saying.reason,
        by=saying.by,
        at=saying.at,
    )
    return Said(hold, answered, rule)


def _rule(hold: Hold, fix: Fix, saying: Saying) -> Rule:
    """The rule that a fix becomes; about the season as written, where it is about numbers."""
    lasting = fix.lasting()
    if lasting is None:
        raise Declined(f"{fix.text}: that is of one file alone; leave --rule away")
    if not hold.fact.title:
        raise Declined(
            f"{hold.fact.name}: no title was read that a rule could be about; leave --rule away"
        )
    numbers = lasting.season is not None or lasting.offset is not None
    return Rule(
        title=hold.fact.title,
        season=hold.fact.season if numbers else None,
        unseasoned=numbers and hold.fact.season is None,
        fix=lasting,
        by=saying.by,
        at=saying.at,
    )


async def _tell(bus: Bus, said: Said) -> None:
    """Answer, unless somebody did meanwhile; the work of other units is ordered with it."""
    hold, data = said.hold, events.encode(said.answer)
    answer = Outgoing(events.subject_of(said.answer), data, expect=hold.answered_seq)
    again = _order(hold) if said.answer.answer == "approve" else None
    try:
        await (bus.publish(answer) if again is None else bus.commit([again, answer]))
    except Conflict as exc:
        now = find(hold.id, await known(bus))
        if said.rule and now.answer is not None and now.answer.answer == "settled":
            return  # the rule was quicker
        _check(now, "reject")
        raise TooLate(f"{hold.fact.name}: it changed meanwhile; look at it again") from exc


def _order(hold: Hold) -> Outgoing | None:
    """The order that repeats the work of a held job; None: acquisition knows its files."""
    fact = hold.fact
    if not fact.group:
        return None
    origin = events.decode_fact(bytes(fact.origin))
    priority = origin.priority if isinstance(origin, Acquired | Encoded) else "normal"
    subject = subjects.order(fact.unit, fact.group, priority, f"again-{hold.seq}")
    return Outgoing(subject, bytes(fact.origin), expect=0)
