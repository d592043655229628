"""Presence: what an instance says of itself, and that it stops saying it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from izumi.bus.ports import Bus
from izumi.domain.errors import NoSpace
from izumi.domain.events import Fact, Node
from izumi.runtime.breaker import Breaker
from izumi.runtime.ports import JobContext
from izumi.runtime.presence import Facts, Presence, of_worker
from tests.support.bus import acquired, announcement, eventually
from tests.support.working import working


async def nodes(bus: Bus) -> list[Node]:
    return [
        msgspec.json.decode(entry.data, type=Node) for entry in await bus.latest("izumi.node.>")
    ]


async def test_an_instance_is_seen_with_its_state_as_soon_as_it_lives(any_bus: Bus) -> None:
    state = [Facts("running", ("job-1",))]
    presence = Presence(
        any_bus, unit="encoder", group="main", instance="one", host="pc", facts=lambda: state[0]
    )
    telling = asyncio.create_task(presence.run())
    await eventually(lambda: _there(any_bus))
    telling.cancel()
    (node,) = await nodes(any_bus)
    assert (node.unit, node.group, node.instance, node.host) == ("encoder", "main", "one", "pc")
    assert (node.state, node.jobs) == ("running", ("job-1",))
    state[0] = Facts("broken", reason="the disk is full")
    assert presence.node().state == "broken"
    assert presence.node().since == node.since


async def _there(bus: Bus) -> bool:
    return bool(await nodes(bus))


async def test_a_worker_tells_what_it_is_at_that_it_drains_and_why_it_is_broken(
    any_bus: Bus, tmp_path: Path
) -> None:
    finish = asyncio.Event()
    at_it = asyncio.Event()

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        at_it.set()
        await finish.wait()
        raise NoSpace("the disk is full")

    breaker = Breaker(threshold=1, cooldown_s=3600)
    async with working(any_bus, work, tmp_path, breaker=breaker) as (worker, shutdown):
        assert of_worker(worker, shutdown) == Facts("running", [])
        fact = acquired()
        await any_bus.publish(announcement(fact))
        await at_it.wait()
        assert of_worker(worker, shutdown).jobs == [f"acquired-{fact.file.id}"]
        finish.set()

        async def broken() -> bool:
            return of_worker(worker, shutdown).state == "broken"

        await eventually(broken)
        assert of_worker(worker, shutdown).reason == "the disk is full"
