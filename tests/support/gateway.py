"""A gateway on loopback in the loop of the test, and what its clients send."""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from izumi.bus.jetstream import JetStreamBus
from izumi.compose.serving import gateway
from izumi.publishers.gateway import GatewaySettings, keys
from izumi.publishers.gateway.keys import SCOPES, Scope
from izumi.settings import Settings

BODY = {
    "show": "5-Toubun no Hanayome",
    "episode": "5-Toubun no Hanayome - 01 [1080p].mkv",
    "filesize": 99999999,
    "sub": "softsub",
}


class Reply(NamedTuple):
    """An answer."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Client:
    """Asks a gateway; `key` is sent as it is."""

    def __init__(self, port: int, key: str | None) -> None:
        self.port = port
        self.key = key

    async def __call__(self, method: str, path: str, **more: Any) -> Reply:
        headers = dict(more.pop("headers", {}))
        if self.key is not None:
            headers.setdefault("Authorization", self.key)
        url = f"http://127.0.0.1:{self.port}{path}"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session,
            session.request(method, url, headers=headers, **more) as response,
        ):
            text = await response.text()
            return Reply(response.status, text, {k.lower(): v for k, v in response.headers.items()})

    async def post(self, path: str, body: Any = BODY, **more: Any) -> Reply:
        return await self("POST", path, json=body, **more)


def make_key(state: Path, name: str = "tester", scopes: tuple[Scope, ...] = SCOPES) -> str:
    """A key that a gateway with this state folder knows."""
    return keys.add(keys.path_of(state), name, scopes, now=dt.datetime.now(dt.UTC))


@contextlib.asynccontextmanager
async def serving(
    bus: JetStreamBus, state: Path, *, more: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[int]:
    """A gateway's port while the block runs; `more` is of the other tables."""
    settings = {"listen": "127.0.0.1:0", **settings}
    whole = Settings(state=state, host="gate", gateway=GatewaySettings(**settings), **(more or {}))
    unit = gateway(whole, bus)
    port: int = unit.socket.getsockname()[1]
    stopping = asyncio.Event()
    running = asyncio.create_task(unit.run(stopping))
    try:
        yield port
    finally:
        stopping.set()
        await running


@contextlib.asynccontextmanager
async def client(
    bus: JetStreamBus, state: Path, *, more: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Client]:
    """A client with a key that may do everything, and its gateway."""
    key = make_key(state)
    async with serving(bus, state, more=more, **settings) as port:
        yield Client(port, key)
