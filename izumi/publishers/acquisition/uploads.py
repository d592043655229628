"""One staged file to all its destinations at once, each on its own, with progress told."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from izumi.bus.ports import Bus
from izumi.domain import events, subjects
from izumi.domain.errors import BusUnavailable, Held, Unavailable
from izumi.domain.events import File, Progress
from izumi.storage.ports import Location, OnProgress, Store

UNIT = "acquisition"
_TELL_S = 1.0


class Telling:
    """Tells the bus how far the uploads of one file are, once a second at most."""

    def __init__(
        self, bus: Bus, file: File, *, instance: str, now: Callable[[], dt.datetime]
    ) -> None:
        self._bus = bus
        self._file = file
        self._instance = instance
        self._now = now
        self._fractions: dict[str, float] = {}
        self._running = 0
        self._telling: asyncio.Task[None] | None = None

    def of(self, location: Location) -> OnProgress:
        """What an upload to `location` is to call."""
        self._fractions[location.name] = 0.0

        def note(fraction: float) -> None:
            self._fractions[location.name] = fraction

        return note

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell from now on until the end of the block, or of the last one of several."""
        self._running += 1
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())
        telling = self._telling
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._telling = None
                telling.cancel()
                await asyncio.wait({telling})

    async def _tell(self) -> None:
        told: dict[str, float] = {}
        while True:
            if told != self._fractions and self._fractions:
                told = dict(self._fractions)
                with contextlib.suppress(BusUnavailable):
                    subject = subjects.progress(UNIT, "", self._file.id)
                    await self._bus.tell(subject, self._message())
            await asyncio.sleep(_TELL_S)

    def _message(self) -> bytes:
        each = self._fractions
        return events.encode(
            Progress(
                unit=UNIT,
                group="",
                job=self._file.id,
                instance=self._instance,
                name=self._file.key,
                step="uploading",
                fraction=sum(each.values()) / len(each),
                detail=", ".join(f"{name} {part:.0%}" for name, part in sorted(each.items())),
                at=self._now(),
            )
        )


async def upload(
    store: Store,
    src: Path,
    file: File,
    to: Sequence[Location],
    *,
    token: str,
    old_tokens: Collection[str],
    telling: Telling,
    uploading: Callable[[str], AbstractContextManager[None]],
) -> tuple[list[str], list[Held | Unavailable]]:
    """Put a file to every location; one that fails does not stop the others.

    Returns:
        The names of the locations that hold it, proved, and what the others said.
    """

    async def put(location: Location) -> None:
        if old_tokens:
            await store.sweep(location, frozenset(old_tokens))
        with uploading(location.name):
            await store.put(src, file, location, token=token, progress=telling.of(location))

    async with telling.running():
        results = await asyncio.gather(*map(put, to), return_exceptions=True)
    proved: list[str] = []
    failed: list[Held | Unavailable] = []
    for location, result in zip(to, results, strict=True):
        if result is None:
            proved.append(location.name)
        elif isinstance(result, Held | Unavailable):
            failed.append(result)  # a store names the place
        else:
            raise result
    return proved, failed
