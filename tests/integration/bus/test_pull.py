"""The pull loop on a real server."""

import asyncio
import json
from collections import Counter

import pytest
from nats.aio.subscription import Subscription
from structlog.testing import capture_logs

from izumi.bus import provision, topology
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.plan import settings_of
from izumi.bus.ports import Delivery
from izumi.bus.pull import Pulling
from izumi.domain.errors import UserError
from izumi.domain.subjects import PRIORITIES, Priority
from tests.support.bus import (
    ENCODERS,
    QUICK,
    acquired,
    announcement,
    connected,
    eventually,
    provisioned,
    taken,
)
from tests.support.nats import NatsServer


async def announce(bus: JetStreamBus, name: str, priority: Priority = "normal") -> int:
    return await bus.publish(announcement(acquired(name, priority=priority)))


def level_of(job: Delivery) -> str:
    return job.subject.split(".")[4]


async def waiting_pulls(bus: JetStreamBus) -> int:
    """How many pulls wait at the server, over all consumers of the encoders."""
    total = 0
    for name in topology.consumer_names("encoder", "main"):
        answer = await bus.connection.request(f"$JS.API.CONSUMER.INFO.IZUMI.{name}")
        total += json.loads(answer.data)["num_waiting"]
    return total


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_who_waits_over_a_restart_gets_the_next_message(nats_server: NatsServer, end: str):
    async with provisioned(nats_server, [ENCODERS], pulling=QUICK) as bus:
        inbox = bus.inbox("encoder", "main")
        takes = [asyncio.create_task(taken(inbox)) for _ in range(3)]
        await asyncio.sleep(0.1)
        getattr(nats_server, end)()
        await asyncio.sleep(0.1)
        nats_server.start()
        for number in range(3):
            await announce(bus, f"{number}")
        jobs = await asyncio.gather(*takes)
        assert {job.seq for job in jobs} == {1, 2, 3}


async def test_a_late_high_one_overtakes_the_backlog(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS]) as bus:
        for name in "abc":
            await announce(bus, name, "low")
        inbox = bus.inbox("encoder", "main")
        first = await taken(inbox)
        await first.ack()
        await announce(bus, "late", "high")
        assert [level_of(await taken(inbox)) for _ in range(3)] == ["high", "low", "low"]


async def test_a_burst_is_shared_and_nothing_is_left_lying(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS], ack_wait_s=60) as bus:
        inbox = bus.inbox("encoder", "main")
        takes = [asyncio.create_task(taken(inbox)) for _ in range(4)]

        async def all_wait() -> bool:
            return await waiting_pulls(bus) == 12

        await eventually(all_wait)
        wanted = [(name, priority) for name in "abcd" for priority in PRIORITIES]
        await asyncio.gather(*(announce(bus, name + level, level) for name, level in wanted))
        seen = Counter[int]()
        # Leases last longer than the test: whatever slipped in somewhere must be given back.
        for turn in range(12):
            job = await takes[turn]
            seen[job.seq] += 1
            await job.ack()
            takes.append(asyncio.create_task(taken(inbox)))
        assert seen == Counter(range(1, 13))
        for take in takes[12:]:
            take.cancel()
        await asyncio.wait(takes[12:])


async def test_no_pull_is_left_behind_by_who_went(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS], ack_wait_s=60) as bus:
        inbox = bus.inbox("encoder", "main")
        takes = [asyncio.create_task(inbox.take()) for _ in range(5)]
        await asyncio.sleep(0.1)
        takes[0].cancel()
        inbox.stop()
        await asyncio.wait(takes)
        await inbox.aclose()
        await announce(bus, "a")
        assert (await taken(bus.inbox("encoder", "main"))).attempt == 1


async def test_what_slips_in_while_we_leave_goes_back_at_once(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS], ack_wait_s=60) as bus:
        inbox = bus.inbox("encoder", "main")
        taking = asyncio.create_task(inbox.take())

        async def waits() -> bool:
            return await waiting_pulls(bus) == 3

        await eventually(waits)
        (box,) = inbox._used
        unsubscribe = bus.connection.unsubscribe

        async def slowly(subscription: Subscription) -> None:
            for priority in PRIORITIES:
                await announce(bus, priority, priority)
            await unsubscribe(subscription)

        bus.connection.unsubscribe = slowly  # type: ignore[method-assign]  # to be in time
        await inbox.aclose()
        bus.connection.unsubscribe = unsubscribe  # type: ignore[method-assign]  # as it was
        assert await taking is None
        assert box.given_back == 3
        other = bus.inbox("encoder", "main")
        # The lease lasts twice as long as `taken` waits.
        assert [level_of(await taken(other)) for _ in PRIORITIES] == [*PRIORITIES]


async def test_a_busy_slot_holds_no_message_that_another_could_work_on(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS], ack_wait_s=60) as bus:
        busy = bus.inbox("encoder", "main")
        await announce(bus, "a", "low")
        assert level_of(await taken(busy)) == "low"
        for priority in PRIORITIES:
            await announce(bus, priority, priority)
        idle = bus.inbox("encoder", "main")
        assert [level_of(await taken(idle)) for _ in range(3)] == [*PRIORITIES]


async def test_a_server_without_a_heartbeat_is_left(nats_server: NatsServer):
    pulling = Pulling(heartbeat_s=0.2)
    async with provisioned(nats_server, [ENCODERS], pulling=pulling) as bus:
        taking = asyncio.create_task(taken(bus.inbox("encoder", "main")))

        async def waits() -> bool:
            return await waiting_pulls(bus) == 3

        await eventually(waits)
        with capture_logs() as logs:
            nats_server.freeze()

            async def silent() -> bool:
                return any(entry["event"] == "bus.silent" for entry in logs)

            await eventually(silent)
            nats_server.thaw()
        await announce(bus, "a")
        assert (await taking).seq == 1


async def test_a_waiting_pull_is_renewed_when_it_runs_out(nats_server: NatsServer):
    pulling = Pulling(expires_s=1, heartbeat_s=0.4)
    async with provisioned(nats_server, [ENCODERS], pulling=pulling) as bus:
        inbox = bus.inbox("encoder", "main")
        taking = asyncio.create_task(taken(inbox))

        async def waits() -> bool:
            return await waiting_pulls(bus) == 3

        await eventually(waits)
        await asyncio.sleep(1.5)  # it ran out once by now
        await announce(bus, "a", "low")
        assert (await taking).seq == 1


async def test_a_consumer_that_is_deleted_while_we_wait_is_one_clear_error(
    nats_server: NatsServer,
):
    async with provisioned(nats_server, [ENCODERS]) as bus:
        taking = asyncio.create_task(bus.inbox("encoder", "main").take())
        await asyncio.sleep(0.1)
        await bus.connection.request("$JS.API.CONSUMER.DELETE.IZUMI.encoder_main_low")
        with pytest.raises(UserError, match=r"encoder_main_low.*izumi-admin bus apply"):
            await taking


async def test_a_consumer_without_tiers_is_one_clear_error(nats_server: NatsServer):
    async with provisioned(nats_server, []) as bus:
        for config in topology.consumers([ENCODERS]):
            plain = settings_of(config) | {
                "priority_groups": [],
                "priority_policy": "none",
            }
            request = json.dumps({"stream_name": "IZUMI", "config": plain}).encode()
            await bus.connection.request(f"$JS.API.CONSUMER.CREATE.IZUMI.{config.name}", request)
        with pytest.raises(UserError, match="encoder_main_high knows no tiers"):
            await bus.inbox("encoder", "main").take()
        await provision.apply(bus.connection, [ENCODERS])
        await announce(bus, "a")
        assert (await taken(bus.inbox("encoder", "main"))).seq == 1


async def test_a_strange_answer_disturbs_nobody(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS]) as bus, connected(nats_server.url) as other:
        inbox = bus.inbox("encoder", "main")
        taking = asyncio.create_task(taken(inbox))

        async def all_wait() -> bool:
            return await waiting_pulls(bus) == 3

        await eventually(all_wait)
        (box,) = inbox._used
        for name, reply in (("x", ""), ("0", "$JS.ACK.nonsense"), ("0", "")):
            await other.connection.pull(f"{box._subject}.{name}", b"?", reply=reply)
        await other.connection.nc.flush()
        await announce(bus, "a")
        assert (await taking).seq == 1


async def test_too_many_pulls_are_patient(nats_server: NatsServer):
    async with provisioned(nats_server, [], pulling=QUICK) as bus:
        for config in topology.consumers([ENCODERS]):
            few = settings_of(config) | {"max_waiting": 1}
            request = json.dumps({"stream_name": "IZUMI", "config": few}).encode()
            await bus.connection.request(f"$JS.API.CONSUMER.CREATE.IZUMI.{config.name}", request)
        inbox = bus.inbox("encoder", "main")
        takes = [asyncio.create_task(taken(inbox)) for _ in range(3)]
        await asyncio.sleep(0.2)
        for name in "abc":
            await announce(bus, name)
        assert {job.seq for job in await asyncio.gather(*takes)} == {1, 2, 3}


async def test_a_fallback_on_another_connection_works_while_the_first_is_gone(
    nats_server: NatsServer,
):
    async with provisioned(nats_server, [ENCODERS]) as bus:
        fallback = asyncio.create_task(taken(bus.inbox("encoder", "main", tier=1)))
        async with connected(nats_server.url) as first:
            inbox = first.inbox("encoder", "main")
            for name in "abc":
                taking = asyncio.create_task(taken(inbox))

                async def both_wait() -> bool:
                    return await waiting_pulls(bus) == 6

                await eventually(both_wait)
                await announce(bus, name)
                await (await taking).ack()
            assert not fallback.done()
        await announce(bus, "d")
        assert (await fallback).seq == 4


async def test_the_bus_gives_everything_back_when_it_closes(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS], ack_wait_s=60) as bus:
        async with connected(nats_server.url) as leaving:
            takes = [asyncio.create_task(leaving.inbox("encoder", "main").take()) for _ in range(3)]
            await asyncio.sleep(0.1)
        assert await asyncio.gather(*takes) == [None] * 3
        await announce(bus, "a")
        assert (await taken(bus.inbox("encoder", "main"))).seq == 1
