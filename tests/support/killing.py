"""Acquisition processes that a test kills and starts again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from izumi.domain.errors import UserError
from izumi.failpoints import VARIABLE
from izumi.storage.ledger import Ledger
from tests.support.acquiring import until
from tests.support.containers import VOID, element
from tests.support.media import silent

PROJECT = Path(__file__).parents[2]


class Acquirer:
    """An acquisition process that can be killed and started again."""

    def __init__(self, base: Path, url: str, name: str, watch: dict[str, Any]) -> None:
        self.state = base / name
        self._argv = [
            sys.executable,
            "-m",
            "tests.support.acquirer",
            str(base),
            str(self.state),
            url,
            json.dumps(watch, default=str),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, failpoints: str = "") -> "subprocess.Popen[bytes]":
        self._process = subprocess.Popen(
            self._argv,
            cwd=PROJECT,
            env=os.environ | {VARIABLE: failpoints},
            stdout=subprocess.DEVNULL,
        )
        return self._process

    async def died(self) -> int:
        assert self._process is not None
        return await asyncio.wait_for(asyncio.to_thread(self._process.wait), 60)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self.died()

    async def done(self, files: int) -> None:
        """Wait until it has finished so many files."""

        async def enough() -> bool:
            assert self._process is not None
            assert self._process.poll() is None
            if not (self.state / "acquisition.db").exists():
                return False
            try:
                ledger = await Ledger.visit(self.state)
            except UserError:
                return False  # its owner was killed while it brought it up to date
            async with ledger:
                return (await ledger.counts()).get("done", 0) >= files

        await until(enough, within_s=90)


@pytest.fixture
def acquirer(tmp_path, nats_server):
    """Makes acquirers, and ends them with the test."""
    made = []

    def make(name="state", **watch):
        made.append(Acquirer(tmp_path, nats_server.url, name, watch))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
async def episode(media):
    """Makes episodes: real ones, each with a content of its own."""
    real = (await media.sample(silent(seconds=1.0))).read_bytes()

    def make(number):
        # An element that players skip, after the end of the segment.
        return real + element(VOID, f"{number:08d}".encode())

    return make
