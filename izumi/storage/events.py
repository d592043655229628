"""Changes in folders, as hints to look soon. Nothing may depend on one of them coming.

Each folder is watched by itself: the recursive watch of `watchfiles` follows symbolic
links (one to `/` would watch the whole disk), and misses what is put into a new folder
before its own watch stands. Whoever walks the folders says which there are.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from watchfiles import watch

_LOOK_MS: Final = 50
_GROUP_MS: Final = 400
_WAKE_MS: Final = 200


class WatchFailed(Exception):
    """Folders cannot be watched; the text says why and what would help."""


class OpenWatch(Protocol):
    """Starts to watch folders."""

    def __call__(
        self, folders: Collection[str], stop: threading.Event
    ) -> Iterator[Collection[str]]:
        """Yields changed paths, and nothing now and then; ends once `stop` is set.

        Raises:
            OSError: A folder is not there, or a limit of the system is reached.
            RuntimeError: As `OSError`; `watchfiles` raises one of its own.
        """


def open_watch(folders: Collection[str], stop: threading.Event) -> Iterator[Collection[str]]:
    """`OpenWatch` by the operating system."""
    changes = watch(
        *folders,
        watch_filter=None,
        debounce=_GROUP_MS,
        step=_LOOK_MS,
        rust_timeout=_WAKE_MS,
        yield_on_timeout=True,
        stop_event=stop,
        recursive=False,
        raise_interrupt=False,
        # True would hide every error of setting a watch, the system's limits too.
        ignore_permission_denied=False,
    )
    for group in changes:
        yield {path for _, path in group}


class Watcher:
    """Watches a set of folders on a thread of its own.

    Args:
        on_change: Called on the event loop with paths, absolute.
        opening: Starts the watch.
    """

    def __init__(
        self,
        on_change: Callable[[Collection[str]], None],
        *,
        opening: OpenWatch = open_watch,
    ) -> None:
        self._on_change = on_change
        self._opening = opening
        self._folders: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._ended: asyncio.Event | None = None

    @property
    def folders(self) -> frozenset[str]:
        """What is watched."""
        return self._folders

    async def watch(self, root: Path, folders: Collection[str], *, anew: bool = False) -> None:
        """Watch these folders below `root`; the old watch ends when the new one stands.

        `anew`: also when these are watched already. A folder that was deleted and made
        again has its old name, and is not watched.

        Raises:
            WatchFailed: It cannot be done; nothing is watched any more.
        """
        wanted = frozenset(f"{root}/{folder}" if folder else f"{root}" for folder in folders)
        if wanted == self._folders and self.alive and not anew:
            return
        loop = asyncio.get_running_loop()
        stop, ended = threading.Event(), asyncio.Event()
        stands: asyncio.Future[None] = loop.create_future()
        old = self._stop
        self._stop, self._ended, self._folders = stop, ended, wanted
        # A daemon thread: one that hangs on a dead mount must not keep the process alive.
        threading.Thread(
            target=self._run, args=(loop, wanted, stop, stands, ended), daemon=True, name="watch"
        ).start()
        try:
            await stands
        except (OSError, RuntimeError) as exc:
            self._folders = frozenset()
            raise WatchFailed(_explain(exc, len(wanted))) from exc
        finally:
            old.set()

    @property
    def alive(self) -> bool:
        """Whether changes are being told."""
        return self._ended is not None and not self._ended.is_set()

    async def aclose(self) -> None:
        """Stop watching. May be called twice."""
        self._stop.set()
        self._folders = frozenset()
        if self._ended is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._ended.wait()

    def _run(
        self,
        loop: asyncio.AbstractEventLoop,
        folders: Collection[str],
        stop: threading.Event,
        stands: "asyncio.Future[None]",
        ended: asyncio.Event,
    ) -> None:
        failed: Exception | None = None
        try:
            for paths in self._opening(folders, stop):
                _tell(loop, _settle, stands, None)
                if paths:
                    _tell(loop, self._on_change, paths)
        except (OSError, RuntimeError) as exc:
            failed = exc
        _tell(loop, _settle, stands, failed)
        _tell(loop, ended.set)


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *args: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
        loop.call_soon_threadsafe(call, *args)


def _settle(stands: "asyncio.Future[None]", failed: Exception | None) -> None:
    if stands.done():
        return
    if failed is None:
        stands.set_result(None)
    else:
        stands.set_exception(failed)


def _explain(exc: Exception, folders: int) -> str:
    text = str(exc)
    if "limit" in text or "os error 28" in text or "os error 24" in text:
        return (
            f"the system's limit on watched folders is reached ({folders} wanted): raise "
            "fs.inotify.max_user_watches or max_user_instances; until then the folders are "
            "swept more often"
        )
    return f"cannot be watched: {text}"
