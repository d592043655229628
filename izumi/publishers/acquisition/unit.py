"""The acquisition unit: folders find files, workers take them through their steps."""

import asyncio
import contextlib
import datetime as dt
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import structlog

from izumi.bus.ports import Bus
from izumi.domain.errors import ConfigError, Unavailable
from izumi.domain.retry import RetryPolicy
from izumi.publishers.acquisition.answers import Answers
from izumi.publishers.acquisition.claims import Claims
from izumi.publishers.acquisition.disputes import Disputes
from izumi.publishers.acquisition.folder import Folder, FolderHealth
from izumi.publishers.acquisition.holds import Holds
from izumi.publishers.acquisition.intake import Intake
from izumi.publishers.acquisition.outcomes import Outcomes
from izumi.publishers.acquisition.owed import Owed
from izumi.publishers.acquisition.ports import Identifier
from izumi.publishers.acquisition.removal import Removal
from izumi.publishers.acquisition.requests import Requests
from izumi.publishers.acquisition.rulebook import Rulebook
from izumi.publishers.acquisition.settings import AcquisitionSettings, WatchSettings
from izumi.publishers.acquisition.steps import Steps
from izumi.publishers.acquisition.storing import Storing
from izumi.publishers.acquisition.tally import Standing, Tally, figures
from izumi.publishers.acquisition.tasks import end
from izumi.publishers.acquisition.workers import Workers
from izumi.runtime.figures import Figure
from izumi.storage.events import OpenWatch, open_watch
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Location, Store
from izumi.storage.settle import ProveWhole
from izumi.storage.staging import Staging

log = structlog.get_logger()

_HOUSEKEEPING_S: Final = 3600.0
_SWEEP_AGAIN_S: Final = 30.0


def utcnow() -> dt.datetime:
    """Now, in UTC."""
    return dt.datetime.now(dt.UTC)


class AcquisitionHealth(msgspec.Struct, kw_only=True):
    """How acquisition is.

    Attributes:
        folders: Each watch folder.
        files: How many files are in each state.
        in_hand: How many a worker has.
        settling: How many are watched until they are quiet.
    """

    folders: list[FolderHealth]
    files: dict[str, int]
    in_hand: int
    settling: int


@dataclass(kw_only=True)
class Acquisition:
    """Takes what lies in watch folders to storage and onto the bus. See `run`.

    Attributes:
        settings: Of acquisition on this host.
        ledger: Owned by this process.
        bus: Where facts and claims go.
        store: Moves files to locations.
        locations: Every location that a watch folder names.
        identifier: Tells what files are.
        prove_whole: Reads whole files, and says what is missing.
        state: Staged files lie in it, outside every watch folder.
        instance: Name of this instance, for people.
        host: Name of this host.
        policy: When a file is tried again whose bus, storage or tools are away.
        look_s: Answers and rules are looked for so often; they are usually heard at once.
        drain_s: How long files in hand may take after the first request to stop.
        now: Wall clock, for facts and records.
        clock: Seconds, monotonic, for every decision.
        spread: Random, 0 to 1, for backoff.
        opening: Starts to watch folders.

    Raises:
        ConfigError: A watch folder names a location that is none, or holds `state`.
    """

    settings: AcquisitionSettings
    ledger: Ledger
    bus: Bus
    store: Store
    locations: Mapping[str, Location]
    identifier: Identifier
    prove_whole: ProveWhole
    state: Path
    instance: str
    host: str
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    look_s: float = 5.0
    drain_s: float = 30.0
    now: Callable[[], dt.datetime] = utcnow
    clock: Callable[[], float] = time.monotonic
    spread: Callable[[], float] = random.random
    opening: OpenWatch = open_watch
    _folders: dict[str, Folder] = field(init=False)
    _intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        """Check, and make what waits for files."""
        staging = self.settings.staging or self.state / "staging"
        _check(self.settings, self.locations, [staging, self.state])
        self._staging = Staging(staging)
        self._removal = Removal(ledger=self.ledger, locations=self.locations, now=self.now)
        self._intake = Intake(
            settings=self.settings,
            ledger=self.ledger,
            staging=self._staging,
            quiet_s=self._quiet_s,
            clock=self.clock,
            tally=Tally(),
        )
        self._holds = Holds(bus=self.bus, host=self.host, now=self.now)
        self._owed = self._make_owed()
        self._folders = {str(watch.path): self._folder(watch) for watch in self.settings.watch}
        self._answers = Answers(
            bus=self.bus,
            ledger=self.ledger,
            holds=self._holds,
            watched=self._folders.keys(),
            put=self._intake.line.put,
            look_s=self.look_s,
            clock=self.clock,
        )
        self._rulebook = Rulebook(
            bus=self.bus,
            folder=self.state,
            on_change=self._answers.learnt,
            look_s=self.look_s,
        )

    async def run(
        self,
        stopping: asyncio.Event,
        hurry: asyncio.Event | None = None,
        *,
        requests_only: bool = False,
    ) -> None:
        """Work until asked to stop.

        Args:
            stopping: Find nothing new, finish what is in hand within `drain_s`.
            hurry: Let go of what is in hand; the ledger knows where it stood.
            requests_only: Sweep nothing; only requests are served.
        """
        intake = self._intake
        folders = [*self._folders.values()]
        requests = Requests(self.ledger, folders, lambda items: intake.route(items, hurry=True))
        # Before anything is uploaded: tokens that are known now belong to the dead.
        dead = await self.ledger.tokens()
        loops = [intake.settling.run(), requests.run(), self._housekeeping(dead)]
        loops.append(self._rulebook.run())
        workers = await self._workers()
        if not requests_only:
            await intake.resume()
            loops += [self._answers.run(), *(folder.run() for folder in folders)]
        finding = [asyncio.create_task(loop) for loop in loops]
        working = [asyncio.create_task(workers.run(stopping)) for _ in range(self.settings.jobs)]
        try:
            await _until(stopping, [*finding, *working])
            await end(finding)
            await self._drain(hurry)
        finally:
            await end([*finding, *working])
            await self._owed.aclose()
            await intake.aclose()

    async def health(self) -> AcquisitionHealth:
        """How it is now."""
        return AcquisitionHealth(
            folders=[folder.health for folder in self._folders.values()],
            files=await self.ledger.counts(),
            in_hand=len(self._intake.line.in_hand),
            settling=len(self._intake.settling),
        )

    async def figures(self) -> list[Figure]:
        """Counters and gauges.

        Raises:
            Unavailable: The ledger cannot be read.
        """
        intake = self._intake
        now = Standing(
            folders={root: folder.health for root, folder in self._folders.items()},
            files=await self.ledger.counts(),
            in_hand=len(intake.line.in_hand),
            waiting=len(intake.line),
            settling=len(intake.settling),
            locations=tuple(
                dict.fromkeys(name for one in self.settings.watch for name in one.destinations)
            ),
            owed=self._owed.counts(),
        )
        return figures(intake.tally, now)

    def trouble(self) -> str:
        """What keeps it from finding files now, for people; empty: nothing does."""
        health = (folder.health for folder in self._folders.values())
        return "; ".join(one.reason for one in health if one.state == "offline")

    def _folder(self, watch: WatchSettings) -> Folder:
        return Folder(
            watch,
            self.settings,
            self.ledger,
            on_taken=self._intake.taken,
            is_watched=self._intake.settling.is_watched,
            clock=self.clock,
            now=lambda: self.now().timestamp(),
            opening=self.opening,
        )

    def _quiet_s(self, root: str) -> float | None:
        folder = self._folders.get(root)
        return None if folder is None else folder.quiet_s

    async def _workers(self) -> Workers:
        claims = Claims(
            self.bus,
            owner=f"{self.host}/{await self.ledger.name()}",
            claim_s=self.settings.claim_s,
            now=self.now,
            clock=self.clock,
        )
        outcomes = Outcomes(
            ledger=self.ledger,
            holds=self._holds,
            intake=self._intake,
            staging=self._staging,
            settings=self.settings,
            policy=self.policy,
            now=self.now,
            spread=self.spread,
        )
        return Workers(
            ledger=self.ledger,
            line=self._intake.line,
            settling=self._intake.settling,
            steps=self._steps(),
            storing=self._storing(claims),
            holds=self._holds,
            outcomes=outcomes,
            watches={root: folder.settings for root, folder in self._folders.items()},
        )

    def _make_owed(self) -> Owed:
        return Owed(
            ledger=self.ledger,
            bus=self.bus,
            store=self.store,
            locations=self.locations,
            staging=self._staging,
            tally=self._intake.tally,
            policy=self.policy,
            held_again_s=self.settings.held_again_s,
            width=self.settings.jobs,
            instance=self.instance,
            host=self.host,
            disputes=Disputes(ledger=self.ledger, holds=self._holds),
            put=self._intake.line.put,
            now=self.now,
            clock=self.clock,
            spread=self.spread,
        )

    def _steps(self) -> Steps:
        return Steps(
            ledger=self.ledger,
            locations=self.locations,
            identifier=self.identifier,
            rules=self._rulebook.rules,
            prove_whole=self.prove_whole,
            staging=self._staging,
            unproved=self._intake.settling.unproved,
        )

    def _storing(self, claims: Claims) -> Storing:
        return Storing(
            ledger=self.ledger,
            bus=self.bus,
            store=self.store,
            locations=self.locations,
            staging=self._staging,
            claims=claims,
            owed=self._owed,
            removal=self._removal,
            instance=self.instance,
            host=self.host,
            claim_s=self.settings.claim_s,
            now=self.now,
            tally=self._intake.tally,
        )

    async def _drain(self, hurry: asyncio.Event | None) -> None:
        in_hand = self._intake.line.in_hand
        if not in_hand:
            return
        log.info("acquisition.draining", files=len(in_hand))
        hurried = asyncio.create_task((hurry or asyncio.Event()).wait())
        idle = asyncio.create_task(self._intake.line.idle())
        await asyncio.wait(
            {hurried, idle}, timeout=self.drain_s, return_when=asyncio.FIRST_COMPLETED
        )
        await end([hurried, idle])

    async def _housekeeping(self, dead: frozenset[str]) -> None:
        # A location that is away must not keep the trash from being emptied.
        sweeping = asyncio.create_task(self._sweep_parts(dead))
        try:
            while True:
                with contextlib.suppress(Unavailable):
                    await self.ledger.forget(self.settings.remember_days * 86400)
                    await self._removal.empty_trash()
                await asyncio.sleep(_HOUSEKEEPING_S)
        finally:
            await end([sweeping])

    async def _sweep_parts(self, dead: frozenset[str]) -> None:
        """Remove what uploads of an earlier life left at the locations."""
        left = {name for watch in self.settings.watch for name in watch.destinations}
        while dead and left:
            for name in sorted(left):
                try:
                    swept = await self.store.sweep(self.locations[name], dead)
                except Unavailable as exc:
                    log.info("parts.not_swept", location=name, error=str(exc))
                    continue
                left.discard(name)
                if swept:
                    log.info("parts.swept", location=name, files=swept)
            if left:
                await asyncio.sleep(_SWEEP_AGAIN_S)
        if dead:
            with contextlib.suppress(Unavailable):
                await self.ledger.swept(dead)


def _check(
    settings: AcquisitionSettings, locations: Mapping[str, Location], own: Sequence[Path]
) -> None:
    for watch in settings.watch:
        for name in watch.destinations:
            if name not in locations:
                raise ConfigError(f"{watch.path}: there is no [storage.{name}]")
        for folder in own:
            if folder.is_relative_to(watch.path):
                raise ConfigError(f"{folder} lies in the watch folder {watch.path}; move it out")


async def _until(stopping: asyncio.Event, tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Wait until asked to stop, or until a task fails, which none should."""
    asked = asyncio.create_task(stopping.wait())
    try:
        done, _ = await asyncio.wait({asked, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {asked}:
            task.result()
    finally:
        await end([asked])
