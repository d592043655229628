"""What a look into a watch folder means for what the ledger knows. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from izumi.storage.entries import Found

State = Literal[
    "seen",
    "settling",
    "ready",
    "identified",
    "staged",
    "stored",
    "published",
    "done",
    "held",
    "ignored",
]
"""What became of a file, in order; `held` and `ignored` stand beside the order."""

STATES: Final[tuple[State, ...]] = get_args(State)
PROVED: Final[frozenset[State]] = frozenset({"stored", "published", "done"})
"""From here on this content lies, proved, in storage: a change is another revision."""


class Known(NamedTuple):
    """A row of the ledger, as far as finding it again needs."""

    id: int
    root: str
    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    state: State
    gone: bool
    revision: int


class Changes(NamedTuple):
    """What to write.

    Attributes:
        new: Files never seen, each with its revision: 2 when another content stood
            under this path before.
        changed: Rows whose content was not proved in storage and is another now.
        moved: Rows whose file has another name now.
        back: Rows marked gone whose file is there again.
        gone: Rows whose file is not there any more.
    """

    new: list[tuple[Found, int]]
    changed: list[tuple[int, Found]]
    moved: list[tuple[int, Found]]
    back: list[int]
    gone: list[int]


def reconcile(
    known: Collection[Known],
    seen: Sequence[Found],
    *,
    root: str,
    whole: bool,
    unseen: Iterable[str],
    stands: Callable[[Known], bool],
) -> Changes:
    """Compare.

    A file is its device, inode, size and time of change, whatever its names: a second
    name is no second file. Nothing is ever concluded from a name alone. A staged file is
    left alone: whoever stores it looks whether it is still the one that was staged.

    Args:
        known: Rows; of the whole ledger for a sweep, of the seen inodes for a look.
        seen: Candidates and refused entries met below `root`.
        root: The watch folder.
        whole: It was a sweep: what was not met is gone.
        unseen: Folders that could not be listed; nothing below them is gone.
        stands: Whether the file of a row still has the name that is recorded.
    """
    by_key = {(row.device, row.inode, row.size, row.mtime_ns): row for row in known}
    by_inode = _latest(known)
    revisions: dict[str, int] = {}
    for row in known:
        if row.root == root and row.state in PROVED:
            revisions[row.path] = max(revisions.get(row.path, 0), row.revision)
    changes = Changes([], [], [], [], [])
    met: dict[tuple[int, int], list[Found]] = {}
    for found in seen:
        met.setdefault((found.device, found.inode), []).append(found)
    keys = set()
    for inode, names in met.items():
        found = names[-1]
        key = (*inode, found.size, found.mtime_ns)
        keys.add(key)
        same = by_key.get(key)
        if same is not None:
            _again(same, names, root, stands, changes)
            continue
        latest = by_inode.get(inode)
        if latest is not None and latest.state == "staged":
            continue
        if latest is not None and latest.state not in PROVED:
            changes.changed.append((latest.id, _best(latest, names, root)))
            continue
        changes.new.append((found, revisions.get(found.path, 0) + 1))
    if whole:
        changes.gone.extend(_gone(known, keys, met, root, tuple(unseen)))
    return changes


def _latest(known: Iterable[Known]) -> Mapping[tuple[int, int], Known]:
    latest: dict[tuple[int, int], Known] = {}
    for row in known:
        other = latest.get((row.device, row.inode))
        if other is None or other.id < row.id:
            latest[row.device, row.inode] = row
    return latest


def _best(row: Known, names: Sequence[Found], root: str) -> Found:
    """The name that is recorded, if it is among those met; else any."""
    return next((one for one in names if (root, one.path) == (row.root, row.path)), names[-1])


def _again(
    row: Known,
    names: Sequence[Found],
    root: str,
    stands: Callable[[Known], bool],
    changes: Changes,
) -> None:
    best = _best(row, names, root)
    if (root, best.path) != (row.root, row.path) and (row.gone or not stands(row)):
        changes.moved.append((row.id, best))
    if row.gone:
        changes.back.append(row.id)


def _gone(
    known: Iterable[Known],
    keys: Collection[tuple[int, int, int, int]],
    met: Mapping[tuple[int, int], Sequence[Found]],
    root: str,
    unseen: Sequence[str],
) -> Iterable[int]:
    for row in known:
        if row.gone or row.root != root:
            continue
        if (row.device, row.inode, row.size, row.mtime_ns) in keys:
            continue
        if (row.device, row.inode) in met and row.state not in PROVED:
            continue  # it changed, and was given its new content above
        if any(not folder or row.path.startswith(folder + "/") for folder in unseen):
            continue
        yield row.id
