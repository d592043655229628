"""`izumi-admin`: what is alive."""

import datetime as dt

import msgspec

from izumi import compose
from izumi.bus.jetstream import JetStreamBus
from izumi.commands.console import Json, on_bus, show_rows
from izumi.commands.options import ConfigFile, load
from izumi.domain import events, subjects
from izumi.domain.errors import UserError
from izumi.domain.events import Control, Node


def nodes(*, config: ConfigFile = None, here: bool = False, json: Json = False) -> int:
    """List the living instances; exit code 1 when one is broken, or none is there.

    Args:
        config: See below.
        here: Only those of this host; every unit of this configuration must be there.
        json: See below.
    """
    settings = load(config, level="warning")
    stored = on_bus(settings, lambda bus: bus.latest("izumi.node.>"))
    living = [msgspec.json.decode(entry.data, type=Node) for entry in stored if entry.data]
    wanted: set[tuple[str, str]] = set()
    if here:
        living = [node for node in living if node.host == settings.host]
        wanted = set(compose.configured(settings))
    rows: list[dict[str, object]] = [
        {
            "unit": ".".join(filter(None, (node.unit, node.group))),
            "instance": node.instance,
            "host": node.host,
            "version": node.version,
            "state": node.state,
            "jobs": len(node.jobs),
            "since": node.since.isoformat(timespec="seconds"),
            "reason": node.reason,
        }
        for node in living
    ]
    columns = ("unit", "instance", "host", "version", "state", "jobs", "since", "reason")
    show_rows(rows, columns, json=json)
    missing = wanted - {(node.unit, node.group) for node in living}
    for unit in sorted(missing):
        print(f"not there: {'.'.join(filter(None, unit))}")
    return int(not living or bool(missing) or any(node.state == "broken" for node in living))


def drain(unit: str, instance: str = "all", *, config: ConfigFile = None) -> int:
    """Ask an instance to finish what runs, take nothing new, and end.

    Args:
        unit: encoder, distributor, notifier or acquisition.
        instance: As `izumi-admin nodes` shows it; all of the unit when left out.
        config: See below.
    """
    settings = load(config, level="warning")

    async def ask(bus: JetStreamBus) -> int:
        stored = await bus.latest("izumi.node.>")
        living = [msgspec.json.decode(entry.data, type=Node) for entry in stored if entry.data]
        asked = [n for n in living if n.unit == unit and instance in {"all", n.instance}]
        if not asked:
            raise UserError(f"no living {unit} is called {instance!r}; see izumi-admin nodes")
        control = Control(command="drain", by=settings.host, at=dt.datetime.now(dt.UTC))
        await bus.tell(subjects.control(unit, instance), events.encode(control))
        for node in asked:
            print(f"asked {node.unit} {node.group} {node.instance} to drain")
        return 0

    return on_bus(settings, ask)
