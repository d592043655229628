"""Being somebody who may not read everything, for tests that run as root."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def as_nobody() -> Callable[[Path], AbstractContextManager[None]]:
    """A context in which `folder` may be entered, and read only what all may read."""

    @contextlib.contextmanager
    def be(folder: Path) -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        for above in [folder, *folder.parents]:
            if above.stat().st_uid == 0 and not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o011)
        folder.chmod(0o755)
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return be
