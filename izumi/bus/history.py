"""What the bus remembers, in order: for whoever follows it, and for what became of one thing."""

from collections.abc import Sequence
from typing import Final

from izumi.bus import reading
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import History, Stored

_MOST: Final = 500
_MOST_ENTRIES: Final = 5000


class JetStreamHistory:
    """See `ports.History`."""

    def __init__(self, bus: JetStreamBus) -> None:
        self._connection = bus.connection

    async def after(self, seq: int, pattern: str, *, most: int = _MOST) -> Sequence[Stored]:
        """Messages that match, after a place in the stream that keeps them."""
        stream = reading.stream_of(pattern)
        return await reading.matching(
            self._connection, stream, pattern, start=seq + 1, most=min(most, _MOST)
        )


async def whole(history: History, subject: str, *, most: int = _MOST_ENTRIES) -> list[Stored]:
    """Every message of a subject, oldest first; of very many, the first ones.

    Raises BusUnavailable.
    """
    found: list[Stored] = []
    while len(found) < most:
        page = await history.after(found[-1].seq if found else 0, subject)
        if not page:
            break
        found += page
    return found
