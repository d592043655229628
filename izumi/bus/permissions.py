"""What each role may say and hear on the bus: nothing but what its work needs.

A role is one unit of one group (`encoder.main`), or one of the fixed ones. Reading the
job log is granted in the form that names the subject; the forms that read by sequence
would read everything in the stream.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from izumi.bus.connection import inbox_prefix
from izumi.bus.mailbox import NEXT
from izumi.bus.topology import (
    DEAD,
    LIBRARY,
    NODES,
    PROGRESS,
    RULES,
    STREAM,
    TOLD,
    Membership,
    consumer_names,
)
from izumi.domain.errors import ConfigError
from izumi.domain.subjects import token

_DIRECT: Final = "$JS.API.DIRECT.GET"
_MAKES: Final = {
    "acquisition": "izumi.file.acquired.>",
    "encoder": "izumi.file.encoded.>",
    "distributor": "izumi.file.distributed.{group}.>",
    "notifier": "izumi.file.notified.{group}.>",
}
"""The facts that a unit makes."""


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """Subjects that one key may publish to and subscribe to; all others are refused.

    `system` puts the key into the account that sees the server itself, and only that.
    """

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    system: bool = False


def role_name(unit: str, group: str = "") -> str:
    """The role of a unit's group; a unit without groups is a role by itself."""
    return f"{unit}.{group}" if group else unit


def roles(memberships: Iterable[Membership]) -> tuple[Role, ...]:
    """The roles of these groups, and the fixed ones.

    Raises:
        ConfigError: The same group twice.
    """
    made = (
        _ACQUISITION,
        *(_worker(member.unit, member.group) for member in memberships),
        _GATEWAY,
        _DASHBOARD,
        _ADMIN,
        Role(name="sys", publish=(">",), subscribe=(">",), system=True),
    )
    names = [role.name for role in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"a role is there twice: {', '.join(twice)}")
    return made


def _worker(unit: str, group: str = "") -> Role:
    own = f"{unit}.{token(group)}.>" if group else f"{unit}.>"
    log = f"izumi.job.{own}"
    facts = [f"izumi.file.held.{unit}.>"]
    if unit in _MAKES:
        facts.append(_MAKES[unit].format(group=token(group)))
    publish = [log, *facts, f"izumi.progress.{own}", f"izumi.node.{unit}.>"]
    publish += [f"{_DIRECT}.{STREAM}.{subject}" for subject in (log, *facts)]
    for name in consumer_names(unit, group) if group else ():
        publish += [
            f"{NEXT}.{STREAM}.{name}",
            f"$JS.API.CONSUMER.INFO.{STREAM}.{name}",
            f"$JS.ACK.{STREAM}.{name}.>",
            # The form that servers will use once it is switched on, with domain and account.
            f"$JS.ACK.*.*.{STREAM}.{name}.>",
        ]
    if unit == "notifier":
        told = f"izumi.told.{token(group)}.>"
        publish += [told, f"{_DIRECT}.{TOLD}.{told}"]
    name = role_name(unit, group)
    return Role(
        name=name,
        publish=tuple(publish),
        subscribe=(f"{inbox_prefix(name)}.>", f"izumi.ctl.{unit}.>"),
    )


def _acquisition() -> Role:
    """A worker that also hears the answers to its holds, and what was learnt of them.

    A file that it brought to one more location after it was announced is told as such.
    """
    role = _worker("acquisition")
    answers = "izumi.file.answered.acquisition.>"
    brought = "izumi.file.distributed.acquisition.>"
    rules = (f"{_DIRECT}.{RULES}", f"$JS.API.STREAM.INFO.{RULES}")
    return msgspec.structs.replace(
        role,
        publish=(*role.publish, brought, answers, f"{_DIRECT}.{STREAM}.{answers}", *rules),
        subscribe=(*role.subscribe, answers, "izumi.rule.>"),
    )


_ACQUISITION: Final = _acquisition()
_GATEWAY: Final = Role(
    name="gateway",
    publish=(
        "izumi.do.>",
        "izumi.progress.gateway.>",
        "izumi.node.gateway.>",
        # For clients that may answer: holds and the rules made of them, dead letters, jobs.
        "izumi.file.answered.>",
        "izumi.rule.>",
        "izumi.letter.>",
        "izumi.job.>",
        # It tells clients with the scope `read` of everything that is remembered.
        *(f"$JS.API.STREAM.INFO.{stream}" for stream in (STREAM, DEAD, PROGRESS, TOLD)),
        *(f"{_DIRECT}.{stream}" for stream in (STREAM, DEAD, PROGRESS, TOLD, LIBRARY)),
        *(f"{_DIRECT}.{stream}.izumi.>" for stream in (STREAM, DEAD, PROGRESS)),
    ),
    subscribe=(f"{inbox_prefix('gateway')}.>", "izumi.ctl.gateway.>"),
)
_DASHBOARD: Final = Role(
    name="dashboard",
    # It may hear everything anyway, so it may also read everything.
    publish=(
        "$JS.API.INFO",
        "$JS.API.STREAM.INFO.*",
        "$JS.API.CONSUMER.LIST.*",
        "$JS.API.CONSUMER.INFO.*.*",
        *(
            f"{_DIRECT}.{stream}"
            for stream in (STREAM, DEAD, PROGRESS, NODES, RULES, TOLD, LIBRARY)
        ),
        *(f"{_DIRECT}.{stream}.izumi.>" for stream in (STREAM, DEAD, PROGRESS)),
    ),
    subscribe=(f"{inbox_prefix('dashboard')}.>", "izumi.>"),
)
_ADMIN: Final = Role(name="admin", publish=(">",), subscribe=(">",))
