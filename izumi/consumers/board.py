"""The record of what a group told of a show, changed by one job at a time.

Jobs about one show wait for each other, in this process and on others: two that each
posted the first message of an episode would have told it twice. The record of the bus says
who is at it; a holder that shows no sign of life for `patience_s` was killed, and the next
one takes over. Every write demands that nobody else wrote since.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

import msgspec
import structlog

from izumi.bus.ports import Bus, Conflict, Outgoing, Stored
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, Fenced, Unavailable, UnknownEvent
from izumi.domain.events import Told, encode

log = structlog.get_logger()

_records: Final = msgspec.json.Decoder(Told)
_LOOK_S: Final = 0.25
_AGAIN_S: Final = 5.0
_SAVE_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)


class Page:
    """The record of one show while it is ours.

    Attributes:
        told: As it is stored.
    """

    def __init__(self, bus: Bus, subject: str, told: Told, seq: int) -> None:
        self.told = told
        self._bus = bus
        self._subject = subject
        self._seq = seq
        self._writing = asyncio.Lock()

    async def save(self, change: Callable[[Told], Told]) -> None:
        """Store the record as `change` makes it, through an outage of the bus.

        To give up here is to tell twice.

        Raises:
            Fenced: Someone else took over; nothing was stored.
        """
        async with self._writing:
            wanted = change(self.told)
            if wanted != self.told:
                await self._store(wanted)

    async def renew(self) -> None:
        """Show that the work goes on. Raises Fenced, BusUnavailable."""
        async with self._writing:
            await self._publish(self.told)

    async def _store(self, wanted: Told) -> None:
        tries = 0
        while True:
            try:
                return await self._publish(wanted)
            except BusUnavailable as exc:
                pause_s = _SAVE_PAUSES_S[min(tries, len(_SAVE_PAUSES_S) - 1)]
                tries += 1
                log.warning("notifier.bus_away", show=self.told.show, reason=str(exc))
                await asyncio.sleep(pause_s)

    async def _publish(self, wanted: Told) -> None:
        data = encode(wanted)
        try:
            self._seq = await self._bus.publish(Outgoing(self._subject, data, expect=self._seq))
        except Conflict as exc:
            last = await self._bus.last(self._subject)
            if last is None or last.data != data:
                raise Fenced(f"someone else tells of {self.told.show} now") from exc
            self._seq = last.seq  # ours: its receipt was lost
        self.told = wanted


@dataclass(kw_only=True)
class Board:
    """Opens the records of one group.

    Attributes:
        bus: Where they are.
        group: Whose they are.
        patience_s: A holder silent for so long is taken for dead.
        now: Wall clock, for records only.
    """

    bus: Bus
    group: str
    patience_s: float = 30.0
    now: Callable[[], dt.datetime]
    _shows: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @contextlib.asynccontextmanager
    async def open(self, show: str, holder: str, job: str) -> AsyncIterator[Page]:
        """The record of a show, ours until the end of the block.

        Args:
            show: Name of its folder.
            holder: Unique to this attempt at this job.
            job: The job; an earlier attempt at it holds nothing any more.

        Raises:
            Unavailable: Someone else is at it for too long, or the bus is away.
            Fenced: Someone else took over meanwhile.
        """
        lock = self._shows.setdefault(show, asyncio.Lock())
        async with lock:
            page = await self._claim(show, f"{job} {holder}", job)
            renewing = asyncio.create_task(self._renew(page))
            try:
                yield page
            finally:
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)
                with contextlib.suppress(BusUnavailable, Fenced):
                    await page.save(lambda told: msgspec.structs.replace(told, holder=""))

    async def _claim(self, show: str, holder: str, job: str) -> Page:
        subject = subjects.told(self.group, show)
        loop = asyncio.get_running_loop()
        began = loop.time()
        seen, since = -1, began
        while True:
            last = await self.bus.last(subject)
            told, seq = self._read(show, last)
            if seq != seen:
                seen, since = seq, loop.time()
            free = not told.holder or told.holder.partition(" ")[0] == job
            if free or loop.time() - since >= self.patience_s:
                page = Page(self.bus, subject, told, seq)
                with contextlib.suppress(Fenced):
                    await page.save(lambda told: self._held(told, holder))
                    return page
            elif loop.time() - began > 2 * self.patience_s:
                raise Unavailable(f"{told.holder} tells of {show}", retry_after_s=_AGAIN_S)
            await asyncio.sleep(_LOOK_S)

    def _held(self, told: Told, holder: str) -> Told:
        return msgspec.structs.replace(told, holder=holder, at=self.now())

    def _read(self, show: str, last: Stored | None) -> tuple[Told, int]:
        if last is None:
            return Told(group=self.group, show=show, at=self.now()), 0
        try:
            return _records.decode(last.data), last.seq
        except msgspec.DecodeError as exc:
            raise UnknownEvent(f"what was told of {show}, entry {last.seq}: {exc}") from exc

    async def _renew(self, page: Page) -> None:
        while True:
            await asyncio.sleep(self.patience_s / 4)
            try:
                await page.renew()
            except Fenced:
                return
            except BusUnavailable as exc:
                log.info("notifier.not_renewed", show=page.told.show, reason=str(exc))
