"""A file that takes the place of another one, which goes to the trash first."""

import datetime as dt
from collections.abc import Iterable

import structlog

from izumi.domain.errors import Held
from izumi.domain.events import File
from izumi.storage.ports import Location, Store

log = structlog.get_logger("izumi.storage")


def folder_of(at: dt.datetime, job: str) -> str:
    """The folder in the trash for what a job replaces; `izumi-admin trash` reads its time."""
    return f"{at:%Y%m%d-%H%M%S}-{job.rpartition('-')[2][-12:]}"


async def lies(store: Store, file: File, at: Location) -> bool:
    """Whether exactly this file lies there, and not nothing or something else."""
    try:
        return await store.has(file, at)
    except Held:
        return False


async def make_room(
    store: Store, file: File, replaces: Iterable[File], at: Location, *, into: str
) -> None:
    """Take out of its place what `file` replaces; anything else that lies there stays.

    Args:
        store: Moves it.
        file: What shall lie there.
        replaces: What may be taken away for it: proved by content, each of them.
        at: Where.
        into: Folder in the trash.

    Raises:
        StorageUnavailable: The location does not answer.
    """
    old = [one for one in replaces if one.key == file.key and one.sub == file.sub]
    if not old or await store.stat(file, at) is None or await lies(store, file, at):
        return
    for one in old:
        if one.id != file.id and await lies(store, one, at):
            await store.retire(one, at, into=into)
            log.info("storage.replaced", key=one.key, location=at.name, trash=into)
            return
