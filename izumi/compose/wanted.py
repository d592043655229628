"""What a configuration asks for: units, groups, locations, folders. Pure."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from izumi.bus.topology import Membership, Want
from izumi.domain.errors import UserError
from izumi.domain.links import LinkBases
from izumi.domain.subjects import SUBS, Sub
from izumi.domain.template import SHIPPED, Template
from izumi.settings import Settings
from izumi.storage.ports import Location

GROUPED = ("encoder", "distributor", "notifier", "endpoints")
"""Units that have groups."""


class Wanted(NamedTuple):
    """A unit to run; `group` is empty where the unit has none."""

    unit: str
    group: str = ""


def configured(settings: Settings) -> list[Wanted]:
    """Every unit that the configuration has a table for."""
    wanted = [Wanted("acquisition")] if settings.acquisition else []
    for unit in GROUPED:
        wanted += [Wanted(unit, group) for group in getattr(settings, unit)]
    return wanted + ([Wanted("gateway")] if settings.gateway else [])


def chosen(settings: Settings, unit: str, group: str | None) -> list[Wanted]:
    """The groups of one unit to run: all, or the one that was asked for.

    Raises:
        UserError: The configuration has no such table.
    """
    known = [wanted for wanted in configured(settings) if wanted.unit == unit]
    found = [wanted for wanted in known if group is None or wanted.group == group]
    if not found:
        table = f"[{unit}.{group}]" if group else f"[{unit}]"
        have = ", ".join(f"[{w.unit}.{w.group}]".replace(".]", "]") for w in configured(settings))
        raise UserError(f"the configuration has no {table}; it has {have or 'no unit at all'}")
    return found


def memberships(settings: Settings) -> list[Membership]:
    """The queue groups of the configuration, as the bus has to know them."""
    members = [Membership(unit="encoder", group=group) for group in settings.encoder]
    for group, distributor in settings.distributor.items():
        wants = tuple(Want(fact, distributor.subs) for fact in ("acquired", "encoded"))
        members.append(
            Membership(unit="distributor", group=group, wants=wants, deliver=distributor.deliver)
        )
    members += [
        Membership(unit="notifier", group=group, deliver=notifier.deliver)
        for group, notifier in settings.notifier.items()
    ]
    members += [
        Membership(
            unit="endpoints",
            group=group,
            wants=tuple(map(Want, endpoints.after)),
            deliver=endpoints.deliver,
        )
        for group, endpoints in settings.endpoints.items()
    ]
    return members


def locations(settings: Settings) -> dict[str, Location]:
    """Every location of the configuration, by name."""
    return {name: storage.location(name) for name, storage in settings.storage.items()}


def template(settings: Settings, name: str) -> Template:
    """What messages look like; `full` and `compact` are there without being configured."""
    return settings.template.get(name) or SHIPPED[name]


def link_bases(settings: Settings, hardsub: str | None) -> LinkBases:
    """Where a target's links begin: at its own base, and at those of the locations."""
    mirrors: dict[str, dict[Sub, str]] = {}
    for name, storage in settings.storage.items():
        if storage.link_base is not None:
            base, at = storage.link_base.rstrip("/"), storage.location(name)
            mirrors[name] = {sub: f"{base}/{quote(at.folder(sub))}".rstrip("/") for sub in SUBS}
    return LinkBases(hardsub, mirrors)


def scratch_root(settings: Settings) -> Path:
    """Where this host's instances work."""
    return settings.scratch or settings.state / "scratch"
