"""From a backup and what a server has to what a restore does. Pure.

A stream that is being restored carries a mark in its settings, from its first moment
until everything is restored and proved. A restore that was killed is known by it, and
`plan.py` lets no `bus apply` pass over it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from izumi.bus.backup_files import Kept, Manifest
from izumi.bus.plan import RESTORING
from izumi.bus.topology import STREAM

_NS: Final = 1_000_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Action = Literal["keep", "finish", "create", "redo", "replace"]


class Present(NamedTuple):
    """A stream of the server: its own JSON."""

    config: Mapping[str, Any]
    state: Mapping[str, Any]

    @property
    def mark(self) -> str:
        """Of which backup it is being restored; empty: it is not."""
        return str((self.config.get("metadata") or {}).get(RESTORING, ""))


class Step(NamedTuple):
    """What is done with one stream.

    `keep`: it is as in the backup. `finish`: it is too, and still marked. `create`: it is
    not there, or nothing was ever in it. `redo`: a restore of it ended early. `replace`:
    it holds something else, which is lost.
    """

    action: Action
    kept: Kept
    messages: int = 0


def steps(manifest: Manifest, there: Mapping[str, Present], *, now: dt.datetime) -> list[Step]:
    """What is done, in order: the stream of facts comes last, since units work on it."""
    last = sorted(manifest.streams, key=lambda kept: kept.name == STREAM)
    return [_step(manifest.id, kept, there.get(kept.name), now) for kept in last]


def _step(backup: str, kept: Kept, present: Present | None, now: dt.datetime) -> Step:
    if present is None:
        return Step("create", kept)
    messages = int(present.state["messages"])
    if is_same(kept, present.state, now=now) and present.mark in {"", backup}:
        return Step("finish" if present.mark else "keep", kept, messages)
    if present.mark:
        return Step("redo", kept, messages)
    if not messages and not present.state["last_seq"]:
        return Step("create", kept)
    return Step("replace", kept, messages)


def is_same(kept: Kept, state: Mapping[str, Any], *, now: dt.datetime) -> bool:
    """Whether a stream holds what is in the backup, and nothing else.

    Messages may be missing that have become too old since: the server drops them.
    """
    if state["last_seq"] != kept.last_seq:
        return False
    if int(state.get("consumer_count", 0)) != len(kept.consumers):
        return False
    if state["messages"] and nanoseconds(state["last_ts"]) != kept.last_ns:
        return False
    if state["messages"] == kept.messages:
        return not kept.messages or nanoseconds(state["first_ts"]) == kept.first_ns
    return bool(state["messages"] < kept.messages and _may_miss(kept, now))


def problems(
    kept: Kept,
    state: Mapping[str, Any],
    infos: Mapping[str, Mapping[str, Any]],
    *,
    now: dt.datetime,
) -> list[str]:
    """What of a restored stream is not as in the backup.

    Args:
        kept: As it should be.
        state: As it is.
        infos: Its consumers by name, as the server describes them.
        now: The time.
    """
    found = []
    if not is_same(kept, {**state, "consumer_count": len(kept.consumers)}, now=now):
        found.append(
            f"it has {state['messages']} messages up to {state['last_seq']}, and not "
            f"{kept.messages} up to {kept.last_seq}"
        )
    for name, wanted in kept.consumers.items():
        info = infos.get(name)
        if info is None:
            found.append(f"its consumer {name} is not there")
            continue
        is_at = (info["delivered"]["stream_seq"], info["ack_floor"]["stream_seq"])
        if is_at != (wanted.delivered, wanted.floor) and not _may_miss(kept, now):
            found.append(f"its consumer {name} is at {is_at[1]}, and not at {wanted.floor}")
    return found


def _may_miss(kept: Kept, now: dt.datetime) -> bool:
    """Whether some of the messages may be too old by now."""
    max_age = int(kept.config.get("max_age") or 0)
    age = (now - _EPOCH) // dt.timedelta(microseconds=1) * 1000 - kept.first_ns
    return bool(kept.config.get("allow_msg_ttl")) or bool(max_age and age >= max_age - 60 * _NS)


def marked(config: Mapping[str, Any], backup: str) -> dict[str, Any]:
    """Settings with the mark of a backup; without one when that is empty."""
    metadata = dict(config.get("metadata") or {})
    metadata.pop(RESTORING, None)
    return {**config, "metadata": metadata | ({RESTORING: backup} if backup else {})}


def nanoseconds(text: str) -> int:
    """A time as the server writes it, in nanoseconds since 1970."""
    whole, _, rest = text.rstrip("Z").partition(".")
    second = dt.datetime.fromisoformat(whole).replace(tzinfo=dt.UTC)
    return int((second - _EPOCH).total_seconds()) * _NS + int(rest.ljust(9, "0")[:9] or 0)


def lost(planned: Sequence[Step]) -> list[Step]:
    """The steps that lose what is there."""
    return [step for step in planned if step.action == "replace"]
