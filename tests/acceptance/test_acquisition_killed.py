"""Acquisition killed at every step, and at any moment: one object, one event, no partial.

Real processes, with the real bus, rclone, prober and names.
"""

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

import pytest

from izumi.failpoints import VARIABLE
from izumi.storage.ledger import Ledger
from tests.support.acquiring import Place, until
from tests.support.bus import provisioned
from tests.support.containers import VOID, element
from tests.support.media import silent

PROJECT = Path(__file__).parents[2]
STEPS = (
    "acquisition.after_seen",
    "acquisition.after_settled",
    "acquisition.after_identified",
    "acquisition.after_staged",
    "acquisition.after_stored",
    "acquisition.after_published",
    "acquisition.after_done",
)


class Acquirer:
    """An acquisition process that can be killed and started again."""

    def __init__(self, base: Path, url: str, name: str = "state") -> None:
        self.state = base / name
        self._argv = [
            sys.executable,
            "-m",
            "tests.support.acquirer",
            str(base),
            str(self.state),
            url,
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
            async with await Ledger.visit(self.state) as ledger:
                return (await ledger.counts()).get("done", 0) >= files

        await until(enough, within_s=90)


class Observer:
    """Looks at final names all the time, and notes every content that is not whole."""

    def __init__(self, base: Path) -> None:
        self.wanted: set[str] = set()
        self.partial: list[str] = []
        self._folders = [base / "a", base / "b"]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def expect(self, data: bytes) -> bytes:
        self.wanted.add(hashlib.sha256(data).hexdigest())
        return data

    def _watch(self) -> None:
        seen: set[tuple[str, float]] = set()
        while not self._stop.wait(0.02):
            for path in (path for folder in self._folders for path in folder.rglob("*.mkv")):
                key = (str(path), path.stat().st_mtime)
                if key not in seen:
                    seen.add(key)
                    if hashlib.sha256(path.read_bytes()).hexdigest() not in self.wanted:
                        self.partial.append(str(path))


async def check(place: Place, observer: Observer, files: int) -> None:
    facts = await place.facts()
    assert len(facts) == files
    assert {fact.file.sha256 for fact in facts} == observer.wanted
    for name in ("a", "b"):
        stored = place.stored(name)
        assert {hashlib.sha256(data).hexdigest() for data in stored.values()} == observer.wanted
        assert len(stored) == files
    assert observer.partial == []


@pytest.fixture
async def place(tmp_path, nats_server):
    async with provisioned(nats_server) as bus:
        yield Place(tmp_path, bus=bus)


@pytest.fixture
async def episode(media):
    """Makes episodes: real ones, each with a content of its own."""
    real = (await media.sample(silent(seconds=1.0))).read_bytes()

    def make(number):
        # An element that players skip, after the end of the segment.
        return real + element(VOID, f"{number:08d}".encode())

    return make


@pytest.fixture
def acquirer(tmp_path, nats_server):
    """Makes acquirers, and ends them with the test."""
    made = []

    def make(name="state"):
        made.append(Acquirer(tmp_path, nats_server.url, name))
        return made[-1]

    yield make
    for one in made:
        one.end()


async def test_killed_after_each_step_it_resumes_and_does_everything_once(
    place, acquirer, episode, tmp_path
):
    one = acquirer()
    with Observer(tmp_path) as observer:
        for number, step in enumerate(STEPS):
            for copy in range(2):
                data = observer.expect(episode(2 * number + copy))
                place.put(f"[Group] Spring {number} - {copy:02} [1080p].mkv", data)
            one.start(f"{step}=kill")
            assert await one.died() == -signal.SIGKILL, step
        one.start()
        await one.done(2 * len(STEPS))
        await until(lambda: _no_parts(tmp_path))
        await check(place, observer, 2 * len(STEPS))
    assert not list((one.state / "staging").iterdir())


async def test_killed_after_a_hold_was_told_it_tells_nobody_twice(place, acquirer, episode):
    place.put("Show/bad\udcff.mkv", episode(1))
    one = acquirer()
    one.start("acquisition.after_held=kill")
    assert await one.died() == -signal.SIGKILL
    one.start()

    async def held() -> bool:
        async with await Ledger.visit(one.state) as ledger:
            return (await ledger.counts()).get("held") == 1

    await until(held)
    assert len(await place.holds()) == 1


async def test_two_acquirers_killed_at_any_moment_take_every_file_once(
    place, acquirer, episode, tmp_path
):
    """The two share folder and storage, and nothing else."""
    rounds, each = int(os.environ.get("IZUMI_TEST_KILLS", "4")), 5
    chance = random.Random()  # noqa: S311 - when to kill
    pair = [acquirer(name) for name in ("one", "two")]
    for one in pair:
        one.start()
    with Observer(tmp_path) as observer:
        for number in range(rounds * each):
            data = observer.expect(episode(number))
            place.put(f"Moon {number % 5}/[Group] Moon - {number:03} [720p].mkv", data)
            if number % each == each - 1:
                victim = chance.choice(pair)
                await asyncio.sleep(chance.uniform(0.1, 1.2))  # the moment is what is varied
                await victim.kill()
                victim.start()
        await asyncio.gather(*(one.done(rounds * each) for one in pair))
        await until(lambda: _no_parts(tmp_path))
        await check(place, observer, rounds * each)


async def test_asked_to_stop_it_ends_with_success(place, acquirer, episode):
    one = acquirer()
    place.put("[Group] Spring - 01 [1080p].mkv", episode(1))
    process = one.start()
    await one.done(1)
    process.terminate()
    assert await one.died() == 0


async def _no_parts(base):
    files = [path for name in ("a", "b") for path in (base / name).rglob("*") if path.is_file()]
    return all(path.suffix == ".mkv" for path in files)
