"""What answers are written to: few packets, and an end that the client gets to read."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

_LINGER_S: Final = 5.0
_READ_BYTES: Final = 16384
"""At once: no client has more of the memory and of the time than another one."""


class Line(asyncio.Transport):
    """A transport around another one.

    What is written in one turn of the loop leaves together: the head of an answer and its
    body. To close while the client still sends would make its system throw away the answer
    unread (a reset), so that the rest is taken, and dropped, for a moment first.

    Args:
        transport: The real one.
        is_more_to_come: Whether the client may still be sending.
    """

    def __init__(self, transport: asyncio.Transport, is_more_to_come: Callable[[], bool]) -> None:
        super().__init__()
        # What asyncio's transports ask the socket for; 256 KiB otherwise.
        transport.max_size = _READ_BYTES  # type: ignore[attr-defined]
        self._transport = transport
        self._is_more_to_come = is_more_to_come
        self._pieces: list[bytes] = []
        self._closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send soon; after `close`, never."""
        if self._closing:
            return
        if not self._pieces:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pieces.append(bytes(data))

    def is_closing(self) -> bool:
        """Whether nothing more is read."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Send what is written, and close."""
        if self._closing:
            return
        self._closing = True
        self._flush()
        if not self._is_more_to_come() or self._transport.is_closing():
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        asyncio.get_running_loop().call_later(_LINGER_S, self._transport.abort)

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._pieces.clear()
        self._transport.abort()

    def pause_reading(self) -> None:
        """Take nothing for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take what comes."""
        self._transport.resume_reading()

    def _flush(self) -> None:
        if self._pieces:
            self._transport.write(b"".join(self._pieces))
            self._pieces.clear()
