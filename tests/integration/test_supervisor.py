"""The parent of an instance: restarts, hand-backs, stopping in two steps."""

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path

from izumi.runtime.shutdown import Shutdown
from izumi.runtime.supervisor import Supervisor

TAKES_AND_DIES = """
import os, signal, sys, pathlib
from izumi.runtime.supervisor import PipeBook
book = PipeBook()
for name in ("a", "b", "c"): book.took("$JS.ACK." + name)
book.settled("$JS.ACK.b")
marker = pathlib.Path(sys.argv[1])
if marker.exists(): sys.exit(0)
marker.touch()
os.kill(os.getpid(), signal.SIGKILL)
"""
WAITS = """
import signal, sys, time, pathlib
got = []
signal.signal(signal.SIGTERM, lambda *_: got.append(1))
pathlib.Path(sys.argv[1]).touch()
while len(got) < int(sys.argv[2]): time.sleep(0.02)
sys.exit(7)
"""


class Hands:
    """What was handed back."""

    def __init__(self) -> None:
        self.replies: list[frozenset[str]] = []

    async def __call__(self, replies: Collection[str]) -> None:
        self.replies.append(frozenset(replies))


async def test_the_jobs_of_a_dead_instance_are_handed_back_and_it_is_started_again(
    tmp_path: Path,
) -> None:
    hands = Hands()
    argv = [sys.executable, "-c", TAKES_AND_DIES, str(tmp_path / "marker")]
    code = await Supervisor(argv, hands).run(Shutdown())
    assert code == 0
    assert hands.replies[0] == {"$JS.ACK.a", "$JS.ACK.c"}


async def test_an_instance_that_refuses_its_configuration_is_not_started_again() -> None:
    argv = [sys.executable, "-c", "import sys; sys.exit(2)"]
    assert await Supervisor(argv, Hands()).run(Shutdown()) == 2


async def test_a_request_is_passed_on_and_a_second_one_too(tmp_path: Path) -> None:
    for requests in (1, 2):
        marker = tmp_path / str(requests)
        argv = [sys.executable, "-c", WAITS, str(marker), str(requests)]
        shutdown = Shutdown()
        running = asyncio.create_task(Supervisor(argv, Hands()).run(shutdown))
        async with asyncio.timeout(30):
            while not marker.exists():
                await asyncio.sleep(0.02)
        for _ in range(requests):
            shutdown.request()
            await asyncio.sleep(0.1)  # two requests at once would be one signal
        assert await running == 7


async def test_an_instance_that_does_not_hear_is_killed(tmp_path: Path) -> None:
    marker = tmp_path / "up"
    deaf = "import signal,sys,time,pathlib\nsignal.signal(15, signal.SIG_IGN)\n"
    deaf += "pathlib.Path(sys.argv[1]).touch()\ntime.sleep(600)"
    shutdown = Shutdown()
    supervisor = Supervisor([sys.executable, "-c", deaf, str(marker)], Hands(), grace_s=0.2)
    running = asyncio.create_task(supervisor.run(shutdown))
    async with asyncio.timeout(30):
        while not marker.exists():
            await asyncio.sleep(0.02)
    shutdown.request()
    assert await asyncio.wait_for(running, 60) == -9
