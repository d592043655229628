"""Scratch space: private folders for jobs, reserved before use, swept after a death."""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from izumi.domain import subjects
from izumi.domain.errors import NoSpace

_LOCK = ".lock"
_RESERVED = ".reserved"
_LONGEST = 200
"""File systems take names of 255 bytes."""


def free_bytes(path: Path) -> int:
    """Bytes that an unprivileged process may still write below `path`."""
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


class Scratch:
    """The scratch folder of one instance, below a root shared by the host's instances.

    The instance holds a lock on its own folder for as long as it lives; a folder whose
    lock is free belonged to a dead one and may be removed by anybody.

    Args:
        root: Shared root; made when missing, 0700.
        instance: Name of this instance.
        keep_free_bytes: Never reserve below this much free space.
        free: Tells free bytes of a path.
    """

    def __init__(
        self,
        root: Path,
        instance: str,
        *,
        keep_free_bytes: int = 1 << 30,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._root = root
        self._keep_free_bytes = keep_free_bytes
        self._free = free
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._home = root / subjects.token(instance)
        with self._locked_root():
            self._home.mkdir(mode=0o700, exist_ok=True)
            self._lock = os.open(self._home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    @contextlib.contextmanager
    def folder(self, job: str) -> Iterator[Path]:
        """An empty folder for a job, removed with its reservation afterwards."""
        path = self._home / _named(job)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            self._note(path).unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)

    def reserve(self, folder: Path, size_bytes: int) -> None:
        """Set `size_bytes` aside for the job of `folder`; counted host-wide.

        Raises:
            NoSpace: The file system has too little left beside what others reserved.
        """
        with self._locked_root():
            claimed = sum(
                max(0, int(note.read_text() or 0) - _size(_folder_of(note)))
                for note in self._root.glob(f"*/*{_RESERVED}")
                if note != self._note(folder)
            )
            room = self._free(self._root) - claimed - self._keep_free_bytes
            missing = size_bytes - _size(folder) - room
            if missing > 0:
                msg = (
                    f"scratch {self._root}: {size_bytes} bytes wanted, {missing} too many "
                    f"({claimed} reserved by other jobs, {self._keep_free_bytes} kept free)"
                )
                raise NoSpace(msg)
            self._note(folder).write_text(str(size_bytes))

    def sweep(self) -> list[str]:
        """Remove the folders of dead instances; their names."""
        swept = []
        with self._locked_root():
            for home in self._root.iterdir():
                # An instance's name never begins with a dot as a token.
                if home == self._home or home.name[0] == "." or home.is_symlink():
                    continue
                if not home.is_dir():
                    continue
                with contextlib.suppress(OSError), _try_lock(home / _LOCK) as ours:
                    if ours:
                        shutil.rmtree(home)
                        swept.append(home.name)
        return swept

    def close(self) -> None:
        """Remove this instance's folder and give up its lock. May be called twice."""
        if self._lock < 0:
            return
        with self._locked_root():
            shutil.rmtree(self._home, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    @contextlib.contextmanager
    def _locked_root(self) -> Iterator[None]:
        # Held for a few system calls: a sweep must not meet a folder without its lock.
        lock = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _note(self, folder: Path) -> Path:
        return folder.with_name(folder.name + _RESERVED)


def _folder_of(note: Path) -> Path:
    return note.with_name(note.name.removesuffix(_RESERVED))


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(Path(parent, name)).st_size
    return total


@contextlib.contextmanager
def _try_lock(path: Path) -> Iterator[bool]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def _named(job: str) -> str:
    """A folder's name for a job: one that is long (`=E5=AD=97`...) is cut, and told apart."""
    name = subjects.token(job)
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"
