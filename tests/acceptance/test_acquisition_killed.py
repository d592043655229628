"""Acquisition killed at every step, and at any moment: one object, one event, no partial.

Real processes, with the real bus, rclone, prober and names.
"""

import asyncio
import hashlib
import os
import random
import signal
import threading
from pathlib import Path
from typing import Self

import pytest

from izumi.storage.ledger import Ledger
from tests.support.acquiring import Place, until
from tests.support.bus import provisioned

STEPS = (
    "acquisition.after_seen",
    "acquisition.after_settled",
    "acquisition.after_identified",
    "acquisition.after_staged",
    "acquisition.after_stored",
    "acquisition.after_published",
    "acquisition.after_done",
)


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
