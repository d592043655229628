"""The steps of one file, each from one state of the ledger to the next.

A step may be done again: whatever a crash left of it is found and used, or replaced. What
stands between a file and its next state is raised; `unit` decides when it is tried again.
"""

import asyncio
import contextlib
import datetime as dt
import unicodedata
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from izumi.bus.ports import Bus, Conflict
from izumi.domain.errors import BadKey, BusUnavailable, Held, Unavailable
from izumi.domain.events import Acquired, Answered, Episode, File
from izumi.domain.release import Filing
from izumi.domain.rules import Rule
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.claims import Announced, Claim, Claims, Elsewhere
from izumi.publishers.acquisition.holds import Unsure
from izumi.publishers.acquisition.ports import Identified, Identifier
from izumi.publishers.acquisition.removal import Removal
from izumi.publishers.acquisition.settings import WatchSettings
from izumi.publishers.acquisition.tally import Tally
from izumi.publishers.acquisition.threads import on_own_files
from izumi.publishers.acquisition.uploads import Telling, upload
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Location, Store
from izumi.storage.settle import (
    Changed,
    Fingerprint,
    ProveWhole,
    Unready,
    examine,
    look,
)
from izumi.storage.staging import Staging, sha256_below

log = structlog.get_logger()

T = TypeVar("T")


class NotReady(Exception):
    """Not whole, as far as can be told now. `passing`: it may be without a change."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


class Ignored(Exception):
    """The watch folder's settings leave such a file where it is; says what it is."""


class Replaced(Exception):
    """Another file stands under the path: this one must not be stored any more."""


@dataclass(kw_only=True)
class Steps:
    """Takes files from state to state. Every method may be cancelled, and called again.

    Attributes:
        ledger: Where states are kept.
        bus: Where progress and facts go.
        store: Moves files to locations.
        locations: By the names that watch folders use.
        identifier: Tells what files are.
        rules: What was learnt of other files.
        prove_whole: Reads whole files.
        staging: Where files in hand are held.
        claims: Who stores what.
        removal: What becomes of sources.
        instance: Name of this instance, for people.
        host: Name of this host, for people.
        claim_s: Claims are renewed three times in so long.
        now: Wall clock, for facts.
        tally: What is announced and uploaded is counted there.
        unproved: Whether a file whose container proves nothing must wait longer.
    """

    ledger: Ledger
    bus: Bus
    store: Store
    locations: Mapping[str, Location]
    identifier: Identifier
    rules: Callable[[], Awaitable[tuple[Rule, ...]]]
    prove_whole: ProveWhole
    staging: Staging
    claims: Claims
    removal: Removal
    instance: str
    host: str
    claim_s: float
    now: Callable[[], dt.datetime]
    tally: Tally
    unproved: Callable[[int], bool]
    # A lock lives for as long as somebody holds it or waits for it.
    _places: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def settle(self, item: Item, before: Fingerprint) -> Item | None:
        """From settling to ready. None: it was quiet, and must be so for longer.

        Raises:
            NotReady: It is not whole.
            Changed: It is not what it was before.
            ToolFailed: It could not be told.
        """
        root = Path(item.root)
        verdict = await asyncio.to_thread(examine, root, item.path, before)
        if isinstance(verdict, Unready):
            raise NotReady(verdict.reason, passing=verdict.passing)
        if not verdict.proved and self.unproved(item.id):
            return None
        wrong, sha256 = await self._read(root, item.path, before)
        if await asyncio.to_thread(look, root, item.path) != before:
            raise Changed
        if wrong is not None:
            raise NotReady(wrong, passing=False)
        item = await self.ledger.save(
            item, state="ready", reason="", held_at="", judged=False, sha256=sha256
        )
        failpoint("acquisition.after_settled")
        return item

    async def _read(self, root: Path, path: str, before: Fingerprint) -> tuple[str | None, str]:
        """Have the whole file proved, and take its sha256 besides: it is read from disk once.

        Returns:
            What is wrong, and the sha256 where nothing is.
        """
        hashing = asyncio.create_task(
            on_own_files(lambda stop: sha256_below(root, path, before, stop))
        )
        try:
            wrong = await self.prove_whole(root / path)
            return wrong, await hashing if wrong is None else ""
        except OSError as exc:
            raise Changed from exc
        finally:
            hashing.cancel()
            await asyncio.gather(hashing, return_exceptions=True)

    async def identify(self, item: Item, watch: WatchSettings) -> Item:
        """From ready, or held, to identified.

        Raises:
            Held: A person must decide what it is.
            Ignored: It is what the watch folder leaves alone.
            Changed: It is not what was proved.
            Unavailable: What is needed for it does not answer.
        """
        await self._fingerprint(item)
        try:
            item.path.encode()
        except UnicodeEncodeError as exc:
            reason = f"{item.name}: the name is not UTF-8; rename the file"
            raise Held(reason) from exc
        *folders, name = unicodedata.normalize("NFC", item.path).split("/")
        try:
            named = await self.identifier.identify(
                name,
                folders,
                rules=await self.rules(),
                fix=item.fix,
                filing=self._filing(watch),
            )
        except BadKey as exc:
            raise Held(str(exc), {"name": name}) from exc
        if named.ignored is not None and not item.approved:
            raise Ignored(named.ignored)
        if (doubt := _doubt(named, approved=item.approved)) is not None:
            raise Unsure(
                doubt,
                {"key": named.key} | named.facts,
                title=named.title,
                season=named.season,
                readable=bool(named.episode.show),
            )
        item = await self.ledger.save(
            item,
            state="identified",
            reason="",
            held_at="",
            key=named.key,
            sub=named.sub,
            episode=named.episode,
        )
        failpoint("acquisition.after_identified")
        log.info("file.identified", name=item.name, key=named.key, why=named.facts.get("why", ""))
        if item.answered:
            failpoint("acquisition.after_answered")
        return item

    def _filing(self, watch: WatchSettings) -> Filing:
        """A name must fit wherever the folder's files go."""
        limits = [self.locations[name].name_bytes for name in watch.destinations]
        return Filing(extras=watch.extras, part_bytes=min(limits))

    async def reject(self, item: Item, said: Answered) -> Item:
        """From held to ignored: a person does not want it."""
        await asyncio.to_thread(self.staging.release, item.id)
        why = f": {said.reason}" if said.reason else ""
        reason = f"rejected by {said.by or 'a person'}{why}"
        item = await self.ledger.save(item, state="ignored", reason=reason, held_at="", proved=())
        failpoint("acquisition.after_rejected")
        return item

    async def stage(self, item: Item) -> Item:
        """From identified to staged.

        Raises:
            Changed: It is not what was proved.
            Unavailable: This host cannot hold it now.
        """
        before = await self._fingerprint(item)
        staged = await on_own_files(
            lambda stop: self.staging.stage(
                item.id, Path(item.root), item.path, before, stop, sha256=item.sha256
            )
        )
        item = await self.ledger.save(item, state="staged", reason="", sha256=staged.sha256)
        failpoint("acquisition.after_staged")
        return item

    async def publish(self, item: Item, watch: WatchSettings) -> Item:
        """From staged or stored to published: stored everywhere, proved, and announced.

        Raises:
            Held: Something else lies under its place.
            Changed: What is staged is not what was hashed, or is not there.
            Replaced: Another file has its name.
            Unavailable: A location or the bus does not answer, or another host works on it.
        """
        file = File(key=item.key, size=item.size, sha256=item.sha256, sub=item.sub)
        # One file at a time for each place; the claim tells other hosts, not ourselves.
        async with self._places.setdefault(item.key, asyncio.Lock()):
            try:
                claim = await self.claims.take(file)
            except Announced as exc:
                return await self._announced(item, file, watch, str(exc))
            try:
                if item.state == "staged":
                    claim, item = await self._stored(item, file, watch, claim)
                await self.claims.announce(claim, self._fact(item, file, watch))
            except Conflict as exc:
                raise Elsewhere(f"{item.key}: the claim was lost", retry_after_s=1.0) from exc
            except Held as exc:
                await self.claims.release(claim, exc.reason)
                raise
            item = await self.ledger.save(item, state="published", reason="")
            failpoint("acquisition.after_published")
            self.tally.announced(item)
            log.info("file.acquired", name=item.name, key=item.key, to=[*item.proved])
            return item

    async def finish(self, item: Item, watch: WatchSettings) -> Item:
        """From published to done: the source gets what the watch folder's settings say.

        Raises:
            Unavailable: Something stands in the way of that.
        """
        # What is staged may be the only room for others while the source cannot be moved.
        await asyncio.to_thread(self.staging.release, item.id)
        kept = await self.removal.carry_out(item, watch)
        reason = item.reason if watch.source == "keep" else kept
        item = await self.ledger.save(item, state="done", reason=reason)
        failpoint("acquisition.after_done")
        return item

    async def _announced(self, item: Item, file: File, watch: WatchSettings, owner: str) -> Item:
        """It was announced before, by an earlier life of this ledger or by another host.

        Nothing is uploaded: what was moved or removed at a location since stays so.
        """
        if item.state == "staged" and watch.source != "keep":
            proved = [n for n in watch.destinations if await self._holds(file, n)]
            item = await self.ledger.save(item, proved=tuple(proved))
        log.info("file.announced_before", name=item.name, key=item.key, by=owner)
        reason = f"announced before by {owner}"
        return await self.ledger.save(item, state="published", reason=reason, held_at="")

    async def _holds(self, file: File, location: str) -> bool:
        try:
            return await self.store.has(file, self.locations[location])
        except Held:
            return False

    async def _stored(
        self, item: Item, file: File, watch: WatchSettings, claim: Claim
    ) -> tuple[Claim, Item]:
        await self._check_staged(item)
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

    async def _why(self, item: Item, failed: list[Held | Unavailable]) -> Exception:
        """Of all that failed: a change of the file first, then what a person must decide."""
        await self._check_staged(item)
        held = next((error for error in failed if isinstance(error, Held)), None)
        if held is None:
            first = failed[0]
            assert isinstance(first, Unavailable)  # noqa: S101 - narrows for mypy
            return first if len(failed) == 1 else Unavailable("; ".join(map(str, failed)))
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

    async def _fingerprint(self, item: Item) -> Fingerprint:
        """The file as it is now.

        Raises:
            Changed: It is not what the ledger says.
        """
        now = await asyncio.to_thread(look, Path(item.root), item.path)
        if now is None or now[:4] != (item.device, item.inode, item.size, item.mtime_ns):
            raise Changed
        return now


def _doubt(named: Identified, *, approved: bool) -> str | None:
    """Why a person must look all the same; None: no reason, or they approved."""
    if named.held is None or not approved:
        return named.held
    if named.episode.show:
        return None
    return f"{named.held}; it cannot be approved, since no show was read: say which with a fix"
