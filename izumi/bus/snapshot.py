"""Whole streams to and from the server, with their consumers, by its snapshot API.

The server sends an archive in chunks, so many at once as its window allows, and goes on
as they are acknowledged. Restoring answers each chunk when it is taken.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from nats.aio.msg import Msg

from izumi.bus.connection import Connection
from izumi.bus.provision import explained
from izumi.domain.errors import BusUnavailable, UserError

CHUNK_BYTES: Final = 128 << 10
OLDEST: Final = (2, 15, 0)
"""Servers before write and read an archive that depends on how they lay out files."""

_ANSWER_S: Final = 20.0
_SILENCE_S: Final = 30.0
_STORED_S: Final = 300.0  # a thousand messages, each synced to a slow disk
_NOT_FOUND: Final = (10014, 10059)
_IN_USE: Final = (10058, 10130)


class Taken(NamedTuple):
    """What the server said of a stream when its snapshot began: its own JSON."""

    config: Mapping[str, Any]
    state: Mapping[str, Any]


class Busy(BusUnavailable):
    """A stream of that name is there, or is being made or removed."""


def check_version(connection: Connection) -> str:
    """The server's version.

    Raises:
        UserError: It is too old.
    """
    found = connection.nc.connected_server_version
    version = f"{found.major}.{found.minor}.{found.patch}"
    if (found.major, found.minor, found.patch) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UserError(f"nats-server is {version}, and a backup wants {oldest} or newer")
    return version


async def call(
    connection: Connection, name: str, request: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Ask the server's JetStream something; {} where the thing is not there.

    Raises:
        Busy: The name is taken.
        BusUnavailable: It does not answer, or refuses.
    """
    data = json.dumps(request).encode() if request else b""
    answer = await connection.request(f"$JS.API.{name}", data, timeout_s=_ANSWER_S)
    said: dict[str, Any] = msgspec.json.decode(answer.data)
    return _checked(name, said)


def _checked(name: str, said: dict[str, Any]) -> dict[str, Any]:
    error = said.get("error")
    if error is None:
        return said
    if error.get("err_code") in _NOT_FOUND:
        return {}
    kind = Busy if error.get("err_code") in _IN_USE else BusUnavailable
    raise kind(f"{name}: {explained(error)}")


async def take(connection: Connection, stream: str, write: Callable[[bytes], object]) -> Taken:
    """Have the server send a stream and its consumers.

    Args:
        connection: As admin.
        stream: Its name.
        write: Is given the archive, chunk by chunk.

    Raises:
        UserError: There is no such stream.
        BusUnavailable: It did not come to its end.
    """
    arrived = asyncio.Queue[Msg]()
    inbox = connection.nc.new_inbox()
    epoch = connection.epoch
    hearing = await connection.subscribe(inbox, arrived.put_nowait)
    try:
        request = {"deliver_subject": inbox, "chunk_size": CHUNK_BYTES}
        said = await call(connection, f"STREAM.SNAPSHOT.{stream}", request)
        if not said:
            raise UserError(f"there is no stream {stream}; izumi-admin bus apply makes it")
        while True:
            try:
                async with asyncio.timeout(_SILENCE_S):
                    chunk = await arrived.get()
            except TimeoutError:
                raise BusUnavailable(f"{stream}: the server sends nothing any more") from None
            if connection.epoch != epoch:
                raise BusUnavailable(f"{stream}: the connection to the bus was lost")
            if not chunk.data:
                break
            await asyncio.to_thread(write, chunk.data)
            if chunk.reply:
                await connection.send(chunk.reply)
    finally:
        await connection.unsubscribe(hearing)
    headers = chunk.headers or {}
    if headers.get("Status", "204") != "204":
        raise BusUnavailable(f"{stream}: {headers.get('Status')} {headers.get('Description', '')}")
    return Taken(said["config"], said["state"])


async def give(
    connection: Connection, taken: Taken, chunks: Iterable[bytes], told: Callable[[int], object]
) -> None:
    """Have the server make a stream of an archive. It must not be there.

    Should this end early, a part of the stream is there some seconds later.

    Args:
        connection: As admin.
        taken: As `take` gave it; the settings may be others.
        chunks: The archive.
        told: Is told of the bytes that were taken.

    Raises:
        Busy: It is there, or is still being made or removed.
        BusUnavailable: It did not come to its end.
    """
    stream = str(taken.config["name"])
    name = f"STREAM.RESTORE.{stream}"
    said = await call(connection, name, {"config": taken.config, "state": taken.state})
    subject = str(said["deliver_subject"])
    for chunk in chunks:
        answer = await connection.request(subject, chunk, timeout_s=_STORED_S)
        if answer.data:  # it gave up, and says why
            _checked(name, msgspec.json.decode(answer.data))
        told(len(chunk))
    answer = await connection.request(subject, timeout_s=_STORED_S)
    _checked(name, msgspec.json.decode(answer.data))
