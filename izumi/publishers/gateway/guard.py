"""What stands before every handler: bodies bounded in size and time, headers on every answer."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""On everything served: answers are for programs, and no browser may run or frame them."""

_NAMES: Final = frozenset(name for name, _ in HEADERS)


_SMALL_BYTES: Final = 4096
_MOST_HELD_BYTES: Final = 8 << 20
"""Of all bodies at once, without the first `_SMALL_BYTES` of each: requests that order work are
small, so that a crowd of large ones neither costs memory nor keeps them out."""
_LATER_S: Final = 5


class _TooLarge(Exception):
    pass


class _Crowded(Exception):
    pass


class _Gone(Exception):
    pass


class Guard:
    """An ASGI application around another one.

    Args:
        app: Gets requests whose body is there.
        most_bytes: Of a body.
        body_s: How long it may take to come.
    """

    def __init__(self, app: App, *, most_bytes: int, body_s: float) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._body_s = body_s
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        answer = _with_headers(send)
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_s):
                await self._read(scope, receive, body)
        except TimeoutError:
            await _refuse(answer, 408, b"The request took too long")
        except _TooLarge:
            await _refuse(answer, 413, b"The request is too large")
        except _Crowded:
            later = (b"retry-after", b"%d" % _LATER_S)
            await _refuse(answer, 429, b"Too many large requests at once", later)
        except _Gone:
            return
        else:
            await self._app(scope, _replay(bytes(body), receive), answer)
        finally:
            self._held -= _beyond(len(body))

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> None:
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if any(len(text) > 18 or int(text) > self._most_bytes for text in lengths):
            raise _TooLarge
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _Gone
            piece = message.get("body", b"")
            size = len(body) + len(piece)
            if size > self._most_bytes:
                raise _TooLarge
            more = _beyond(size) - _beyond(len(body))
            if self._held + more > _MOST_HELD_BYTES:
                raise _Crowded
            self._held += more
            body += piece
            if not message.get("more_body", False):
                return


def _beyond(size: int) -> int:
    return max(0, size - _SMALL_BYTES)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once, then what comes: that the client left."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [pair for pair in message.get("headers", ()) if pair[0].lower() not in _NAMES]
            message = {**message, "headers": [*own, *HEADERS]}
        await send(message)

    return add


async def _refuse(send: Send, status: int, text: bytes, *more: tuple[bytes, bytes]) -> None:
    await say(send, status, text, [(b"connection", b"close"), *more])


async def say(
    send: Send, status: int, text: bytes, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Answer in plain text."""
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(text)),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": False})
