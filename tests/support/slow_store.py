"""The store in a folder, with uploads that read their source late: it may change meanwhile."""

import hashlib
import os
from collections import Counter
from pathlib import Path

from izumi.domain.errors import Held, StorageUnavailable
from izumi.domain.events import File
from izumi.storage.ports import Location, OnProgress
from tests.support.folder_store import FolderStore


class SlowStore(FolderStore):
    """An upload has half of its part written when it waits at the gate.

    Attributes:
        puts: How often a file was made visible under each final path.
        dies: How many of the next uploads die, and leave their part behind.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.puts: Counter[str] = Counter()
        self.dies = 0

    async def put(
        self, src: Path, file: File, to: Location, *, token: str, progress: OnProgress | None = None
    ) -> None:
        if await self.has(file, to):
            return
        path = self.path(file, to)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".part-{token}")
        if self.dies:
            self.dies -= 1
            part.touch()
            raise StorageUnavailable(f"{to.name} went away")
        try:
            part.write_bytes(src.read_bytes()[: file.size // 2])
            if progress is not None:
                progress(0.5)
            self.waiting.set()
            if self.gate is not None:
                await self.gate.wait()
            part.write_bytes(src.read_bytes())
            if hashlib.sha256(part.read_bytes()).hexdigest() != file.sha256:
                raise Held(f"{file.key}: the source changed")
            if not await self.has(file, to):
                os.link(part, path)
                self.puts[str(path)] += 1
        finally:
            part.unlink(missing_ok=True)
        if progress is not None:
            progress(1.0)
