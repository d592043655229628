"""A process's own rclone: started when needed, again when it died, asked over a socket.

A call by socket costs a thousandth of an rclone of its own, and tells bytes as they move.
Every call of this module ends, and whatever it began has ended with it.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Self

import structlog

from izumi.domain.errors import ToolFailed, UserError
from izumi.storage.rcd import Daemon, Gone
from izumi.storage.rclone_binary import check_config, locate
from izumi.storage.rclone_faults import RcloneFault, clean, fault
from izumi.storage.run_folder import run_folder
from izumi.storage.settings import RcloneSettings

log = structlog.get_logger("izumi.storage")

OnBytes = Callable[[int], None]
"""Called with the bytes moved so far."""

Params = Mapping[str, Any]

_ASK_S: Final = 30.0  # an answer of rclone itself, without any storage behind it
_STOP_S: Final = 5.0
_DROP_S: Final = 1.0
_POLL_S: Final = (0.003, 0.25)


class Rclone:
    """The rclone of this process; an asynchronous context manager.

    Args:
        settings: `[rclone]`.
        state: Folder of this host's state; the socket's folder goes below it.
        environ: The few variables that rclone may see are taken from here.
    """

    def __init__(
        self,
        settings: RcloneSettings,
        *,
        state: Path,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.settings = settings
        self._state = state
        self._environ = environ
        self._daemon: Daemon | None = None
        self._folder = Path()
        self._stack = AsyncExitStack()
        self._starting = asyncio.Lock()
        self._slots = asyncio.Semaphore(settings.transfers)
        self._numbers = itertools.count(1)
        self._closed = False

    async def __aenter__(self) -> Self:
        """Start it.

        Raises:
            ConfigError: No rclone, one that is too old, or no usable rclone.conf.
            ToolFailed: It does not start on this host.
        """
        self._folder = await asyncio.to_thread(self._stack.enter_context, run_folder(self._state))
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """End it, and whatever it is doing."""
        self._closed = True
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            self._stack.push_async_callback(daemon.stop)
        await self._stack.aclose()

    @property
    def pid(self) -> int | None:
        """Process id of the rclone that runs; None between two."""
        return self._daemon.pid if self._daemon else None

    @property
    def version(self) -> str:
        """Of the rclone that runs."""
        return self._daemon.version if self._daemon else ""

    async def _start(self) -> Daemon:
        binary = locate(self.settings)
        config = check_config(self.settings)
        # A name of its own for each: a question can never reach a later daemon, where
        # the number of a job means another one.
        socket = self._folder / f"{next(self._numbers)}.sock"
        self._daemon = await Daemon.start(
            binary,
            socket,
            self.settings,
            config=config,
            environ=self._environ,
        )
        return self._daemon

    async def _running(self) -> Daemon:
        async with self._starting:
            if self._closed:
                raise ToolFailed("rclone was ended with its process")
            if self._daemon is not None and self._daemon.alive:
                return self._daemon
            if self._daemon is not None:
                log.warning("rclone.died", said=self._daemon.log[-300:])
                await self._drop(self._daemon)
            try:
                return await self._start()
            except UserError as exc:
                raise ToolFailed(str(exc), host=True) from exc

    async def _drop(self, daemon: Daemon) -> None:
        """End a daemon that can no longer be believed; the next call starts another."""
        if self._daemon is daemon:
            self._daemon = None
        await daemon.stop(_DROP_S)

    async def call(self, command: str, params: Params, *, place: str = "rclone") -> dict[str, Any]:
        """Ask something, or change something at once.

        Args:
            command: rclone's name for it, such as "operations/stat".
            params: Its parameters.
            place: What errors call the storage that is asked.

        Raises:
            RcloneFault: rclone says no, or the storage does not answer within `call_s`.
            ToolFailed: There is no rclone.
        """
        daemon = await self._running()
        try:
            answer = await daemon.ask(command, params, self.settings.call_s)
        except TimeoutError as exc:
            limit = f"no answer within {self.settings.call_s:g} s"
            raise RcloneFault(place, "stalled", limit) from exc
        except Gone as exc:
            await self._drop(daemon)
            raise RcloneFault(place, "away", f"rclone went away ({exc})") from exc
        if answer.status != 200:
            raise fault(place, answer.status, str(answer.body.get("error", "")))
        return answer.body

    async def job(
        self,
        command: str,
        params: Params,
        *,
        place: str,
        on_bytes: OnBytes | None = None,
        stall_s: float | None = None,
        within_s: float | None = None,
    ) -> dict[str, Any]:
        """Have something done that takes its time. It has ended when this returns or raises.

        Args:
            command: As in `call`.
            params: As in `call`.
            place: As in `call`.
            on_bytes: Told when more bytes were moved.
            stall_s: Ended when no byte moved for so long.
            within_s: Ended after so long.

        Raises:
            RcloneFault: rclone says no, or a limit ended it.
            ToolFailed: There is no rclone.
            asyncio.CancelledError: After the job is gone.
        """
        daemon = await self._running()
        job = _Job(daemon, f"izumi-{next(self._numbers)}")
        try:
            status = await job.run(command, params, _Watch(place, on_bytes, stall_s, within_s))
        except Gone as exc:
            await complete(self._drop(daemon))
            raise RcloneFault(place, "away", f"rclone went away ({exc})") from exc
        finally:
            if not job.ended and daemon.alive:
                await complete(self._end(daemon, job))
        if not status.get("success"):
            raise fault(place, 500, str(status.get("error", "")))
        output = status.get("output")
        return output if isinstance(output, dict) else {}

    async def transfer(
        self,
        command: str,
        params: Params,
        *,
        place: str,
        on_bytes: OnBytes | None = None,
        stall_s: float | None = None,
    ) -> dict[str, Any]:
        """A `job` that moves bytes through this host; only `transfers` of them run at once.

        Args:
            command: As in `call`.
            params: As in `call`.
            place: As in `call`.
            on_bytes: As in `job`.
            stall_s: As in `job`; the setting when None.

        Raises:
            RcloneFault: As `job`.
            ToolFailed: As `job`.
        """
        async with self._slots:
            return await self.job(
                command,
                params,
                place=place,
                on_bytes=on_bytes,
                stall_s=stall_s or self.settings.stall_s,
            )

    async def _end(self, daemon: Daemon, job: "_Job") -> None:
        try:
            await job.stop()
        except (Gone, TimeoutError):
            # What does not stop might still move a file into place: end everything.
            log.warning("rclone.job_would_not_stop")
            await self._drop(daemon)


class _Watch:
    """Decides whether a job still makes progress."""

    def __init__(
        self,
        place: str,
        on_bytes: OnBytes | None,
        stall_s: float | None,
        within_s: float | None,
    ) -> None:
        self._place = place
        self._on_bytes = on_bytes
        self._stall_s = stall_s
        self._within_s = within_s
        self._began = self._moved = time.monotonic()
        self._bytes = 0

    def check(self, moved_bytes: int) -> None:
        """Raises RcloneFault when it is over."""
        now = time.monotonic()
        if moved_bytes > self._bytes:
            self._bytes, self._moved = moved_bytes, now
            if self._on_bytes is not None:
                self._on_bytes(moved_bytes)
        if self._stall_s is not None and now - self._moved >= self._stall_s:
            raise RcloneFault(self._place, "stalled", f"nothing moved for {self._stall_s:g} s")
        if self._within_s is not None and now - self._began >= self._within_s:
            raise RcloneFault(self._place, "stalled", f"not done within {self._within_s:g} s")


class _Job:
    """One asynchronous command of a daemon.

    Attributes:
        ended: Nothing of it runs any more.
    """

    def __init__(self, daemon: Daemon, group: str) -> None:
        self._daemon = daemon
        self._group = group
        self._started: asyncio.Task[dict[str, Any]] | None = None
        self.ended = False

    async def run(self, command: str, params: Params, watch: _Watch) -> dict[str, Any]:
        """Start it and follow it to its end; its last status.

        Raises:
            Gone: The daemon does not answer.
            RcloneFault: The watch ended it; it still runs.
        """
        order = {**params, "_async": True, "_group": self._group}
        self._started = asyncio.create_task(self._ask(command, order))
        # Shielded: whoever is cancelled here must still learn the number, to stop it.
        await asyncio.shield(self._started)
        pause = _POLL_S[0]
        while not (status := await self._status())["finished"]:
            stats = await self._ask("core/stats", {"group": self._group})
            watch.check(int(stats.get("bytes", 0)))
            await asyncio.sleep(pause)
            pause = min(pause * 1.4, _POLL_S[1])
        return status

    async def stop(self) -> None:
        """Stop it and wait until it has.

        Raises:
            Gone: The daemon does not answer.
            TimeoutError: It goes on.
        """
        async with asyncio.timeout(_STOP_S):
            await self._ask("job/stop", {"jobid": await self._number()})
            while not self.ended:
                await asyncio.sleep(_POLL_S[0])
                await self._status()

    async def _number(self) -> int:
        assert self._started is not None  # noqa: S101 - run() comes first
        answer = await self._started
        number = answer.get("jobid")
        if not isinstance(number, int):
            raise Gone(f"it took no job: {clean(str(answer.get('error', '')))}")
        return number

    async def _status(self) -> dict[str, Any]:
        answer = await self._ask("job/status", {"jobid": await self._number()})
        if not isinstance(answer.get("finished"), bool):
            raise Gone("it does not know its own job")
        self.ended = answer["finished"]
        return answer

    async def _ask(self, command: str, params: Params) -> dict[str, Any]:
        try:
            return (await self._daemon.ask(command, params, _ASK_S)).body
        except TimeoutError as exc:
            raise Gone(f"no answer within {_ASK_S:g} s") from exc


async def complete(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, even when cancelled meanwhile; then be cancelled."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        raise cancelled
    task.result()
