"""`izumi-admin dlq`: what was given up, with its evidence; ordered again, or dropped."""

import datetime as dt
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from izumi.bus import letters
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.history import JetStreamHistory
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.letters import Evidence, Remark
from izumi.bus.ports import DeadLetter
from izumi.commands.console import By, Json, on_bus, person, show_rows, text
from izumi.commands.deadletters_show import facts, lines, whole
from izumi.commands.jobs import Unit
from izumi.commands.moments import moment
from izumi.commands.options import ConfigFile, load
from izumi.domain.errors import UserError
from izumi.domain.events import LetterAnswered, Node
from izumi.runtime.telemetry import printable

_TO_SECONDS: Final = len("2026-01-02T12:00:00")
_COLUMNS: Final = ("number", "unit", "reason", "deliveries", "at", "subject")

Reason = Annotated[str, Parameter(help="Why, for people.")]


def dlq_list(
    *,
    unit: Unit = "",
    since: Annotated[
        str, Parameter(help="Given up since then: 12h, 3d, or a date such as 2026-01-02.")
    ] = "",
    everything: Annotated[
        bool, Parameter(name="--all", negative="", help="Those ordered again or dropped, too.")
    ] = False,
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """List dead letters: what was given up, by whom and why.

    Args:
        unit: See below.
        since: See below.
        everything: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    after = moment(since, option="--since", now=_now()) if since else None
    found = on_bus(settings, lambda bus: JetStreamDeadLetters(bus).entries(everything=everything))
    rows = [
        facts(letter) | ({} if json else {"at": letter.at[:_TO_SECONDS]})
        for letter in found
        if (not unit or unit in {letter.unit, letter.who})
        and (after is None or _is_after(letter, after))
    ]
    show_rows(rows, (*_COLUMNS, "answered") if everything else _COLUMNS, json=json)
    return 0


def dlq_show(number: int, /, *, config: ConfigFile = None, json: Json = False) -> int:
    """Show all that is known of a dead letter, its message too.

    Args:
        number: As `izumi-admin dlq list` shows it.
        config: See below.
        json: See below.
    """

    async def look(bus: JetStreamBus) -> tuple[Evidence, list[Node]]:
        letter = await letters.find(JetStreamDeadLetters(bus), number)
        nodes = [
            msgspec.json.decode(entry.data, type=Node)
            for entry in await bus.latest("izumi.node.>")
            if entry.data
        ]
        alive = [one for one in nodes if (one.unit, one.group) == (letter.unit, letter.group)]
        return await letters.evidence(bus, JetStreamHistory(bus), letter), alive

    found, alive = on_bus(load(config, level="warning"), look)
    if json:
        show_rows([whole(found, alive)], (), json=True)
        return 0
    for line in lines(found, alive):
        print(printable(line))
    return 0


def dlq_retry(
    *numbers: int, reason: Reason = "", by: By = "", config: ConfigFile = None, json: Json = False
) -> int:
    """Order the work of dead letters again, from the group that gave it up alone.

    Args:
        numbers: As `izumi-admin dlq list` shows them.
        reason: See below.
        by: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    remark = Remark(person(by, settings), _now(), text(reason))

    async def work(bus: JetStreamBus) -> None:
        chosen = await _meant(bus, numbers)
        for letter in chosen:
            letters.replay_of(letter)  # all of them, or none
        for letter in chosen:
            said = await letters.retry(bus, letter, remark)
            _tell(letter, said, f"ordered again from {letter.who}", remark, json=json)

    on_bus(settings, work)
    return 0


def dlq_drop(
    *numbers: int,
    reason: Reason = "",
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="Do not ask.")] = False,
    by: By = "",
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """Take dead letters off the list: nobody does their work. Who did it and why is kept.

    Their messages stay in the stream as long as it keeps them, and `dlq retry` still works.

    Args:
        numbers: As `izumi-admin dlq list` shows them.
        reason: See below.
        yes: See below.
        by: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    if not (yes or (_talks() and not json)):
        raise UserError("nobody is there to be asked; give --yes")
    remark = Remark(person(by, settings), _now(), text(reason))
    chosen = on_bus(settings, lambda bus: _meant(bus, numbers))
    if not yes and not _agreed(chosen):
        print("nothing was changed")
        return 1

    async def work(bus: JetStreamBus) -> None:
        for letter in chosen:
            _tell(letter, await letters.drop(bus, letter, remark), "dropped", remark, json=json)

    on_bus(settings, work)
    return 0


def _talks() -> bool:
    """Whether a person sits in front of it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _agreed(chosen: Sequence[DeadLetter]) -> bool:
    """Whether somebody says yes, having seen what they are."""
    for letter in chosen:
        what = f"{letter.who}  {letters.content(letter)}: {letter.reason}"
        print(printable(f"{letter.seq}  {what}"))
    try:
        return input(f"Drop {len(chosen)}? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


async def _meant(bus: JetStreamBus, numbers: Sequence[int]) -> list[DeadLetter]:
    """The letters of these numbers.

    Raises:
        UserError: None was named, or one is not there.
    """
    if not numbers:
        raise UserError("name at least one dead letter; see izumi-admin dlq list")
    dead = JetStreamDeadLetters(bus)
    return [await letters.find(dead, number) for number in dict.fromkeys(numbers)]


def _tell(
    letter: DeadLetter, said: LetterAnswered, done: str, remark: Remark, *, json: bool
) -> None:
    if json:
        show_rows([{"number": letter.seq, **msgspec.to_builtins(said)}], (), json=True)
        return
    line = f"{done} as {said.job}" if said.job else done
    if (said.by, said.at) != (remark.by, remark.at):
        line = f"{letters.words(said)} before"
    print(printable(f"{letter.seq}: {line}"))


def _is_after(letter: DeadLetter, moment: dt.datetime) -> bool:
    """Whether it was given up since then; one that does not tell when, is never left out."""
    try:
        at = dt.datetime.fromisoformat(letter.at)
    except ValueError:
        return True
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)) >= moment


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
