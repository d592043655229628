"""Holds as people see them: open or answered, called by a short id, answered if they can be."""

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, get_args

from izumi.domain import subjects
from izumi.domain.errors import Declined, Unknown
from izumi.domain.events import NULL, Answered, AnswerKind, Fact, HeldFile

_SHORTEST: Final = 4
_ACQUISITION: Final = "acquisition"


class Hold(NamedTuple):
    """A hold, and what was said to it.

    Attributes:
        fact: What was told last.
        seq: Its place in the stream.
        answer: What came after it; None: it is open.
        answered_seq: Place of the last answer, whether it came after it or before; 0: none.
    """

    fact: HeldFile
    seq: int
    answer: Answered | None = None
    answered_seq: int = 0

    @property
    def id(self) -> str:
        """Of its subject: 16 hex digits, of which the beginning is enough where it is alone."""
        subject = subjects.held(self.fact.unit, self.fact.hold)
        return hashlib.sha256(subject.encode()).hexdigest()[:16]

    @property
    def unit(self) -> str:
        """Who holds it."""
        return ".".join(filter(None, (self.fact.unit, self.fact.group)))


def holds(facts: Iterable[tuple[int, Fact]]) -> list[Hold]:
    """Every hold, from the last message of each subject with its place; oldest first."""
    facts = list(facts)
    answers = {
        (fact.unit, fact.hold): (seq, fact) for seq, fact in facts if isinstance(fact, Answered)
    }
    found = []
    for seq, fact in facts:
        if isinstance(fact, HeldFile):
            at, answer = answers.get((fact.unit, fact.hold), (0, None))
            found.append(Hold(fact, seq, answer if at > seq else None, at))
    return sorted(found, key=lambda hold: hold.seq)


def short_ids(known: Sequence[Hold]) -> Mapping[str, str]:
    """The beginning of each id that no other one has, at least four digits; by whole id."""
    ids = [hold.id for hold in known]
    return {id_: _beginning(id_, ids) for id_ in ids}


def _beginning(id_: str, ids: Sequence[str]) -> str:
    lengths = range(_SHORTEST, len(id_))
    alone = (id_[:n] for n in lengths if sum(one.startswith(id_[:n]) for one in ids) == 1)
    return next(alone, id_)


def find(text: str, known: Sequence[Hold]) -> Hold:
    """The hold that somebody means.

    Raises:
        Unknown: None; names the nearest.
        Declined: Several.
    """
    wanted = text.strip().lower()
    found = [hold for hold in known if wanted and hold.id.startswith(wanted)]
    found = found or [hold for hold in known if hold.fact.hold == text]
    if len(found) == 1:
        return found[0]
    shorts = short_ids(known)
    if found:
        several = ", ".join(f"{shorts[hold.id]} ({hold.fact.name})" for hold in found)
        raise Declined(f"{text!r} may be {several}; give more of the id")
    names = {shorts[hold.id]: hold.fact.name for hold in known if hold.answer is None}
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.0)
    if not near:
        raise Unknown(f"no hold is called {text!r}; nothing is held")
    raise Unknown(f"no hold is called {text!r}; the nearest is {near[0]} ({names[near[0]]})")


def why_not(hold: Hold, answer: AnswerKind) -> str | None:
    """Why this cannot be said to the hold, and what can; None: it can be."""
    fact = hold.fact
    if hold.answer is not None:
        return f"it was answered before: {said(hold.answer)}"
    if fact.unit != _ACQUISITION:
        if answer == "fix":
            return (
                f"{hold.unit} reads no names: mend what the reason says, then approve it, and the "
                "work is done again; or reject it"
            )
        if answer == "approve" and bytes(fact.origin) == bytes(NULL):
            return "the message that ordered the work was no JSON and is not kept; reject it"
        return None
    if not fact.answers or answer in fact.answers:
        return None
    return {
        "settle": "a file that is not whole is never filed: replace the file, or reject it",
        "store": "nothing is ever overwritten: fix it with --revision or a name, or reject it",
        "bring": "it is announced by its name: move away what lies there and approve, or reject it",
    }.get(fact.step, "no show was read in its name: fix it with --show, or reject it")


def possible(hold: Hold) -> tuple[AnswerKind, ...]:
    """What can be said to the hold, or could be before it was answered."""
    asked = hold._replace(answer=None)
    return tuple(kind for kind in get_args(AnswerKind) if why_not(asked, kind) is None)


def said(answer: Answered) -> str:
    """An answer in words: what, by whom, when."""
    fix = answer.fix.text if answer.fix else ""
    words = ": ".join(filter(None, (answer.answer, fix, answer.reason)))
    return f"{words} (by {answer.by or 'nobody'}, {answer.at:%Y-%m-%d %H:%M} UTC)"
