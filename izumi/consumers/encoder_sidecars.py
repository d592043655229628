"""Subtitle files beside a source: found where the source lies, and brought with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import structlog

from izumi.domain import keys, sidecars
from izumi.domain.errors import Held, StorageUnavailable
from izumi.domain.events import File
from izumi.domain.sidecars import Sidecar
from izumi.storage.ports import Location, Store

log = structlog.get_logger()


async def fetch(
    file: File,
    folder: Path,
    *,
    store: Store,
    sources: Sequence[str],
    known: Mapping[str, Location],
) -> list[Sidecar]:
    """Bring them to a job's folder, as `sidecars.own_name` calls them.

    They are those of the first location that has the source itself.

    Args:
        file: The source.
        folder: Of the job.
        store: Moves the files.
        sources: Names of locations, nearest first.
        known: Every location that this host knows, by name.

    Raises:
        Held: One is larger than any script.
        StorageUnavailable: No location tells what lies beside it, or one did not arrive.
    """
    tried = []
    name = PurePosixPath(file.key).name
    for place in (known[source] for source in sources if source in known):
        try:
            sizes = await store.beside(file, place)
        except StorageUnavailable as exc:
            tried.append(f"{place.name}: {exc}")
            continue
        if name in sizes:
            return await _bring(file, folder, store, place, sizes)
        tried.append(f"{place.name}: not there")
    raise StorageUnavailable(
        f"what lies beside {file.key} cannot be told ({'; '.join(tried) or 'no source is known'})"
    )


async def _bring(
    file: File, folder: Path, store: Store, place: Location, sizes: Mapping[str, int]
) -> list[Sidecar]:
    key = PurePosixPath(file.key)
    legal = [name for name in sizes if keys.fault(name) is None]
    found = sidecars.beside(key.name, legal)
    for number, sidecar in enumerate(own for own in found if own.read):
        size = sizes[sidecar.name]
        if size > sidecars.MOST_BYTES:
            raise Held(
                f"{sidecar.name}, beside the video, has {size} bytes, more than any script",
                {"source": place.name},
            )
        own = File(key=str(key.with_name(sidecar.name)), size=size, sha256=None, sub=file.sub)
        await store.get(own, place, folder / sidecars.own_name(number, sidecar))
    if found:
        log.info("encoder.sidecars", key=file.key, names=[sidecar.name for sidecar in found])
    return found
