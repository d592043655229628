"""What acquisition tells of itself: counters since it was made, and how it stands."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from izumi.publishers.acquisition.folder import FolderHealth
from izumi.runtime.figures import Figure
from izumi.storage.items import Item
from izumi.storage.reconcile import STATES

_LABELS: Final = (*STATES, "gone")


@dataclass
class Tally:
    """Counts; the keys are watch folders, of `uploads` names of locations.

    Attributes:
        found: Files never seen before.
        held: Files that became held.
        published: Files stored and announced here.
        stored_bytes: Of those.
        uploads: Running now.
    """

    found: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    stored_bytes: Counter[str] = field(default_factory=Counter)
    uploads: Counter[str] = field(default_factory=Counter)

    def took_in(self, items: Iterable[Item]) -> None:
        """A look into a watch folder brought these."""
        for item in items:
            self.found[item.root] += item.state == "seen"

    def announced(self, item: Item) -> None:
        """It was stored, and announced, by us."""
        self.published[item.root] += 1
        self.stored_bytes[item.root] += item.size

    @contextlib.contextmanager
    def uploading(self, location: str) -> Iterator[None]:
        """An upload runs as long as the block does."""
        self.uploads[location] += 1
        try:
            yield
        finally:
            self.uploads[location] -= 1


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How acquisition stands.

    Attributes:
        folders: Each watch folder, by the path in the settings.
        files: How many files are in each state.
        in_hand: How many a worker has.
        waiting: How many wait for a worker.
        settling: How many are watched until they are quiet.
        locations: Names of the locations that files go to.
        owed: How many announced files are still to be brought to each location.
    """

    folders: dict[str, FolderHealth]
    files: dict[str, int]
    in_hand: int
    waiting: int
    settling: int
    locations: tuple[str, ...]
    owed: Mapping[str, int]


def figures(tally: Tally, now: Standing) -> list[Figure]:
    """All figures. Pure; there are as many of them however many files there are."""
    return [
        *(one for root, health in now.folders.items() for one in _of_folder(tally, root, health)),
        *(
            _gauge("files", "Files in the ledger.", now.files.get(state, 0), state=state)
            for state in _LABELS
        ),
        _gauge("in_hand", "Files that a worker has now.", now.in_hand),
        _gauge("waiting", "Files that wait for a worker.", now.waiting),
        _gauge("settling", "Files watched until they are quiet.", now.settling),
        *(
            _gauge("uploads", "Uploads that run now.", tally.uploads[name], location=name)
            for name in now.locations
        ),
        *(
            _gauge(
                "owed", "Announced files still to be brought.", now.owed.get(name, 0), location=name
            )
            for name in now.locations
        ),
    ]


def _of_folder(tally: Tally, root: str, health: FolderHealth) -> list[Figure]:
    folder = health.path
    online, polled = health.state == "online", health.mode == "polled"
    return [
        _counter("found", "Files never seen before.", tally.found[root], folder),
        _counter("held", "Files that became held.", tally.held[root], folder),
        _counter("published", "Files stored and announced.", tally.published[root], folder),
        _counter("published_bytes", "Bytes of those.", tally.stored_bytes[root], folder),
        _gauge("folder_online", "0: missing, or another device.", online, folder=folder),
        _gauge("folder_polled", "1: only sweeps see changes.", polled, folder=folder),
        _gauge("folder_files", "Candidates at the last sweep.", health.files, folder=folder),
        _gauge(
            "folder_changed_timestamp_seconds",
            "Last change that the system told of; 0: none yet.",
            health.changed_at or 0.0,
            folder=folder,
        ),
        _gauge(
            "folder_swept_timestamp_seconds",
            "End of the last sweep; 0: none yet.",
            health.swept_at or 0.0,
            folder=folder,
        ),
        _gauge("folder_sweep_seconds", "Length of the last sweep.", health.sweep_s, folder=folder),
    ]


def _counter(name: str, meaning: str, value: float, folder: str) -> Figure:
    return Figure(f"acquisition_{name}", "counter", meaning, value, {"folder": folder})


def _gauge(name: str, meaning: str, value: float, **labels: str) -> Figure:
    return Figure(f"acquisition_{name}", "gauge", meaning, value, labels)
