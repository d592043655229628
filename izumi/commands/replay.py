"""`izumi-admin replay`: the work of facts ordered again, from one group of one unit alone."""

import datetime as dt
import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from cyclopts import Parameter

from izumi.bus import life, reading, replays, topology
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Stored
from izumi.bus.replays import Group, Order
from izumi.commands.console import on_bus, person, show_rows
from izumi.commands.library_flow import agreed
from izumi.commands.library_options import Ask
from izumi.commands.moments import moment
from izumi.commands.options import ConfigFile, load
from izumi.commands.timeline import local
from izumi.domain import subjects
from izumi.domain.errors import UserError
from izumi.domain.events import Distributed
from izumi.runtime.telemetry import printable
from izumi.tools import replaying
from izumi.tools.replaying import Choice, Item, Which, Work

_COLUMNS = ("seq", "stored", "fact", "file", "left out")

Unit = Annotated[
    str, Parameter(name=["--unit", "-u"], help="Whose work: encoder, or encoder.main.")
]
InGroup = Annotated[
    str, Parameter(name=["--group", "-g"], help="Its group; may be left out where it has one.")
]
Since = Annotated[
    str, Parameter(help="Facts stored since: 2h, 3d, or a date or time such as 2026-01-02T12:00.")
]
Show = Annotated[str, Parameter(help="Facts of this show, as its folder is called.")]
Seq = Annotated[str, Parameter(help="One fact by its place in the stream, or several: 1200-1250.")]
Superseded = Annotated[
    bool,
    Parameter(
        negative="",
        help="Also what something newer took the place of, or the library moved or deleted.",
    ),
]
Anew = Annotated[
    bool, Parameter(negative="", help="Once more, although this very command was given before.")
]


class _Asked(NamedTuple):
    """What the options say."""

    unit: str
    group: str
    since: str
    show: str
    seq: str
    superseded: bool
    anew: bool

    def replay(self, group: Group, now: dt.datetime) -> str:
        """What the replay is called: the same for the same command, unless it is to be anew."""
        once = now.isoformat() if self.anew else ""
        given = (self.since, self.show, self.seq, self.superseded)
        return replaying.replay_id(group.who, *given, once)


class _Plan(NamedTuple):
    """What would be ordered, and from whom.

    Attributes:
        replay: Its id.
        group: Who alone gets it.
        choices: Every fact that was named.
        facts: As the bus keeps them, by place.
        encoded: What encoders made so far; read for an encoder alone.
    """

    replay: str
    group: Group
    choices: Sequence[Choice]
    facts: Mapping[int, Stored]
    encoded: Sequence[Item]

    @property
    def ordered(self) -> list[Choice]:
        """Those that are ordered."""
        return [choice for choice in self.choices if choice.fate == "order"]

    def has(self, *fates: str) -> bool:
        """Whether something of the kind becomes of any fact."""
        return any(choice.fate in fates for choice in self.choices)


def replay(
    *,
    unit: Unit,
    group: InGroup = "",
    since: Since = "",
    show: Show = "",
    seq: Seq = "",
    superseded: Superseded = False,
    anew: Anew = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="Do not ask.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Show the plan, order nothing.")] = False,
    json: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False,
    by: Annotated[str, Parameter(help="Who says so; you, when left out.")] = "",
    config: ConfigFile = None,
) -> int:
    """Order the work of facts again, from one group alone; shown first, and asked.

    Exit codes: 0 ordered, or all of it was before and is still to be done; 1 there is nothing to
    order, or the answer was no; 2 usage.

    Args:
        unit: See below.
        group: See below.
        since: See below.
        show: See below.
        seq: See below.
        superseded: See below.
        anew: See below.
        yes: See below.
        dry_run: See below.
        json: See below.
        by: See below.
        config: See below.

    Returns:
        The exit code.
    """
    settings = load(config, level="warning")
    ask = Ask(yes=yes, dry_run=dry_run, json=json)
    ask.expect_an_answer()
    if not (since or show or seq):
        raise UserError("say which facts: --since, --show or --seq")
    asked = _Asked(unit, group, since, show, seq, superseded, anew)
    plan = on_bus(settings, lambda bus: _plan(bus, asked))
    _tell(plan, json=json)
    if dry_run or not plan.ordered:
        return int(not plan.has("order", "before", "open"))
    if not agreed(ask):
        print("nothing was ordered")
        return 1
    who = person(by, settings)
    done = on_bus(settings, lambda bus: _order(bus, plan, who))
    if json:
        told = {"is": "replay", "id": plan.replay, "unit": plan.group.who, "ordered": done}
        print(msgspec.json.encode(told).decode())
    else:
        print(printable(f"{plan.replay}: ordered {_facts(done)} from {plan.group.who}"))
    return 0


async def _plan(bus: JetStreamBus, asked: _Asked) -> _Plan:
    now = dt.datetime.now(dt.UTC)
    since = moment(asked.since, option="--since", now=now) if asked.since else None
    seqs = replaying.seqs(asked.seq) if asked.seq else None
    group = pick(await replays.groups(bus), asked.unit, asked.group)
    heard = await replays.heard(bus, group)
    facts = replaying.items(life.kept_of(heard.facts))
    show = replaying.show(asked.show, facts) if asked.show else ""
    named = replaying.chosen(facts, Which(since, show, seqs))
    orders = replaying.items(life.kept_of(await replays.orders(bus, group)))
    jobs = {subjects.job_id(one.subject) for one in (*named, *orders)}
    replay_id = asked.replay(group, now)
    choices = replaying.judged(
        named,
        facts,
        unit=group.unit,
        replay=replay_id,
        work=Work(heard.unsettled, await replays.states(bus, group, sorted(jobs)), orders),
        changes=await life.changes(bus),
        superseded=asked.superseded,
    )
    encoded: list[Item] = []
    if group.unit == "encoder":
        made = await reading.every(bus.connection, topology.STREAM, "izumi.file.encoded.>")
        encoded = replaying.items(life.kept_of(made))
    return _Plan(replay_id, group, choices, {one.seq: one for one in heard.facts}, encoded)


def pick(known: Sequence[Group], unit: str, group: str) -> Group:
    """The group that is meant.

    Raises:
        UserError: There is none of that name, or a unit has several; names them.
    """
    names = {one.who: one for one in known}
    if not names:
        raise UserError("the bus knows no group yet; izumi-admin bus apply makes those of a host")
    if not group and unit in names:
        return names[unit]
    of_unit = [one for one in known if one.unit == unit and group in {"", one.group}]
    if len(of_unit) == 1:
        return of_unit[0]
    if of_unit:
        several = ", ".join(one.group for one in of_unit)
        raise UserError(f"{unit} has the groups {several}; say which with --group")
    wanted = f"{unit}.{group}" if group else unit
    candidates = [*names, *(one.unit for one in known)]
    near = difflib.get_close_matches(wanted, candidates, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? " if near else ""
    raise UserError(f"no group is called {wanted!r}; {meant}known are {', '.join(names)}")


async def _order(bus: JetStreamBus, plan: _Plan, by: str) -> int:
    """Give the orders; how many were new."""
    made = replaying.made_of(plan.encoded)
    orders = []
    for item in (choice.item for choice in plan.ordered):
        checkpoint: dict[str, Any] = {}
        if replaces := made.get(item.fact.file.id):
            checkpoint["replaces"] = msgspec.to_builtins(replaces)
        orders.append(
            Order(
                name=replaying.order_name(plan.replay, item),
                fact=plan.facts[item.seq],
                checkpoint=checkpoint,
                reason=f"replay {plan.replay} of message {item.seq}, by {by}",
            )
        )
    return await replays.order(bus, plan.group, orders, at=dt.datetime.now(dt.UTC))


def _tell(plan: _Plan, *, json: bool) -> None:
    """Print every fact that was named, and how many there are of what."""
    if json:
        for row in _rows(plan):
            print(msgspec.json.encode(row).decode())
        return
    rows: list[dict[str, object]] = [
        {
            "seq": choice.item.seq,
            "stored": local(choice.item.at),
            "fact": _kind(choice.item),
            "file": choice.item.fact.file.key,
            "left out": choice.why_not,
        }
        for choice in plan.choices
    ]
    if rows:
        show_rows(rows, _COLUMNS, json=False)
    ordered = len(plan.ordered)
    left = len(plan.choices) - ordered
    text = f"{plan.replay}: {_facts(ordered)} to {plan.group.who}, {left} left out"
    if plan.has("before") and not ordered:
        text += "; --anew orders once more what this command ordered before"
    print(printable(text if rows else f"{plan.replay}: {plan.group.who} works on no such fact"))


def _rows(plan: _Plan) -> Iterator[dict[str, object]]:
    for choice in plan.choices:
        item = choice.item
        order = subjects.order(
            plan.group.unit, plan.group.group, "", replaying.order_name(plan.replay, item)
        )
        yield {
            "is": "fact",
            "seq": item.seq,
            "at": item.at.isoformat(),
            "fact": _kind(item),
            "show": item.show,
            "key": item.fact.file.key,
            "file": item.fact.file.id,
            "job": subjects.job_id(order),
            "fate": choice.fate,
            "why_not": choice.why_not,
        }
    yield {
        "is": "plan",
        "id": plan.replay,
        "unit": plan.group.who,
        "facts": len(plan.ordered),
        "left": len(plan.choices) - len(plan.ordered),
    }


def _kind(item: Item) -> str:
    destination = f" at {item.fact.destination}" if isinstance(item.fact, Distributed) else ""
    return f"{type(item.fact).__name__.lower()}{destination}"


def _facts(count: int) -> str:
    return f"{count} fact{'' if count == 1 else 's'}"
