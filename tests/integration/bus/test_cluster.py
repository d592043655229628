"""Three servers, every stream on each: what a lost leader costs."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from izumi.bus import jetstream, provision
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.lease import Lease
from izumi.bus.ports import Outgoing
from izumi.bus.settings import BusSettings
from izumi.bus.topology import Membership, consumer_names
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, UserError
from izumi.domain.subjects import token
from tests.support.bus import QUICK, acquired, announcement, eventually, taken
from tests.support.nats import NatsServer, clustered

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[NatsServer]]:
    """One cluster for all tests here, which leave it whole; forming one takes seconds."""
    with clustered(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def group(request: pytest.FixtureRequest) -> str:
    """A queue group of this test's own."""
    return str(request.node.name)


@pytest.fixture
def log(group: str) -> str:
    """Start of the job logs of this test."""
    return subjects.job("encoder", group, "job")


@pytest.fixture
async def bus(servers: list[NatsServer], group: str) -> AsyncIterator[JetStreamBus]:
    settings = BusSettings(servers=tuple(server.url for server in servers), replicas=3)
    made = await jetstream.connect(settings, name="test", wait_s=30, pulling=QUICK)
    made._publish_s = 60

    async def has_a_leader() -> bool:
        with contextlib.suppress(BusUnavailable):
            await made.connection.request("$JS.API.INFO", timeout_s=0.5)
            return True
        return False

    async def applied() -> bool:
        # Refused while not all servers have joined.
        with contextlib.suppress(BusUnavailable, UserError):
            await provision.apply(made.connection, [encoders(group)], replicas=3)
            return True
        return False

    await eventually(has_a_leader, within_s=60)
    await eventually(applied, within_s=60)
    yield made
    await made.aclose()


def encoders(group: str) -> Membership:
    return Membership(unit="encoder", group=group, deliver="new")


async def leader(bus: JetStreamBus, servers: list[NatsServer], name: str) -> NatsServer:
    found: list[str] = []

    async def there() -> bool:
        with contextlib.suppress(BusUnavailable):
            answer = await bus.connection.request(f"$JS.API.{name}")
            found.append(json.loads(answer.data).get("cluster", {}).get("leader") or "")
        return bool(found and found[-1])

    await eventually(there)
    return next(server for server in servers if server.name == found[-1])


async def test_a_killed_leader_loses_doubles_and_stops_nothing(
    bus: JetStreamBus, servers: list[NatsServer], group: str, log: str
):
    again = await provision.apply(bus.connection, [encoders(group)], replicas=3)
    assert {change.action for change in again} == {"keep"}
    inbox = bus.inbox("encoder", group)
    await bus.publish(announcement(acquired(f"{group} running")))
    running = await taken(inbox)
    lease = Lease(bus, running, unit="encoder", group=group, owner="test")
    await lease.claim()
    keeping = asyncio.create_task(lease.keep())
    taking = asyncio.create_task(taken(inbox))
    await asyncio.sleep(0.2)
    victim = await leader(bus, servers, "STREAM.INFO.IZUMI")
    victim.kill()
    storing = [
        asyncio.create_task(bus.publish(Outgoing(f"{log}{number}", b"x", expect=0)))
        for number in range(10)
    ]
    receipts = await asyncio.gather(*storing)
    assert len(set(receipts)) == 10
    await bus.publish(announcement(acquired(f"{group} next")))
    job = await taking
    assert job.data == announcement(acquired(f"{group} next")).data
    # The lease of the running job outlived the leader.
    await lease.commit([])
    assert not lease.lost.is_set()
    keeping.cancel()
    await running.ack()
    victim.start()
    assert len(await bus.latest(f"izumi.job.encoder.{token(group)}.>")) == 11


async def test_who_waits_follows_a_consumer_to_its_new_leader(
    bus: JetStreamBus, servers: list[NatsServer], group: str, log: str
):
    taking = asyncio.create_task(taken(bus.inbox("encoder", group)))
    await asyncio.sleep(0.2)
    name = consumer_names("encoder", group)[1]
    await bus.connection.request(f"$JS.API.CONSUMER.LEADER.STEPDOWN.IZUMI.{name}")
    await bus.publish(announcement(acquired(f"{group} a")))
    job = await taking
    assert job.attempt == 1
    await job.ack()


async def test_a_server_that_says_goodbye_is_left_for_another(
    bus: JetStreamBus, servers: list[NatsServer], group: str, log: str
):
    there = bus.connection.nc.connected_url
    assert there is not None
    leaving = next(server for server in servers if server.port == there.port)
    leaving.send(signal.SIGUSR2)

    async def elsewhere() -> bool:
        now = bus.connection.nc.connected_url
        return now is not None and now.port != leaving.port

    await eventually(elsewhere)
    assert "Closing existing clients" not in leaving.log()
    await bus.publish(Outgoing(log, b"x"))
    leaving.kill()
    leaving.start()


async def test_without_a_quorum_nothing_is_acknowledged_and_it_comes_back(
    bus: JetStreamBus, servers: list[NatsServer], group: str, log: str
):
    bus._publish_s = 1
    there = bus.connection.nc.connected_url
    assert there is not None
    others = [server for server in servers if server.port != there.port]
    for server in others:
        server.kill()
    with pytest.raises(BusUnavailable):
        await bus.publish(Outgoing(log, b"x", msg_id="one"))
    with pytest.raises(BusUnavailable):
        await bus.commit([Outgoing(f"{log}2", b"x"), Outgoing(f"{log}3", b"x")])
    for server in others:
        server.start()
    bus._publish_s = 60
    await bus.publish(Outgoing(log, b"x", msg_id="one"))
    await bus.publish(Outgoing(log, b"x", msg_id="one"))
    request = json.dumps({"subjects_filter": log}).encode()
    info = await bus.connection.request("$JS.API.STREAM.INFO.IZUMI", request, timeout_s=10)
    assert json.loads(info.data)["state"]["subjects"] == {log: 1}
