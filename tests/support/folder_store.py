"""A `Store` in a folder, so that a test can kill the process that uses it and go on.

It keeps the contract of `izumi.storage.ports.Store` and nothing else: no daemon, no
network. What the real one does is tested on its own.
"""

import asyncio
import hashlib
import shutil
from pathlib import Path

from izumi.domain import keys
from izumi.domain.errors import Held, StorageUnavailable
from izumi.domain.events import File
from izumi.storage.ports import Entry, Location, OnProgress


class FolderStore:
    """Locations are folders below `root`.

    Attributes:
        down: Names of locations that do not answer.
        calls: What was asked, in order.
        gate: Set: an upload waits here before it becomes visible.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.down: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self.gate: asyncio.Event | None = None
        self.waiting = asyncio.Event()

    def path(self, file: File, at: Location) -> Path:
        return self.root / at.name / at.folder(file.sub) / file.key

    async def stat(self, file: File, at: Location) -> Entry | None:
        self._ask("stat", at)
        path = self.path(file, at)
        return Entry(path.stat().st_size) if path.exists() else None

    async def beside(self, file: File, at: Location) -> dict[str, int]:
        self._ask("beside", at)
        folder = self.path(file, at).parent
        found = folder.iterdir() if folder.is_dir() else ()
        return {path.name: path.stat().st_size for path in found if path.is_file()}

    async def has(self, file: File, at: Location) -> bool:
        self._ask("has", at)
        path = self.path(file, at)
        if not path.exists():
            return False
        if path.stat().st_size != file.size or _sha256(path) != file.sha256:
            raise Held(f"something else lies at {at.name} under {file.key}")
        return True

    async def put(
        self, src: Path, file: File, to: Location, *, token: str, progress: OnProgress | None = None
    ) -> None:
        self._ask("put", to)
        if _sha256(src) != file.sha256:
            raise Held(f"{src.name} is not {file.key}")
        final = self.path(file, to)
        final.parent.mkdir(parents=True, exist_ok=True)
        part = final.with_name(f".part-{token}")
        shutil.copyfile(src, part)
        if self.gate is not None:
            self.waiting.set()
            await self.gate.wait()
        if not await self.has(file, to):
            part.replace(final)
        part.unlink(missing_ok=True)
        if progress is not None:
            progress(1.0)

    async def get(
        self, file: File, at: Location, dst: Path, *, progress: OnProgress | None = None
    ) -> None:
        self._ask("get", at)
        shutil.copyfile(self._whole(file, at), dst)
        if progress is not None:
            progress(1.0)

    async def copy(
        self,
        file: File,
        source: Location,
        to: Location,
        *,
        token: str,
        progress: OnProgress | None = None,
    ) -> None:
        self._ask("copy", to)
        src = self._whole(file, source)
        await self.put(src, file, to, token=token, progress=progress)

    async def retire(self, file: File, at: Location, *, into: str) -> bool:
        if not await self.has(file, at):
            return False
        aside = self.root / at.name / keys.TRASH / into / at.folder(file.sub) / file.key
        aside.parent.mkdir(parents=True, exist_ok=True)
        self.path(file, at).replace(aside)
        return True

    async def sweep(self, at: Location, tokens: frozenset[str]) -> int:
        parts = [
            part
            for part in (self.root / at.name).rglob(".part-*")
            if any(token in part.name for token in tokens)
        ]
        for part in parts:
            part.unlink()
        return len(parts)

    def _whole(self, file: File, at: Location) -> Path:
        path = self.path(file, at)
        known = file.sha256 is None or (path.exists() and _sha256(path) == file.sha256)
        if at.name in self.down or not path.exists() or not known:
            raise StorageUnavailable(f"{file.key} is not at {at.name}")
        return path

    def _ask(self, what: str, at: Location) -> None:
        self.calls.append((what, at.name))
        if at.name in self.down:
            raise StorageUnavailable(f"{at.name} does not answer")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
