"""Stores for the contract of `izumi.storage.ports.Store`: in memory, and over rclone."""

import hashlib
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from izumi.domain.events import File
from izumi.domain.subjects import Sub
from izumi.storage.memory import MemoryStore
from izumi.storage.ports import Location, Store

KEY = "Show/Show - 01 [1080p].mkv"
FINAL = f"Airing/{KEY}"


class Shelf(Protocol):
    """A location, and how a test looks behind it."""

    location: Location

    def files(self) -> dict[str, bytes]:
        """Everything that lies there, by path."""

    def write(self, path: str, content: bytes) -> None:
        """As if somebody else had put it there."""


class MemoryShelf:
    """A location of a `MemoryStore`."""

    def __init__(self, store: MemoryStore, **more: Any) -> None:
        self._store = store
        name = uuid.uuid4().hex[:12]
        self.location = Location(name=name, remote=f"/memory/{name}", **more)

    def files(self) -> dict[str, bytes]:
        return self._store.files.get(self.location.remote, {})

    def write(self, path: str, content: bytes) -> None:
        self._store.files.setdefault(self.location.remote, {})[path] = content


class Stored(NamedTuple):
    """A store, and a maker of new empty locations of one kind."""

    store: Store
    shelf: Callable[..., Shelf]


class Sample(NamedTuple):
    """A file on this host, and what it is called."""

    path: Path
    content: bytes
    file: File

    def called(self, key: str, sub: Sub = "softsub") -> File:
        """The same content under another key."""
        return File(key=key, size=self.file.size, sha256=self.file.sha256, sub=sub)


def sample(folder: Path, size: int = 300_000, *, key: str = KEY, seed: int = 1) -> Sample:
    """A file of noise; the same seed makes the same."""
    content = random.Random(seed).randbytes(size)  # noqa: S311 - noise, not a secret
    path = folder / f"source-{seed}-{size}"
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return Sample(path, content, File(key=key, size=size, sha256=sha256, sub="softsub"))


def flipped(content: bytes) -> bytes:
    """The same with one bit turned over in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
