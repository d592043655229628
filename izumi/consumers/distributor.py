"""Distributor: every file to every destination of its group, each one on its own.

A destination that is down neither blocks nor repeats the others: what is done is
recorded and announced at once, the rest is tried again later.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import structlog

from izumi.clients.ports import Sieve
from izumi.domain.errors import Held, Rejected, StorageUnavailable, Unavailable
from izumi.domain.events import Acquired, Distributed, Encoded, Fact, File
from izumi.domain.filters import Drop, Filter, Pass, Wait, postponed
from izumi.domain.subjects import Sub
from izumi.failpoints import failpoint
from izumi.runtime.ports import JobContext
from izumi.storage.ports import Location, Store
from izumi.storage.replacing import folder_of, make_room

log = structlog.get_logger()


class DistributorSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[distributor.<group>]`.

    Attributes:
        destinations: Locations that get every file.
        sources: Locations to copy from, nearest first; empty: the ones that the event
            names, as far as this host knows them.
        subs: Which kinds of files.
        jobs: Files worked on at once by one instance.
        tier: 1 gets work only while every instance of tier 0 is away or full.
        deliver: "all" starts a new group with everything that the bus still keeps,
            "new" with what comes after it was made.
        filter: What the group gets; nothing given: every file.
    """

    destinations: tuple[str, ...]
    sources: tuple[str, ...] = ()
    subs: tuple[Sub, ...] = ("softsub", "hardsub")
    jobs: int = 2
    tier: int = 0
    deliver: Literal["all", "new"] = "all"
    filter: Filter = Filter()

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        if not self.destinations:
            msg = "destinations: name at least one [storage.<name>]"
            raise ValueError(msg)
        if self.jobs < 1:
            msg = f"jobs: {self.jobs} must be 1 or more"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Distributor:
    """The handler of one distributor group.

    Attributes:
        group: Name of the group.
        settings: Its configuration.
        locations: Every location that this host knows, by name.
        store: Moves the files.
        host: Name of this host, for people.
        now: The clock.
        sieve: Its filter; None: every file is distributed.
    """

    group: str
    settings: DistributorSettings
    locations: Mapping[str, Location]
    store: Store
    host: str
    now: Callable[[], dt.datetime]
    sieve: Sieve | None = None

    async def __call__(self, fact: Fact, job: JobContext) -> Sequence[Fact]:
        """Bring the file of `fact` to every destination.

        Raises:
            Unavailable: Some destinations are still missing; the others are done.
            Postponed: It is not to be distributed before a time.
            Held: Something else lies under the file's name at a destination.
            Rejected: The fact carries no file to distribute.
        """
        if not isinstance(fact, Acquired | Encoded):
            msg = f"a distributor has nothing to do with {type(fact).__name__}"
            raise Rejected(msg)
        if fact.file.sub not in self.settings.subs:
            return []
        work = _Distribution(fact, job, self)
        if not await self._wants(fact, begun=work.begun):
            return []
        outcomes = await asyncio.gather(
            *(work.bring(name) for name in work.missing), return_exceptions=True
        )
        _raise_worst(dict(zip(work.missing, outcomes, strict=True)))
        return []

    async def _wants(self, fact: Acquired | Encoded, *, begun: bool) -> bool:
        """What the filter says; what some destinations have, the others get.

        Raises:
            Postponed: Not before a time.
        """
        verdict = Pass() if self.sieve is None else await self.sieve.judge(fact)
        match verdict:
            case Wait():
                raise postponed({self.group: verdict}, self.now())
            case Drop() if not begun:
                log.info("distributor.filtered", key=fact.file.key, reason=verdict.reason)
                return False
            case Pass() if verdict.reason:
                log.info("distributor.let_in", key=fact.file.key, reason=verdict.reason)
        return True


class _Distribution:
    """One file on its way; keeps the record of the destinations that have it."""

    def __init__(self, fact: Acquired | Encoded, job: JobContext, unit: Distributor) -> None:
        self._fact = fact
        self._job = job
        self._unit = unit
        self._recording = asyncio.Lock()
        self._done: dict[str, Any] = dict(job.checkpoint.get("done", {}))
        self._fractions: dict[str, float] = {}
        self.missing = [name for name in unit.settings.destinations if name not in self._done]
        self.begun = bool(self._done)

    async def bring(self, name: str) -> None:
        file, to = self._fact.file, self._unit.locations[name]
        store = self._unit.store
        if isinstance(self._fact, Encoded):
            into = folder_of(self._unit.now(), self._job.job)
            await make_room(store, file, self._fact.replaces, to, into=into)
        # What lies there is read only where something does.
        if await store.stat(file, to) is None or not await store.has(file, to):
            await self._copy(file, to)
        await self._record(name)

    async def _copy(self, file: File, to: Location) -> None:
        """Copy from the nearest location from which it arrives whole.

        Raises:
            Held: Something else lies under its name.
            StorageUnavailable: None that this host knows has it, or the destination is away.
        """
        tried = []
        for source in self._sources(to):
            try:
                lies = await self._unit.store.stat(file, source)
                if lies is None or lies.size != file.size:
                    tried.append(
                        f"{source.name}: {'not there' if lies is None else 'another file'}"
                    )
                    continue
                failpoint("distributor.before_copy")
                await self._unit.store.copy(
                    file,
                    source,
                    to,
                    token=f"{self._job.token}-{to.name}",
                    progress=lambda fraction: self._report(to.name, fraction),
                )
            except StorageUnavailable as exc:
                tried.append(f"{source.name}: {exc}")
            else:
                failpoint("distributor.after_copy")
                return
        msg = f"{file.key} comes from no source ({'; '.join(tried) or 'none is configured here'})"
        raise StorageUnavailable(msg)

    def _sources(self, to: Location) -> Iterator[Location]:
        """Locations that should have the file, the nearest first."""
        known = self._unit.locations
        wanted = self._unit.settings.sources or (*self._fact.sources, *self._done)
        if not (self._unit.settings.sources or self._fact.sources):
            # A requester that names no location: the file is looked for everywhere.
            wanted = tuple(dict.fromkeys((*wanted, *known)))
        for name in wanted:
            if name != to.name and name in known:
                yield known[name]

    def _report(self, name: str, fraction: float) -> None:
        self._fractions[name] = fraction
        share = (len(self._done) + sum(self._fractions.values())) / len(
            self._unit.settings.destinations
        )
        self._job.report("distributing", min(share, 1.0), ", ".join(sorted(self._fractions)))

    async def _record(self, name: str) -> None:
        # One at a time: the record is one entry that carries all destinations.
        async with self._recording:
            now = self._unit.now()
            done = self._done | {name: now.isoformat()}
            fact = Distributed(
                file=self._fact.file,
                episode=self._fact.episode,
                group=self._unit.group,
                destination=name,
                at=now,
                host=self._unit.host,
            )
            await self._job.save({"done": done}, [fact])
            self._done = done
            self._fractions.pop(name, None)
            failpoint("distributor.after_record")
        log.info("distributor.done", key=self._fact.file.key, destination=name)


def _raise_worst(outcomes: Mapping[str, BaseException | None]) -> None:
    """Raise what decides about the job: a retry before a hold, since it may settle both."""
    failed = {name: exc for name, exc in outcomes.items() if exc is not None}
    unexpected = [exc for exc in failed.values() if not isinstance(exc, Unavailable | Held)]
    if unexpected:
        raise unexpected[0]
    reasons = {name: str(exc) for name, exc in failed.items()}
    waits = [exc for exc in failed.values() if isinstance(exc, Unavailable)]
    if waits:
        text = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        asked = [exc.retry_after_s for exc in waits if exc.retry_after_s is not None]
        raise StorageUnavailable(text, retry_after_s=min(asked, default=None)) from waits[0]
    if failed:
        text = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise Held(text, reasons)
