"""From a staged file to one that is stored, announced, and done with.

As the steps before, each may be done again: whatever a crash left of it is found and used,
or replaced. What stands in the way is raised; `outcomes` decides when it is tried again.
"""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from izumi.bus.ports import Bus, Conflict
from izumi.domain.errors import BusUnavailable, Held, Unavailable
from izumi.domain.events import Acquired, Episode, File
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.claims import Announced, Claim, Claims, Elsewhere
from izumi.publishers.acquisition.owed import Failure, First, Owed
from izumi.publishers.acquisition.removal import Removal
from izumi.publishers.acquisition.settings import WatchSettings
from izumi.publishers.acquisition.tally import Tally
from izumi.publishers.acquisition.threads import on_own_files
from izumi.publishers.acquisition.uploads import Telling, upload
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Location, Store
from izumi.storage.settle import Changed, look
from izumi.storage.staging import Staging

log = structlog.get_logger()

T = TypeVar("T")


class Replaced(Exception):
    """Another file stands under the path: this one must not be stored any more."""


@dataclass(kw_only=True)
class Storing:
    """Takes staged files further. Every method may be cancelled, and called again.

    Attributes:
        ledger: Where states are kept.
        bus: Where progress goes.
        store: Moves files to locations.
        locations: By the names that watch folders use.
        staging: Where files in hand are held.
        claims: Who stores what.
        owed: Brings files to where they are missing once they are announced.
        removal: What becomes of sources.
        instance: Name of this instance, for people.
        host: Name of this host, for people.
        claim_s: Claims are renewed three times in so long.
        now: Wall clock, for facts.
        tally: What is announced and uploaded is counted there.
    """

    ledger: Ledger
    bus: Bus
    store: Store
    locations: Mapping[str, Location]
    staging: Staging
    claims: Claims
    owed: Owed
    removal: Removal
    instance: str
    host: str
    claim_s: float
    now: Callable[[], dt.datetime]
    tally: Tally
    # A lock lives for as long as somebody holds it or waits for it.
    _places: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def publish(self, item: Item, watch: WatchSettings) -> Item:
        """From staged or stored to published: stored, proved, and announced.

        Stored everywhere, or at one location where that is enough for the watch folder.

        Raises:
            Held: Something else lies under its place.
            Changed: What is staged is not what was hashed, or is not there.
            Replaced: Another file has its name.
            Unavailable: A location or the bus does not answer, or another host works on it.
        """
        file = _file(item)
        # One file at a time for each place; the claim tells other hosts, not ourselves.
        async with self._places.setdefault(item.key, asyncio.Lock()):
            try:
                claim = await self.claims.take(file)
            except Announced as exc:
                return await self._announced(item, file, watch, exc)
            try:
                if item.state == "staged":
                    claim, item = await self._stored(item, file, watch, claim)
                fact = self._fact(item, file, watch)
                owed = tuple(name for name in watch.destinations if name not in fact.sources)
                await self.claims.announce(claim, fact, owed)
            except Conflict as exc:
                raise Elsewhere(f"{item.key}: the claim was lost", retry_after_s=1.0) from exc
            except Held as exc:
                await self.claims.release(claim, exc.reason)
                raise
            item = await self.ledger.save(item, state="published", reason="", owed=owed)
            failpoint("acquisition.after_published")
            self.tally.announced(item)
            log.info("file.acquired", name=item.name, key=item.key, to=[*item.proved])
            return item

    async def finish(self, item: Item, watch: WatchSettings) -> Item | None:
        """From published to done: the source gets what the watch folder's settings say.

        None: not every location holds it yet; it is being brought there.

        Raises:
            Unavailable: Something stands in the way of that.
        """
        file = _file(item)
        if owed := [name for name in item.owed if name in watch.destinations]:
            self.owed.announced(item, file, owed)
            return None
        if watch.announce_after == "any":
            await self.claims.complete(file)
        # What is staged may be the only room for others while the source cannot be moved.
        await asyncio.to_thread(self.staging.release, item.id)
        kept = await self.removal.carry_out(item, watch)
        reason = item.reason if watch.source == "keep" else kept
        item = await self.ledger.save(item, state="done", reason=reason)
        failpoint("acquisition.after_done")
        return item

    async def _announced(
        self, item: Item, file: File, watch: WatchSettings, before: Announced
    ) -> Item:
        """It was announced before, by an earlier life of this ledger or by another host.

        Nothing is uploaded but what was missing then: what was moved or removed at a
        location since stays so.
        """
        owed = tuple(name for name in watch.destinations if name in before.missing)
        if item.state == "staged" and watch.source != "keep":
            held = [n for n in watch.destinations if n not in owed and await self._holds(file, n)]
            item = await self.ledger.save(item, proved=tuple(held))
        if owed and before.owner != self.claims.owner:
            # Whoever announced it is at it; both would bring it whole, one for nothing.
            self.owed.begin(item, file, owed, after_s=self.claim_s)
        log.info("file.announced_before", name=item.name, key=item.key, by=before.owner)
        reason = f"announced before by {before.owner}"
        return await self.ledger.save(item, state="published", reason=reason, held_at="", owed=owed)

    async def _holds(self, file: File, location: str) -> bool:
        try:
            return await self.store.has(file, self.locations[location])
        except Held:
            return False

    async def _stored(
        self, item: Item, file: File, watch: WatchSettings, claim: Claim
    ) -> tuple[Claim, Item]:
        await self._check_staged(item)
        to = [name for name in watch.destinations if name not in item.proved]
        if claim.contested or watch.announce_after == "all":
            asking = self._lying(file, to, everywhere=claim.contested)
            claim, lying = await self._renewing(claim, asking)
            item = await self.ledger.save(item, proved=(*item.proved, *lying))
        if watch.announce_after == "any":
            return await self._stored_somewhere(item, file, watch, claim)
        return await self._stored_everywhere(item, file, watch, claim)

    async def _lying(self, file: File, names: Sequence[str], *, everywhere: bool) -> list[str]:
        """The locations that hold the file already.

        Asked before anything is uploaded: of two files for one place none shall lie here
        and the other one there.

        Raises:
            Held: Something else lies in its place.
            Unavailable: One does not answer, and it must be known of each.
        """
        has = (self.store.has(file, self.locations[name]) for name in names)
        results = await asyncio.gather(*has, return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        for kind in (Held, Unavailable, BaseException):
            for error in failed:
                tolerated = isinstance(error, Unavailable) and not everywhere
                if isinstance(error, kind) and not tolerated:
                    raise error
        return [name for name, result in zip(names, results, strict=True) if result is True]

    async def _stored_somewhere(
        self, item: Item, file: File, watch: WatchSettings, claim: Claim
    ) -> tuple[Claim, Item]:
        """On its way to all locations, and there at one of them."""
        to = [name for name in watch.destinations if name not in item.proved]
        async with self.owed.unless_it_fails(item.id):
            firsts = self.owed.begin(item, file, to)
            if not item.proved:
                claim, failed = await self._renewing(claim, _first_success(firsts))
                if failed:
                    raise await self._why(item, failed)
            item = await self.ledger.save(item, state="stored", reason="", held_at="")
        failpoint("acquisition.after_stored")
        return claim, item

    async def _stored_everywhere(
        self, item: Item, file: File, watch: WatchSettings, claim: Claim
    ) -> tuple[Claim, Item]:
        old = await self.ledger.tokens(item)
        token = uuid.uuid4().hex
        await self.ledger.uploading(item, token)
        to = [self.locations[name] for name in watch.destinations if name not in item.proved]
        putting = upload(
            self.store,
            self.staging.path(item.id),
            file,
            to,
            token=token,
            old_tokens=old,
            telling=Telling(self.bus, file, instance=self.instance, now=self.now),
            uploading=self.tally.uploading,
        )
        claim, (proved, failed) = await self._renewing(claim, putting)
        everywhere = (*item.proved, *proved)
        if failed:
            item = await self.ledger.save(item, proved=everywhere)
            raise await self._why(item, failed)
        item = await self.ledger.save(
            item,
            state="stored",
            reason="",
            held_at="",
            proved=everywhere,
            swept={*old, token},
        )
        failpoint("acquisition.after_stored")
        return claim, item

    async def _check_staged(self, item: Item) -> None:
        intact = await asyncio.to_thread(
            self.staging.intact, item.id, item.size, item.inode, item.mtime_ns
        )
        if not intact:
            raise Changed
        now = await asyncio.to_thread(look, Path(item.root), item.path)
        # Gone is no reason to drop it; another file under its name is: that one is newer.
        if now is not None and (now.device, now.inode) != (item.device, item.inode):
            raise Replaced

    async def _why(self, item: Item, failed: Sequence[Failure]) -> Exception:
        """Of all that failed: a change of the file first, then what a person must decide."""
        await self._check_staged(item)
        held = next((error for error in failed if isinstance(error, Held)), None)
        if held is None:
            return failed[0] if len(failed) == 1 else Unavailable("; ".join(map(str, failed)))
        # Times can be set back; only the content says whose fault it is.
        if not await on_own_files(lambda stop: self.staging.holds(item.id, item.sha256, stop)):
            return Changed()
        return held

    async def _renewing(self, claim: Claim, work: Awaitable[T]) -> tuple[Claim, T]:
        """Do the work while the claim is renewed; the claim as it is then.

        Raises:
            Conflict: The claim is not ours any more; the work was cancelled.
        """
        working = asyncio.ensure_future(work)
        try:
            while True:
                done, _ = await asyncio.wait({working}, timeout=self.claim_s / 3)
                if done:
                    return claim, working.result()
                with contextlib.suppress(BusUnavailable):
                    claim = await self.claims.renew(claim)
        finally:
            working.cancel()
            await asyncio.wait({working})

    def _fact(self, item: Item, file: File, watch: WatchSettings) -> Acquired:
        return Acquired(
            file=file,
            episode=item.episode or Episode(show=item.key.partition("/")[0]),
            sources=tuple(name for name in watch.destinations if name in item.proved),
            priority=watch.priority,
            release=item.name.rpartition("/")[2],
            at=self.now(),
            host=self.host,
        )


def _file(item: Item) -> File:
    return File(key=item.key, size=item.size, sha256=item.sha256, sub=item.sub)


async def _first_success(firsts: Sequence[First]) -> list[Failure]:
    """Wait until a location holds the file: nothing; or none does: why.

    What a person must decide is told before that, so that nobody announces it.
    """
    failed: list[Failure] = []
    waiting = {*firsts}
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        results = [first.result() for first in done]
        failed += [result for result in results if result is not None]
        if any(isinstance(failure, Held) for failure in failed):
            return failed
        if None in results:
            return []
    return failed
