"""Is a location fit for its work? Looked at for `izumi doctor`, by doing it once."""

import asyncio
import secrets
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from izumi.domain.errors import IzumiError
from izumi.storage.places import Spot, local_spot
from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.rclone_files import RcloneFiles
from izumi.storage.settings import remote_fault

_LOW_BYTES = 10 << 30


class Finding(NamedTuple):
    """One thing seen."""

    level: Literal["ok", "warn", "fail"]
    text: str


async def probe(rclone: Rclone, at: Location) -> list[Finding]:
    """Whether files can be written, read and deleted there, and how much room there is.

    A file of a few bytes is written below the root and removed again.
    """
    if reason := remote_fault(at.remote):
        return [Finding("fail", f"remote {at.remote!r} {reason}")]
    files = RcloneFiles(rclone)
    root = Spot(at.remote, "", f".izumi-probe-{secrets.token_hex(4)}", at.name)
    try:
        await files.root_is_there(root)
        await _write_and_remove(files, root)
        kinds = ", ".join(sorted((await files.abilities(root)).hashes)) or "none: it is read back"
    except IzumiError as exc:
        return [Finding("fail", str(exc))]
    found = [Finding("ok", f"{at.remote}: written, read and deleted; hashes: {kinds}")]
    return found + await _room(rclone, at)


async def _write_and_remove(files: RcloneFiles, root: Spot) -> None:
    content = b"izumi"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe")
        await asyncio.to_thread(source.write_bytes, content)
        async with files.temporary(root):
            await files.send(local_spot(source), root, len(content), None)
            await files.expect(root, len(content))
    await files.remove(root)


async def _room(rclone: Rclone, at: Location) -> list[Finding]:
    try:
        about = await rclone.call("operations/about", {"fs": at.remote}, place=at.name)
    except IzumiError:
        return []  # many storages do not tell
    free = about.get("free")
    if not isinstance(free, int):
        return []
    level: Literal["ok", "warn"] = "warn" if free < _LOW_BYTES else "ok"
    return [Finding(level, f"{free / 1e9:.1f} GB free")]
