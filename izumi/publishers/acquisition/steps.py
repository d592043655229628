"""The steps of a file from found to staged, each from one state of the ledger to the next.

A step may be done again: whatever a crash left of it is found and used, or replaced. What
stands between a file and its next state is raised; `outcomes` decides when it is tried
again. `storing` has the steps from there.
"""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from izumi.domain.errors import BadKey, Held
from izumi.domain.events import Answered
from izumi.domain.release import Filing
from izumi.domain.rules import Rule
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.holds import Unsure
from izumi.publishers.acquisition.ports import Identified, Identifier
from izumi.publishers.acquisition.settings import WatchSettings
from izumi.publishers.acquisition.threads import on_own_files
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Location
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


class NotReady(Exception):
    """Not whole, as far as can be told now. `passing`: it may be without a change."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


class Ignored(Exception):
    """The watch folder's settings leave such a file where it is; says what it is."""


@dataclass(kw_only=True)
class Steps:
    """Takes files from state to state. Every method may be cancelled, and called again.

    Attributes:
        ledger: Where states are kept.
        locations: All that the configuration knows, by their names.
        identifier: Tells what files are.
        rules: What was learnt of other files.
        prove_whole: Reads whole files.
        staging: Where files in hand are held.
        unproved: Whether a file whose container proves nothing must wait longer.
    """

    ledger: Ledger
    locations: Mapping[str, Location]
    identifier: Identifier
    rules: Callable[[], Awaitable[tuple[Rule, ...]]]
    prove_whole: ProveWhole
    staging: Staging
    unproved: Callable[[int], bool]

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
        folders = folders if watch.folders else []
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
        """A name must fit wherever the file may go, brought by other units as well."""
        least = min(location.name_bytes for location in self.locations.values())
        return Filing(extras=watch.extras, part_bytes=least, hint=watch.hint)

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
