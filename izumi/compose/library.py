"""The library of a configuration: its locations, and what was done to them."""

import contextlib
from collections.abc import AsyncIterator, Collection

from izumi.domain.errors import UserError
from izumi.settings import Settings
from izumi.storage import trees
from izumi.storage.rclone import Rclone
from izumi.storage.settings import StorageSettings
from izumi.tools import shelves
from izumi.tools.journal import Journals
from izumi.tools.library import Holding, Library


def holdings(settings: Settings, at: Collection[str] = ()) -> list[Holding]:
    """The locations that were named; all when none was.

    Raises:
        UserError: One is not configured, or none is.
    """
    known = ", ".join(settings.storage) or "none"
    for name in at:
        if name not in settings.storage:
            raise UserError(f"--at: there is no [storage.{name}]; known are {known}")
    if not settings.storage:
        raise UserError("no location is configured; write [storage.<name>] tables")
    return [_holding(name, settings.storage[name]) for name in at or settings.storage]


def _holding(name: str, ours: StorageSettings) -> Holding:
    place = shelves.place(
        name,
        softsub=ours.softsub,
        hardsub=ours.hardsub,
        premiered=ours.premiered,
        premiered_hardsub=ours.premiered_hardsub,
        name_bytes=ours.name_bytes,
    )
    return Holding(ours.location(name), place)


@contextlib.asynccontextmanager
async def library(
    settings: Settings, *, at: Collection[str] = (), by: str
) -> AsyncIterator[Library]:
    """The library, over an rclone of its own.

    Args:
        settings: The configuration.
        at: Names of locations; all when empty.
        by: Who works on it.

    Raises:
        UserError: As `holdings`; or no rclone.
    """
    ours = holdings(settings, at)
    async with Rclone(settings.rclone, state=settings.state) as rclone:
        yield Library(trees.Trees(rclone), ours, Journals(settings.state), by=by)
