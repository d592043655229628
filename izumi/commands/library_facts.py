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
from izumi.tools.journal import Journals
from izumi.tools.operation import Operation
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


async def tell(settings: Settings) -> None:
    """Publish a fact of every operation that nobody has heard of, the oldest first.

    A bus that cannot be reached keeps nobody from working; the next time tells them.
    """
    journals = Journals(settings.state)
    owed = journals.owed()
    if not settings.library.announce:
        for operation in owed:
            journals.told(operation)
        return
    if not owed:
        return
    try:
        async with (
            asyncio.timeout(settings.library.bus_wait_s),
            compose.bus(settings, name="izumi-admin", role="admin") as bus,
        ):
            for operation in owed:
                told = fact(operation, settings.host, _when(operation))
                subject = subjects.library(told.verb, told.operation)
                await bus.publish(Outgoing(subject, events.encode(told)))
                journals.told(operation)
    except (IzumiError, TimeoutError) as exc:
        why = str(exc) or f"no answer within {settings.library.bus_wait_s:g} s"
        later = "the next change tells it, or `izumi-admin resume`"
        way_out = "[library] announce = false where there is no bus"
        print(printable(f"not told on the bus: {why}; {later}; {way_out}"), file=sys.stderr)


def _when(operation: Operation) -> dt.datetime:
    """When it was done, as far as it is."""
    closed = operation.closed
    return dt.datetime.fromisoformat(closed.at) if closed else dt.datetime.now(dt.UTC)
