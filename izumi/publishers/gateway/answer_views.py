"""Holds and dead letters as `/v1` shows them, and what it takes of who answers them. Pure."""

import datetime as dt
from base64 import b64encode
from typing import Annotated, Literal

import msgspec

from izumi.bus import letters
from izumi.bus.letters import Evidence
from izumi.bus.ports import DeadLetter
from izumi.domain.events import Answered, AnswerKind, LetterAnswered
from izumi.domain.fix import Fix, said_of
from izumi.domain.holds import Hold, possible, said
from izumi.publishers.gateway.views import JobEntry, history_of

Place = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Reason = Annotated[str, msgspec.Meta(max_length=1000)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Small = Annotated[int, msgspec.Meta(ge=-(1 << 31), le=1 << 31)]


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """What a person must decide, or has decided.

    Attributes:
        id: What it is called.
        seq: Its place in the stream; another one once it is held anew.
        answers: What can be said to it.
        answered: What was said, by whom and when; empty while it is open.
    """

    id: str
    seq: int
    unit: str
    name: str
    reason: str
    at: dt.datetime
    host: str
    facts: dict[str, str]
    answers: tuple[AnswerKind, ...]
    answered: str


class DeadLetterView(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a group gave up.

    Attributes:
        seq: Its number.
        unit: Empty where the consumer is none of Izumi's.
        source: Place of the message in the stream.
        subject: Of the message; null when it is not kept any more.
        answered: What was said, by whom and when; empty while it is open.
    """

    seq: int
    unit: str
    group: str
    priority: str
    consumer: str
    kind: str
    reason: str
    deliveries: int
    source: int
    subject: str | None
    at: str
    answered: str


class LetterEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter with all that is known of it.

    Attributes:
        letter: As it is listed.
        content: What its message is, in words.
        ordered: When the stream took it; empty when it is not kept any more.
        headers: Of the message.
        base64: The message; null when it is not kept any more.
        job: Of which the message was; empty where that is not known.
        history: Every entry of that job's log.
        on_retry: What a retry would do.
        on_drop: What a drop would do.
    """

    letter: DeadLetterView
    content: str
    ordered: str
    headers: dict[str, str]
    base64: str | None
    job: str
    history: tuple[JobEntry, ...]
    on_retry: str
    on_drop: str


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take it as it was read, or do the work again.

    Attributes:
        seq: Of the hold that was seen: refused if it was held anew since; 0: as it is now.
    """

    seq: Place = 0


class Rejection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Leave it, and ask no more.

    Attributes:
        reason: Why, for people.
        seq: As of an approval.
    """

    reason: Reason = ""
    seq: Place = 0


class FixWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file is; what is left out stays as it was read.

    Attributes:
        show: Its show, as the folder is to be called.
        season: Its season.
        episode: As to be written: 05, 12.5, 1-12, SP02.
        film: It has no episode number.
        extra: It is no episode but this: NCOP1, PV.
        offset: Added to the episode: 13 with -12 is 01.
        revision: 2 for v2.
        anilist_id: Its number at AniList.
        rule: So it is for every release of that title from now on.
        seq: As of an approval.
    """

    show: Text | None = None
    season: Small | None = None
    episode: Text | None = None
    film: bool = False
    extra: Text | None = None
    offset: Small | None = None
    revision: Small | None = None
    anilist_id: Small | None = None
    rule: bool = False
    seq: Place = 0

    def said(self) -> dict[str, object]:
        """What it says of the file, by the names of a fix's fields."""
        return {name: getattr(self, name) for name in Fix.__struct_fields__}


class Remarks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, for people."""

    reason: Reason = ""


class HoldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was said to a hold.

    Attributes:
        id: Of the hold.
        fix: What was said that the file is, by name.
        rule: Id of the rule that was made of it.
        by: Name of the key.
    """

    id: str
    unit: str
    name: str
    answer: Literal["approve", "fix", "reject", "settled"]
    fix: dict[str, str | int | bool]
    rule: str
    reason: str
    by: str
    at: dt.datetime


class LetterAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a dead letter; of a repeat, what was said first.

    Attributes:
        letter: Its number.
        job: That does the work again; of a retry.
        by: Name of the key, or who it was.
    """

    letter: int
    answer: Literal["retry", "drop"]
    unit: str
    group: str
    job: str
    reason: str
    by: str
    at: dt.datetime


def hold_view(hold: Hold) -> HoldView:
    """A hold as it is shown."""
    return HoldView(
        id=hold.id,
        seq=hold.seq,
        unit=hold.unit,
        name=hold.fact.name,
        reason=hold.fact.reason,
        at=hold.fact.at,
        host=hold.fact.host,
        facts=hold.fact.facts,
        answers=possible(hold),
        answered="" if hold.answer is None else said(hold.answer),
    )


def letter_view(letter: DeadLetter) -> DeadLetterView:
    """A dead letter as it is shown."""
    return DeadLetterView(
        seq=letter.seq,
        unit=letter.unit,
        group=letter.group,
        priority=letter.priority,
        consumer=letter.consumer,
        kind=letter.kind,
        reason=letter.reason,
        deliveries=letter.deliveries,
        source=letter.source,
        subject=letter.subject,
        at=letter.at,
        answered="" if letter.answer is None else letters.words(letter.answer),
    )


def evidence_view(found: Evidence) -> LetterEvidence:
    """A dead letter with its evidence, as it is shown."""
    letter = found.letter
    on_retry, on_drop = letters.prospects(letter)
    return LetterEvidence(
        letter=letter_view(letter),
        content=letters.content(letter),
        ordered=letter.stored,
        headers=dict(letter.headers),
        base64=None if letter.data is None else b64encode(letter.data).decode(),
        job=found.job,
        history=history_of(found.log),
        on_retry=on_retry,
        on_drop=on_drop,
    )


def hold_answer(hold: Hold, answer: Answered) -> HoldAnswer:
    """What was said to a hold, as it is shown."""
    return HoldAnswer(
        id=hold.id,
        unit=hold.unit,
        name=hold.fact.name,
        answer=answer.answer,
        fix=dict(said_of(answer.fix)) if answer.fix else {},
        rule=answer.rule,
        reason=answer.reason,
        by=answer.by,
        at=answer.at,
    )


def letter_answer(noted: LetterAnswered) -> LetterAnswer:
    """What was said of a dead letter, as it is shown."""
    return LetterAnswer(
        letter=noted.letter,
        answer=noted.answer,
        unit=noted.unit,
        group=noted.group,
        job=noted.job,
        reason=noted.reason,
        by=noted.by,
        at=noted.at,
    )
