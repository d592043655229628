"""Acquisition killed at every step, and at any moment: one object, one event, no partial.

Real processes, with the real bus, rclone, prober and names.
"""

import asyncio
import functools
import hashlib
import os
import random
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

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


POLICIES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "delete": (
        {"source": "delete"},
        ("acquisition.before_source_removed", "acquisition.after_source_removed"),
    ),
    "trash": (
        {"source": "trash"},
        ("acquisition.after_trash_noted", "acquisition.after_source_placed"),
    ),
    "move": (
        {"source": "move"},
        (
            "acquisition.after_source_copied",
            "acquisition.after_source_placed",
            "acquisition.after_source_removed",
        ),
    ),
}


@pytest.mark.parametrize("source", POLICIES)
async def test_killed_around_a_source_it_loses_nothing_and_touches_no_other_file(
    place, acquirer, episode, tmp_path, elsewhere, source
):
    watch, steps = POLICIES[source]
    watch = watch | ({"move_to": elsewhere} if source == "move" else {})
    one = acquirer(**watch)
    for name in ("Show/info.nfo", "Show/[Group] Spring 0 - 00.ass", ".hidden.mkv"):
        (place.root / name).parent.mkdir(exist_ok=True)
        (place.root / name).write_text("mine")
    with Observer(tmp_path) as observer:
        for number, step in enumerate(steps):
            data = observer.expect(episode(number))
            place.put(f"Show/[Group] Spring {number} - 01 [1080p].mkv", data)
            one.start(f"{step}=kill")
            assert await one.died() == -signal.SIGKILL, step
        one.start()
        await one.done(len(steps))
        await until(lambda: _no_parts(tmp_path))
        await check(place, observer, len(steps))
    kept = {"delete": [], "trash": [place.root / ".izumi-trash"], "move": [elsewhere]}[source]
    copies = [path.read_bytes() for folder in kept for path in files_in(folder)]
    assert sorted(copies) == sorted(episode(n) for n in range(len(steps)) if kept)
    left = [path for path in files_in(place.root) if ".izumi-trash" not in path.parts]
    assert [path.read_text() for path in left] == ["mine"] * 3


async def test_killed_while_the_trash_is_emptied_it_goes_on_and_takes_nothing_else(
    place, acquirer, episode
):
    one = acquirer(source="trash", trash_days=1e-6)
    place.put("[Group] Spring - 01 [1080p].mkv", episode(1))
    one.start()
    await one.done(1)
    await one.kill()
    (day,) = (place.root / ".izumi-trash").iterdir()
    (day / "mine.mkv").write_text("mine")
    one.start("acquisition.after_trash_removed=kill")
    assert await one.died() == -signal.SIGKILL
    one.start()
    await until(lambda: _recorded_no_trash(one))
    assert [path.name for path in files_in(place.root)] == ["mine.mkv"]
    assert len(await place.facts()) == 1


async def _recorded_no_trash(one):
    async with await Ledger.visit(one.state) as ledger:
        return not await ledger.trash.due(1e12)


BROUGHT = (
    "acquisition.after_stored",
    "acquisition.after_brought",
    "acquisition.after_brought_noted",
    "acquisition.after_brought_told",
)


async def test_killed_around_an_upload_that_is_owed_it_brings_it_once(
    place, acquirer, episode, tmp_path
):
    one = acquirer(announce_after="any")
    away, back = tmp_path / "b", tmp_path / "b.away"
    with Observer(tmp_path) as observer:
        for number, step in enumerate(BROUGHT):
            data = observer.expect(episode(number))
            away.rename(back)
            place.put(f"[Group] Spring {number} - 01 [1080p].mkv", data)
            one.start()
            await until(functools.partial(_announced, place, 2 * number + 1))
            await one.kill()
            back.rename(away)
            place.put(
                f"[Group] Moon {number} - 01 [1080p].mkv", observer.expect(episode(-1 - number))
            )
            one.start(f"{step}=kill")
            assert await one.died() == -signal.SIGKILL, step
            one.start()
            await one.done(2 * number + 2)
            await one.kill()
        await until(lambda: _no_parts(tmp_path))
        await check(place, observer, 2 * len(BROUGHT))
    told = await place.bus.latest("izumi.file.distributed.acquisition.b.>")
    assert len(told) >= len(BROUGHT)


async def _announced(place, number):
    return len(await place.facts()) >= number


async def test_killed_at_any_moment_with_a_location_that_comes_and_goes(
    place, acquirer, episode, tmp_path, elsewhere
):
    """Announced after one location, moved to another file system: the longest way there is."""
    rounds, each = int(os.environ.get("IZUMI_TEST_KILLS", "3")), 5
    chance = random.Random()  # noqa: S311 - when to kill
    one = acquirer(announce_after="any", source="move", move_to=elsewhere)
    away, back = tmp_path / "b", tmp_path / "b.away"
    one.start()
    with Observer(tmp_path) as observer:
        for number in range(rounds):
            (away if away.exists() else back).rename(back if away.exists() else away)
            for copy in range(each):
                data = observer.expect(episode(each * number + copy))
                place.put(f"Moon {copy}/[Group] Moon - {number:03} [720p].mkv", data)
            await asyncio.sleep(chance.uniform(0.1, 1.5))  # the moment is what is varied
            await one.kill()
            one.start()
        if back.exists():
            back.rename(away)
        await one.done(rounds * each)
        await until(lambda: _no_parts(tmp_path))
        await check(place, observer, rounds * each)
    moved = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files_in(elsewhere)]
    assert sorted(moved) == sorted(observer.wanted)
    assert files_in(place.root) == []


def files_in(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system, where this machine has one that anyone may write to."""
    other = Path("/dev/shm")  # noqa: S108 - a file system of its own on every Linux
    folder = other if other.is_dir() else tmp_path
    with tempfile.TemporaryDirectory(dir=folder) as made:
        yield Path(made)


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
