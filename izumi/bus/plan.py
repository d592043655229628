"""A pure plan from what a server has to what is wanted."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from izumi.bus.topology import ConsumerConfig, StreamConfig

RESTORING: Final = "izumi-restoring"
"""Mark in the metadata of a stream that a restore has not finished, or not begun to fill."""


class Found(NamedTuple):
    """What a server has: its own JSON settings by name."""

    streams: Mapping[str, Mapping[str, Any]]
    consumers: Mapping[str, Mapping[str, Any]]


class Change(NamedTuple):
    """One step of a plan, or a reason why there is none.

    `config` is what the server is to be sent: its present settings with ours over them,
    so that settings which Izumi does not know stay as someone made them.
    """

    action: Literal["create", "update", "keep", "impossible"]
    kind: Literal["stream", "consumer"]
    name: str
    config: Mapping[str, Any]
    reason: str = ""


def plan(found: Found, wanted: Sequence[StreamConfig | ConsumerConfig]) -> list[Change]:
    """Steps from what is there to what is wanted, in a working order.

    Nothing is ever deleted, and what is not wanted (the groups of other hosts) is left
    alone.
    """
    ordered = sorted(wanted, key=lambda config: isinstance(config, ConsumerConfig))
    return [_change(found, config) for config in ordered]


def settings_of(config: StreamConfig | ConsumerConfig) -> dict[str, Any]:
    """The settings as the server writes them in JSON."""
    settings: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(config))
    return settings


def _change(found: Found, wanted: StreamConfig | ConsumerConfig) -> Change:
    kind: Literal["stream", "consumer"] = "consumer"
    there = found.consumers
    if isinstance(wanted, StreamConfig):
        kind, there = "stream", found.streams
    ours = settings_of(wanted)
    present = there.get(wanted.name)
    if present is None:
        return Change("create", kind, wanted.name, ours)
    if kind == "stream" and RESTORING in (present.get("metadata") or {}):
        reason = "a restore of it was not finished: repeat izumi-admin bus restore"
        return Change("impossible", kind, wanted.name, ours, reason)
    if kind == "consumer":
        # Counts only when a consumer is made, and the server refuses to change it.
        ours["deliver_policy"] = present.get("deliver_policy", "all")
    differ = {key: present.get(key) for key, value in ours.items() if _differs(present, key, value)}
    if not differ:
        return Change("keep", kind, wanted.name, ours)
    told = ", ".join(f"{key} {differ[key]!r} -> {ours[key]!r}" for key in sorted(differ))
    stuck = sorted(key for key in differ if _is_fixed(key, differ[key]))
    if stuck:
        reason = f"{told}: the server cannot change {', '.join(stuck)} of a {kind} that exists"
        return Change("impossible", kind, wanted.name, ours, reason)
    return Change("update", kind, wanted.name, {**present, **ours}, told)


def _differs(present: Mapping[str, Any], key: str, value: Any) -> bool:
    # The server leaves out what is false or empty.
    have = present.get(key, type(value)())
    if isinstance(value, list):
        return sorted(have) != sorted(value)
    return bool(have != value)


def _is_fixed(key: str, present: Any) -> bool:
    if key in {"deny_delete", "deny_purge", "allow_msg_ttl"}:
        return bool(present)
    return key in {"retention", "storage", "ack_policy", "max_waiting"}
