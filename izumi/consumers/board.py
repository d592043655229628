"""The record of what a group told of a show, changed by one process at a time.

Processes wait for each other: two that each posted the first message of an episode would
have told it twice. The record of the bus says who is at it; a holder that shows no sign of
life for `patience_s` was killed, and the next one takes over. Every write demands that
nobody else wrote since.

Jobs of one process share the record of a show, so that one channel that does not answer
keeps the others from nothing. At each channel they take turns.
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
        lost: Whether someone else took over.
    """

    def __init__(self, bus: Bus, subject: str, told: Told, seq: int) -> None:
        self.told = told
        self.lost = False
        self._bus = bus
        self._subject = subject
        self._seq = seq
        self._writing = asyncio.Lock()
        self._turns: dict[str, asyncio.Lock] = {}

    def turn(self, target: str) -> asyncio.Lock:
        """Held by whoever tells at a target: another that did would tell it twice."""
        return self._turns.setdefault(target, asyncio.Lock())

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
                self.lost = True
                raise Fenced(f"someone else tells of {self.told.show} now") from exc
            self._seq = last.seq  # ours: its receipt was lost
        self.told = wanted


@dataclass
class _Shared:
    """A page, who keeps it, and the jobs that have it open: what each writes as holder."""

    page: Page
    users: list[str] = field(default_factory=list)
    renewing: asyncio.Task[None] | None = None


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
    _open: dict[str, _Shared] = field(default_factory=dict)
    _wanting: dict[str, list[str]] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def open(self, show: str, holder: str, job: str) -> AsyncIterator[Page]:
        """The record of a show, ours until the end of the block.

        Args:
            show: Name of its folder.
            holder: Unique to this attempt at this job.
            job: The job; an earlier attempt at it, on whichever host, holds nothing any more.

        Raises:
            Unavailable: Someone else is at it for too long, or the bus is away.
            Fenced: Someone else took over meanwhile.
        """
        user = f"{job} {holder}"
        lock = self._shows.setdefault(show, asyncio.Lock())
        async with self._wanted(show, job), lock:
            shared = self._open.get(show)
            if shared is None or shared.page.lost:
                shared = _Shared(await self._claim(show, user))
                shared.renewing = asyncio.create_task(self._renew(shared))
                self._open[show] = shared
            shared.users.append(user)
        try:
            yield shared.page
        finally:
            shared.users.remove(user)
            async with lock:
                await self._left(show, shared, user)

    async def _left(self, show: str, shared: _Shared, user: str) -> None:
        """Give the record back; or name another one who holds it, as `user` may come again.

        A job that comes again, perhaps elsewhere, takes what it held itself at once.
        """
        if not shared.users:
            if self._open.get(show) is shared:
                del self._open[show]
            if shared.renewing is not None:
                shared.renewing.cancel()
                await asyncio.gather(shared.renewing, return_exceptions=True)
        elif shared.page.told.holder != user:
            return
        holder = shared.users[0] if shared.users else ""
        with contextlib.suppress(BusUnavailable, Fenced):
            await shared.page.save(lambda told: msgspec.structs.replace(told, holder=holder))

    @contextlib.asynccontextmanager
    async def _wanted(self, show: str, job: str) -> AsyncIterator[None]:
        """Say that a job wants a record, for whichever is the first to claim it."""
        wanting = self._wanting.setdefault(show, [])
        wanting.append(job)
        try:
            yield
        finally:
            wanting.remove(job)
            if not wanting:
                self._wanting.pop(show, None)

    async def _claim(self, show: str, holder: str) -> Page:
        subject = subjects.told(self.group, show)
        loop = asyncio.get_running_loop()
        began = loop.time()
        seen, since = -1, began
        while True:
            last = await self.bus.last(subject)
            told, seq = self._read(show, last)
            if seq != seen:
                seen, since = seq, loop.time()
            free = not told.holder or told.holder.partition(" ")[0] in self._wanting[show]
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

    async def _renew(self, shared: _Shared) -> None:
        while True:
            await asyncio.sleep(self.patience_s / 4)
            if not shared.users:
                return
            try:
                await shared.page.renew()
            except Fenced:
                return
            except BusUnavailable as exc:
                log.info("notifier.not_renewed", show=shared.page.told.show, reason=str(exc))
