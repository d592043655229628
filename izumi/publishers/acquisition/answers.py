"""Looks for answers to the files that are held, and closes holds that are none any more.

The look is the truth: at the start, then now and then. What comes over the bus meanwhile
only makes it come sooner.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

import structlog

from izumi.bus.ports import Bus
from izumi.domain import subjects
from izumi.domain.errors import Unavailable
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.claims import UNIT
from izumi.publishers.acquisition.disputes import STEP
from izumi.publishers.acquisition.hearing import Hearing
from izumi.publishers.acquisition.holds import STEPS, Holds, hold_of
from izumi.publishers.acquisition.intake import IN_HAND
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger

log = structlog.get_logger()

_SHARE: Final = 20
"""Looking may take one part in so many of the time."""


@dataclass(kw_only=True)
class Answers:
    """Sends held files to a worker once there is something new for them.

    Attributes:
        bus: Where answers are heard.
        ledger: Where holds are kept.
        holds: Reads and closes them.
        watched: The watch folders.
        put: Called with the id of a file that a worker should take.
        look_s: Look again after so long.
        clock: Seconds, monotonic.
    """

    bus: Bus
    ledger: Ledger
    holds: Holds
    watched: Collection[str]
    put: Callable[[int], None]
    look_s: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _learnt: bool = False
    _hearing: Hearing = field(init=False)

    def __post_init__(self) -> None:
        """Make what hears."""
        self._hearing = Hearing(self.bus, subjects.answers(UNIT))

    def learnt(self) -> None:
        """Rules changed: what is held by its name is read again."""
        self._learnt = True
        self._hearing.wake()

    async def run(self) -> None:
        """Look until cancelled.

        Raises:
            UserError: Our role may not hear answers.
        """
        async with self._hearing:
            while True:
                began = self.clock()
                try:
                    await self._look()
                except Unavailable as exc:
                    log.info("answers.not_read", error=str(exc))
                await self._hearing.wait(max(self.look_s, _SHARE * (self.clock() - began)))

    async def _look(self) -> None:
        learnt, self._learnt = self._learnt, False
        try:
            for item in await self.ledger.asked():
                await self._one(item, learnt=learnt)
        except Unavailable:
            self._learnt |= learnt
            raise

    async def _one(self, item: Item, *, learnt: bool) -> None:
        over = self._over(item)
        if over:
            await self.holds.close(item.hold, item, over)
            failpoint("acquisition.after_hold_closed")
            await self.ledger.closed(item)
            log.info("hold.closed", name=item.name, reason=over)
        elif item.state == "held":
            by_name = learnt and item.held_at == "identify"
            if by_name or await self.holds.given(item) is not None:
                self.put(item.id)
        elif await self.holds.given(item) is not None:
            self.put(item.id)

    def _over(self, item: Item) -> str:
        """Why a hold is none any more; empty: it is one."""
        if item.root not in self.watched:
            return "its folder is not watched any more"
        if item.gone and item.state not in IN_HAND:
            return "the file is gone"
        if item.hold not in {hold_of(item, step) for step in STEPS}:
            return "the file has another name or content now"
        if item.state == "published" and item.owed and item.hold == hold_of(item, STEP):
            return ""
        if item.state in {"published", "done"}:
            return f"it is {item.key} now"
        return item.reason if item.state == "ignored" else ""
