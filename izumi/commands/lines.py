"""Lines of standard input, taken as they come."""

import io
import select
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final

_MOST: Final = 500
_READ_BYTES: Final = 1 << 16
_LINGER_S: Final = 0.02


def chunks(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Lines without their ends, as many at once as are there, at most 500.

    Whoever writes one line and waits for its answer gets it; whoever writes thousands has
    them taken together.
    """
    ready: deque[bytes] = deque()
    rest, ended = b"", False
    while True:
        while not ended and (not ready or (len(ready) < _MOST and _has_more(stream))):
            read = stream.read1(_READ_BYTES)  # type: ignore[attr-defined]  # of buffered streams
            ended = not read
            *lines, rest = (rest + read).split(b"\n")
            ready.extend(lines)
        if ended and rest:
            ready.append(rest)
            rest = b""
        if not ready:
            return
        yield [ready.popleft().rstrip(b"\r") for _ in range(min(_MOST, len(ready)))]


def _has_more(stream: BinaryIO) -> bool:
    """Whether reading would return at once, or nearly so."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        return True  # it is in memory
    return bool(select.select([descriptor], [], [], _LINGER_S)[0])
