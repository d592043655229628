"""A service on loopback that takes any request, as ntfy, Gotify and plain JSON hooks do."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import web

from tests.support.discord import serving

CANARY = "canary-Tok3n-of-a-service"


class Request(NamedTuple):
    """What came: `body` decoded where it is JSON."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Gatherer:
    """The service and what it saw.

    Attributes:
        received: Every request.
        statuses: For the next answers; then 200.
        open: While it is not set, answers wait.
    """

    address: str = ""
    received: list[Request] = field(default_factory=list)
    statuses: deque[int] = field(default_factory=deque)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        text = (await request.read()).decode()
        try:
            body: Any = json.loads(text)
        except ValueError:
            body = text
        self.received.append(Request(request.path, dict(request.headers), body))
        await self.open.wait()
        status = self.statuses.popleft() if self.statuses else 200
        headers = {"Location": f"http://{self.address}/moved"} if status == 302 else {}
        # An answer that tells the key, as error pages of proxies do.
        return web.json_response({"id": "1", "key": CANARY}, status=status, headers=headers)


@contextlib.asynccontextmanager
async def gatherer() -> AsyncIterator[Gatherer]:
    """A running one."""
    service = Gatherer()
    service.open.set()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    async with serving(app) as service.address:
        yield service
        service.open.set()
