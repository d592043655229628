"""`izumi-admin hold`: what a person must decide, and their answers."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from izumi.bus.holds import Said, Saying, known, say
from izumi.bus.jetstream import JetStreamBus
from izumi.commands.console import By, Json, on_bus, person, show_rows, text
from izumi.commands.fixes import FixOptions, fix_of
from izumi.commands.options import ConfigFile, load
from izumi.domain.events import AnswerKind
from izumi.domain.fix import Fix
from izumi.domain.fixes import folder_of
from izumi.domain.holds import Hold, find, possible, said, short_ids
from izumi.runtime.telemetry import printable

_DONE = {"approve": "approved", "fix": "fixed", "reject": "rejected"}


def hold_list(
    *,
    everything: Annotated[
        bool, Parameter(name="--all", negative="", help="Answered and settled ones too.")
    ] = False,
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """List what a person must decide.

    Args:
        everything: See below.
        config: See below.
        json: See below.
    """
    found = on_bus(load(config, level="warning"), known)
    shorts = short_ids(found)
    rows = [_facts(hold, shorts[hold.id]) for hold in found if everything or hold.answer is None]
    columns = ["id", "unit", "name", "reason", "answers", "at"]
    show_rows(rows, [*columns, "answered"] if everything else columns, json=json)
    return 0


def hold_show(
    id_: Annotated[str, Parameter(name="ID")],
    /,
    *,
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """Show everything that is known of one hold.

    Args:
        id_: As `izumi-admin hold list` shows it; its beginning is enough.
        config: See below.
        json: See below.
    """
    found = on_bus(load(config, level="warning"), known)
    hold = find(id_, found)
    facts = _facts(hold, short_ids(found)[hold.id])
    if json:
        show_rows([facts], (), json=True)
        return 0
    for name, value in (*facts.items(), *hold.fact.facts.items()):
        if name != "facts" and value not in {"", None}:
            print(f"{name:12}{printable(str(value))}")
    return 0


def hold_approve(*ids: str, by: By = "", config: ConfigFile = None, json: Json = False) -> int:
    """Take files as their names were read, in spite of the reason.

    What an encoder, distributor or notifier holds is ordered again, from that group alone.

    Args:
        ids: As `izumi-admin hold list` shows them; their beginning is enough.
        by: See below.
        config: See below.
        json: See below.
    """
    return _answer(ids, "approve", by=by, config=config, json=json)


def hold_reject(
    *ids: str, reason: str = "", by: By = "", config: ConfigFile = None, json: Json = False
) -> int:
    """Leave files where they are, and never ask again for this content.

    Args:
        ids: As `izumi-admin hold list` shows them; their beginning is enough.
        reason: Why, for people.
        by: See below.
        config: See below.
        json: See below.
    """
    return _answer(ids, "reject", reason=reason, by=by, config=config, json=json)


def hold_fix(
    *ids: str,
    options: FixOptions = FixOptions(),  # noqa: B008 - it is frozen
    rule: Annotated[
        bool | None,
        Parameter(
            name="--rule",
            negative="--once",
            help="Do it for every release of that title from now on; --once: for these files.",
        ),
    ] = None,
    by: By = "",
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """Say what files are, for themselves or as a rule for all like them.

    Args:
        ids: As `izumi-admin hold list` shows them; their beginning is enough.
        options: What they are.
        rule: See below.
        by: See below.
        config: See below.
        json: See below.
    """
    fix = fix_of(options)
    if fix.show is not None and folder_of(fix.show) != fix.show and not json:
        print(f"its folder is called {folder_of(fix.show)!r}")
    return _answer(ids, "fix", fix=fix, rule=rule, by=by, config=config, json=json)


def _answer(
    ids: Sequence[str],
    answer: AnswerKind,
    *,
    fix: Fix | None = None,
    rule: bool | None = False,
    reason: str = "",
    by: str,
    config: ConfigFile,
    json: bool,
) -> int:
    settings = load(config, level="warning")
    saying = Saying(
        answer,
        person(by, settings),
        dt.datetime.now(dt.UTC),
        fix=fix,
        as_rule=bool(rule),
        reason=text(reason),
    )

    async def work(bus: JetStreamBus) -> list[dict[str, object]]:
        said = await say(bus, ids, saying)
        shorts = short_ids(await known(bus))
        return [_row(shorts[one.hold.id], one) for one in said]

    rows = on_bus(settings, work)
    if json:
        show_rows(rows, (), json=True)
        return 0
    for row in rows:
        for line in str(row["text"]).split("\n"):
            print(printable(line))
    if answer == "fix" and rule is None:
        print("for these files alone; --rule does it for every release of that title")
    return 0


def _facts(hold: Hold, short: str) -> dict[str, object]:
    fact, answer = hold.fact, hold.answer
    return {
        "id": short,
        "unit": hold.unit,
        "name": fact.name,
        "reason": fact.reason,
        "answers": ", ".join(possible(hold)),
        "at": fact.at.isoformat(timespec="seconds"),
        "host": fact.host,
        "job": fact.job,
        "step": fact.step,
        "title": fact.title,
        "season": fact.season,
        "said before": fact.fix.text if fact.fix else "",
        "answered": "" if answer is None else said(answer),
        "facts": fact.facts,
    }


def _row(short: str, one: Said) -> dict[str, object]:
    hold, answer, rule = one
    line = f"{short} {_DONE[answer.answer]}: {hold.fact.name}"
    if answer.fix is not None:
        line += f" is {answer.fix.text}"
    elif answer.answer == "approve":
        line += f" (in spite of: {hold.fact.reason})"
    if rule is not None:
        line += f"\nfrom now on, {rule.text} (rule {rule.id})"
    return {
        "id": short,
        "unit": hold.unit,
        "name": hold.fact.name,
        "answer": answer.answer,
        "fix": answer.fix.text if answer.fix else "",
        "by": answer.by,
        "rule": rule.id if rule else "",
        "text": line,
    }
