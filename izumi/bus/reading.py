"""Reading stored messages without a consumer: by sequence, in pages, last of each subject."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from nats.aio.msg import Msg

from izumi.bus import topology
from izumi.bus.client import status
from izumi.bus.connection import Connection
from izumi.bus.ports import Stored
from izumi.domain.errors import BusUnavailable, Rejected

_ANSWER_S: Final = 5.0
_PAGE: Final = 500
_STREAMS: Final = {
    "izumi.progress": topology.PROGRESS,
    "izumi.node": topology.NODES,
    "izumi.rule": topology.RULES,
    "izumi.told": topology.TOLD,
    "izumi.library": topology.LIBRARY,
    "izumi.letter": topology.DEAD,
}
"""Where subjects are kept by their beginning; all others are in `IZUMI`."""
_ADDED: Final = frozenset(
    {
        "Nats-Stream",
        "Nats-Subject",
        "Nats-Sequence",
        "Nats-Time-Stamp",
        "Nats-Num-Pending",
        "Nats-Last-Sequence",
        "Nats-UpTo-Sequence",
    }
)
"""Headers of the answer, not of the message."""


def stored(answer: Msg) -> Stored:
    """A message from the answer to a direct get."""
    headers = answer.headers or {}
    own = {key: value for key, value in headers.items() if key not in _ADDED}
    at = headers.get("Nats-Time-Stamp", "")
    return Stored(headers["Nats-Subject"], answer.data, int(headers["Nats-Sequence"]), own, at)


def stream_of(subject: str) -> str:
    """The stream that keeps a subject."""
    return _STREAMS.get(".".join(subject.split(".")[:2]), topology.STREAM)


async def latest(connection: Connection, pattern: str) -> list[Stored]:
    """The last message on every subject that matches, oldest first.

    The server gives at most 1024 such messages at once, so the subjects are listed
    first. Raises BusUnavailable, and Rejected for more than the server lists (100000).
    """
    stream = stream_of(pattern)
    return await last_of_each(connection, stream, await _subjects(connection, stream, pattern))


async def last_of_each(
    connection: Connection, stream: str, subjects: Sequence[str]
) -> list[Stored]:
    """The last message on each of these subjects, oldest first. Raises BusUnavailable."""
    found: list[Stored] = []
    for start in range(0, len(subjects), _PAGE):
        wanted = {"multi_last": [*subjects[start : start + _PAGE]]}
        found += await _direct(connection, stream, wanted)
    return sorted(found, key=lambda message: message.seq)


async def by_seq(connection: Connection, stream: str, seq: int) -> Stored | None:
    """One message; None when it is not there any more. Raises BusUnavailable."""
    found = await _direct(connection, stream, {"seq": seq, "batch": 1})
    return next((message for message in found if message.seq == seq), None)


async def page(connection: Connection, stream: str, start: int) -> list[Stored]:
    """Some messages from a sequence on; empty at the end. Raises BusUnavailable."""
    return await _direct(connection, stream, {"seq": start, "batch": _PAGE})


async def matching(
    connection: Connection, stream: str, pattern: str, *, start: int, most: int
) -> list[Stored]:
    """Messages of some subjects from a sequence on, oldest first. Raises BusUnavailable."""
    wanted = {"seq": start, "batch": most, "next_by_subj": pattern}
    return await _direct(connection, stream, wanted)


async def every(
    connection: Connection, stream: str, pattern: str, *, start: int = 1, since: str = ""
) -> list[Stored]:
    """All messages of some subjects, oldest first, in pages.

    Args:
        connection: Where from.
        stream: Its name.
        pattern: Of the subjects.
        start: From this place on.
        since: From this time on, in ISO 8601, instead of a place.

    Raises:
        BusUnavailable: The stream did not answer.
    """
    found: list[Stored] = []
    begin: dict[str, Any] = {"start_time": since} if since else {"seq": start}
    while some := await _direct(
        connection, stream, {**begin, "batch": _PAGE, "next_by_subj": pattern}
    ):
        found += some
        begin = {"seq": some[-1].seq + 1}
    return found


async def _subjects(connection: Connection, stream: str, pattern: str) -> list[str]:
    request = json.dumps({"subjects_filter": pattern}).encode()
    answer = await connection.request(f"$JS.API.STREAM.INFO.{stream}", request, timeout_s=_ANSWER_S)
    info = msgspec.json.decode(answer.data)
    if "error" in info:
        raise BusUnavailable(f"stream {stream}: {info['error'].get('description')}")
    subjects = sorted(info["state"].get("subjects") or ())
    if info.get("total", 0) > len(subjects):
        raise Rejected(f"more than {len(subjects)} subjects match {pattern}: ask for fewer")
    return subjects


async def _direct(connection: Connection, stream: str, wanted: dict[str, Any]) -> list[Stored]:
    queue: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = connection.nc.new_inbox()
    subscription = await connection.subscribe(inbox, queue.put_nowait)
    found: list[Stored] = []
    try:
        await connection.pull(
            f"$JS.API.DIRECT.GET.{stream}", json.dumps(wanted).encode(), reply=inbox
        )
        while True:
            async with asyncio.timeout(_ANSWER_S):
                answer = await queue.get()
            match status(answer):
                case "":
                    found.append(stored(answer))
                case "204" | "404":
                    return found
                case other:
                    why = (answer.headers or {}).get("Description", "")
                    raise BusUnavailable(f"stream {stream}: {other} {why}")
    except TimeoutError as exc:
        raise BusUnavailable(f"stream {stream} did not answer in {_ANSWER_S:g} s") from exc
    finally:
        await connection.unsubscribe(subscription)
