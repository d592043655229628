"""Workers: each takes one file at a time as far as it goes."""

import asyncio
from dataclasses import dataclass

import msgspec
import structlog

from izumi.domain.errors import Held
from izumi.domain.events import Answered
from izumi.domain.fix import merged
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.holds import Holds
from izumi.publishers.acquisition.line import Line
from izumi.publishers.acquisition.outcomes import Outcomes
from izumi.publishers.acquisition.settings import WatchSettings
from izumi.publishers.acquisition.settling import Settling
from izumi.publishers.acquisition.steps import Steps
from izumi.publishers.acquisition.storing import Storing
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger

log = structlog.get_logger()


@dataclass(kw_only=True)
class Workers:
    """Takes files from the line through their steps.

    Attributes:
        ledger: Where states are kept.
        line: Files that wait for a worker.
        settling: Files that are watched until they are quiet.
        steps: What is done until a file is staged.
        storing: What is done from there.
        holds: What people were asked, and what they answered.
        outcomes: What becomes of a file whose step did not succeed.
        watches: Settings of each watch folder.
    """

    ledger: Ledger
    line: Line
    settling: Settling
    steps: Steps
    storing: Storing
    holds: Holds
    outcomes: Outcomes
    watches: dict[str, WatchSettings]

    async def run(self, stopping: asyncio.Event) -> None:
        """One worker: works until asked to stop, and finishes what it has then."""
        while not stopping.is_set():
            id_ = await self.line.take()
            try:
                await self._one(id_)
            finally:
                self.line.done(id_)

    async def _one(self, id_: int) -> None:
        """Whatever comes of a file concerns that file alone."""
        begun: list[Item] = []
        task = asyncio.create_task(self._advance(id_, begun))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.wait({task})
            error = None if task.cancelled() else task.exception()
        if error is None:
            if begun:
                self.outcomes.went_well(begun[-1])
        elif isinstance(error, Exception):
            await self.outcomes.failed(id_, begun[-1] if begun else None, error)
        else:
            raise error

    async def _advance(self, id_: int, begun: list[Item]) -> None:
        """Step by step; `begun` gets the file as it is before each."""
        item = await self.ledger.item(id_)
        while item is not None and item.root in self.watches:
            begun.append(item)
            watch = self.watches[item.root]
            item, said = await self._answered(item)
            if said is not None:
                begun.append(item)
                if item.settles and said.answer != "reject":
                    # A damaged file is never filed, whoever says so.
                    raise Held(item.reason)
            if said is not None and (said.answer == "reject" or item.state == "published"):
                item = await self._decided(item, said)
            elif item.settles:
                item = await self._settle(item, begun)
            else:
                item = await self._step(item, watch)

    async def _step(self, item: Item, watch: WatchSettings) -> Item | None:
        """The next step; None: there is none now."""
        match item.state:
            case "ready" | "held":
                return await self.steps.identify(item, watch)
            case "identified":
                return await self.steps.stage(item)
            case "staged" | "stored":
                return await self.storing.publish(item, watch)
            case "published":
                return await self.storing.finish(item, watch)
            case _:
                return None

    async def _decided(self, item: Item, said: Answered) -> Item | None:
        if item.state == "published":
            return await self.storing.owed.answered(item, said)
        return await self.steps.reject(item, said)

    async def _answered(self, item: Item) -> tuple[Item, Answered | None]:
        """A file that people were asked about as it is after what they said, and that."""
        asked = item.state == "held" or self.storing.owed.disputed(item.id)
        given = await self.holds.given(item) if asked else None
        if given is None:
            return item, None
        failpoint("acquisition.after_answer")
        said = given.answer
        log.info("hold.answered", name=item.name, answer=said.answer, by=said.by)
        # Written down with what comes of it: a crash before that carries it out again.
        answered = msgspec.structs.replace(
            item,
            answered=given.seq,
            fix=merged(given.before or item.fix, said.fix),
            approved=item.approved or (said.answer == "approve" and item.held_at == "identify"),
        )
        return answered, said

    async def _settle(self, item: Item, begun: list[Item]) -> Item | None:
        seen = self.settling.take(item.id)
        if seen is None:
            return None
        if seen[:4] != (item.device, item.inode, item.size, item.mtime_ns):
            # It grew since it was found; while it did, that was not worth writing down.
            changed = await self.ledger.changed(item, seen.found(item.path))
            if changed is None:
                self.settling.drop(item.id)
                return None
            item = changed
            begun.append(item)
        ready = await self.steps.settle(item, seen)
        if ready is not None:
            self.settling.drop(item.id)
        return ready
