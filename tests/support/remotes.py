"""Real storage for tests: rclone's own servers on loopback, each over a folder.

One server per kind and session; every test gets folders of its own below them, so that
nothing leaks from test to test. A test may write into the folder behind a server, and may
freeze and kill a server that it started for itself.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from tests.support import putter

RCLONE = Path(sys.executable).with_name("rclone")
KINDS = ("local", "webdav", "sftp", "s3")
SERVED = KINDS[1:]
START_S = 30.0

_USER, _PASSWORD = "izumi", "not a secret"
_BUCKET = "library"
# `serve s3` removes folders that became empty; its bucket must stay.
_KEEP = ".keep"
_REMEMBERS_S = 0.005
_OPTIONS = {
    "webdav": ("--user", _USER, "--pass", _PASSWORD),
    "sftp": ("--user", _USER, "--pass", _PASSWORD),
    "s3": (),  # its keys are broken in 1.75; whoever comes is let in
}


class Served:
    """One `rclone serve`; the port stays the same over restarts.

    Attributes:
        kind: "webdav", "sftp" or "s3".
        folder: What it serves; files below `bucket` are what a remote sees.
    """

    def __init__(self, kind: str, folder: Path, remembers_s: float = _REMEMBERS_S) -> None:
        self.kind = kind
        self._remembers_s = remembers_s
        self.folder = folder
        self.bucket = folder / _BUCKET
        self.bucket.mkdir(parents=True, exist_ok=True)
        (self.bucket / _KEEP).touch()
        self._port = 0
        self._log = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when it listens."""
        assert self._process is None
        options = [
            f"--addr=127.0.0.1:{self._port}",
            "--config=",
            # Tests change the folder behind it. With 0 it reads folders for ever, and
            # asked to forget, `serve s3` goes on to believe that emptied folders are gone.
            f"--dir-cache-time={self._remembers_s * 1000:g}ms",
            *_OPTIONS[self.kind],
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [RCLONE, "serve", self.kind, self.folder, *options],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env={"HOME": str(self.folder), "PATH": os.environ["PATH"]},
            )
        deadline = time.monotonic() + START_S
        while not (match := re.search(r"127\.0\.0\.1:([1-9]\d*)", self._log.read_text())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"rclone serve {self.kind}: {self._log.read_text()}")
            time.sleep(0.01)
        self._port = int(match[1])

    def freeze(self) -> None:
        """It takes connections, and says nothing."""
        putter.freeze(self.pid)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Kill it; nothing when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def config(self, name: str, *, password: str = _PASSWORD) -> str:
        """Its section of rclone.conf."""
        if self.kind == "s3":
            return (
                f"[{name}]\ntype = s3\nprovider = Rclone\nendpoint = http://127.0.0.1:{self._port}\n"
                "access_key_id = izumi\nsecret_access_key = anything\n\n"
            )
        hidden = subprocess.run(
            [RCLONE, "obscure", password], capture_output=True, text=True, check=True
        ).stdout.strip()
        if self.kind == "sftp":
            return (
                f"[{name}]\ntype = sftp\nhost = 127.0.0.1\nport = {self._port}\nuser = {_USER}\n"
                f"pass = {hidden}\nknown_hosts_file = none\n\n"
            )
        return (
            f"[{name}]\ntype = webdav\nurl = http://127.0.0.1:{self._port}\nvendor = other\n"
            f"user = {_USER}\npass = {hidden}\n\n"
        )


class Remotes:
    """Servers of every kind, and the rclone.conf that knows them.

    Attributes:
        config: Path of rclone.conf; its remotes are called as their kinds.
    """

    def __init__(self, folder: Path, remembers_s: float = _REMEMBERS_S) -> None:
        self.folder = folder
        self.servers = {kind: Served(kind, folder / kind, remembers_s) for kind in SERVED}
        self.config = folder / "rclone.conf"
        (folder / "local").mkdir()

    def start(self) -> None:
        for server in self.servers.values():
            server.start()
        write_config(self.config, *(s.config(kind) for kind, s in self.servers.items()))

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()

    def settings(self, **more: object) -> RcloneSettings:
        """`[rclone]` for these remotes."""
        return RcloneSettings(config=self.config, **more)  # type: ignore[arg-type]  # a test names fields

    def place(self, kind: str, name: str = "", **more: Any) -> "Place":
        """A new, empty location of this kind."""
        folder = uuid.uuid4().hex[:12]
        server = self.servers.get(kind)
        behind = (server.bucket if server else self.folder / "local") / folder
        behind.mkdir()
        remote = f"{kind}:{_BUCKET}/{folder}" if server else str(behind)
        place = Place(Location(name=name or kind, remote=remote, **more), behind, server)
        place.changed()
        return place


class Place:
    """A location, and the folder where a test finds its files."""

    def __init__(self, location: Location, folder: Path, server: Served | None = None) -> None:
        self.location = location
        self.folder = folder
        self._server = server

    def changed(self) -> None:
        """To be called after a change behind the server's back."""
        if self._server is not None:
            time.sleep(_REMEMBERS_S * 2)  # nothing tells when it has forgotten

    def files(self) -> dict[str, bytes]:
        """Everything that lies there, by path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def write(self, path: str, content: bytes) -> None:
        """As if somebody else had put it there."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.changed()


def write_config(path: Path, *sections: str) -> None:
    """An rclone.conf that only its owner reads."""
    path.write_text("".join(sections))
    path.chmod(0o600)


@pytest.fixture(scope="session")
def remotes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remotes]:
    """Running servers of every kind."""
    folder = tmp_path_factory.mktemp("remotes")
    served = Remotes(folder)
    try:
        served.start()
        yield served
    finally:
        served.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rclone(
    remotes: Remotes, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rclone]:
    """An rclone that knows them; for modules whose tests share one event loop."""
    async with Rclone(remotes.settings(), state=tmp_path_factory.mktemp("state")) as running:
        yield running
