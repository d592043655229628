"""Processes of one host keep a service's limit together."""

import asyncio
import contextlib
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from izumi.clients.budget import Budget
from izumi.clients.shared_turns import SharedTurns
from izumi.domain.errors import Unavailable
from tests.support.hand_clock import HandClock

_ASKS = """
import asyncio, sys, time
from pathlib import Path
from izumi.clients.budget import Budget
from izumi.clients.shared_turns import SharedTurns
from izumi.domain.errors import Unavailable

async def ask():
    shared = SharedTurns(Path(sys.argv[1]))
    budget = Budget("Service", per_minute=12, at_once=12, shared=shared)
    try:
        while True:
            await budget.turn(0.0)
            print("asked")
    except Unavailable:
        await shared.aclose()

asyncio.run(ask())
"""


class Host:
    """One file of turns, and the budgets of several processes, on one clock."""

    def __init__(self, path: Path) -> None:
        self.clock = HandClock()
        self._path = path
        self.opened: list[SharedTurns] = []

    def process(self, per_minute: int = 10, at_once: int = 10) -> Budget:
        shared = SharedTurns(self._path, now=self.clock)
        self.opened.append(shared)
        return Budget(
            "Service",
            per_minute=per_minute,
            at_once=at_once,
            clock=self.clock,
            sleep=self.clock.sleep,
            shared=shared,
        )


@pytest.fixture
async def host(tmp_path):
    made = Host(tmp_path / "limits.sqlite")
    yield made
    for one in made.opened:
        await one.aclose()


async def test_no_minute_of_all_processes_together_holds_more_than_allowed(host):
    processes = [host.process() for _ in range(3)]
    turns = []
    for number in range(40):
        await processes[number % 3].turn(1e9)
        turns.append(host.clock())
    for place, at in enumerate(turns):
        assert sum(at <= other < at + 60 for other in turns[place:]) <= 10


async def test_a_pause_of_one_process_is_one_for_all(host):
    one, other = host.process(), host.process()
    one.pause(40.0)
    await asyncio.sleep(0.3)
    with pytest.raises(Unavailable, match="not to be asked for another 40 s") as caught:
        await other.turn(5.0)
    assert caught.value.retry_after_s == 40.0
    began = host.clock()
    await other.turn(60.0)
    assert host.clock() - began >= 40.0


async def test_a_clock_that_was_set_back_stops_nobody(host):
    budget = host.process(per_minute=1)
    await budget.turn(0.0)
    host.clock.now += 60.0
    other = host.process(per_minute=1)
    await other.turn(0.0)
    host.clock.now -= 7200.0
    await host.process(per_minute=1).turn(0.0)


async def test_where_there_is_no_file_each_counts_alone(tmp_path):
    (tmp_path / "file").write_text("no folder")
    shared = SharedTurns(tmp_path / "file" / "limits.sqlite")
    budget = Budget("Service", per_minute=3, at_once=3, shared=shared)
    for _ in range(3):
        await budget.turn(0.0)
    with pytest.raises(Unavailable):
        await budget.turn(0.0)
    await shared.aclose()


async def test_real_processes_that_ask_at_once_keep_the_limit(tmp_path):
    path = tmp_path / "limits.sqlite"
    began = time.monotonic()
    asking = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _ASKS, path, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = await asyncio.gather(*(one.communicate() for one in asking))
    minutes = 1 + int((time.monotonic() - began) // 60)
    assert 12 <= sum(out.count(b"asked") for out, _ in said) <= 12 * minutes


async def test_the_time_is_read_while_no_other_process_can_take_a_turn(tmp_path):
    path, looked = tmp_path / "limits.sqlite", []

    def now() -> float:
        other = sqlite3.connect(path, timeout=0.0, isolation_level=None)
        with contextlib.closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        looked.append(True)
        return 1000.0

    shared = SharedTurns(path, now=now)
    assert await shared.take("Service", per_minute=1, at_once=1) == 0.0
    assert await shared.take("Service", per_minute=1, at_once=1) == 60.0
    await shared.aclose()
    assert looked == [True, True]
