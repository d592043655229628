"""uvicorn on our own loop, with limits that it has not: slow heads, silent readers, crowds."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Iterator
from typing import Any, Final

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from izumi.domain.errors import UserError
from izumi.publishers.gateway.guard import HEADERS, App
from izumi.publishers.gateway.line import Line
from izumi.runtime.settings import parsed

_MOST_HEADER_BYTES: Final = 16384
_MOST_WAITING: Final = 16
"""Requests that a client may send before the answer to its first."""
_MOST_WAITING_BYTES: Final = 16384
_MOST_CHUNKS: Final = 2048
_BACKLOG: Final = 512
_READ_S: Final = 10.0
_VERSIONS: Final = frozenset({"1.0", "1.1"})


class _Refused(Exception):
    """Ends the parsing; the parser tells of it as of any nonsense."""


class Connection(HttpToolsProtocol):
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
    _in_head = True
    _head_bytes = 0
    _unparsed = 0
    _chunks = 0
    _waiting_bytes = 0
    _broken = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.parser = self._strict()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base
        """Begin to wait for a request; of too many connections, one goes."""
        super().connection_made(Line(transport, self._is_more_to_come))
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

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._broken or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._unparsed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._as_it_is(data[exc.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("This is no HTTP request.")
        if self._unparsed > _MOST_HEADER_BYTES and not self._broken:
            # One endless line: the parser keeps it until it ends.
            self.send_400_response("The request is too large.")
        self._watch()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head_bytes = self._chunks = 0

    def on_url(self, url: bytes) -> None:
        """Its path, or a part of it."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of its head, or after its last chunk."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._unparsed = 0
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in _VERSIONS or hosts > 1 or (version == "1.1" and not hosts):
            raise _Refused
        if len(self.pipeline) >= _MOST_WAITING or self.parser.get_method() == b"CONNECT":
            raise _Refused
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            self._in_head = False

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._unparsed = 0
        if self.pipeline:
            self._waiting_bytes += len(body)
            if self._waiting_bytes > _MOST_WAITING_BYTES:
                raise _Refused
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """A part of its body begins; of tiny ones only the work would be large."""
        self._chunks += 1
        if self._chunks > _MOST_CHUNKS:
            raise _Refused

    def on_message_complete(self) -> None:
        """It is whole."""
        self._unparsed = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.pipeline:
            self._waiting_bytes = 0
        self._in_head = self.cycle.response_complete
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
        """Refuse what is no HTTP, with our headers; what came whole before it is answered."""
        self._broken = True
        last = self._last()
        if last is None or last.response_complete:
            self._refuse(msg.encode("ascii", "replace"))
        elif not last.more_body:
            last.keep_alive = False
        elif self.pipeline or last.response_started:
            self.transport.abort()
        else:
            self._refuse(msg.encode("ascii", "replace"))

    def _refuse(self, text: bytes) -> None:
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(text)),
            (b"connection", b"close"),
            *HEADERS,
        ]
        lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n%b\r\n%b" % (lines, text))
        self.transport.close()

    def _strict(self) -> httptools.HttpRequestParser:
        # The base's takes data after a last request for another one.
        return httptools.HttpRequestParser(self)

    def _as_it_is(self, rest: bytes) -> None:
        """Take what also asks for another protocol, as HTTP/2, for the request that it is."""
        lines = [b"%b: %b\r\n" % pair for pair in self.headers if pair[0] != b"upgrade"]
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (self.parser.get_method(), self.url, b"".join(lines))
        self.parser = self._strict()
        self.data_received(head + rest)

    def _count(self, size: int) -> None:
        self._unparsed = 0
        self._head_bytes += size
        if self._head_bytes > _MOST_HEADER_BYTES:
            raise _Refused

    def _is_more_to_come(self) -> bool:
        """Whether the client may still be sending what nobody will read."""
        last = self._last()
        return self._broken or (last is not None and last.more_body)

    def _last(self) -> RequestResponseCycle | None:
        """The request that came last, if any did."""
        return self.cycle

    def _watch(self) -> None:
        waits = self._in_head and not self.transport.is_closing()
        if waits and self._deadline is None:
            self._deadline = self.loop.call_later(self.header_s, self.transport.abort)
        elif not waits and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    @property
    def silent_since(self) -> float:
        """When it began to wait for a request; infinite while one is worked on."""
        if self.transport.is_closing():
            return -math.inf
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
