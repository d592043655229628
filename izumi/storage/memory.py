"""A store in memory, under the same contract: for tests, and to try things without disks."""

import asyncio
import hashlib
from pathlib import Path
from typing import Final

from izumi.domain import keys
from izumi.domain.errors import Held, NoSpace, StorageUnavailable
from izumi.domain.events import File
from izumi.failpoints import failpoint
from izumi.storage.places import Spot, spot, trashed
from izumi.storage.ports import Entry, Location, OnProgress

_CHUNK: Final = 1 << 20


class MemoryStore:
    """A `Store` whose locations live as long as it does.

    Attributes:
        files: What lies at each remote, by path; temporary names included.
        down: Names of locations that do not answer.
    """

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.down: set[str] = set()

    async def stat(self, file: File, at: Location) -> Entry | None:
        """As the port says."""
        content = self._at(at).get(spot(file, at).path)
        return None if content is None else Entry(len(content))

    async def beside(self, file: File, at: Location) -> dict[str, int]:
        """As the port says."""
        folder = spot(file, at).beside("").path
        files = self._at(at)
        return {
            path.removeprefix(folder): len(content)
            for path, content in files.items()
            if path.startswith(folder) and "/" not in path.removeprefix(folder)
        }

    async def has(self, file: File, at: Location) -> bool:
        """As the port says."""
        return self._holds(file, spot(file, at), at)

    async def put(
        self, src: Path, file: File, to: Location, *, token: str, progress: OnProgress | None = None
    ) -> None:
        """As the port says."""
        spot(file, to)  # a bad key is refused before anything is read
        try:
            content = await asyncio.to_thread(_read, src)
        except OSError as exc:
            raise Held(f"{src}, which is to be stored as {file.key}, is no regular file") from exc
        if not _is(content, file):
            raise Held(f"{src} is not what {file.key} should be: it changed")
        await self._bring(content, file, to, token, progress)

    async def get(
        self, file: File, at: Location, dst: Path, *, progress: OnProgress | None = None
    ) -> None:
        """As the port says."""
        content = self._content(file, at)
        part = dst.with_name(keys.part_name("get", dst.name))
        try:
            await asyncio.to_thread(part.write_bytes, content)
        except OSError as exc:
            raise NoSpace(f"no room for {file.key} in {dst.parent}") from exc
        await asyncio.to_thread(part.replace, dst)
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
        """As the port says."""
        if not self._holds(file, spot(file, to), to):
            await self._bring(self._content(file, source), file, to, token, progress)

    async def retire(self, file: File, at: Location, *, into: str) -> bool:
        """As the port says."""
        lies, aside = spot(file, at), trashed(file, at, into)
        if not self._holds(file, lies, at):
            return False
        files = self._at(at)
        files[aside.path] = files.pop(lies.path)
        return True

    async def sweep(self, at: Location, tokens: frozenset[str]) -> int:
        """As the port says."""
        files = self._at(at)
        parts = [path for path in files if keys.part_token(path.rpartition("/")[2]) in tokens]
        for path in parts:
            del files[path]
        return len(parts)

    async def _bring(
        self,
        content: bytes,
        file: File,
        to: Location,
        token: str,
        progress: OnProgress | None,
    ) -> None:
        final = spot(file, to)
        part = final.beside(keys.part_name(token, final.name))
        if not self._holds(file, final, to):
            files = self._at(to)
            failpoint("store.before_upload")
            try:
                for end in range(0, len(content) + _CHUNK, _CHUNK):
                    files[part.path] = content[:end]
                    if progress is not None:
                        progress(min(end / max(len(content), 1), 1.0))
                    await asyncio.sleep(0)
                failpoint("store.after_upload")
                if not self._holds(file, final, to):
                    files[final.path] = files[part.path]
            finally:
                files.pop(part.path, None)
        if progress is not None:
            progress(1.0)

    def _at(self, at: Location) -> dict[str, bytes]:
        if at.name in self.down:
            raise StorageUnavailable(f"{at.name} does not answer")
        return self.files.setdefault(at.remote, {})

    def _holds(self, file: File, at: Spot, location: Location) -> bool:
        content = self._at(location).get(at.path)
        if content is None:
            return False
        if not _is(content, file):
            raise Held(f"something else lies at {at}; remove or rename one of the two")
        return True

    def _content(self, file: File, at: Location) -> bytes:
        content = self._at(at).get(spot(file, at).path)
        if content is None or not _is(content, file):
            raise StorageUnavailable(f"{spot(file, at)} is not the file that was asked for")
        return content


def _is(content: bytes, file: File) -> bool:
    return len(content) == file.size and file.sha256 in {None, hashlib.sha256(content).hexdigest()}


def _read(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise OSError
    return path.read_bytes()
