"""The gateway of a process. Imported when there is one: it loads a web framework."""

import time
from collections.abc import Sequence

import msgspec

from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.history import JetStreamHistory
from izumi.bus.jetstream import JetStreamBus
from izumi.compose import episode
from izumi.domain.errors import UserError
from izumi.publishers.gateway import keys
from izumi.publishers.gateway.access import Access, Failures, KeyRing
from izumi.publishers.gateway.app import Parts, application
from izumi.publishers.gateway.arrivals import Arrivals
from izumi.publishers.gateway.asked import Door
from izumi.publishers.gateway.events import Events
from izumi.publishers.gateway.legacy import Legacy
from izumi.publishers.gateway.orders import Orders
from izumi.publishers.gateway.server import bound
from izumi.publishers.gateway.settings import aimed, astray
from izumi.publishers.gateway.unit import Gateway
from izumi.publishers.gateway.v1 import Sources
from izumi.runtime.worker import utcnow
from izumi.settings import Settings
from izumi.storage.ledger import Ledger


def gateway(settings: Settings, connected: JetStreamBus) -> Gateway:
    """The unit, its port taken.

    Raises:
        UserError: The configuration has none, its keys cannot be read, or its port is taken.
    """
    ours = settings.gateway
    if ours is None:
        raise UserError("the configuration has no [gateway]")
    groups = {
        unit: tuple(getattr(settings, unit)) for unit in ("encoder", "distributor", "notifier")
    }
    ours = msgspec.structs.replace(ours, routes=aimed(ours.routes, groups))
    ring = KeyRing(keys.path_of(settings.state), ours.old_keys)
    failures = Failures(ours.failures_per_minute, time.monotonic)
    access = Access(ring, failures, is_open=ours.open, now=utcnow)
    orders = Orders(
        connected,
        sources=ours.sources,
        host=settings.host,
        store_s=ours.store_s,
        again_s=ours.again_s,
        now=utcnow,
    )
    door = Door(access, ours.networks())
    legacy = Legacy(door, orders)
    events = Events(JetStreamHistory(connected), most=ours.most_streams)
    sources = Sources(
        door=door,
        orders=orders,
        bus=connected,
        history=JetStreamHistory(connected),
        letters=JetStreamDeadLetters(connected),
        episode=lambda text: episode.told(connected, text, now=utcnow()),
        events=events,
        figures=legacy.figures,
    )
    parts = Parts(
        settings=ours, door=door, legacy=legacy, arrivals=_arrivals(settings), sources=sources
    )
    return Gateway(
        settings=ours,
        app=application(parts),
        socket=bound(ours.listen),
        has_keys=lambda: bool(ring.keys),
        figures=legacy.figures,
        events=events,
        astray=astray(ours.routes, groups),
    )


def _arrivals(settings: Settings) -> Arrivals:
    """Asks the acquisition of this host, whichever process runs it."""
    known = settings.gateway.paths if settings.gateway else ()
    if settings.acquisition is None:
        return Arrivals(known, (), None)

    async def ask(paths: Sequence[str]) -> None:
        async with await Ledger.visit(settings.acquisition_state) as ledger:
            await ledger.mailbox.ask(paths)

    return Arrivals(known, [watch.path for watch in settings.acquisition.watch], ask)
