"""The rules in force: read from the bus, with a copy in the state folder for when it is away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from izumi.bus.ports import Bus
from izumi.bus.rules import in_force
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, UserError
from izumi.domain.rules import Rule
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.hearing import Hearing
from izumi.storage import learnt

log = structlog.get_logger()


@dataclass(kw_only=True)
class Rulebook:
    """Knows the rules from its first look on.

    Attributes:
        bus: Where they are.
        folder: Where the copy lies.
        on_change: Called when they are other ones than before.
        look_s: Look again after so long.
    """

    bus: Bus
    folder: Path
    on_change: Callable[[], None]
    look_s: float = 5.0
    _rules: tuple[Rule, ...] | None = None
    _copied: bool = False
    _trouble: str = ""
    _looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def rules(self) -> tuple[Rule, ...]:
        """All that are in force, as far as this host knows.

        Raises:
            BusUnavailable: They were never read on this host, and cannot be now.
        """
        await self._looked.wait()
        if self._rules is None:
            raise BusUnavailable(f"the rules are not read yet: {self._trouble}")
        return self._rules

    async def run(self) -> None:
        """Look until cancelled.

        Raises:
            UserError: Our role may not read rules.
        """
        async with Hearing(self.bus, subjects.RULES) as hearing:
            while True:
                await self._look()
                self._looked.set()
                await hearing.wait(self.look_s)

    async def _look(self) -> None:
        try:
            rules = in_force(await self.bus.latest(subjects.RULES))
        except BusUnavailable as exc:
            if str(exc) != self._trouble:
                log.warning("rules.not_read", error=str(exc), way_out="izumi-admin bus apply")
            self._trouble = str(exc)
            if self._rules is None:
                self._rules = await asyncio.to_thread(self._copy)
            return
        self._trouble = ""
        if rules == self._rules and self._copied:
            return
        failpoint("acquisition.after_rules_heard")
        try:
            await asyncio.to_thread(learnt.save, self.folder, rules)
            self._copied = True
        except OSError as exc:
            log.warning("rules.not_copied", folder=str(self.folder), error=str(exc.strerror))
            self._copied = False
        if rules != self._rules:
            self._rules = rules
            self.on_change()

    def _copy(self) -> tuple[Rule, ...] | None:
        try:
            return learnt.read(self.folder)
        except UserError as exc:
            log.warning("rules.copy_not_read", error=str(exc))
            return None
