"""What becomes of a file whose step did not succeed. Decided here and nowhere else."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from izumi.domain.errors import Held, IzumiError, ToolFailed, Unavailable
from izumi.domain.retry import RetryPolicy, backoff_s
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.claims import Elsewhere
from izumi.publishers.acquisition.holds import Holds, hold_of
from izumi.publishers.acquisition.intake import Intake
from izumi.publishers.acquisition.settings import AcquisitionSettings
from izumi.publishers.acquisition.standing import stands
from izumi.publishers.acquisition.steps import Ignored, NotReady
from izumi.publishers.acquisition.storing import Replaced
from izumi.storage.entries import shown
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger, Overtaken
from izumi.storage.settle import Changed, look
from izumi.storage.staging import Staging

log = structlog.get_logger()

_DAY_S: Final = 86400.0
_STEPS: Final = {"ready": "identify", "held": "identify"}


@dataclass(kw_only=True)
class Outcomes:
    """Writes down why a file is not further, and says when it is tried again.

    Attributes:
        ledger: Where states and reasons are kept.
        holds: Where people are told.
        intake: Where files wait.
        staging: Where files in hand are held.
        settings: Of acquisition on this host.
        policy: When a file is tried again whose bus, storage or tools are away.
        now: Wall clock.
        spread: Random, 0 to 1, for backoff.
    """

    ledger: Ledger
    holds: Holds
    intake: Intake
    staging: Staging
    settings: AcquisitionSettings
    policy: RetryPolicy
    now: Callable[[], dt.datetime]
    spread: Callable[[], float]
    _failures: Counter[int] = field(default_factory=Counter)
    _holds: Counter[int] = field(default_factory=Counter)

    def went_well(self, item: Item) -> None:
        """Its steps succeeded, as far as they went."""
        self._failures.pop(item.id, None)
        if item.state in {"done", "ignored"}:
            self._holds.pop(item.id, None)
            self.intake.forget(item.id)

    async def failed(self, id_: int, item: Item | None, error: Exception) -> None:
        """Its last step, begun with `item`, ended with `error`. Never raises an Exception."""
        deciding = asyncio.create_task(self._decide(id_, item, error))
        await asyncio.wait({deciding})
        trouble = deciding.exception()
        if trouble is None:
            return
        # The ledger or the bus could not be written: the same is found out again later.
        if not isinstance(trouble, IzumiError | Overtaken):
            log.error("acquisition.crashed", exc_info=trouble)
        if item is not None and item.settles:
            self.intake.settling.failed(id_, passing=True)
        else:
            self.intake.line.put_later(id_, self._delay_s(id_, trouble))

    async def _decide(self, id_: int, item: Item | None, error: Exception) -> None:
        if item is None:
            raise error
        match error:
            case NotReady():
                await self._not_ready(item, error)
            case Changed() | Overtaken():
                await self._changed(item)
            case Replaced():
                await self._ignored(item, "another file has its name; that one is taken")
            case Ignored():
                await self._ignored(item, str(error))
            case Held():
                step = "settle" if item.settles else _STEPS.get(item.state, "store")
                await self._hold(item, step, error)
            case Elsewhere():
                self.intake.line.put_later(id_, self._delay_s(id_, error))
                if str(error) != item.reason:
                    await self.ledger.save(item, reason=str(error))
            case Unavailable():
                await self._again(item, error)
            case _:
                log.error("file.crashed", name=item.name, exc_info=error)
                await self._again(item, ToolFailed(f"{type(error).__name__}: {error}"))

    async def _not_ready(self, item: Item, error: NotReady) -> None:
        judged = self.intake.settling.failed(item.id, passing=error.passing)
        if item.state == "held":
            return
        stuck_s = self.now().timestamp() - item.since
        if judged and stuck_s >= self.settings.stuck_after_s:
            reason = f"{error.reason}; unchanged for {stuck_s / 3600:.1f} hours"
            await self._hold(item, "settle", Held(reason))
            return
        if judged and (error.reason != item.reason or not item.judged):
            # Once for each reason, however often it is looked at.
            log.warning("file.not_whole", name=item.name, reason=error.reason)
            await self.ledger.save(item, reason=error.reason, judged=True)

    async def _changed(self, item: Item) -> None:
        """It is not what was proved: it settles anew, or is gone."""
        await asyncio.to_thread(self.staging.release, item.id)
        current = await self.ledger.item(item.id)
        if current is None:
            self.intake.settling.drop(item.id)
            return
        seen = await asyncio.to_thread(look, Path(current.root), current.path)
        if seen is None or seen[:2] != (current.device, current.inode):
            if not await stands(self.ledger, current.root):
                await self._wait_for_folder(current)
                return
            # Under this name is nothing, or another file, which has a row of its own.
            current = await self.ledger.save(current, state="settling", reason="", held_at="")
            await self.ledger.gone(current)
            self.intake.settling.drop(current.id)
            return
        if seen[2:4] == (current.size, current.mtime_ns):
            settling = await self.ledger.save(current, state="settling", reason="", held_at="")
        else:
            changed = await self.ledger.changed(current, seen.found(current.path))
            if changed is None:
                self.intake.settling.drop(current.id)
                return
            settling = changed
        log.info("file.changed", name=settling.name)
        self.intake.route([settling])
        self.intake.settling.seen(settling.id, seen)

    async def _wait_for_folder(self, item: Item) -> None:
        """The watch folder is not there: nothing is known of the file until it is."""
        reason = f"{shown(item.root)} is not there"
        if item.settles:
            self.intake.settling.failed(item.id, passing=True)
        else:
            self.intake.line.put_later(item.id, self._delay_s(item.id, Unavailable(reason)))
        # What a held one is held for stays so.
        if item.state != "held" and item.reason != reason:
            await self.ledger.save(item, reason=reason)

    async def _ignored(self, item: Item, reason: str) -> None:
        await asyncio.to_thread(self.staging.release, item.id)
        log.warning("file.ignored", name=item.name, reason=reason)
        await self.ledger.save(item, state="ignored", reason=reason)

    async def _hold(self, item: Item, step: str, error: Held) -> None:
        """Tell people, and try again ever more seldom; at once when they answered before."""
        self._holds[item.id] += 1
        given = await self.holds.tell(item, step, error)
        failpoint("acquisition.after_held")
        if item.state != "held":
            self.intake.tally.held[item.root] += 1
            await asyncio.to_thread(self.staging.release, item.id)
            log.warning("file.held", name=item.name, reason=error.reason)
        await self.ledger.save(
            item,
            state="held",
            held_at=step,
            reason=error.reason,
            hold=hold_of(item, step),
            proved=(),
        )
        if given is not None:
            self.intake.line.put(item.id)
        elif step != "settle":
            again_s = self.settings.held_again_s * 2 ** min(self._holds[item.id] - 1, 16)
            self.intake.line.put_later(item.id, min(again_s, _DAY_S))

    async def _again(self, item: Item, error: Unavailable) -> None:
        if item.settles:
            self._failures[item.id] += 1
            its_own = isinstance(error, ToolFailed) and not error.host
            often = self._failures[item.id] >= self.policy.tool_attempts
            self.intake.settling.failed(item.id, passing=not often)
            if its_own and often:
                await self._hold(item, "settle", Held(f"cannot be read: {error}"))
                return
        else:
            self.intake.line.put_later(item.id, self._delay_s(item.id, error))
        if str(error) != item.reason:
            log.warning("file.waits", name=item.name, state=item.state, reason=str(error))
            await self.ledger.save(item, reason=str(error))

    def _delay_s(self, id_: int, error: BaseException) -> float:
        asked_s = error.retry_after_s if isinstance(error, Unavailable) else None
        if isinstance(error, Elsewhere) and asked_s is not None:
            return asked_s
        self._failures[id_] += 1
        return max(backoff_s(self.policy, self._failures[id_], self.spread()), asked_s or 0.0)
