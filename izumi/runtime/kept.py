"""Files that outlive the job that got them: what a killed instance need not fetch again.

Kept by content, as hard links beside the scratch folders: a kept file costs no space
while a job has it too, and is only ever used after its content was proved.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

NAME = ".kept"
"""Below the scratch root; a leading dot tells it from an instance's folder."""


class Kept:
    """The kept files of a host, shared by its instances.

    Args:
        root: The scratch root.
        keep_s: A file that nobody used for so long is removed at the next `sweep`.
        now: Seconds since the epoch, as file times are.
    """

    def __init__(
        self, root: Path, *, keep_s: float = 86400.0, now: Callable[[], float] = time.time
    ) -> None:
        self._home = root / NAME
        self._keep_s = keep_s
        self._now = now
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, path: Path, sha256: str) -> None:
        """Let `path`, whose content was proved, outlive its folder. May be called twice."""
        kept = self._path(sha256)
        # A file system without hard links keeps nothing; the file is fetched again then.
        with contextlib.suppress(OSError):
            kept.unlink(missing_ok=True)
            os.link(path, kept)
            os.utime(kept, (self._now(), self._now()))

    def take(self, sha256: str, target: Path) -> bool:
        """Put the file with that content at `target`, proved; False: it is not kept.

        Reads all of it: call it in a thread.
        """
        try:
            target.unlink(missing_ok=True)
            os.link(self._path(sha256), target)
            with target.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return False
        if found == sha256:
            return True
        target.unlink()
        self.drop(sha256)
        return False

    def drop(self, sha256: str) -> None:
        """Keep it no longer; a job that has it keeps its own."""
        self._path(sha256).unlink(missing_ok=True)

    def sweep(self, *, everything: bool = False) -> None:
        """Remove what nobody used for long, or all of it where space is short."""
        for path in self._home.iterdir():
            with contextlib.suppress(OSError):
                if everything or path.lstat().st_mtime < self._now() - self._keep_s:
                    path.unlink()

    def _path(self, sha256: str) -> Path:
        if not sha256.isalnum():
            msg = f"not a hash: {sha256!r}"
            raise ValueError(msg)
        return self._home / sha256
