"""Requests of other processes on this host: which files they mean, and to hurry them."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from izumi.domain.errors import Unavailable
from izumi.publishers.acquisition.folder import Folder
from izumi.storage.entries import shown
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.mailbox import Bell, Request

log = structlog.get_logger()

_LOOK_S: Final = 1.0
_AWAY_S: Final = 5.0


class Requests:
    """Takes requests out of the ledger's mailbox.

    Args:
        ledger: Owned by this process.
        folders: Watch folders.
        hurry: Called with the files that are meant.
    """

    def __init__(
        self, ledger: Ledger, folders: Sequence[Folder], hurry: Callable[[list[Item]], None]
    ) -> None:
        self._ledger = ledger
        self._folders = folders
        self._hurry = hurry

    async def run(self) -> None:
        """Take requests until cancelled, at once when the bell rings."""
        loop = asyncio.get_running_loop()
        rang = asyncio.Event()
        bell = Bell(self._ledger.folder)
        ringing = bell.hang()

        def hear() -> None:
            if ringing is not None:
                with contextlib.suppress(OSError):
                    ringing.recv(16)
            rang.set()

        try:
            if ringing is not None:
                loop.add_reader(ringing, hear)
            while True:
                rang.clear()
                try:
                    for request in await self._ledger.mailbox.waiting():
                        await self._take(request)
                except Unavailable as exc:
                    log.warning("acquisition.ledger_away", error=str(exc))
                    await asyncio.sleep(_AWAY_S)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await rang.wait()
        finally:
            if ringing is not None:
                loop.remove_reader(ringing)
            bell.take_down()

    async def _take(self, request: Request) -> None:
        folder, path = await asyncio.to_thread(self._place, request.path)
        if folder is None:
            problem = f"{shown(request.path)} is in none of the watch folders"
            await self._ledger.mailbox.take(request, [], problem)
            return
        if not path:
            await folder.accept()
        try:
            met = (await folder.look(path)).met
        except OSError as exc:
            problem = f"{shown(folder.root)}: {exc.strerror}"
            await self._ledger.mailbox.take(request, [], problem)
            return
        if not met:
            why = await asyncio.to_thread(folder.why_not, path)
            problem = why or f"{shown(request.path)}: there is no video in it"
            await self._ledger.mailbox.take(request, [], problem)
            return
        await self._ledger.mailbox.take(request, met)
        items = [await self._ledger.item(id_) for id_ in met]
        self._hurry([item for item in items if item is not None])
        log.info("request.taken", path=shown(request.path), files=len(met))

    def _place(self, path: str) -> tuple[Folder | None, str]:
        """The watch folder that holds `path`, and the path below it; does file work."""
        parent, name = os.path.split(path.rstrip("/"))
        for candidate in (Path(path), Path(os.path.realpath(parent), name)):
            for folder in self._folders:
                for root in (Path(folder.root), Path(os.path.realpath(folder.root))):
                    if candidate.is_relative_to(root):
                        below = str(candidate.relative_to(root))
                        return folder, "" if below == "." else below
        return None, ""
