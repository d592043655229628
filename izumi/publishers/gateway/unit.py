"""The gateway as a unit: serves until asked to stop, and tells how it is."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from izumi.publishers.gateway.events import Events
from izumi.publishers.gateway.guard import App
from izumi.publishers.gateway.server import server
from izumi.publishers.gateway.settings import GatewaySettings
from izumi.runtime.figures import Look

log = structlog.get_logger()


@dataclass(kw_only=True)
class Gateway:
    """One HTTP server.

    Attributes:
        settings: `[gateway]`.
        app: What it serves.
        socket: Where; taken over, and closed at the end.
        has_keys: Whether anybody could come in.
        figures: Its counters.
        events: Streams, which end when it does.
        astray: Routes that lead to nobody here, for people.
        drain_s: Seconds that running requests get to finish.
    """

    settings: GatewaySettings
    app: App
    socket: socket.socket
    has_keys: Callable[[], bool]
    figures: Look
    events: Events
    astray: Sequence[str] = ()
    drain_s: float = 5.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until asked to stop; what is being answered then is answered first."""
        at = "{}:{}".format(*self.socket.getsockname()[:2])
        http = server(
            self.app,
            header_s=self.settings.header_s,
            most_connections=self.settings.most_connections,
            drain_s=self.drain_s,
        )
        log.info("gateway.listening", at=at, routes=sorted(self.settings.routes))
        for one in self.astray:
            log.warning("gateway.route_to_nobody", reason=one)
        if trouble := self._closed_or_open():
            log.warning("gateway.open" if self.settings.open else "gateway.closed", reason=trouble)
        serving = asyncio.create_task(http.serve(sockets=[self.socket]))
        asked = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
            self.events.close()
            http.should_exit = True
            await serving
        finally:
            asked.cancel()
            serving.cancel()
            await asyncio.gather(serving, asked, return_exceptions=True)
            self.socket.close()
            log.info("gateway.stopped", at=at)

    def trouble(self) -> str:
        """What a keeper should know; empty: all is well."""
        return "; ".join(filter(None, (self._closed_or_open(), *self.astray)))

    def _closed_or_open(self) -> str:
        if self.settings.open:
            return "open = true: whoever reaches it may submit work without a key"
        if not self.has_keys():
            return "there is no key: every request is refused; see izumi-admin keys add"
        return ""
