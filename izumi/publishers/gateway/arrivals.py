"""Files that others say are there: their paths become ours, and acquisition is asked.

Only what lies below a watch folder of this host is asked for: whatever a client names, it
gets nothing read that acquisition would not take by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

import structlog

from izumi.domain.errors import BadEvent, Unavailable
from izumi.publishers.gateway.settings import PathSettings

log = structlog.get_logger()

MOST_PATHS: Final = 500
_LONGEST_BYTES: Final = 4096
_ANSWER_S: Final = 5.0

Ask = Callable[[Sequence[str]], Awaitable[None]]
"""Leaves requests with acquisition, durably. Raises Unavailable or UserError."""


def ours(path: str, known: Sequence[PathSettings], folders: Sequence[Path]) -> str:
    """The path on this host of a file or folder that another one names.

    Args:
        path: As the other host writes it; absolute.
        known: Folders with two names; of several that fit, the longest counts.
        folders: Watch folders.

    Raises:
        BadEvent: It is no such path, or below no watch folder; the text says what to do.
    """
    if not path or "\0" in path or len(path.encode("utf-8", "surrogateescape")) > _LONGEST_BYTES:
        raise BadEvent(f"path: {path[:80]!a} is no path")
    fits = [(one, below) for one in known if (below := _below(path, one.theirs)) is not None]
    if fits:
        mapping, below = max(fits, key=lambda fit: len(fit[0].theirs))
        mapped = mapping.ours.joinpath(*below)
    else:
        mapped = Path(path)
    if not mapped.is_absolute() or ".." in mapped.parts:
        raise BadEvent(f"path: {path[:200]!a} is not absolute, or has .. in it")
    if not any(mapped.is_relative_to(folder) for folder in folders):
        raise BadEvent(
            f"path: {str(mapped)[:200]!a} is below no watch folder of this host "
            f"({', '.join(map(str, folders)) or 'it has none'}); "
            "[[gateway.paths]] says what others call its folders"
        )
    return str(mapped)


def _below(path: str, folder: str) -> tuple[str, ...] | None:
    """The parts of the path below the folder; None: it is not below it."""
    kind = PureWindowsPath if PureWindowsPath(folder).drive or "\\" in folder else PurePosixPath
    try:
        return kind(path).relative_to(kind(folder)).parts
    except ValueError:
        return None


class Arrivals:
    """Asks acquisition for files.

    Args:
        known: Folders with two names.
        folders: Watch folders of this host.
        ask: Leaves the requests; None: this host acquires nothing.
    """

    def __init__(
        self, known: Sequence[PathSettings], folders: Sequence[Path], ask: Ask | None
    ) -> None:
        self._known = known
        self._folders = folders
        self._ask = ask

    async def tell(self, paths: Sequence[str], *, client: str) -> list[str]:
        """Have files or folders acquired now, all or none; their paths on this host.

        What was asked for is kept on disk: acquisition takes it when it runs next.

        Raises:
            BadEvent: A path that cannot be, or too many.
            Unavailable: Nothing was asked for; asking again is safe.
        """
        if self._ask is None:
            raise BadEvent("this host acquires nothing; ask a gateway beside [acquisition]")
        if not 1 <= len(paths) <= MOST_PATHS:
            raise BadEvent(f"paths: {len(paths)} were named; 1 to {MOST_PATHS} are taken")
        wanted = [ours(path, self._known, self._folders) for path in dict.fromkeys(paths)]
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._ask(wanted)
        except TimeoutError as exc:
            raise Unavailable(f"the ledger did not answer within {_ANSWER_S:g} s") from exc
        log.info("gateway.acquire", client=client, paths=wanted)
        return wanted
