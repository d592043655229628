"""Commands that come over the bus: a keeper asks an instance to drain before an upgrade."""

import msgspec
import structlog

from izumi.bus.ports import Bus
from izumi.domain import subjects
from izumi.domain.events import Control
from izumi.runtime.shutdown import Shutdown

log = structlog.get_logger()


async def obey(bus: Bus, unit: str, instance: str, shutdown: Shutdown) -> None:
    """Carry out what is said to this instance, or to all of its unit, until cancelled."""
    ours = {subjects.control(unit, instance), subjects.control(unit)}
    async for told in bus.listen(subjects.controls(unit)):
        if told.subject not in ours:
            continue
        try:
            control = msgspec.json.decode(told.data, type=Control)
        except msgspec.DecodeError as exc:
            log.warning("control.not_understood", subject=told.subject, error=str(exc))
            continue
        log.info("control.drain", unit=unit, by=control.by)
        shutdown.request()
