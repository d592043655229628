"""Is a location fit for its work? Looked at for `izumi doctor`, by doing it once."""

import asyncio
import hashlib
import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, NamedTuple

from izumi.domain import keys
from izumi.domain.errors import IzumiError, StorageUnavailable
from izumi.domain.events import File
from izumi.storage import proof
from izumi.storage.places import Spot, local_spot, top
from izumi.storage.ports import Location
from izumi.storage.proof import Abilities
from izumi.storage.prover import Prover
from izumi.storage.rclone import Rclone
from izumi.storage.rclone_files import RcloneFiles
from izumi.storage.settings import remote_fault

_LOW_BYTES = 10 << 30
_CONTENT = b"izumi looks whether it can write here\n"
_LARGE = 1 << 30  # an episode


class Finding(NamedTuple):
    """One thing seen."""

    level: Literal["ok", "warn", "fail"]
    text: str


async def probe(rclone: Rclone, at: Location) -> list[Finding]:
    """What a location can do and how much room it has.

    A file of a few bytes is written there, read, renamed and removed again, in the folder
    for softsubs, under a hidden name of the kind that uploads have until they are proved.
    """
    if reason := remote_fault(at.remote):
        return [Finding("fail", f"remote {at.remote!r} {reason}")]
    try:
        return [finding async for finding in _look(rclone, at)]
    except IzumiError as exc:
        return [Finding("fail", str(exc))]


async def _look(rclone: Rclone, at: Location) -> AsyncIterator[Finding]:
    files = RcloneFiles(rclone)
    folder = top(at, at.softsub)
    await files.root_is_there(folder)
    can = await files.abilities(folder)
    if not can.moves:
        yield Finding(
            "fail",
            f"{at.remote}: can neither rename nor copy a file by itself; half files would be seen",
        )
        return
    await _try(files, folder)
    yield Finding("ok", f"{at.remote}: written, read, renamed and deleted")
    yield Finding("ok", _how_proved(can, at))
    if can.about:
        about = await rclone.call("operations/about", {"fs": folder.fs}, place=at.name)
        free = about.get("free")
        if isinstance(free, int):
            level: Literal["ok", "warn"] = "warn" if free < _LOW_BYTES else "ok"
            yield Finding(level, f"{free / 1e9:.1f} GB free")


async def _try(files: RcloneFiles, folder: Spot) -> None:
    """Write, read, rename and delete.

    Raises:
        StorageUnavailable: One of these does not work.
    """
    names = (keys.part_name(f"probe-{secrets.token_hex(8)}", f"probe-{n}") for n in (1, 2))
    first, second = (folder.beside(name) for name in names)
    sha256 = hashlib.sha256(_CONTENT).hexdigest()
    file = File(key=first.path, size=len(_CONTENT), sha256=sha256, sub="softsub")
    async with files.temporary(first), files.temporary(second):
        with tempfile.TemporaryDirectory() as made:
            source = Path(made, "probe")
            await asyncio.to_thread(source.write_bytes, _CONTENT)
            await files.send(local_spot(source), first, file.size, None)
        if await Prover(files).compare(file, first, "read") != "same":
            raise StorageUnavailable(f"{folder.place}: what was written reads back otherwise")
        await files.move(first, second)
        await files.expect(second, file.size)
        await files.remove(second)
        for gone in (first, second):
            if await files.entry(gone) is not None:
                raise StorageUnavailable(f"{gone} stays after it was moved or deleted")


def _how_proved(can: Abilities, at: Location) -> str:
    tells = f"; it tells {', '.join(can.kinds)}" if can.kinds and not can.local else ""
    way = proof.way(can, at.verify, _LARGE)
    how = {"size": "by its size alone", "read": "by reading it back"}.get(way, f"by its {way}")
    return f'an upload is proved {how} (verify = "{at.verify}"){tells}'
