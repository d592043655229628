"""What becomes of a source whose file is stored and announced."""

import asyncio
import contextlib
import datetime as dt
import errno
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import structlog

from izumi.domain.errors import NoSpace, StorageUnavailable, Unavailable
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.settings import WatchSettings
from izumi.publishers.acquisition.standing import stands
from izumi.publishers.acquisition.threads import stoppable
from izumi.storage import relocate, roots, trash
from izumi.storage.entries import shown
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Location
from izumi.storage.relocate import Taken
from izumi.storage.settle import Changed

log = structlog.get_logger()

T = TypeVar("T")

_DAY_S: Final = 86400.0
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_DONE: Final = {"delete": "source.deleted", "trash": "source.trashed", "move": "source.moved"}


@dataclass(kw_only=True)
class Removal:
    """Carries out what watch folders say of sources. May be called again after a crash.

    Attributes:
        ledger: Where it is recorded what was put into the trash.
        locations: By the names that watch folders use.
        now: Wall clock.
    """

    ledger: Ledger
    locations: Mapping[str, Location]
    now: Callable[[], dt.datetime]

    async def carry_out(self, item: Item, watch: WatchSettings) -> str:
        """Do what the folder's settings say of this file.

        Returns:
            Why it was kept where it is, for people; empty: it was not, or is to be kept.

        Raises:
            Unavailable: It cannot be done now; the text says what stands in the way.
        """
        if watch.source == "keep":
            return ""
        if absent := sorted(set(watch.destinations) - set(item.proved)):
            return _kept(item, f"not proved to be at {', '.join(absent)}")
        if stored := await asyncio.to_thread(self._stored, item, watch):
            return _kept(item, f"it is itself the file of {stored}")
        failpoint("acquisition.before_source_removed")
        try:
            there = await self._remove(item, watch)
        except Taken as exc:
            return _kept(item, str(exc))
        except Changed:
            return _kept(item, "its content is not the one that was acquired")
        if not there and not await stands(self.ledger, item.root):
            raise StorageUnavailable(f"{shown(item.root)} is not there")
        failpoint("acquisition.after_source_removed")
        if there:
            log.info(_DONE[watch.source], name=item.name)
        else:
            log.info("source.gone", name=item.name, reason="it left, or is another file by now")
        if watch.remove_empty_folders:
            await asyncio.to_thread(relocate.remove_empty_folders, Path(item.root), item.path)
        return ""

    def _stored(self, item: Item, watch: WatchSettings) -> str:
        """The location, a folder of this host, whose file the source itself is; "": none."""
        for name in watch.destinations:
            at = self.locations[name]
            with contextlib.suppress(OSError):
                path = Path(at.remote, at.folder(item.sub), item.key)
                status = os.lstat(path) if path.is_absolute() else None
                if status and (status.st_dev, status.st_ino) == (item.device, item.inode):
                    return name
        return ""

    async def _remove(self, item: Item, watch: WatchSettings) -> bool:
        """Whether it was still there, and is not any more."""
        root = Path(item.root)
        match watch.source:
            case "move":
                assert watch.move_to is not None  # noqa: S101 - the settings checked it
                return await self._move(item, watch.move_to, item.path)
            case "trash":
                return await self._move(item, root, await self._place(item, watch))
            case _:
                deleting = asyncio.to_thread(relocate.delete, root, item.found)
                return await _explained(deleting, f"{item.name} cannot be deleted")

    async def _place(self, item: Item, watch: WatchSettings) -> str:
        """Where in the trash the file belongs; recorded before it is there."""
        path = await self.ledger.trash.of(item)
        if path is None:
            now = self.now()
            finding = asyncio.to_thread(
                trash.free_path, Path(item.root), item.path, f"{now:%Y-%m-%d}"
            )
            path = await _explained(finding, f"{item.name} cannot be put into the trash")
            until = now.timestamp() + watch.trash_days * _DAY_S
            await self.ledger.trash.note(item, path, until)
            failpoint("acquisition.after_trash_noted")
        return path

    async def _move(self, item: Item, to: Path, path: str) -> bool:
        if not await asyncio.to_thread(to.is_dir):
            raise StorageUnavailable(f"{item.name} cannot be moved: {to} is not there")
        token = f"{await self.ledger.name()}-{item.id}"

        def move(stop: threading.Event) -> bool:
            return relocate.move(
                *(Path(item.root), item.found, to, path),
                sha256=item.sha256,
                token=token,
                stop=stop,
            )

        target = shown(str(to / path))
        try:
            return await _explained(stoppable(move), f"{item.name} cannot be moved to {target}")
        except Taken as exc:
            raise Taken(f"{target}: {exc}") from exc

    async def empty_trash(self) -> None:
        """Delete what was in the trash of any watch folder for its time, and nothing else."""
        for one in await self.ledger.trash.due(self.now().timestamp()):
            root = await self.ledger.root(one.root)
            if root is None or await asyncio.to_thread(roots.look, Path(one.root)) != root:
                continue  # what is not there now, such as a disk, tells nothing
            try:
                removed = await asyncio.to_thread(trash.remove, one)
            except OSError as exc:
                log.warning("trash.kept", path=shown(one.path), reason=exc.strerror)
                continue
            failpoint("acquisition.after_trash_removed")
            await self.ledger.trash.drop(one.id)
            event = "trash.deleted" if removed else "trash.left"
            log.info(event, folder=shown(one.root), path=shown(one.path))


def _kept(item: Item, reason: str) -> str:
    log.warning("source.kept", name=item.name, reason=reason)
    return f"kept where it is: {reason}"


async def _explained(work: Awaitable[T], what: str) -> T:
    try:
        return await work
    except OSError as exc:
        reason = f"{what}: {exc.strerror}"
        raise NoSpace(reason) if exc.errno in _FULL else Unavailable(reason) from exc
