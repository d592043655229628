"""What a server has, and carrying out a plan. The role admin may; no other."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog

from izumi.bus.connection import Connection
from izumi.bus.plan import Change, Found, plan
from izumi.bus.topology import (
    STREAM,
    ConsumerConfig,
    Membership,
    StreamConfig,
    consumers,
    streams,
)
from izumi.domain.errors import BusUnavailable, UserError

log = structlog.get_logger("izumi.bus")

_ANSWER_S: Final = 10.0
_NOT_FOUND: Final = (10014, 10059)
_EXISTS: Final = (10148, 10058)
_FULL: Final = 10047


async def found(connection: Connection, wanted: Sequence[StreamConfig | ConsumerConfig]) -> Found:
    """Those of the wanted streams and consumers that are there. Raises BusUnavailable."""
    there: dict[bool, dict[str, Mapping[str, Any]]] = {True: {}, False: {}}
    for config in wanted:
        is_stream = isinstance(config, StreamConfig)
        name = (
            f"STREAM.INFO.{config.name}" if is_stream else f"CONSUMER.INFO.{STREAM}.{config.name}"
        )
        answer = await _call(connection, name, {})
        error = answer.get("error")
        if error is None:
            there[is_stream][config.name] = answer["config"]
        elif error.get("err_code") not in _NOT_FOUND:
            raise BusUnavailable(f"{name}: {error.get('description')}")
    return Found(streams=there[True], consumers=there[False])


async def carry_out(connection: Connection, changes: Iterable[Change]) -> None:
    """Make the changes of a plan, in order.

    Raises:
        UserError: A change is impossible or refused; those before it were made.
        BusUnavailable: The server did not answer.
    """
    for change in changes:
        if change.action == "impossible":
            raise UserError(f"{change.kind} {change.name}: {change.reason}")
        if change.action == "keep":
            continue
        verb = change.action.upper()
        if change.kind == "stream":
            subject, request = f"STREAM.{verb}.{change.name}", dict(change.config)
        else:
            subject = f"CONSUMER.CREATE.{STREAM}.{change.name}"
            request = {"stream_name": STREAM, "action": change.action, "config": change.config}
        error = (await _call(connection, subject, request)).get("error")
        if error is not None and error.get("err_code") not in _EXISTS:
            raise UserError(f"{change.kind} {change.name}: {explained(error)}")
        log.info("bus.changed", action=change.action, kind=change.kind, name=change.name)


async def preview(
    connection: Connection,
    memberships: Iterable[Membership],
    *,
    replicas: int = 1,
    ack_wait_s: float = 10.0,
) -> list[Change]:
    """What `apply` would do; nothing is changed. Raises BusUnavailable."""
    wanted: list[StreamConfig | ConsumerConfig] = [*streams(replicas)]
    wanted += consumers(memberships, ack_wait_s=ack_wait_s)
    return plan(await found(connection, wanted), wanted)


async def apply(
    connection: Connection,
    memberships: Iterable[Membership],
    *,
    replicas: int = 1,
    ack_wait_s: float = 10.0,
) -> list[Change]:
    """Make the streams and the consumers of these groups what they should be.

    Nothing is deleted, and the consumers of groups that are not named stay as they are.

    Returns:
        What was done.

    Raises:
        UserError: Something is impossible; then nothing was changed, or the server
            refused a change.
        BusUnavailable: The server did not answer.
    """
    changes = await preview(connection, memberships, replicas=replicas, ack_wait_s=ack_wait_s)
    stuck = [change for change in changes if change.action == "impossible"]
    if stuck:
        raise UserError("; ".join(f"{c.kind} {c.name}: {c.reason}" for c in stuck))
    await carry_out(connection, changes)
    return changes


def explained(error: Mapping[str, Any]) -> str:
    """What the server complains of, with the way out where there is one."""
    text = str(error.get("description"))
    if error.get("err_code") == _FULL:
        # The server counts the reservation of a stream that exists a second time.
        return f"{text}: give the server at least twice what the streams reserve"
    return text


async def _call(connection: Connection, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    answer = await connection.request(
        f"$JS.API.{name}", json.dumps(request).encode() if request else b"", timeout_s=_ANSWER_S
    )
    decoded: dict[str, Any] = msgspec.json.decode(answer.data)
    return decoded
