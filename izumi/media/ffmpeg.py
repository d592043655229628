"""Runs ffmpeg on strangers' media: limits, progress, and a log that is read."""

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from izumi import children
from izumi.children import Limits
from izumi.domain import render_log
from izumi.domain.errors import Held, NoSpace, ToolFailed
from izumi.media.progress import ProgressReader, Step
from izumi.media.settings import FfmpegSettings

_MOST_LINES = 5000
# How a program ends that asks for memory, and uses it without looking whether it got it.
_UNCHECKED = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS})


class Overdue(Held):
    """A run took longer than its limit."""


class Exhausted(ToolFailed):
    """A run met its memory limit, or ended as programs do that do not look for it."""


class Ran(NamedTuple):
    """A run that ended well by its exit code. `lines`: the log, each line once."""

    lines: tuple[str, ...]
    stdout: bytes
    last: Step


class Ffmpeg:
    """One ffmpeg program with the limits of this host and of its user.

    Args:
        path: The program.
        settings: Limits of this host.
        nice: Added to the niceness.
        stall_s: Ended when it got no further for so long.
        limit_s: A run may take so long, in place of the deadline of `settings`.
        paused: Asked every second; while it says so, what runs is frozen.
    """

    def __init__(
        self,
        path: Path,
        settings: FfmpegSettings,
        *,
        nice: int = 0,
        stall_s: float = 120.0,
        limit_s: float | None = None,
        paused: Callable[[], bool] | None = None,
    ) -> None:
        self.path = path
        self.settings = settings
        self._nice = nice
        self._stall_s = stall_s
        self._limit_s = limit_s
        self._paused = paused

    def deadline_s(self, film_s: float) -> float:
        """How long a run on so much film may take."""
        return self._limit_s or self.settings.deadline_s(film_s)

    async def run(
        self,
        argv: Sequence[str],
        folder: Path,
        *,
        film_s: float = 0.0,
        pixels: int = 0,
        subject: str = "the source",
        env: Mapping[str, str] | None = None,
        progress: Callable[[Step], None] | None = None,
        file_bytes: int | None = None,
        keep_bytes: int = 0,
        hardware: bool = False,
        limit_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> Ran:
        """Run it in `folder` and read what it says.

        Args:
            argv: Arguments, with `-v level+info -progress pipe:1` unless it is short.
            folder: Working directory.
            film_s: Length of what it works on, for the deadline.
            pixels: Of its pictures, width times height, for the memory limit.
            subject: What it reads, for the words of an error.
            env: Added to its environment.
            progress: Called when it got further; only with it a stall is noticed.
            file_bytes: Largest file that it may write.
            keep_bytes: How much of stdout is kept, where that is not progress.
            hardware: It uses a graphics card, whose drivers reserve far more address space
                than they use; the limit is then on what may be written to.
            limit_s: It may take so long, in place of everything else that is said of that.
            memory_bytes: It may use so much, in place of what the settings say.

        Raises:
            Overdue: It took longer than its limit.
            Held: The source is damaged, or the work is larger than its limits.
            NoSpace: The disk is full.
            Exhausted: It met its memory limit.
            ToolFailed: It ended badly, or was stopped for making no progress.
        """
        lines: dict[str, None] = {}
        reader = ProgressReader()

        def on_line(stream: str, line: str) -> bool:
            if stream == "stderr":
                if len(lines) < _MOST_LINES:
                    lines.setdefault(render_log.clean(line))
                return False
            step = reader.feed(line)
            if step is not None and progress is not None:
                progress(step)
            return step is not None

        def paused() -> bool:
            frozen = self._paused is not None and self._paused()
            if frozen and progress is not None:
                progress(reader.last._replace(paused=True))
            return frozen

        memory_bytes = memory_bytes or self.settings.memory_bytes(pixels)
        done = await children.run(
            [self.path, *argv],
            cwd=folder,
            # Without it glibc reserves an arena of 64 MB for every thread.
            env={"MALLOC_ARENA_MAX": "4", **(env or {})},
            limits=Limits(
                memory_bytes=None if hardware else memory_bytes,
                data_bytes=memory_bytes if hardware else None,
                file_bytes=file_bytes,
                nice=self._nice,
                network=False,
            ),
            on_line=on_line,
            keep_bytes=keep_bytes,
            deadline_s=limit_s or self.deadline_s(film_s),
            stall_s=None if progress is None else self._stall_s,
            paused=None if self._paused is None else paused,
        )
        self._judge(done, lines, reader.last, subject)
        return Ran(tuple(lines), done.stdout, reader.last)

    def _judge(
        self, done: children.Finished, lines: Mapping[str, None], last: Step, subject: str
    ) -> None:
        """Raise what a failed run means; return when it ended well."""
        said = render_log.damage(lines)
        words = "; ".join(said[:3]) or _last_words(lines)
        reached = f"after {last.frames} pictures and {done.took_s:.0f} s"
        if done.stopped == "deadline":
            raise Overdue(
                "encoding takes longer than its limit; raise limit_h if that is right",
                {"reached": reached, "speed": f"{last.speed}x"},
            )
        if done.stopped == "stall":
            raise ToolFailed(f"ffmpeg got no further for {self._stall_s:g} s, {reached}: {words}")
        if done.returncode == 0:
            return
        if render_log.disk_full(lines):
            raise NoSpace(f"the disk filled up while encoding, {reached}")
        if "File too large" in done.stderr or done.returncode == -25:  # SIGXFSZ
            raise Held(
                "the output grew larger than any sound encode of its source", {"at": reached}
            )
        short = render_log.memory_short(lines)
        if render_log.read_error(lines) and not short:
            raise Held(f"{subject} is damaged: {said[0]}", {"log": words, "at": reached})
        failure = Exhausted if short or done.returncode in _UNCHECKED else ToolFailed
        raise failure(f"ffmpeg ended with {_ending(done.returncode)}, {reached}: {words}")


def _last_words(lines: Mapping[str, None]) -> str:
    """What it said last that is no mere information."""
    told = (line for line in reversed(list(lines)) if "[info]" not in line)
    return render_log.message(next(told, "it said nothing"))


def _ending(code: int) -> str:
    """An exit code, or the name of the signal that ended it."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return str(code)
