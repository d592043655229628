"""What units know of media work. `transcoder.py` and `probe.py` do it with real tools."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from izumi.domain.encode_plan import Plan
from izumi.domain.pace import Pace
from izumi.domain.probe import Probe
from izumi.domain.sidecars import Sidecar


class OnEncoded(Protocol):
    """Called with the fraction done, 0 to 1, words for people, and the pace where it is known."""

    def __call__(self, fraction: float, detail: str, pace: Pace | None = None, /) -> None:
        """See the class."""


class Prober(Protocol):
    """Reads facts of files that strangers made, where it can do no harm."""

    async def probe(
        self,
        path: Path,
        *,
        walk: bool,
        folder: Path | None = None,
        beside: Sequence[Sidecar] = (),
    ) -> Probe:
        """All facts of one file.

        Args:
            path: A regular file.
            walk: Read every packet: only then are packets, lines of subtitles and damage
                in the middle known.
            folder: Receives the attached fonts (`fonts/`) and the scripts of text
                subtitles, under names of our own.
            beside: Subtitle files of it, which lie beside `path` as `sidecars.own_name`
                calls them.

        Raises:
            Held: It is no media that can be read; a person sees what it is.
            ToolFailed: The prober died or was stopped by a limit.
        """

    async def prove_whole(self, path: Path) -> str | None:
        """Why the file is not a whole episode, in one sentence; None: it is.

        Raises:
            ToolFailed: As `probe`.
        """


class Transcoder(Protocol):
    """Works on one job's folder, in which the source lies under `encode_plan.SOURCE`."""

    async def examine(self, folder: Path, beside: Sequence[Sidecar] = ()) -> Probe:
        """All facts of the source, its fonts and scripts written beside it.

        Subtitle files of its own lie in the folder as `sidecars.own_name` calls them.

        Raises:
            Held: It is no media, not whole, or larger than this host decodes.
            ToolFailed: The prober died or was stopped by a limit.
        """

    async def preflight(self, plan: Plan, probe: Probe, folder: Path) -> dict[str, Any]:
        """Find in seconds what would spoil hours; facts for the recipe.

        Raises:
            Held: Characters that no font has a shape for.
            ToolFailed: The check itself did not run.
        """

    async def settle(self, plan: Plan, folder: Path, progress: OnEncoded) -> Plan:
        """The plan as this host carries it out on this film.

        Hardware encoders that the profile wants are tried, and the crf that its quality
        target asks for is found; the recipe says what came of it.

        Raises:
            Held: The source is damaged, or the work is larger than its limits.
            ToolFailed: A trial ended badly or made no progress.
        """

    async def encode(self, plan: Plan, folder: Path, progress: OnEncoded) -> dict[str, Any]:
        """Make `encode_plan.OUTPUT` in the folder; facts for the recipe.

        Raises:
            Held: The source is damaged, or the work is larger than its limits.
            NoSpace: The disk is full.
            ToolFailed: ffmpeg ended badly or made no progress.
        """

    async def prove(self, plan: Plan, folder: Path, progress: OnEncoded) -> dict[str, Any]:
        """Prove that the output is what was planned; facts for the recipe.

        Raises:
            Held: It is not; the facts say in what.
            ToolFailed: The proof itself did not run.
        """
