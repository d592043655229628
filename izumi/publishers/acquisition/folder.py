"""One watch folder: swept now and then, looked into when something changed.

The sweep is the truth. Changes that the system reports only make a look come sooner, so
that it does not matter which of them get lost.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from izumi.domain.errors import Unavailable
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.settings import AcquisitionSettings, WatchSettings
from izumi.storage import beneath, roots
from izumi.storage.entries import Found, Rules, decide, foreign, kind_of, shown
from izumi.storage.events import OpenWatch, Watcher, WatchFailed, open_watch
from izumi.storage.ledger import Ledger
from izumi.storage.roots import Offline, Root
from izumi.storage.sightings import TakenIn
from izumi.storage.walk import Walk, beside_owner, walk

log = structlog.get_logger()

_MOST_HINTS: Final = 500
_PACE_S: Final = 0.1
_OFFLINE_S: Final = 5.0
_ROUNDS: Final = 5


class FolderHealth(msgspec.Struct, kw_only=True):
    """How a watch folder is.

    Attributes:
        state: "offline" while it is missing or another device stands in its place.
        mode: "events" when changes are seen at once, "polled" when only sweeps see them.
        reason: Why it is offline or polled, for people.
        swept_at: End of the last sweep, seconds since 1970; None: none yet.
        sweep_s: How long that took.
        files: Candidates that it met.
        changed_at: Last change that the system reported.
    """

    path: str
    state: Literal["new", "online", "offline"] = "new"
    mode: Literal["events", "polled"] = "polled"
    reason: str = ""
    swept_at: float | None = None
    sweep_s: float = 0.0
    files: int = 0
    changed_at: float | None = None


class Folder:
    """Finds what lies in one watch folder.

    Args:
        settings: Of the folder.
        host: Of acquisition on this host.
        ledger: Where findings are written.
        on_taken: Called with what a look or a sweep brought.
        is_watched: Whether a path is being watched until it is quiet already.
        clock: Seconds, monotonic.
        now: Seconds since 1970, for people.
        opening: Starts to watch folders.
    """

    def __init__(
        self,
        settings: WatchSettings,
        host: AcquisitionSettings,
        ledger: Ledger,
        *,
        on_taken: Callable[[TakenIn], None],
        is_watched: Callable[[str, str], bool],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        opening: OpenWatch = open_watch,
    ) -> None:
        self.settings = settings
        self.root = str(settings.path)
        self.health = FolderHealth(path=shown(self.root))
        self.polled = False
        self._host = host
        self._ledger = ledger
        self._on_taken = on_taken
        self._is_watched = is_watched
        self._clock = clock
        self._now = now
        self._rules = settings.rules()
        self._watcher = Watcher(self._changed, opening=opening)
        self._folders: set[str] = set()
        self._hints: set[str] = set()
        self._wake = asyncio.Event()
        self._due = clock()
        self._unlisted: dict[str, str] = {}

    @property
    def quiet_s(self) -> float:
        """How long a file must be quiet here."""
        least = self._host.polled_quiet_s if self.polled else 0.0
        return max(self.settings.quiet_s, least)

    def sweep_soon(self) -> None:
        """Sweep as soon as possible."""
        self._due = self._clock()
        self._wake.set()

    async def run(self) -> None:
        """Sweep and look until cancelled."""
        try:
            while True:
                await self._wait()
                began = self._clock()
                try:
                    await self._turn()
                except Unavailable as exc:
                    # The ledger's disk is full, or the like: nothing is lost by waiting.
                    log.warning("acquisition.ledger_away", error=str(exc))
                    await asyncio.sleep(_OFFLINE_S)
                # While thousands of files come, half of the time is for other things.
                took_s = min(self._clock() - began, _OFFLINE_S)
                await asyncio.sleep(max(_PACE_S, took_s))
        finally:
            await self._watcher.aclose()

    async def look(self, path: str) -> TakenIn:
        """Look at one file or folder below; what was met there.

        Raises:
            OSError: The watch folder cannot be opened.
            Unavailable: The ledger cannot be written.
        """
        met = await asyncio.to_thread(walk, Path(self.root), self._rules, path)
        return await self._take_in(met, whole=False)

    async def accept(self) -> None:
        """Somebody says that what stands there is the folder, whatever stood there before."""
        if self.health.state == "offline":
            await self._ledger.disbelieve(self.root)
            self.sweep_soon()

    def why_not(self, path: str) -> str:
        """Why `path` is not taken, for people; empty: it would be. Does file work."""
        return _why_not(Path(self.root), path, self._rules)

    async def _wait(self) -> None:
        wait_s = self._due - self._clock()
        if wait_s > 0 and not self._hints:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
        self._wake.clear()

    async def _turn(self) -> None:
        if self._due <= self._clock() or len(self._hints) > _MOST_HINTS:
            self._hints.clear()
            await self._sweep()
        elif self._hints:
            await self._follow_hints()

    def _changed(self, paths: Collection[str]) -> None:
        self.health.changed_at = self._now()
        below = {path[len(self.root) + 1 :] for path in paths}
        if "" in below:
            self._due = self._clock()
        # A growing file says so all the time; whoever watches it sees that without us.
        self._hints |= {path for path in below if path and not self._is_watched(self.root, path)}
        self._wake.set()

    async def _follow_hints(self) -> None:
        hints, self._hints = self._hints, set()
        if self.health.state != "online":
            return
        root = Path(self.root)
        new: set[str] = set()
        try:
            for path in sorted(hints):
                new.update(await self._follow(root, path))
        except OSError:
            self._due = self._clock()
            return
        # What was put into a new folder before its watch stood is met by a second walk.
        for _ in range(_ROUNDS):
            if not new or not await self._watch(self._folders | new, anew=True):
                return
            again = [await self._follow(root, path) for path in sorted(new)]
            new = {folder for folders in again for folder in folders} - self._folders

    async def _follow(self, root: Path, path: str) -> list[str]:
        """Look at one hint; the folders that are there."""
        met = await asyncio.to_thread(walk, root, self._rules, path)
        if met.found or met.refused:
            await self._take_in(met, whole=False)
        return met.folders

    async def _sweep(self) -> None:
        began = self._clock()
        online = await self._standing()
        if online is None:
            self._due = began + min(_OFFLINE_S, self._host.sweep_s)
            return
        try:
            met = await asyncio.to_thread(walk, Path(self.root), self._rules)
        except OSError as exc:
            self._offline(f"{self.root}: {exc.strerror}")
            self._due = began + min(_OFFLINE_S, self._host.sweep_s)
            return
        if await asyncio.to_thread(roots.look, Path(self.root)) != online:
            # It was unmounted or replaced meanwhile: what was met says nothing.
            self._due = began
            return
        kind = await asyncio.to_thread(roots.kind_at, Path(self.root))
        self.polled = roots.polled(kind)
        if self.health.state != "online":
            log.info("folder.online", path=self.health.path, file_system=kind or "unknown")
            self.health.state, self.health.reason = "online", ""
        self._tell_unlisted(met)
        await self._take_in(met, whole=True)
        if self.polled:
            reason = f"{kind}: other hosts change it without a sign"
            self.health.mode, self.health.reason = "polled", reason
        elif await self._watch(set(met.folders)):
            self.health.mode, self.health.reason = "events", ""
        self.health.swept_at = self._now()
        self.health.sweep_s = self._clock() - began
        self.health.files = len(met.found)
        polled = self.health.mode == "polled"
        again_s = self._host.sweep_s
        self._due = began + (min(self._host.polled_sweep_s, again_s) if polled else again_s)

    async def _standing(self) -> Root | None:
        """What the folder is, when it may be swept."""
        path = Path(self.root)
        now = await asyncio.to_thread(roots.look, path)
        before = await self._ledger.root(self.root)
        known, kept, empty = 0, 0, False
        if isinstance(now, Root) and before not in {None, now}:
            known, sample = await self._ledger.sample(self.root)
            kept = await asyncio.to_thread(_kept, path, sample)
            empty = await asyncio.to_thread(roots.is_empty, path)
        reason = roots.judge(path, before, now, known, kept, empty=empty)
        if reason or isinstance(now, Offline):
            self._offline(reason)
            return None
        if now != before:
            # Made anew, or mounted: the old watches look at what is no more.
            await self._watcher.aclose()
            await self._ledger.believe(self.root, now)
        return now

    def _offline(self, reason: str) -> None:
        if (self.health.state, self.health.reason) != ("offline", reason):
            log.error("folder.offline", path=self.health.path, reason=reason)
        self.health.state, self.health.reason = "offline", reason

    async def _watch(self, folders: set[str], *, anew: bool = False) -> bool:
        """Watch these folders; False: only sweeps see changes, until the next one tries."""
        try:
            await self._watcher.watch(Path(self.root), folders, anew=anew)
        except WatchFailed as exc:
            if anew:
                # A folder went meanwhile, as a rule; a sweep knows which are there.
                self._due = self._clock()
                return False
            if self.health.reason != str(exc):
                log.warning("folder.unwatched", path=self.health.path, reason=str(exc))
            self.health.mode, self.health.reason = "polled", str(exc)
            return False
        self._folders = folders
        return True

    async def _take_in(self, met: Walk, *, whole: bool) -> TakenIn:
        taken = await self._ledger.take_in(self.root, met, whole=whole)
        if taken.todo:
            failpoint("acquisition.after_seen")
        for name, reason in taken.refused:
            log.warning("file.refused", folder=self.health.path, name=name, reason=reason)
        if taken.gone:
            log.info("files.gone", folder=self.health.path, files=taken.gone)
        self._on_taken(taken)
        return taken

    def _tell_unlisted(self, met: Walk) -> None:
        for path, reason in met.failed.items():
            if self._unlisted.get(path) != reason:
                where = shown(path) or self.health.path
                log.warning("folder.unlisted", folder=where, reason=reason)
        self._unlisted = dict(met.failed)


def _kept(root: Path, sample: Collection[Found]) -> int:
    """How many of the files are there, unchanged but for the device."""
    kept = 0
    for found in sample:
        with contextlib.suppress(OSError):
            status = beneath.lstat(root, found.path)
            there = (status.st_ino, status.st_size, status.st_mtime_ns)
            kept += there == (found.inode, found.size, found.mtime_ns)
    return kept


def _why_not(root: Path, path: str, rules: Rules) -> str:
    parts = path.split("/") if path else []
    with contextlib.suppress(OSError):
        rules = beside_owner(rules, root.stat().st_uid)
    for depth in range(1, len(parts) + 1):
        part = "/".join(parts[:depth])
        try:
            status = beneath.lstat(root, part)
        except OSError as exc:
            return f"{shown(part)}: {exc.strerror}"
        kind = kind_of(status.st_mode)
        ignored = decide(part, kind, rules)
        if ignored is None and kind == "file":
            ignored = foreign(status.st_uid, rules)
        if ignored is not None:
            return f"{shown(part)}: {ignored.reason}"
    return ""
