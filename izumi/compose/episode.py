"""The whole life of an episode that somebody names: which one is meant, and what is kept of it."""

import asyncio
import datetime as dt

from izumi.bus import life
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.life import Wanted
from izumi.domain.timeline import Timeline, timeline
from izumi.tools import episodes


async def told(bus: JetStreamBus, text: str, *, now: dt.datetime) -> Timeline:
    """Everything that happened to an episode.

    Args:
        bus: Where it is kept.
        text: What a person calls it: see `izumi.tools.episodes`.
        now: The end of what still runs.

    Raises:
        Unknown: The bus knows none.
        Declined: Several may be meant, or nothing was said.
        BusUnavailable: The bus did not answer.
    """
    naming = await life.naming(bus)
    known = await asyncio.to_thread(episodes.episodes, naming.facts, naming.orders)
    meant = await asyncio.to_thread(episodes.meant, text, known)
    whole = await life.life(
        bus,
        Wanted(
            show=meant.show,
            name=meant.name,
            facts=meant.facts,
            orders=meant.orders,
            files=sorted(meant.files),
            keys=sorted(meant.keys),
        ),
    )
    return timeline(whole, now=now)
