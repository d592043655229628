"""`izumi-admin rules`: what was learnt of answered holds, and what is said in advance."""

import datetime as dt
import difflib
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from izumi.bus.holds import publish_rule
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.bus.rules import in_force
from izumi.commands.console import By, Json, on_bus, person, show_rows
from izumi.commands.fixes import FixOptions, fix_of
from izumi.commands.options import ConfigFile, load
from izumi.domain import events, subjects
from izumi.domain.errors import UserError
from izumi.domain.events import RuleRemoved
from izumi.domain.rules import Rule
from izumi.runtime.telemetry import printable


async def _known(bus: JetStreamBus) -> tuple[Rule, ...]:
    """Every rule, oldest first."""
    return in_force(await bus.latest(subjects.RULES))


def rules_list(*, config: ConfigFile = None, json: Json = False) -> int:
    """List the rules that names are read with.

    Args:
        config: See below.
        json: See below.
    """
    found = on_bus(load(config, level="warning"), _known)
    rows: list[dict[str, object]] = [
        {
            "id": rule.id,
            "title": rule.title,
            "only": rule.condition.strip(),
            "is": rule.fix.text,
            "by": rule.by,
            "at": rule.at.isoformat(timespec="seconds"),
        }
        for rule in found
    ]
    show_rows(rows, ("id", "title", "only", "is", "by", "at"), json=json)
    return 0


def rules_add(
    *,
    title: Annotated[str, Parameter(help="As releases write it; case and punctuation aside.")],
    options: FixOptions = FixOptions(),  # noqa: B008 - it is frozen
    only_season: Annotated[
        int | None, Parameter(help="Only where the release writes this season.")
    ] = None,
    no_season: Annotated[
        bool, Parameter(negative="", help="Only where the release writes no season.")
    ] = False,
    group: Annotated[str | None, Parameter(help="Only releases of this group.")] = None,
    by: By = "",
    config: ConfigFile = None,
) -> int:
    """Say of every release of a title what it is, in place of a rule about the same.

    Args:
        title: See below.
        options: What they are.
        only_season: See below.
        no_season: See below.
        group: See below.
        by: See below.
        config: See below.
    """
    settings = load(config, level="warning")
    try:
        rule = Rule(
            title=title,
            season=only_season,
            unseasoned=no_season,
            group=group or None,
            fix=fix_of(options),
            by=person(by, settings),
            at=dt.datetime.now(dt.UTC),
        )
    except ValueError as exc:
        raise UserError(str(exc)) from exc

    async def add(bus: JetStreamBus) -> Rule | None:
        before = next((one for one in await _known(bus) if one.id == rule.id), None)
        await publish_rule(bus, rule)
        return before

    before = on_bus(settings, add)
    print(printable(f"{rule.id}: {rule.text}"))
    if before is not None:
        print(printable(f"     in place of: {before.text} (by {before.by})"))
    return 0


def rules_remove(*ids: str, by: By = "", config: ConfigFile = None) -> int:
    """Take rules out of force; files that were filed by them stay where they are.

    Args:
        ids: As `izumi-admin rules list` shows them; their beginning is enough.
        by: See below.
        config: See below.
    """
    settings = load(config, level="warning")
    who = person(by, settings)

    async def remove(bus: JetStreamBus) -> list[Rule]:
        known = await _known(bus)
        if not ids:
            raise UserError("name at least one rule; see izumi-admin rules list")
        meant = list({rule.id: rule for rule in (_find(id_, known) for id_ in ids)}.values())
        for rule in meant:
            gone = RuleRemoved(id=rule.id, by=who, at=dt.datetime.now(dt.UTC))
            await bus.publish(Outgoing(subjects.rule(rule.id), events.encode(gone)))
        return meant

    for rule in on_bus(settings, remove):
        print(printable(f"{rule.id} removed: {rule.text}"))
    return 0


def _find(text: str, known: Sequence[Rule]) -> Rule:
    wanted = text.strip().lower().removeprefix("r-")
    found = [rule for rule in known if wanted and rule.id.removeprefix("r-").startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{rule.id} ({rule.title})" for rule in found)
        raise UserError(f"{text!r} may be {several}; give more of the id")
    near = difflib.get_close_matches(text, [rule.id for rule in known], n=1, cutoff=0.0)
    if not near:
        raise UserError(f"no rule is called {text!r}; there are none")
    title = next(rule.title for rule in known if rule.id == near[0])
    raise UserError(f"no rule is called {text!r}; the nearest is {near[0]} ({title})")
