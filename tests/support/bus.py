"""Buses for tests: a ready JetStream bus on a server of the test's own, and facts to send."""

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from izumi.bus import jetstream, provision
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.memory import MemoryBus
from izumi.bus.ports import Bus, Delivery, Inbox, Outgoing
from izumi.bus.pull import Pulling
from izumi.bus.settings import BusSettings
from izumi.bus.topology import Membership
from izumi.domain.events import Acquired, Episode, File, encode, subject_of
from izumi.domain.subjects import Priority
from tests.support.nats import NatsServer

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
ENCODERS = Membership(unit="encoder", group="main")
PUBLIC = Membership(unit="distributor", group="public")
PRIVATE = Membership(unit="distributor", group="private")
NOTIFIERS = Membership(unit="notifier", group="main")
MEMBERSHIPS = (ENCODERS, PUBLIC, PRIVATE, NOTIFIERS)
ACK_WAIT_S = 1.0

QUICK = Pulling(heartbeat_s=0.5, answer_s=1.0)
"""Times of the pull loop for tests in which servers die."""


@contextlib.asynccontextmanager
async def connected(
    url: str, *, name: str = "test", pulling: Pulling | None = None
) -> AsyncIterator[JetStreamBus]:
    """A bus of its own connection, on streams that are there."""
    bus = await jetstream.connect(
        BusSettings(servers=(url,)), name=name, wait_s=20, pulling=pulling
    )
    try:
        yield bus
    finally:
        await bus.aclose()


@contextlib.asynccontextmanager
async def provisioned(
    server: NatsServer,
    memberships: Iterable[Membership] = MEMBERSHIPS,
    *,
    ack_wait_s: float = 2.0,
    pulling: Pulling | None = None,
) -> AsyncIterator[JetStreamBus]:
    """A bus whose streams and consumers were made first."""
    async with connected(server.url, pulling=pulling) as bus:
        await provision.apply(bus.connection, memberships, ack_wait_s=ack_wait_s)
        yield bus


@pytest.fixture(params=["memory", "jetstream"])
async def any_bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """The bus in memory, then the real one, with MEMBERSHIPS and leases of ACK_WAIT_S."""
    if request.param == "memory":
        memory = MemoryBus(MEMBERSHIPS, ack_wait_s=ACK_WAIT_S)
        yield memory
        await memory.aclose()
        return
    async with provisioned(
        request.getfixturevalue("nats_server"), ack_wait_s=ACK_WAIT_S
    ) as jetstream_bus:
        yield jetstream_bus


def acquired(name: str = "Show - 01.mkv", *, priority: Priority = "normal") -> Acquired:
    """The fact that a file of this name was acquired."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Acquired(
        file=File(key=f"Show/{name}", size=1000, sha256=digest, sub="softsub"),
        episode=Episode(show="Show", number="1"),
        sources=("library",),
        priority=priority,
        at=NOON,
    )


def announcement(fact: Acquired) -> Outgoing:
    """The message that announces it."""
    return Outgoing(subject_of(fact), encode(fact), msg_id=f"acquired-{fact.file.id}")


async def taken(inbox: Inbox) -> Delivery:
    """The next message of an inbox that is not stopped."""
    async with asyncio.timeout(30):
        job = await inbox.take()
    assert job is not None
    return job


async def eventually(fact: Callable[[], Awaitable[bool]], *, within_s: float = 30) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within_s):
        while not await fact():
            await asyncio.sleep(0.02)
