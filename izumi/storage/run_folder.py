"""A private folder for sockets: short enough a path, and gone when its owner is.

A socket's path may have some hundred bytes, and state folders can be longer. A process
that is killed leaves its folder behind; the next one removes it, which it may since the
dead hold no locks.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from izumi.domain.errors import ConfigError

SOCKET_BYTES: Final = 100
"""The longest path of a socket: 108 on Linux and 104 on macOS, with the NUL."""

_LONGEST_NAME: Final = len("/rclone-12345678/12345.sock")
_PREFIX: Final = "rclone-"
_LOCK: Final = "lock"


@contextlib.contextmanager
def run_folder(state: Path) -> Iterator[Path]:
    """A new folder that only this user may enter, removed at the end.

    It lies below `state`, or below the folder for temporary files when that is too long.

    Raises:
        ConfigError: No such folder can be made.
    """
    try:
        base = _base(state)
        with _locked(base / _LOCK, wait=True):
            _sweep(base)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
            ours = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        msg = f"no folder for rclone's socket can be made below {state}: {exc}"
        raise ConfigError(msg) from exc
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(ours)


def _base(state: Path) -> Path:
    wanted = state.absolute() / "run"
    temporary = f"izumi-{os.getuid()}"
    for base in (wanted, Path(tempfile.gettempdir()) / temporary, Path("/tmp") / temporary):  # noqa: S108 - its owner and mode are checked
        if len(os.fsencode(base)) + _LONGEST_NAME <= SOCKET_BYTES:
            break
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        msg = f"{base} belongs to somebody else"
        raise OSError(msg)
    base.chmod(0o700)
    return base


def _sweep(base: Path) -> None:
    """Remove the folders whose owners are dead. The caller holds the lock of `base`."""
    for folder in base.glob(f"{_PREFIX}*"):
        # Either its owner lives, or it is just taking it away itself.
        with (
            contextlib.suppress(BlockingIOError, FileNotFoundError),
            _locked(folder / _LOCK, wait=False),
        ):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(lock)
