"""The units of one process: built from the settings, run until asked to stop."""

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import structlog

from izumi.bus.jetstream import JetStreamBus
from izumi.bus.permissions import role_name
from izumi.bus.ports import Bus
from izumi.clients.anilist import Anilist
from izumi.clients.discord import Gate
from izumi.clients.facts import CachedFacts
from izumi.clients.http import Http
from izumi.clients.ports import Sieve
from izumi.clients.sieve import FilterSieve
from izumi.clients.user_lists import UserLists
from izumi.compose import elsewhere, telling
from izumi.compose.catalogue import anilist, catalogue
from izumi.compose.connections import bus, prepare_patiently, store
from izumi.compose.encoding import may_work, transcoder
from izumi.compose.lists import user_lists
from izumi.compose.observed import observed
from izumi.compose.wanted import (
    Wanted,
    locations,
    scratch_root,
)
from izumi.consumers.board import Board
from izumi.consumers.distributor import Distributor, DistributorSettings
from izumi.consumers.encoder import Encoder
from izumi.consumers.encoder_settings import EncoderSettings
from izumi.consumers.endpoints_settings import EndpointsSettings
from izumi.consumers.notifier import Notifier
from izumi.consumers.notifier_settings import NotifierSettings
from izumi.domain.filters import Filter
from izumi.media.probe import ChildProber
from izumi.naming.identifier import MatchingIdentifier
from izumi.naming.process import NamingProcess
from izumi.publishers.acquisition import Acquisition
from izumi.runtime import metrics
from izumi.runtime.breaker import Breaker
from izumi.runtime.control import obey
from izumi.runtime.figures import Figure, Look
from izumi.runtime.kept import Kept
from izumi.runtime.ports import Handler
from izumi.runtime.presence import Facts, Presence, of_worker
from izumi.runtime.scratch import Scratch
from izumi.runtime.shutdown import Shutdown
from izumi.runtime.worker import Worker, utcnow
from izumi.settings import Settings
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Store

log = structlog.get_logger()


class _Running(NamedTuple):
    """A unit that is ready to run; `shutdown` stops it alone."""

    wanted: Wanted
    shutdown: Shutdown
    run: Callable[[Shutdown], Awaitable[None]]
    facts: Callable[[], Facts]
    figures: Look
    bus: JetStreamBus


@dataclass(kw_only=True)
class Instance:
    """The units of one process. Made by `instance`.

    Attributes:
        settings: The configuration.
        name: Unique on the bus.
        stack: Closes what was opened, last first.
        store: Shared by the units.
        scratch: Shared by the units.
        http: Shared by the clients.
        gate: Shared by the webhooks.
    """

    settings: Settings
    name: str
    stack: AsyncExitStack
    store: Store
    scratch: Scratch
    http: Http
    gate: Gate

    @cached_property
    def anilist(self) -> Anilist | None:
        """One for everything here that asks AniList, since its limit is one; None: not asked."""
        if not self.settings.anilist.enabled:
            return None
        return anilist(self.settings, http=self.http, stack=self.stack)

    @cached_property
    def facts(self) -> CachedFacts | None:
        """What is known of shows; None where AniList is not to be asked."""
        return telling.facts(self.settings, self.anilist, http=self.http, stack=self.stack)

    @cached_property
    def lists(self) -> UserLists:
        """Users' lists, each read once for all filters."""
        return user_lists(self.settings, self.anilist, http=self.http, stack=self.stack)

    def sieve(self, rules: Filter) -> Sieve | None:
        """A filter at work; None where it lets everything in."""
        if rules == Filter():
            return None
        return FilterSieve(rules=rules, lists=self.lists, facts=self.facts, now=utcnow)

    async def acquisition(self, connected: JetStreamBus, shutdown: Shutdown) -> _Running:
        """The watch folders of this host."""
        assert self.settings.acquisition is not None  # noqa: S101 - `chosen` looked
        ledger = await self.stack.enter_async_context(
            await Ledger.own(self.settings.acquisition_state)
        )
        unit = await self.acquisition_of(ledger, connected)

        def facts() -> Facts:
            if trouble := unit.trouble():
                return Facts("broken", reason=trouble)
            return Facts("draining" if shutdown.stopping.is_set() else "running")

        return _Running(
            Wanted("acquisition"),
            shutdown,
            lambda asked: unit.run(asked.stopping, asked.hurry),
            facts,
            unit.figures,
            connected,
        )

    async def acquisition_of(self, ledger: Ledger, connected: JetStreamBus) -> Acquisition:
        """The unit over a ledger that the caller owns."""
        settings = self.settings
        assert settings.acquisition is not None  # noqa: S101 - `chosen` looked
        naming = await self.stack.enter_async_context(NamingProcess())
        shows = catalogue(settings, self.anilist)
        self.stack.push_async_callback(shows.aclose)
        prober = ChildProber(settings.ffmpeg)
        return Acquisition(
            settings=settings.acquisition,
            ledger=ledger,
            bus=connected,
            store=self.store,
            locations=locations(settings),
            identifier=MatchingIdentifier(naming, shows),
            prove_whole=prober.prove_whole,
            state=settings.acquisition_state,
            instance=self.name,
            host=settings.host,
            policy=settings.retry,
            drain_s=settings.worker.drain_s,
        )

    def gateway(self, connected: JetStreamBus, shutdown: Shutdown) -> _Running:
        """Requests over HTTP."""
        from izumi.compose.serving import gateway  # noqa: PLC0415 - loads a web framework

        unit = gateway(self.settings, connected)
        self.stack.callback(unit.socket.close)

        def facts() -> Facts:
            stopping = shutdown.stopping.is_set()
            return Facts("draining" if stopping else "running", reason=unit.trouble())

        return _Running(
            Wanted("gateway"),
            shutdown,
            lambda asked: unit.run(asked.stopping),
            facts,
            unit.figures,
            connected,
        )

    async def encoder(self, group: str) -> tuple[Handler, EncoderSettings]:
        """The handler of an encoder group."""
        settings = self.settings.encoder[group]
        profiles = {name: self.settings.encoding(name) for name in settings.profiles}
        allowed = may_work(settings.hours)
        handler = Encoder(
            settings=settings,
            profiles=profiles,
            locations=locations(self.settings),
            store=self.store,
            transcoder=await transcoder(
                self.settings, settings, profiles, paused=lambda: not allowed()
            ),
            host=self.settings.host,
            now=utcnow,
            kept=Kept(scratch_root(self.settings)),
        )
        return handler, settings

    async def distributor(self, group: str) -> tuple[Handler, DistributorSettings]:
        """The handler of a distributor group."""
        settings = self.settings.distributor[group]
        handler = Distributor(
            group=group,
            settings=settings,
            locations=locations(self.settings),
            store=self.store,
            host=self.settings.host,
            now=utcnow,
            sieve=self.sieve(settings.filter),
        )
        return handler, settings

    async def notifier(self, group: str, connected: Bus) -> tuple[Handler, NotifierSettings]:
        """The handler of a notifier group."""
        settings = self.settings.notifier[group]
        handler = Notifier(
            group=group,
            targets=telling.targets(
                self.settings,
                group,
                http=self.http,
                gate=self.gate,
                stack=self.stack,
                sieve=self.sieve,
            ),
            board=Board(bus=connected, group=group, now=utcnow),
            facts=self.facts,
            facts_within_s=settings.facts_within_s,
            facts_later_s=settings.facts_later_h * 3600,
            digest_s=settings.digest_s,
            host=self.settings.host,
            now=utcnow,
        )
        return handler, settings

    async def endpoints(self, group: str) -> tuple[Handler, EndpointsSettings]:
        """The handler of a group of endpoints."""
        settings = self.settings.endpoints[group]
        return elsewhere.endpoints(group, settings, stack=self.stack), settings

    async def consumer(
        self, wanted: Wanted, connected: JetStreamBus, shutdown: Shutdown
    ) -> _Running:
        """A worker around the handler of a group."""
        made: Mapping[str, Callable[[str], Awaitable[tuple[Handler, _GroupSettings]]]] = {
            "encoder": self.encoder,
            "distributor": self.distributor,
            "notifier": lambda group: self.notifier(group, connected),
            "endpoints": self.endpoints,
        }
        handler, settings = await made[wanted.unit](wanted.group)
        rules = self.settings.worker
        worker = Worker(
            unit=wanted.unit,
            group=wanted.group,
            instance=self.name,
            bus=connected,
            inbox=connected.inbox(wanted.unit, wanted.group, tier=settings.tier),
            handler=handler,
            jobs=settings.jobs,
            scratch=self.scratch,
            settings=rules,
            policy=self.settings.retry,
            ack_wait_s=self.settings.bus.ack_wait_s,
            host=self.settings.host,
            breaker=Breaker(rules.breaker_failures, rules.breaker_cooldown_s),
            may_work=may_work(getattr(settings, "hours", "")),
        )

        async def figures() -> list[Figure]:
            return metrics.of_worker(worker)

        return _Running(
            wanted, shutdown, worker.run, lambda: of_worker(worker, shutdown), figures, connected
        )


_GroupSettings = EncoderSettings | DistributorSettings | NotifierSettings | EndpointsSettings


@contextlib.asynccontextmanager
async def instance(settings: Settings, name: str) -> AsyncIterator[Instance]:
    """What all units of a process share, opened."""
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(store(settings))
        scratch = Scratch(
            scratch_root(settings), name, keep_free_bytes=settings.worker.keep_free_bytes
        )
        stack.callback(scratch.close)
        swept = scratch.sweep()
        if swept:
            log.info("scratch.swept", folders=swept)
        http = Http()
        stack.push_async_callback(http.aclose)
        yield Instance(
            settings=settings,
            name=name,
            stack=stack,
            store=opened,
            scratch=scratch,
            http=http,
            gate=Gate(),
        )


def instance_name(settings: Settings) -> str:
    """Unique on the bus, and readable."""
    return f"{settings.host}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


async def run(settings: Settings, wanted: Sequence[Wanted], shutdown: Shutdown) -> None:
    """Run units in this process until asked to stop.

    Raises:
        UserError: The configuration or the bus does not allow it; nothing was started.
    """
    await prepare_patiently(settings, shutdown)
    if shutdown.stopping.is_set():
        return
    name = instance_name(settings)
    async with instance(settings, name) as parts:
        shared: JetStreamBus | None = None
        running: list[_Running] = []
        for unit in wanted:
            if shared is None or _has_roles(settings):
                role = role_name(unit.unit, unit.group)
                shared = await parts.stack.enter_async_context(
                    bus(settings, name=f"izumi {role} {name}", role=role)
                )
            if unit.unit == "acquisition":
                running.append(await parts.acquisition(shared, shutdown.part()))
            elif unit.unit == "gateway":
                running.append(parts.gateway(shared, shutdown.part()))
            else:
                running.append(await parts.consumer(unit, shared, shutdown.part()))
        log.info(
            "instance.started", instance=name, units=[".".join(filter(None, w)) for w in wanted]
        )
        async with observed(settings.metrics, [unit.figures for unit in running]):
            await _together(settings, name, running, shutdown)
    log.info("instance.stopped", instance=name)


def _has_roles(settings: Settings) -> bool:
    return "{role}" in str(settings.bus.seed_file or "")


async def _together(
    settings: Settings, name: str, running: Sequence[_Running], shutdown: Shutdown
) -> None:
    """Run all; the first that ends with an error ends the others, in good order."""
    tasks = [asyncio.create_task(_alive(settings, name, unit)) for unit in running]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        if not all(task.done() for task in tasks):
            shutdown.request()
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
    for task in tasks:
        task.result()


async def _alive(settings: Settings, name: str, unit: _Running) -> None:
    """Run one unit; meanwhile tell that it lives, and hear what it is told."""
    kind, group = unit.wanted
    presence = Presence(
        unit.bus, unit=kind, group=group, instance=name, host=settings.host, facts=unit.facts
    )
    beside = [
        asyncio.create_task(presence.run()),
        asyncio.create_task(obey(unit.bus, kind, name, unit.shutdown)),
    ]
    try:
        await unit.run(unit.shutdown)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
