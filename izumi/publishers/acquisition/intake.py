"""Where each file that was found waits: to be quiet, for a worker, or for nothing."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from izumi.domain.errors import Unavailable
from izumi.domain.subjects import PRIORITIES
from izumi.publishers.acquisition.line import Line, Order
from izumi.publishers.acquisition.settings import AcquisitionSettings
from izumi.publishers.acquisition.settling import Settling
from izumi.publishers.acquisition.standing import stands
from izumi.publishers.acquisition.tally import Tally
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger, Overtaken
from izumi.storage.settle import look
from izumi.storage.sightings import TakenIn
from izumi.storage.staging import Staging

log = structlog.get_logger()

IN_HAND = frozenset({"staged", "stored", "published"})
"""States in which a file is finished although it left its watch folder."""


@dataclass(kw_only=True)
class Intake:
    """Routes files by their state in the ledger.

    Attributes:
        settings: Of acquisition on this host.
        ledger: Where states are kept.
        staging: Where files in hand are held.
        quiet_s: The quiet time of a watch folder now; None: it is no watch folder.
        clock: Seconds, monotonic.
        tally: What came is counted there.
        line: Files that wait for a worker.
        settling: Files that are watched until they are quiet.
    """

    settings: AcquisitionSettings
    ledger: Ledger
    staging: Staging
    quiet_s: Callable[[str], float | None]
    clock: Callable[[], float]
    tally: Tally
    line: Line = field(init=False)
    settling: Settling = field(init=False)
    _ranks: dict[int, int] = field(default_factory=dict)
    _notes: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the two places where files wait."""
        self._priorities = {
            str(watch.path): PRIORITIES.index(watch.priority) for watch in self.settings.watch
        }
        self.line = Line(self._order)
        self.settling = Settling(
            on_due=self.line.put,
            on_missing=self._missing,
            on_restless=self._restless,
            restless_s=self.settings.stuck_after_s,
            stands=functools.partial(stands, self.ledger),
            clock=self.clock,
        )

    async def resume(self) -> None:
        """Take up every file where the last life of this ledger left it."""
        items = await self.ledger.open_items()
        staged = {item.id for item in items if item.state in IN_HAND}
        await asyncio.to_thread(self.staging.sweep, staged.__contains__)
        self.route(items)
        if items:
            log.info("acquisition.resumed", files=len(items))

    def taken(self, taken: TakenIn) -> None:
        """A look into a watch folder brought these."""
        self.tally.took_in(taken.todo)
        self.route(taken.todo)

    def route(self, items: Iterable[Item], *, hurry: bool = False) -> None:
        """Each file to where its state says that it waits.

        `hurry`: somebody says that they are complete, or that what held them is mended.
        """
        seen = []
        for item in items:
            quiet_s = self.quiet_s(item.root)
            if quiet_s is None or item.state in {"done", "ignored"}:
                continue
            self._ranks[item.id] = self._priorities[item.root]
            if item.settles:
                self.settling.add(item, quiet_s, hurry=hurry)
                seen += [item.id] if item.state == "seen" else []
            else:
                self.settling.drop(item.id)
                self.line.put(item.id)
        if seen:
            self._note(self.ledger.settling(seen))

    def forget(self, id_: int) -> None:
        """It is finished, and waits for nothing any more."""
        self.settling.drop(id_)
        self._ranks.pop(id_, None)

    def _order(self, id_: int) -> Order:
        """What was found not to be whole waits behind what is new, however much of it there is."""
        rank = self._ranks.get(id_, PRIORITIES.index("normal"))
        return rank, self.settling.tried(id_), id_

    async def aclose(self) -> None:
        """End what is being written besides, and forget what waits for later."""
        self.line.close()
        for task in self._notes:
            task.cancel()
        await asyncio.gather(*self._notes, return_exceptions=True)

    def _missing(self, ids: Sequence[int]) -> None:
        self._note(self._mark_gone(ids))

    async def _mark_gone(self, ids: Sequence[int]) -> None:
        for id_ in ids:
            item = await self.ledger.item(id_)
            if item is None:
                continue
            if await asyncio.to_thread(look, Path(item.root), item.path) is None:
                await self.ledger.gone(item)
            else:
                self.route([item])  # it has another name by now

    def _restless(self, ids: Sequence[int]) -> None:
        self._note(self._mark_restless(ids))

    async def _mark_restless(self, ids: Sequence[int]) -> None:
        hours = self.settings.stuck_after_s / 3600
        for id_ in ids:
            item = await self.ledger.item(id_)
            if item is not None and item.state == "settling":
                reason = f"is still changing after {hours:.1f} hours"
                log.warning("file.restless", name=item.name, reason=reason)
                await self.ledger.save(item, reason=reason)

    def _note(self, writing: Coroutine[Any, Any, None]) -> None:
        """Write to the ledger besides; what cannot be written is found again by a sweep."""

        async def write() -> None:
            try:
                await writing
            except (Unavailable, Overtaken) as exc:
                log.warning("acquisition.note_lost", error=str(exc))

        task = asyncio.create_task(write())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)
