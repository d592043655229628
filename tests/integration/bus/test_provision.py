"""Making the streams and consumers of a real server what they should be."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from izumi.bus import letters, provision, topology
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.letters import Remark
from izumi.bus.plan import settings_of
from izumi.bus.ports import Outgoing
from izumi.bus.pull import JetStreamInbox
from izumi.bus.topology import DEAD, STREAM, Membership, consumers, streams
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, Declined, UserError
from tests.support.bus import (
    ENCODERS,
    MEMBERSHIPS,
    NOON,
    acquired,
    announcement,
    connected,
    eventually,
    taken,
)
from tests.support.nats import NatsServer, running

ENCODER_NAMES = topology.consumer_names("encoder", "main")


async def call(bus: JetStreamBus, name: str, request: dict[str, Any] | None = None) -> Any:
    data = json.dumps(request).encode() if request else b""
    return msgspec.json.decode((await bus.connection.request(f"$JS.API.{name}", data)).data)


async def names(bus: JetStreamBus) -> set[str]:
    listed = await call(bus, f"CONSUMER.NAMES.{STREAM}")
    return set(listed["consumers"] or [])


async def test_a_second_time_there_is_nothing_to_do(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        first = await provision.apply(bus.connection, MEMBERSHIPS)
        assert {change.action for change in first} == {"create"}
        second = await provision.apply(bus.connection, MEMBERSHIPS)
        assert {change.action for change in second} == {"keep"}, second


async def test_one_host_leaves_the_groups_of_another_alone(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [ENCODERS])
        await call(
            bus,
            f"CONSUMER.CREATE.{STREAM}.someone",
            {"stream_name": STREAM, "config": {"name": "someone", "durable_name": "someone"}},
        )
        await provision.apply(bus.connection, [Membership(unit="encoder", group="gpu")])
        assert {*ENCODER_NAMES, "someone", "encoder_gpu_low"} <= await names(bus)


async def test_what_a_consumer_of_someone_else_gave_up_is_not_ours_to_order(
    nats_server: NatsServer,
):
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [])
        config = settings_of(consumers([Membership(unit="own", group="x", wants=())])[0])
        foreign = config | {"name": "Some-One", "durable_name": "Some-One"}
        await call(
            bus, f"CONSUMER.CREATE.{STREAM}.Some-One", {"stream_name": STREAM, "config": foreign}
        )
        await bus.publish(Outgoing(subjects.order("own", "x", "low", "j"), b"{}"))
        inbox = JetStreamInbox(bus.connection, STREAM, ["Some-One"])
        await (await taken(inbox)).term("no")

        async def noticed() -> bool:
            return bool(await JetStreamDeadLetters(bus).entries())

        await eventually(noticed)
        (letter,) = await JetStreamDeadLetters(bus).entries()
        assert (letter.unit, letter.who, letter.reason) == ("", "Some-One", "no")
        with pytest.raises(Declined, match="none of Izumi's"):
            await letters.retry(bus, letter, Remark("mira", NOON))


async def test_dead_letters_of_an_earlier_version_are_kept_and_can_be_answered_after_an_update(
    nats_server: NatsServer,
):
    async with connected(nats_server.url) as bus:
        wanted = [one for one in streams() if one.name == DEAD]
        before = settings_of(wanted[0]) | {"deny_delete": False}
        before["subjects"] = [one for one in wanted[0].subjects if one.startswith("$JS")]
        await call(bus, f"STREAM.CREATE.{DEAD}", before)
        await provision.apply(bus.connection, [ENCODERS])
        await bus.publish(announcement(acquired()))
        await (await taken(bus.inbox("encoder", "main"))).term("no")

        async def noticed() -> bool:
            return bool(await JetStreamDeadLetters(bus).entries())

        await eventually(noticed)
        (letter,) = await JetStreamDeadLetters(bus).entries()
        await letters.drop(bus, letter, Remark("mira", NOON))
        assert await JetStreamDeadLetters(bus).entries() == []
        answer = await call(bus, f"STREAM.MSG.DELETE.{DEAD}", {"seq": letter.seq})
        assert "error" in answer


async def test_an_answer_that_the_bus_does_not_take_yet_names_the_way_out(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [ENCODERS])
        (wanted,) = (one for one in streams() if one.name == DEAD)
        await call(bus, f"STREAM.DELETE.{DEAD}", {})
        subjects_before = [one for one in wanted.subjects if one.startswith("$JS")]
        await call(
            bus, f"STREAM.CREATE.{DEAD}", settings_of(wanted) | {"subjects": subjects_before}
        )
        await bus.publish(announcement(acquired()))
        await (await taken(bus.inbox("encoder", "main"))).term("no")

        async def noticed() -> bool:
            return bool(await JetStreamDeadLetters(bus).entries())

        await eventually(noticed)
        (letter,) = await JetStreamDeadLetters(bus).entries()
        bus._publish_s = 0.1
        with pytest.raises(BusUnavailable, match="run izumi-admin bus apply"):
            await letters.drop(bus, letter, Remark("mira", NOON))


async def test_any_group_name_is_taken_by_the_server(nats_server: NatsServer):
    groups = ("ö.a *>", "=", "a/b\\c", "x" * 60)
    members = [Membership(unit="notifier", group=group) for group in groups]
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, members)
        made = await provision.apply(bus.connection, members)
        assert {change.action for change in made} == {"keep"}
        for member in members:
            order = subjects.order("notifier", member.group, "low", "job")
            await bus.publish(Outgoing(order, b"{}"))
            assert (await taken(bus.inbox("notifier", member.group))).subject == order


async def test_a_live_change_reaches_those_who_wait(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [ENCODERS], ack_wait_s=10)
        changes = await provision.apply(bus.connection, [ENCODERS], ack_wait_s=1)
        assert {c.name for c in changes if c.action == "update"} == {*ENCODER_NAMES}
        await bus.publish(announcement(acquired()))
        inbox = bus.inbox("encoder", "main")
        assert (await taken(inbox)).attempt == 1
        assert (await taken(inbox)).attempt == 2


async def test_settings_of_others_survive_an_update(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [])
        config = (await call(bus, f"STREAM.INFO.{STREAM}"))["config"]
        by_hand = {**config, "max_age": 10**12, "max_msg_size": 500_000, "description": "ours"}
        await call(bus, f"STREAM.UPDATE.{STREAM}", by_hand)
        await provision.apply(bus.connection, [])
        config = (await call(bus, f"STREAM.INFO.{STREAM}"))["config"]
        assert (config["description"], config["max_msg_size"]) == ("ours", 500_000)
        assert config["max_age"] == streams()[0].max_age


async def test_what_cannot_be_changed_changes_nothing_else(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [])
        name = ENCODER_NAMES[0]
        config = settings_of(consumers([ENCODERS])[0]) | {"max_waiting": 7}
        await call(
            bus, f"CONSUMER.CREATE.{STREAM}.{name}", {"stream_name": STREAM, "config": config}
        )
        with pytest.raises(UserError, match=f"{name}.*max_waiting 7 -> 4096"):
            await provision.apply(bus.connection, [ENCODERS])
        assert await names(bus) == {name}


async def test_a_server_that_is_too_small_is_said_with_the_way_out(tmp_path: Path):
    with running(tmp_path, max_file="500M") as server:
        async with connected(server.url) as bus:
            with pytest.raises(UserError, match="at least twice what the streams reserve"):
                await provision.apply(bus.connection, [])


async def test_a_stream_deleted_by_hand_is_noticed_and_made_again(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        bus._publish_s = 0.3
        await provision.apply(bus.connection, [ENCODERS])
        await call(bus, f"STREAM.DELETE.{STREAM}")
        with pytest.raises(BusUnavailable):
            await bus.publish(announcement(acquired()))
        with pytest.raises(UserError, match="does not exist"):
            await bus.inbox("encoder", "main").take()
        await provision.apply(bus.connection, [ENCODERS])
        await bus.publish(announcement(acquired()))
        assert (await taken(bus.inbox("encoder", "main"))).seq == 1


async def test_facts_from_before_a_group_was_made_are_its_too(nats_server: NatsServer):
    late = Membership(unit="encoder", group="late")
    new = Membership(unit="encoder", group="new", deliver="new")
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [])
        await bus.publish(announcement(acquired("old")))
        await provision.apply(bus.connection, [late, new])
        await bus.publish(announcement(acquired("young")))
        assert (await taken(bus.inbox("encoder", "late"))).seq == 1
        assert (await taken(bus.inbox("encoder", "new"))).seq == 2


async def test_nothing_that_walks_past_permissions_is_taken(nats_server: NatsServer):
    async with connected(nats_server.url) as bus:
        await provision.apply(bus.connection, [])
        subject = announcement(acquired()).subject
        for headers in (
            {"Nats-Rollup": "all"},
            {"Nats-Rollup": "sub"},
            {"Nats-TTL": "5s"},
            {"Nats-Schedule": "@every 1s", "Nats-Schedule-Target": "izumi.file.x"},
            {"Nats-Incr": "1"},
        ):
            answer = await bus.connection.request(subject, b"{}", headers=headers)
            assert "error" in msgspec.json.decode(answer.data), headers
        for request in ("STREAM.PURGE", "STREAM.MSG.DELETE"):
            assert "error" in await call(bus, f"{request}.{STREAM}", {"seq": 1})
