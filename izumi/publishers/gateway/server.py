"""uvicorn on our own loop, with limits that it has not: slow heads, silent readers, crowds."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Iterator
from typing import Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from izumi.domain.errors import UserError
from izumi.publishers.gateway.guard import HEADERS, App
from izumi.runtime.settings import parsed

_MOST_HEADER_BYTES: Final = 16384
_BACKLOG: Final = 512
_READ_S: Final = 10.0


class Connection(H11Protocol):
    """One connection; a subclass says what it may.

    Attributes:
        header_s: How long the head of a request may take, from the first moment that could
            be its own: since the connection was made, or the answer before was given.
        most_connections: At once.
    """

    header_s = 5.0
    most_connections = 512
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base
        """Begin to wait for a request; of too many connections, one goes."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self.most_connections:
            min(self.connections, key=_silent_since).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        for timer in (self._deadline, self._unread):
            if timer is not None:
                timer.cancel()
        self._deadline = self._unread = None
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what came."""
        try:
            super().handle_events()
        except h11.LocalProtocolError:
            # Nonsense behind a request that is being answered.
            self.transport.abort()
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(_READ_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It read."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, with our headers."""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"connection", b"close"),
            *HEADERS,
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=msg.encode("ascii", "replace")),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch(self) -> None:
        waits = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        if waits and self._deadline is None:
            self._deadline = self.loop.call_later(self.header_s, self.transport.abort)
        elif not waits and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    @property
    def silent_since(self) -> float:
        """When it began to wait for a request; infinite while one is worked on."""
        return self._deadline.when() if self._deadline is not None else math.inf


def _silent_since(one: object) -> float:
    return one.silent_since if isinstance(one, Connection) else math.inf


class Server(uvicorn.Server):
    """One that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: stopping is asked for by `should_exit`."""
        yield


def server(app: App, *, header_s: float, most_connections: int, drain_s: float) -> Server:
    """A server for an application; `serve(sockets=[...])` runs it."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    limits = {"header_s": header_s, "most_connections": most_connections}
    config = uvicorn.Config(
        app,
        http=type("Limited", (Connection,), limits),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        timeout_keep_alive=max(1, round(header_s)),
        timeout_graceful_shutdown=max(1, round(drain_s)),
    )
    return Server(config)


def bound(listen: str) -> socket.socket:
    """A socket at an address.

    Raises:
        UserError: It is taken, or not one of this host's.
    """
    host, port = parsed(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(_BACKLOG)
    except OSError as exc:
        made.close()
        raise UserError(f"[gateway] listen: {listen} cannot be used: {exc.strerror}") from exc
    made.settimeout(0)
    return made
