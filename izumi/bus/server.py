"""The embedded nats-server: a supervised child, for everything on one machine."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from izumi import children
from izumi.bus.binary import check_version, locate
from izumi.bus.settings import EmbeddedSettings
from izumi.domain.errors import ConfigError, ToolFailed, UserError

log = structlog.get_logger("izumi.bus")

_FAILURES: Final = 3
_STEADY_S: Final = 60.0


class Supervision(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the supervision.

    Attributes:
        start_s: How long a start may take; a large store is read through.
        grace_s: How long a stop may take before the server is killed.
        probe_s: How often its health is asked for. Three failures end it: a server whose
            disk was full does not come back by itself.
        answer_s: How long it may take to tell.
        backoff_s: First pause before it is started again; doubled up to a minute until
            it ran for a minute.
    """

    start_s: float = 120.0
    grace_s: float = 15.0
    probe_s: float = 10.0
    answer_s: float = 5.0
    backoff_s: float = 0.25


def configuration(settings: EmbeddedSettings, *, port: int, store: Path, folder: Path) -> str:
    """The server's configuration file.

    Every message is on the disk before its receipt: with the default, which syncs every
    two minutes, a power cut loses all receipts of that time.
    """
    quoted = {name: json.dumps(str(path)) for name, path in (("store", store), ("run", folder))}
    return (
        "server_name: izumi\n"
        f"listen: {json.dumps(f'{settings.host}:{port or -1}')}\n"
        'http: "127.0.0.1:-1"\n'
        f"ports_file_dir: {quoted['run']}\n"
        "max_payload: 1MB\n"
        'write_deadline: "5s"\n'
        'lame_duck_duration: "30s"\n'
        'lame_duck_grace_period: "2s"\n'
        f"jetstream {{ store_dir: {quoted['store']}, sync_interval: always\n"
        f"  max_file: {settings.max_file_bytes}, max_mem: 64M }}\n"
    )


class EmbeddedServer:
    """A nats-server that runs as long as this object wants it to.

    Args:
        settings: Where it listens and what it may use.
        state: Folder of this host's state; the server's files go below it.
        supervision: Times.
        limits: What the child may use.
        sleep: Waits so many seconds.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        settings: EmbeddedSettings,
        state: Path,
        *,
        supervision: Supervision | None = None,
        limits: children.Limits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._folder = state / "nats-server"
        self._store = settings.store_dir or state / "nats"
        self._times = supervision or Supervision()
        self._limits = limits
        self._sleep = sleep
        self._clock = clock
        self._began = 0.0
        self._binary = Path()
        self._port = settings.port
        self._health = ("", 0)
        self._child: children.Child | None = None
        self._supervising: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where clients of this host connect; the same over restarts."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"nats://{host}:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start it; returns when it takes connections. It is kept running from then on.

        Raises:
            ConfigError: No usable nats-server, or no folder for its messages.
            UserError: It does not start: the port is taken, its store is broken.
            ToolFailed: This host cannot start a process now.
        """
        self._binary = locate(self._settings)
        version = await check_version(self._binary)
        for folder in (self._folder, self._store):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
            except OSError as exc:
                raise ConfigError(
                    f"bus.embedded.store_dir: {folder} cannot be a folder of ours: {exc.strerror}"
                ) from exc
        await self._launch()
        log.info("bus.server_started", url=self.url, version=version, store=str(self._store))
        self._supervising = asyncio.create_task(self._supervise())

    async def aclose(self) -> None:
        """Stop it and wait until it is gone. May be called twice."""
        if self._supervising is not None:
            self._supervising.cancel()
            await asyncio.wait({self._supervising})
        if self._child is not None:
            child, self._child = self._child, None
            await child.stop(self._times.grace_s)

    async def _launch(self) -> None:
        path = self._folder / "nats.conf"
        self._began = self._clock()
        path.write_text(
            configuration(self._settings, port=self._port, store=self._store, folder=self._folder)
        )
        for old in self._folder.glob("*.ports"):
            old.unlink()
        self._child = await children.start(
            [self._binary, "-c", path], cwd=self._folder, limits=self._limits, on_line=_log_line
        )
        try:
            async with asyncio.timeout(self._times.start_s):
                await self._ready(self._child)
        except BaseException as exc:
            child, self._child = self._child, None
            await child.stop(self._times.grace_s)
            if isinstance(exc, TimeoutError):
                raise UserError(
                    f"nats-server was not ready in {self._times.start_s:g} s: {child.stderr[-300:]}"
                ) from exc
            raise

    async def _ready(self, child: children.Child) -> None:
        """Wait for the file in which it writes its ports once it takes connections."""
        ports = self._folder / f"{self._binary.name}_{child.pid}.ports"
        while True:
            if child.returncode is not None:
                await child.wait()
                last = child.stderr.strip().rpartition("\n")[2]
                raise UserError(f"nats-server does not start: {last or child.returncode}")
            with contextlib.suppress(OSError, ValueError):
                found = json.loads(ports.read_bytes())
                self._port = int(found["nats"][0].rpartition(":")[2])
                self._health = ("127.0.0.1", int(found["monitoring"][0].rpartition(":")[2]))
                return
            await asyncio.sleep(0.02)

    async def _supervise(self) -> None:
        backoff_s = self._times.backoff_s
        while True:
            if self._child is not None:
                reason = await self._trouble(self._child)
                log.error("bus.server_ended", reason=reason)
                await self._child.stop(self._times.grace_s)
                self._child = None
                if self._clock() - self._began > _STEADY_S:
                    backoff_s = self._times.backoff_s
            await self._sleep(backoff_s)
            backoff_s = min(2 * backoff_s, 60.0)
            try:
                await self._launch()
            except (UserError, ToolFailed, OSError) as exc:
                log.warning("bus.server_not_restarted", error=str(exc))
            else:
                log.warning("bus.server_restarted", url=self.url)

    async def _trouble(self, child: children.Child) -> str:
        """Return, with the reason, when the server ended or is not well any more."""
        waiting = asyncio.create_task(child.wait())
        failures = 0
        try:
            while failures < _FAILURES:
                await asyncio.wait({waiting}, timeout=self._times.probe_s)
                if waiting.done():
                    return f"exit code {waiting.result()}"
                problem = await self._problem()
                failures = failures + 1 if problem else 0
            return problem
        finally:
            waiting.cancel()

    async def _problem(self) -> str:
        """What the server's health page complains of; empty: nothing."""
        try:
            async with asyncio.timeout(self._times.answer_s):
                reader, writer = await asyncio.open_connection(*self._health)
                try:
                    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
                    answer = await reader.read(2000)
                finally:
                    writer.close()
        except (OSError, TimeoutError) as exc:
            return f"no answer: {type(exc).__name__} {exc}"
        if b" 200 " in answer.partition(b"\r\n")[0]:
            return ""
        return answer.rpartition(b"\r\n\r\n")[2].decode("utf-8", "replace")


def _log_line(_stream: str, line: str) -> None:
    match = re.match(r"\[\d+\] \S+ \S+ \[(WRN|ERR|FTL)\] (.*)", line)
    if match is not None:
        level = log.warning if match[1] == "WRN" else log.error
        level("bus.server_says", text=match[2])
