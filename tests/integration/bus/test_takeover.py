"""Instances that die, freeze and come back: every job is done, and its result is there once."""

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from izumi.bus.jetstream import JetStreamBus
from izumi.domain.events import Acquired
from tests.support.bus import (
    ENCODERS,
    QUICK,
    acquired,
    announcement,
    eventually,
    provisioned,
    taken,
)
from tests.support.nats import NatsServer

ROOT = Path(__file__).parents[3]
ACK_WAIT_S = 1.5


class Worker:
    """`tests/support/bus_worker.py` as a process, and what it told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[dict[str, object]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, url: str, *, work_s: float, slots: int = 1) -> None:
        numbers = [str(ACK_WAIT_S), str(work_s), str(slots)]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.support.bus_worker", url, self.name, *numbers),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        await self.until("ready")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.told.append(json.loads(line))

    def count(self, what: str) -> int:
        return sum(what in entry for entry in self.told)

    async def until(self, what: str, count: int = 1) -> None:
        async def said() -> bool:
            return self.count(what) >= count

        await eventually(said, within_s=60)

    def send(self, number: int) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)

    async def kill(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._reading is not None:
            await self._reading


Spawn = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[JetStreamBus]:
    async with provisioned(
        nats_server, [ENCODERS], ack_wait_s=ACK_WAIT_S, pulling=QUICK
    ) as jetstream_bus:
        yield jetstream_bus


@pytest.fixture
async def spawn(nats_server: NatsServer) -> AsyncIterator[Spawn]:
    workers: list[Worker] = []

    async def start(name: str, **options: float) -> Worker:
        worker = Worker(name)
        workers.append(worker)
        await worker.start(nats_server.url, **options)  # type: ignore[arg-type]  # slots is whole
        return worker

    yield start
    for worker in workers:
        await worker.kill()


async def results(bus: JetStreamBus) -> dict[str, int]:
    """Result subject -> how often it is stored."""
    request = json.dumps({"subjects_filter": "izumi.file.encoded.>"}).encode()
    answer = await bus.connection.request("$JS.API.STREAM.INFO.IZUMI", request)
    subjects: dict[str, int] = json.loads(answer.data)["state"].get("subjects") or {}
    return subjects


async def test_who_dies_or_freezes_is_replaced_within_one_lease(bus: JetStreamBus, spawn: Spawn):
    workers = {}
    for end in (signal.SIGKILL, signal.SIGSTOP):
        workers[end] = await spawn(end.name, work_s=1000.0)
        await bus.publish(announcement(acquired(end.name)))
        await workers[end].until("claimed")
    await asyncio.sleep(1.2 * ACK_WAIT_S)  # only signs of life keep the jobs there by now
    await bus.publish(announcement(acquired("mark")))
    inbox = bus.inbox("encoder", "main")
    mark = await taken(inbox)
    assert [worker.count("claimed") for worker in workers.values()] == [1, 1]
    for end, worker in workers.items():
        worker.send(end)
    # Both times are the server's: the mark comes back 1.1 leases from now.
    await mark.nak(1.1 * ACK_WAIT_S)
    order = [(await taken(inbox)).seq for _ in range(3)]
    assert order[2] == mark.seq


async def test_a_thawed_worker_changes_nothing(bus: JetStreamBus, spawn: Spawn):
    frozen = await spawn("frozen", work_s=0.3)
    await bus.publish(announcement(acquired("job")))
    await frozen.until("claimed")
    frozen.send(signal.SIGSTOP)
    heir = await spawn("heir", work_s=0.3)
    await heir.until("done")
    frozen.send(signal.SIGCONT)

    async def gave_up() -> bool:
        return frozen.count("lost") + frozen.count("fenced") > 0

    await eventually(gave_up)
    assert (frozen.count("done"), list((await results(bus)).values())) == (0, [1])
    assert heir.told[1] == {**heir.told[1], "attempt": 2, "lost": 1}


async def test_what_a_zombie_answers_to_the_server_does_not_change_the_result(
    bus: JetStreamBus, spawn: Spawn
):
    await bus.publish(announcement(acquired("job")))
    zombie = await taken(bus.inbox("encoder", "main"))
    heir = await spawn("heir", work_s=0.8)
    await heir.until("claimed")
    await zombie.in_progress()
    await zombie.nak()
    await heir.until("done")
    await zombie.ack()
    await spawn("other", work_s=0.1)
    await bus.publish(announcement(acquired("next")))

    async def both_done() -> bool:
        return len(await results(bus)) == 2

    await eventually(both_done)
    assert set((await results(bus)).values()) == {1}


async def test_acks_that_a_crashed_server_forgot_repeat_no_work(
    bus: JetStreamBus, nats_server: NatsServer, spawn: Spawn
):
    facts = [acquired(f"job {number}") for number in range(10)]
    worker = await spawn("one", work_s=0.0)
    for fact in facts:
        await bus.publish(announcement(fact))
    await worker.until("done", 10)
    nats_server.kill()
    nats_server.start()
    await bus.publish(announcement(acquired("after")))
    await worker.until("done", 11)
    assert list((await results(bus)).values()) == [1] * 11


@pytest.mark.timeout(180)
async def test_chaos_loses_nothing_and_doubles_nothing(
    bus: JetStreamBus, nats_server: NatsServer, spawn: Spawn
):
    dice = random.Random(7)  # noqa: S311 - reproducible, not secret
    facts = [acquired(f"job {number}") for number in range(24)]
    workers = [await spawn(f"w{number}", work_s=0.4, slots=2.0) for number in range(3)]
    feeding = asyncio.create_task(feed(bus, facts))
    for turn in range(9):
        await asyncio.sleep(0.4)
        victim = dice.choice([worker for worker in workers if worker.running])
        if turn in {3, 6}:
            nats_server.kill()
            nats_server.start()
        elif dice.random() < 0.5:
            await victim.kill()
            workers.append(await spawn(f"w{len(workers)}", work_s=0.4, slots=2.0))
        else:
            victim.send(signal.SIGSTOP)
            asyncio.get_running_loop().call_later(1.5 * ACK_WAIT_S, victim.send, signal.SIGCONT)
    await feeding

    async def all_there() -> bool:
        return len(await results(bus)) == len(facts)

    await eventually(all_there, within_s=90)
    # Whoever still froze thaws now, and tries what it was about to do.
    for worker in workers:
        worker.send(signal.SIGCONT)
    await asyncio.sleep(ACK_WAIT_S)
    assert list((await results(bus)).values()) == [1] * len(facts)


async def feed(bus: JetStreamBus, facts: list[Acquired]) -> None:
    for fact in facts:
        await bus.publish(announcement(fact))
        await asyncio.sleep(0.05)
