"""A request becomes a message to one group, and one job, however often it is sent.

The job's name comes of what is asked for: a requester that hears no answer in time and
asks again meets its own order. Once the work was settled, for `again_s` longer still; a
request after that is a new wish, and its job is named after the one before it.
"""

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from izumi.bus.ports import Bus, Conflict, Outgoing
from izumi.domain import events, old_request, subjects
from izumi.domain.errors import BadEvent, BusUnavailable
from izumi.domain.events import Acquired, Encoded, Fact, File, JobRecord
from izumi.domain.subjects import Priority
from izumi.failpoints import failpoint

_MOST_REPEATS: Final = 1000
_SETTLED: Final = frozenset({"done", "failed", "held", "cancelled"})

_records: Final = msgspec.json.Decoder(JobRecord)


class Route(NamedTuple):
    """Who is to do the work."""

    unit: str
    group: str
    priority: Priority


class Order(NamedTuple):
    """What became of a request: the job that does the work."""

    unit: str
    group: str
    job: str


class Orders:
    """Puts requests onto the bus.

    Args:
        bus: Where to.
        sources: Locations that hold the files.
        host: Name of this host, for people.
        store_s: How long it is tried.
        again_s: See the module.
        now: Wall clock.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        sources: Sequence[str],
        host: str,
        store_s: float,
        again_s: float,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._bus = bus
        self._sources = tuple(sources)
        self._host = host
        self._store_s = store_s
        self._again = dt.timedelta(seconds=again_s)
        self._now = now

    async def place(self, route: Route, file: File, *, name: str = "") -> Order:
        """Store an order; it is on disk where the bus keeps it when this returns.

        Args:
            route: Whose work it is.
            file: What it is about.
            name: What the requester calls the request; two of one name are one.

        Raises:
            BadEvent: The unit can do nothing with such a file.
            BusUnavailable: No receipt came in time; asking again is safe.
        """
        fact = self.fact(route, file)
        first = _hash("request", name or file.id, file.sub if not name else "")
        failpoint("gateway.before_store")
        try:
            async with asyncio.timeout(self._store_s):
                id_ = await self._placed(route, first, fact)
        except TimeoutError as exc:
            raise BusUnavailable(f"the bus did not answer within {self._store_s:g} s") from exc
        failpoint("gateway.after_store")
        return Order(route.unit, route.group, f"do-{id_}")

    def fact(self, route: Route, file: File) -> Fact:
        """What the unit is told.

        Raises:
            BadEvent: It can do nothing with such a file.
        """
        if route.unit == "encoder" and file.sub != "softsub":
            raise BadEvent(f"sub: only softsubs are encoded, not {file.sub}")
        episode, at = old_request.episode_of(file.key), self._now()
        if file.sub != "hardsub":
            return Acquired(
                file=file,
                episode=episode,
                sources=self._sources,
                priority=route.priority,
                release=file.key.rpartition("/")[2],
                at=at,
                host=self._host,
            )
        return Encoded(
            file=file,
            episode=episode,
            sources=self._sources,
            origin=file,
            profile="",
            priority=route.priority,
            at=at,
            host=self._host,
        )

    async def _placed(self, route: Route, first: str, fact: Fact) -> str:
        """Store the order; the name of its job."""
        order = self._order(route, first, fact)
        try:
            # Most wishes are new: the bus itself looks whether the job was ever begun.
            await self._bus.publish(order._replace(unless=_log(route, first)))
        except Conflict:
            id_ = await self._job(route, first)
            with contextlib.suppress(Conflict):
                await self._bus.publish(self._order(route, id_, fact)._replace(expect=0))
            return id_
        return first

    async def _job(self, route: Route, id_: str) -> str:
        """The name of the job that a request is, or becomes, part of."""
        for _ in range(_MOST_REPEATS):
            entry = await self._bus.last(_log(route, id_))
            if entry is None:
                break
            try:
                record = _records.decode(entry.data)
            except msgspec.DecodeError:
                break  # a newer version wrote it; whoever does the work can read it
            if record.state not in _SETTLED or self._now() - record.at < self._again:
                break
            id_ = _hash("again", id_, str(entry.seq))
        return id_

    def _order(self, route: Route, id_: str, fact: Fact) -> Outgoing:
        return Outgoing(
            subjects.order(route.unit, route.group, route.priority, id_),
            events.encode(fact),
            msg_id=f"gateway-{route.unit}-{route.group}-{route.priority}-{id_}",
        )


def _log(route: Route, id_: str) -> str:
    """Where what became of a job is noted."""
    return subjects.job(route.unit, route.group, f"do-{id_}")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
