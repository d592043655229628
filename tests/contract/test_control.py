"""Commands over the bus, to one instance or to all of a unit."""

import asyncio

from izumi.bus.ports import Bus
from izumi.domain import events, subjects
from izumi.domain.events import Control
from izumi.runtime.control import obey
from izumi.runtime.shutdown import Shutdown
from tests.support.bus import NOON, eventually

DRAIN = events.encode(Control(command="drain", at=NOON))


async def test_an_instance_drains_when_it_or_all_are_told_and_not_for_others_or_rubbish(
    any_bus: Bus,
) -> None:
    whole = Shutdown()
    for told, others in (("one", "two"), ("all", "x.y")):
        shutdown = whole.part()
        hearing = asyncio.create_task(obey(any_bus, "encoder", "one", shutdown))

        async def drained(
            shutdown: Shutdown = shutdown, told: str = told, others: str = others
        ) -> bool:
            await any_bus.tell(subjects.control("distributor", "all"), DRAIN)
            await any_bus.tell(subjects.control("encoder", others), DRAIN)
            await any_bus.tell(subjects.control("encoder", "one"), b"rubbish")
            assert not shutdown.hurry.is_set()
            await any_bus.tell(subjects.control("encoder", told), DRAIN)
            return shutdown.stopping.is_set()

        await eventually(drained)
        hearing.cancel()
    assert not whole.stopping.is_set()


def test_parts_are_asked_with_the_whole_and_a_part_alone_asks_nobody() -> None:
    whole = Shutdown()
    one, two = whole.part(), whole.part()
    one.request()
    assert not whole.stopping.is_set()
    whole.request()
    assert two.stopping.is_set()
    assert one.hurry.is_set()
    assert not two.hurry.is_set()
