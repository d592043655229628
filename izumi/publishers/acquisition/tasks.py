"""Ending what runs beside."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

_AGAIN_S: Final = 1.0


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks, and wait until they are over, however they end."""
    left = {*tasks}
    while left:
        for task in left:
            task.cancel()
        # One that a library makes forget that it was cancelled is told again.
        _, left = await asyncio.wait(left, timeout=_AGAIN_S)
