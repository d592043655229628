"""Dead letters as people and programs are shown them."""

import base64
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from izumi.bus import letters
from izumi.bus.letters import Evidence
from izumi.bus.ports import DeadLetter
from izumi.domain.events import Node

_SHOWN: Final = 4096
"""Characters of a message that are printed; with --json it is there whole."""
_GAVE_UP: Final = {
    "terminated": "the unit said that this can never work",
    "max_deliveries": "it was delivered too often without being settled",
    "unreadable": "the notice of the server cannot be read",
}


def facts(letter: DeadLetter) -> dict[str, object]:
    """What a list tells of a letter."""
    return {
        "number": letter.seq,
        "unit": letter.who,
        "reason": letter.reason,
        "deliveries": letter.deliveries,
        "at": letter.at,
        "subject": letter.subject or "(not kept any more)",
        "kind": letter.kind,
        "consumer": letter.consumer,
        "priority": letter.priority,
        "message": letter.source,
        "data": (letter.data or b"").decode("utf-8", "backslashreplace"),
        "answered": "" if letter.answer is None else letters.words(letter.answer),
    }


def whole(found: Evidence, alive: Sequence[Node]) -> dict[str, object]:
    """Everything, for programs."""
    letter = found.letter
    again, dropped = letters.prospects(letter)
    return {
        **facts(letter),
        "is": letters.content(letter),
        "ordered": letter.stored,
        "first_tried": _first_tried(found),
        "headers": dict(letter.headers),
        "base64": None if letter.data is None else base64.b64encode(letter.data).decode(),
        "job": found.job,
        "log": [{"seq": seq, **msgspec.to_builtins(record)} for seq, record in found.log],
        "alive": [{"instance": one.instance, "host": one.host} for one in alive],
        "retry": again,
        "drop": dropped,
    }


def lines(found: Evidence, alive: Sequence[Node]) -> Iterator[str]:
    """Everything, for people."""
    letter = found.letter
    again, dropped = letters.prospects(letter)
    yield _row("letter", letter.seq)
    yield _row("unit", f"{letter.who} (priority {letter.priority})" if letter.unit else "none")
    yield _row("consumer", letter.consumer)
    yield _row("reason", letter.reason or "none was given")
    yield _row("why here", f"{_GAVE_UP[letter.kind]}; deliveries: {letter.deliveries}")
    if letter.stored:
        yield _row("ordered", letter.stored)
    yield _row("first tried", _first_tried(found) or "no log tells")
    yield _row("given up", letter.at)
    if letter.answer is not None:
        yield _row("answered", letters.words(letter.answer))
    yield _row("message", f"{letter.source} on {letter.subject or '(not kept any more)'}")
    yield _row("is", letters.content(letter))
    for name, value in letter.headers.items():
        yield _row("header", f"{name}: {value}")
    yield from _job_lines(found)
    if letter.unit:
        there = ", ".join(f"{one.instance} on {one.host}" for one in alive)
        yield _row("alive", there or f"no instance of {letter.who}: an order waits for one")
    yield _row("at retry", again)
    yield _row("at drop", dropped)
    if letter.data is not None:
        yield f"--- the message, {len(letter.data)} bytes"
        yield from _body(letter.data).split("\n")


def _job_lines(found: Evidence) -> Iterator[str]:
    if not found.job:
        yield f"{'job':12}none that is known"
        return
    yield f"{'job':12}{found.job}" + ("" if found.log else " (it has no log)")
    for _, record in found.log:
        at = record.at.isoformat(timespec="seconds")
        says = f": {record.reason}" if record.reason else ""
        yield f"{'':12}{at}  {record.state} {record.attempt} {record.owner}{says}"


def _body(data: bytes) -> str:
    """The message as a person can read it, cut where it is long."""
    try:
        msgspec.json.decode(data)
        shown = msgspec.json.format(data, indent=2).decode()
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        shown = data.decode("utf-8", "backslashreplace")
    if len(shown) <= _SHOWN:
        return shown
    return f"{shown[:_SHOWN]}\n--- and {len(shown) - _SHOWN} characters more; --json has all of it"


def _first_tried(found: Evidence) -> str:
    claimed = [record.since or record.at for _, record in found.log if record.state == "claimed"]
    return min(claimed).isoformat(timespec="seconds") if claimed else ""


def _row(name: str, value: object) -> str:
    return f"{name:12}{value}"
