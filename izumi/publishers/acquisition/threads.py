"""Work on this host's files, on a thread that can be stopped."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from izumi.domain.errors import Unavailable
from izumi.storage.settle import Changed
from izumi.storage.staging import Cancelled

T = TypeVar("T")


async def stoppable(work: Callable[[threading.Event], T]) -> T:
    """Run `work` on a thread; cancelling stops it at its next look at the event.

    Raises:
        Unavailable: It was stopped.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stop)
    except asyncio.CancelledError:
        stop.set()
        raise
    except Cancelled as exc:
        raise Unavailable("stopped") from exc


async def on_own_files(work: Callable[[threading.Event], T]) -> T:
    """As `stoppable`, for work on a file of a watch folder or of ours.

    Raises:
        Changed: The file is not there.
        Unavailable: It was stopped, or the host refused.
    """
    try:
        return await stoppable(work)
    except FileNotFoundError as exc:
        raise Changed from exc
    except OSError as exc:
        raise Unavailable(f"{exc.filename or ''}: {exc.strerror}", host=True) from exc
