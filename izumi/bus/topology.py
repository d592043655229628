"""Streams and consumers as data; `plan.py` leads to them.

One limits-retention stream carries facts, orders and the job log, since a work queue
allows one consumer a subject and interest retention loses what came before a consumer.
Every (unit, group[, priority]) has one durable pull consumer that filters the broadcast
facts the group wants and the orders addressed to it alone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from izumi.domain.errors import ConfigError
from izumi.domain.subjects import PRIORITIES, SUBS, Sub, token, untoken

STREAM: Final = "IZUMI"
DEAD: Final = "IZUMI_DLQ"
PROGRESS: Final = "IZUMI_PROGRESS"
NODES: Final = "IZUMI_NODES"
RULES: Final = "IZUMI_RULES"
TOLD: Final = "IZUMI_TOLD"
LIBRARY: Final = "IZUMI_LIBRARY"
TIER_GROUP: Final = "tiers"
"""The priority group that every pull names; tiers are its priorities, 0 to 9."""
NODE_TTL_S: Final = 15

_S: Final = 1_000_000_000
_DAY: Final = 86_400 * _S
_UNIT = re.compile(r"[a-z][a-z0-9-]*")
_NAME_BYTES: Final = 200

FactName = Literal["acquired", "encoded", "distributed", "notified", "held", "answered"]
_WITH_PRIORITY: Final = ("acquired", "encoded")


class Want(msgspec.Struct, frozen=True):
    """Facts that a group consumes. No `subs`: all of them."""

    fact: FactName
    subs: tuple[Sub, ...] = ()


class _Unit(NamedTuple):
    by_priority: bool
    wants: tuple[Want, ...]


_NEWS: Final = (Want("acquired"), Want("encoded"), Want("distributed"))
_UNITS: Final[Mapping[str, _Unit]] = {
    "encoder": _Unit(by_priority=True, wants=(Want("acquired", ("softsub",)),)),
    "distributor": _Unit(by_priority=True, wants=(Want("acquired"), Want("encoded"))),
    "notifier": _Unit(by_priority=False, wants=_NEWS),
    "kisaragi": _Unit(by_priority=False, wants=_NEWS),
    "endpoints": _Unit(by_priority=False, wants=_NEWS),
}


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A queue group of a unit.

    Attributes:
        unit: Lower-case word: "encoder", "notifier", ...
        group: Any text.
        wants: None takes what units of that kind usually want; () takes orders only.
        deliver: "new" skips the facts that were there before the consumer was made. It
            counts only then.

    Raises:
        ConfigError: A name that cannot be one, or a fact that is wanted twice.
    """

    unit: str
    group: str = "main"
    wants: tuple[Want, ...] | None = None
    deliver: Literal["all", "new"] = "all"

    def __post_init__(self) -> None:
        if not _UNIT.fullmatch(self.unit):
            raise ConfigError(f"unit {self.unit!r}: use lower-case letters, digits and '-'")
        if not self.group or len(token(self.group)) + len(self.unit) > _NAME_BYTES:
            raise ConfigError(f"group {self.group!r} of {self.unit}: give it 1 to 60 characters")
        facts = [want.fact for want in self.wanted]
        if len(set(facts)) != len(facts):
            raise ConfigError(f"group {self.group!r} of {self.unit} wants a fact twice: {facts}")

    @property
    def wanted(self) -> tuple[Want, ...]:
        """The facts, defaults filled in."""
        return self.wants if self.wants is not None else _unit(self.unit).wants


class StreamConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a stream that Izumi decides, named as the server names them."""

    name: str
    subjects: tuple[str, ...]
    retention: str = "limits"
    storage: str = "file"
    num_replicas: int = 1
    max_age: int = 0
    max_bytes: int
    max_msgs_per_subject: int = -1
    discard: str = "old"
    duplicate_window: int = 120 * _S
    allow_direct: bool = True
    allow_atomic: bool = False
    allow_msg_ttl: bool = False
    allow_rollup_hdrs: bool = False
    deny_delete: bool = False
    deny_purge: bool = False
    no_ack: bool = False


class ConsumerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a consumer that Izumi decides, named as the server names them."""

    name: str
    durable_name: str
    filter_subjects: tuple[str, ...]
    ack_policy: str = "explicit"
    deliver_policy: str = "all"
    ack_wait: int
    max_deliver: int
    max_ack_pending: int = 10_000
    max_waiting: int = 4096
    priority_groups: tuple[str, ...] = (TIER_GROUP,)
    priority_policy: str = "prioritized"


def streams(replicas: int = 1) -> tuple[StreamConfig, ...]:
    """The seven streams.

    `IZUMI` refuses new messages when it is full instead of dropping unprocessed ones, and
    allows none of the headers (roll-up, schedule, TTL) that walk past permissions.
    """
    advisory = "$JS.EVENT.ADVISORY.CONSUMER"
    return (
        StreamConfig(
            name=STREAM,
            subjects=("izumi.file.>", "izumi.do.>", "izumi.job.>"),
            num_replicas=replicas,
            max_age=30 * _DAY,
            max_bytes=1 << 30,
            discard="new",
            duplicate_window=600 * _S,
            allow_atomic=True,
            deny_delete=True,
            deny_purge=True,
        ),
        StreamConfig(
            name=DEAD,
            subjects=(
                f"{advisory}.MAX_DELIVERIES.{STREAM}.>",
                f"{advisory}.MSG_TERMINATED.{STREAM}.>",
                # What people said of each. It comes after its notice and so outlives it.
                "izumi.letter.>",
            ),
            num_replicas=replicas,
            max_age=90 * _DAY,
            max_bytes=64 << 20,
            deny_delete=True,
            deny_purge=True,
        ),
        # On disk: a single server forgets a stream in memory altogether when it restarts.
        StreamConfig(
            name=PROGRESS,
            subjects=("izumi.progress.>",),
            max_age=3600 * _S,
            max_bytes=32 << 20,
            max_msgs_per_subject=1,
            no_ack=True,
        ),
        # Not a key-value bucket: those allow roll-ups, and one permitted writer could
        # wipe what all others wrote.
        StreamConfig(
            name=NODES,
            subjects=("izumi.node.>",),
            num_replicas=replicas,
            max_bytes=8 << 20,
            max_msgs_per_subject=1,
            allow_msg_ttl=True,
            deny_delete=True,
            deny_purge=True,
        ),
        # What was learnt is kept for ever; a rule is removed by a message, not by age.
        StreamConfig(
            name=RULES,
            subjects=("izumi.rule.>",),
            num_replicas=replicas,
            max_bytes=8 << 20,
            max_msgs_per_subject=1,
            discard="new",
            deny_delete=True,
            deny_purge=True,
        ),
        # Which messages tell of which episodes. Of a full one the shows that were silent
        # for longest are forgotten: what comes of them is told in a new message.
        StreamConfig(
            name=TOLD,
            subjects=("izumi.told.>",),
            num_replicas=replicas,
            max_bytes=64 << 20,
            max_msgs_per_subject=1,
            deny_delete=True,
            deny_purge=True,
        ),
        # What people did to the library: its history for all hosts. The state of an
        # operation is with the host that does it, so that the oldest may go.
        StreamConfig(
            name=LIBRARY,
            subjects=("izumi.library.>",),
            num_replicas=replicas,
            max_bytes=8 << 20,
            max_msgs_per_subject=1,
            deny_delete=True,
            deny_purge=True,
        ),
    )


def file_bytes(replicas: int = 1) -> int:
    """Bytes of disk that the streams reserve on each server that holds them."""
    return sum(stream.max_bytes for stream in streams(replicas))


def _unit(unit: str) -> _Unit:
    return _UNITS.get(unit, _Unit(by_priority=False, wants=()))


def consumer_names(unit: str, group: str) -> tuple[str, ...]:
    """Names of a group's consumers, most urgent first. `parse_consumer` reads them."""
    base = f"{unit}_{token(group)}"
    return tuple(f"{base}_{p}" for p in PRIORITIES) if _unit(unit).by_priority else (base,)


def parse_consumer(name: str) -> tuple[str, str, str]:
    """A consumer's name -> unit, group, priority.

    The priority is "normal" where the unit has one consumer for all.

    Raises:
        ValueError: The name is not one of Izumi's.
    """
    unit, _, rest = name.partition("_")
    priority = "normal"
    if _unit(unit).by_priority:
        rest, _, priority = rest.rpartition("_")
    if not _UNIT.fullmatch(unit) or not rest or priority not in PRIORITIES:
        msg = f"not a consumer of Izumi: {name!r}"
        raise ValueError(msg)
    return unit, untoken(rest), priority


def consumers(
    memberships: Iterable[Membership], *, ack_wait_s: float = 10.0, max_deliver: int = 10_000
) -> tuple[ConsumerConfig, ...]:
    """The consumers of these groups.

    `max_deliver` is a backstop: attempts are counted in the job log, since the server's
    own count also grows with hand-overs and can fall back after a crash. At the longest
    pause between attempts the default lasts longer than the stream keeps the message.

    Raises:
        ConfigError: The same group twice.
    """
    made: dict[str, ConsumerConfig] = {}
    for member in memberships:
        for name in consumer_names(member.unit, member.group):
            if name in made:
                raise ConfigError(f"group {member.group!r} of {member.unit} is there twice")
            made[name] = ConsumerConfig(
                name=name,
                durable_name=name,
                filter_subjects=_filters(member, parse_consumer(name)[2]),
                deliver_policy=member.deliver,
                ack_wait=round(ack_wait_s * _S),
                max_deliver=max_deliver,
            )
    return tuple(made.values())


def _filters(member: Membership, priority: str) -> tuple[str, ...]:
    """What one consumer hears: broadcast facts, and orders to its group."""
    by_priority = _unit(member.unit).by_priority
    level = priority if by_priority else "*"
    found = []
    for want in member.wanted:
        if want.fact in _WITH_PRIORITY:
            subs: tuple[str, ...] = ("*",) if set(want.subs) in ({*SUBS}, set()) else want.subs
            found += [f"izumi.file.{want.fact}.{sub}.{level}.>" for sub in dict.fromkeys(subs)]
        elif level in {"*", "normal"}:
            found.append(f"izumi.file.{want.fact}.>")
    return (*found, f"izumi.do.{member.unit}.{token(member.group)}.{level}.>")
