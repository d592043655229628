"""What was done to the library, told on the bus where there is one."""

import asyncio
import datetime as dt
import sys

from izumi import compose
from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.errors import IzumiError
from izumi.domain.events import LibraryChanged, LibraryPlace
from izumi.runtime.telemetry import printable
from izumi.settings import Settings
from izumi.tools.journal import Operation
from izumi.tools.requests import Request


def fact(operation: Operation, host: str, at: dt.datetime) -> LibraryChanged:
    """An operation as others hear of it."""
    request = operation.opened.request
    places = tuple(
        LibraryPlace(
            name=name,
            files=progress.plan.files if progress.plan else 0,
            size=progress.plan.size if progress.plan else 0,
            done=progress.is_whole,
        )
        for name, progress in operation.places.items()
    )
    return LibraryChanged(
        operation=operation.id,
        verb=request.verb,
        show=request.show,
        became=_became(request),
        shelves=("airing",) if request.verb == "move" else request.kinds,
        places=places,
        undoes=request.of,
        by=operation.opened.by,
        at=at,
        host=host,
    )


def _became(request: Request) -> str:
    if request.verb in {"delete", "empty"}:
        return ""
    if request.verb == "move":
        return "/".join(filter(None, (request.into, request.to_name)))
    if request.verb == "rename" and request.name:
        above = request.show.rpartition("/")[0]
        return f"{above}/{request.name}" if above else request.name
    return request.show


async def tell(settings: Settings, operation: Operation) -> None:
    """Publish the fact; a bus that cannot be reached keeps nobody from working."""
    if not settings.library.announce:
        return
    told = fact(operation, settings.host, dt.datetime.now(dt.UTC))
    subject = subjects.library(told.verb, told.operation)
    try:
        async with (
            asyncio.timeout(settings.library.bus_wait_s),
            compose.bus(settings, name="izumi-admin", role="admin") as bus,
        ):
            await bus.publish(Outgoing(subject, events.encode(told)))
    except (IzumiError, TimeoutError) as exc:
        why = str(exc) or f"no answer within {settings.library.bus_wait_s:g} s"
        way_out = "[library] announce = false where there is none"
        print(printable(f"not told on the bus: {why}; {way_out}"), file=sys.stderr)
