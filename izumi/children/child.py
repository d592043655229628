"""Starting, watching and ending one child process."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from izumi.domain.errors import ToolFailed

_LAUNCHER = str(Path(__file__).with_name("launch.py"))
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
_CHUNK = 1 << 16
_LINE_BYTES = 8192

_DRAIN_S = 2.0
_ASK_S = 1.0

Stream = Literal["stdout", "stderr"]
Why = Literal["deadline", "stall"]
OnLine = Callable[[Stream, str], bool | None]
"""Called for each line of output; `True` says that it proves progress."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a child may use; None leaves the host's own limit.

    Attributes:
        memory_bytes: Address space. Go programs reserve far more than they use.
        data_bytes: Memory that it may write to, for programs that reserve far more.
        cpu_s: Seconds of processor time.
        file_bytes: Largest file it may write.
        nice: Added to the niceness.
        network: False takes the network away where the host lets us.
    """

    memory_bytes: int | None = None
    data_bytes: int | None = None
    cpu_s: int | None = None
    file_bytes: int | None = None
    nice: int = 0
    network: bool = True


class Finished(NamedTuple):
    """How a child ended.

    `stopped` says who ended it ("deadline" or "stall"); None: it ended by itself.
    `stdout` is the beginning and `stderr` the end of what it wrote, both bounded.
    """

    returncode: int
    stdout: bytes
    stderr: str
    stopped: Why | None
    took_s: float


class _Output:
    """Reads one stream to its end: splits lines, keeps a bounded part."""

    def __init__(self, stream: Stream, on_line: OnLine | None, keep_bytes: int) -> None:
        self.stream = stream
        self._on_line = on_line
        self._keep_bytes = keep_bytes
        self.head = bytearray()
        self.tail: deque[str] = deque(maxlen=200)
        self.progressed = time.monotonic()

    async def read(self, reader: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await reader.read(_CHUNK):
            self.head += chunk[: self._keep_bytes - len(self.head)]
            # ffmpeg ends its status lines with a carriage return.
            *lines, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
            for line in lines:
                self._line(line)
            rest = rest[-_LINE_BYTES:]
        if rest:
            self._line(rest)

    def _line(self, raw: bytes) -> None:
        line = raw[:_LINE_BYTES].decode("utf-8", "replace")
        if self.stream == "stderr":
            self.tail.append(line)
        if self._on_line is not None and self._on_line(self.stream, line):
            self.progressed = time.monotonic()


class _Pipe(NamedTuple):
    """The end of a pipe that we read, and the one that the child writes to."""

    reader: asyncio.StreamReader
    transport: asyncio.ReadTransport
    write_fd: int


async def _pipe() -> _Pipe:
    # Pipes of our own: asyncio's `wait()` for a process goes on for as long as anybody
    # holds its pipes open, such as a grandchild that was left behind.
    read_fd, write_fd = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_fd, "rb", 0)
    )
    return _Pipe(reader, transport, write_fd)


class Child:
    """A running child. Made by `start`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        name: str,
        outputs: tuple[_Output, _Output],
        pipes: Sequence[_Pipe],
    ) -> None:
        self._process = process
        self.name = name
        self._out, self._err = outputs
        self._pipes = pipes
        self._began = time.monotonic()
        self._readers = [
            asyncio.create_task(output.read(pipe.reader))
            for output, pipe in zip(outputs, pipes, strict=True)
        ]
        self._over = False
        self._frozen: float | None = None

    @property
    def pid(self) -> int:
        """Process id, which is the group's and the session's too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.returncode

    @property
    def stderr(self) -> str:
        """The last lines that it wrote to stderr."""
        return "\n".join(self._err.tail)

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        if self._process.returncode is not None and _exists(self.pid):
            # The leader was waited for, so its number is somebody else's now. The system
            # gives it away only when the group has no member left.
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def wait(self) -> int:
        """The exit code, once it ended and its output was read."""
        code = await self._process.wait()
        await self._drain()
        return code

    async def _drain(self) -> None:
        # One that left the group could hold the pipes open for ever.
        await asyncio.wait(self._readers, timeout=_DRAIN_S)

    async def stop(self, grace_s: float = 5.0) -> int:
        """TERM, wait, KILL; returns when it is gone, cancelled or not. May be called twice."""
        ending = asyncio.create_task(self._end(grace_s))
        cancelled: asyncio.CancelledError | None = None
        while not ending.done():
            try:
                await asyncio.wait({ending})
            except asyncio.CancelledError as exc:
                cancelled = exc
                self.signal(signal.SIGKILL)
        if cancelled is not None:
            raise cancelled
        return ending.result()

    async def _end(self, grace_s: float) -> int:
        if self._process.returncode is None:
            self.signal(signal.SIGTERM)
            # One that is frozen hears nothing else.
            self.signal(signal.SIGCONT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._process.wait()
        if not self._over:
            # Also when the leader went by itself: what it started may still run.
            self.signal(signal.SIGKILL)
        code = await self._process.wait()
        if not self._over:
            await self._drain()
            self._over = True
            for reader, pipe in zip(self._readers, self._pipes, strict=True):
                reader.cancel()
                pipe.transport.close()
        return code

    async def finish(
        self,
        deadline_s: float | None,
        stall_s: float | None,
        paused: Callable[[], bool] | None = None,
    ) -> Finished:
        """Wait for its end, and end it at the deadline or when it makes no progress.

        While `paused`, asked every second, says so, it is frozen, and no limit counts.

        Raises:
            Exception: What `on_line` raised; the child was ended then.
        """
        stopped: Why | None = None
        exited = asyncio.create_task(self._process.wait())
        try:
            while not exited.done() and not self._faults():
                if paused is not None:
                    self._freeze(frozen=paused())
                left_s, why = self._left(deadline_s, stall_s)
                if self._frozen is None and left_s is not None and left_s <= 0:
                    stopped = why
                    break
                running = {task for task in (exited, *self._readers) if not task.done()}
                if paused is not None:
                    left_s = _ASK_S if left_s is None or self._frozen else min(left_s, _ASK_S)
                await asyncio.wait(running, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            exited.cancel()
            code = await self.stop()
        for fault in self._faults():
            raise fault
        took_s = time.monotonic() - self._began
        return Finished(code, bytes(self._out.head), self.stderr, stopped, took_s)

    def _freeze(self, *, frozen: bool) -> None:
        """Stop or continue the group; the time in between counts for no limit."""
        if frozen == (self._frozen is not None):
            return
        if self._frozen is None:
            self.signal(signal.SIGSTOP)
            self._frozen = time.monotonic()
            return
        lost_s = time.monotonic() - self._frozen
        self._frozen = None
        self._began += lost_s
        for output in (self._out, self._err):
            output.progressed += lost_s
        self.signal(signal.SIGCONT)

    def _left(
        self, deadline_s: float | None, stall_s: float | None
    ) -> tuple[float | None, Why | None]:
        """Seconds until the nearer of its limits, and which one that is."""
        now = time.monotonic()
        progressed = max(self._began, self._out.progressed, self._err.progressed)
        ends: list[tuple[float, Why]] = []
        if deadline_s is not None:
            ends.append((self._began + deadline_s - now, "deadline"))
        if stall_s is not None:
            ends.append((progressed + stall_s - now, "stall"))
        return min(ends, default=(None, None))

    def _faults(self) -> list[BaseException]:
        done = [task for task in self._readers if task.done() and not task.cancelled()]
        return [fault for fault in (task.exception() for task in done) if fault is not None]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def start(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    on_line: OnLine | None = None,
    keep_bytes: int = 1 << 20,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start a child.

    Args:
        argv: Program and arguments; the first is looked up in PATH when it is no path.
        cwd: Its working directory; the parent's when None.
        env: Added to the few variables that every child gets.
        limits: What it may use.
        on_line: Called for every line of output.
        keep_bytes: How much of stdout is kept.
        pass_fds: Open files that it inherits.

    Raises:
        ToolFailed: This host cannot start a process now, or an argument cannot be passed.
    """
    limits = limits or Limits()
    options = [
        *([f"memory={limits.memory_bytes}"] if limits.memory_bytes else []),
        *([f"data={limits.data_bytes}"] if limits.data_bytes else []),
        *([f"cpu={limits.cpu_s}"] if limits.cpu_s else []),
        *([f"file={limits.file_bytes}"] if limits.file_bytes else []),
        *([f"nice={limits.nice}"] if limits.nice else []),
        *([] if limits.network else ["network=none"]),
    ]
    command = [sys.executable, "-I", "-S", _LAUNCHER, str(os.getpid()), *options, "--"]
    clean = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    pipes: list[_Pipe] = []
    try:
        pipes.append(await _pipe())
        pipes.append(await _pipe())
        process = await asyncio.create_subprocess_exec(
            *command,
            *(os.fspath(part) for part in argv),
            cwd=cwd,
            env=clean | dict(env or {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipes[0].write_fd,
            stderr=pipes[1].write_fd,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    except BaseException as exc:
        for pipe in pipes:
            pipe.transport.close()
        if not isinstance(exc, OSError | ValueError):
            raise
        msg = f"cannot start {argv[0]}: {exc}"
        # A text that no argument can hold (NUL, a lone surrogate) is not the host's fault.
        raise ToolFailed(msg, host=isinstance(exc, OSError)) from exc
    finally:
        for pipe in pipes:
            os.close(pipe.write_fd)
    outputs = (_Output("stdout", on_line, keep_bytes), _Output("stderr", on_line, 0))
    return Child(process, Path(argv[0]).name, outputs, pipes)


async def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    on_line: OnLine | None = None,
    keep_bytes: int = 1 << 20,
    deadline_s: float | None = None,
    stall_s: float | None = None,
    paused: Callable[[], bool] | None = None,
) -> Finished:
    """Start a child and wait for its end; never raises for how it ended.

    What `on_line` raises ends the child, and is raised.

    Args:
        argv: As in `start`.
        cwd: As in `start`.
        env: As in `start`.
        limits: As in `start`.
        on_line: As in `start`; its answer feeds the stall limit.
        keep_bytes: As in `start`.
        deadline_s: Ended after so many seconds, whatever it does.
        stall_s: Ended when so many seconds passed without `on_line` saying progress.
        paused: Asked every second; while it says so the child is frozen, and neither limit
            counts on.

    Raises:
        ToolFailed: This host cannot start a process now.
        asyncio.CancelledError: After the whole group is gone.
    """
    child = await start(
        argv, cwd=cwd, env=env, limits=limits, on_line=on_line, keep_bytes=keep_bytes
    )
    return await child.finish(deadline_s, stall_s, paused)
