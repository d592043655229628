"""A process that puts or gets one file, to be killed: `python -m tests.support.putter JSON`.

It prints `rclone <pid>` when rclone runs, `moving` when bytes move, `done` at the end.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from izumi.domain.events import File
from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from izumi.storage.store import RcloneStore


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do."""

    verb: str
    settings: RcloneSettings
    state: Path
    path: Path
    file: File
    at: Location
    token: str = "dead"  # noqa: S105 - of an attempt


def start(order: Order, failpoints: str = "") -> subprocess.Popen[bytes]:
    """Run one; its stdout is a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.putter", msgspec.json.encode(order, enc_hook=str)],
        stdout=subprocess.PIPE,
        env=os.environ | {"IZUMI_FAILPOINTS": failpoints},
    )


def wait_until_gone(pid: int, within_s: float = 30) -> None:
    """Wait until a process of somebody else is no more."""
    deadline = time.monotonic() + within_s
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        while b") Z " not in Path(f"/proc/{pid}/stat").read_bytes():
            os.kill(pid, 0)
            assert time.monotonic() < deadline, f"process {pid} lives"
            time.sleep(0.01)


def freeze(pid: int, within_s: float = 30) -> None:
    """Stop a process where it stands; returns when every thread of it does."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + within_s
    while not all(b") T " in one.read_bytes() for one in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(0.001)


async def _main(order: Order) -> None:
    async with Rclone(order.settings, state=order.state) as rclone:
        print("rclone", rclone.pid, flush=True)
        told = False

        def progress(fraction: float) -> None:
            nonlocal told
            if fraction > 0 and not told:
                told = True
                print("moving", flush=True)

        store = RcloneStore(rclone)
        if order.verb == "put":
            await store.put(order.path, order.file, order.at, token=order.token, progress=progress)
        else:
            await store.get(order.file, order.at, order.path, progress=progress)
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(
        _main(msgspec.json.decode(sys.argv[1], type=Order, dec_hook=lambda kind, text: kind(text)))
    )
