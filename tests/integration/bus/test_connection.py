"""The connection: what it survives, and what it says when it may not."""

import asyncio
import os
from pathlib import Path

import nkeys
import pytest
from nats.errors import FlushTimeoutError
from structlog.testing import capture_logs

from izumi.bus import jetstream
from izumi.bus.connection import connect
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.bus.settings import BusSettings
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, ConfigError, UserError
from tests.support.bus import (
    ENCODERS,
    acquired,
    announcement,
    connected,
    eventually,
    provisioned,
    taken,
)
from tests.support.nats import NatsServer, running

LOG = subjects.job("encoder", "main", "job")


def a_seed() -> str:
    return str(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode())


def public(seed: str) -> str:
    return str(nkeys.from_seed(bytearray(seed.encode())).public_key.decode())


async def test_a_late_pong_does_not_make_the_connection_deaf(nats_server: NatsServer):
    async with provisioned(nats_server) as bus:
        nats_server.freeze()
        with pytest.raises(FlushTimeoutError):
            await bus.connection.nc.flush(1)
        nats_server.thaw()
        assert await bus.publish(Outgoing(LOG, b"1")) == 1
        assert bus.connection.nc.stats["reconnects"] == 0


async def test_a_flush_proves_what_was_sent_before_it(nats_server: NatsServer):
    async with provisioned(nats_server) as bus, connected(nats_server.url) as other:
        await bus.connection.nc.publish(LOG, b"1")
        await bus.connection.nc.flush()
        assert await other.last(LOG) is not None


async def test_a_server_that_is_not_there_is_unavailable_in_time():
    with pytest.raises(BusUnavailable, match=r"nats://127\.0\.0\.1:9"):
        await connect(BusSettings(servers=("nats://127.0.0.1:9",)), name="t", wait_s=0.3)


@pytest.mark.parametrize("seed", [None, a_seed()], ids=["none", "unknown"])
async def test_a_key_that_is_refused_is_said_at_once(tmp_path: Path, seed: str | None):
    users = f"authorization {{ users: [ {{ nkey: {public(a_seed())} }} ] }}"
    with running(tmp_path / "nats", config=users) as server:
        file = tmp_path / "seed"
        file.write_text(seed or "")
        settings = BusSettings(servers=(server.url,), seed_file=file if seed else None)
        with capture_logs() as logs, pytest.raises(UserError, match="seed_file"):
            await connect(settings, name="t", wait_s=60)
        assert seed is None or seed not in str(logs)


async def test_the_right_key_is_let_in(tmp_path: Path):
    seed = a_seed()
    (tmp_path / "seed").write_text(f"{seed}\n")
    users = f"authorization {{ users: [ {{ nkey: {public(seed)} }} ] }}"
    with running(tmp_path / "nats", config=users) as server:
        settings = BusSettings(servers=(server.url,), seed_file=tmp_path / "seed")
        connection = await connect(settings, name="t")
        assert connection.connected
        await connection.aclose()
        await connection.aclose()


@pytest.mark.parametrize("content", [None, b"", b"SUAnot-a-seed", b"\xff"])
async def test_a_seed_file_that_is_none_is_a_mistake_of_the_settings(
    tmp_path: Path, content: bytes | None
):
    file = tmp_path / "seed"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"bus\.seed_file") as caught:
        await connect(BusSettings(seed_file=file), name="t")
    assert "not-a-seed" not in str(caught.value)


async def test_a_ca_file_that_is_none_is_a_mistake_of_the_settings(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"bus\.ca_file"):
        await connect(BusSettings(ca_file=tmp_path / "ca.pem"), name="t")


async def test_where_tls_is_demanded_plain_text_is_not_spoken(
    nats_server: NatsServer, tmp_path: Path
):
    settings = BusSettings(servers=(nats_server.url,))
    connection = await connect(settings, name="t")
    connection.nc.demands_tls = True
    nats_server.kill()
    with capture_logs() as logs:
        nats_server.start()

        async def refused() -> bool:
            return any("secure connection" in str(entry.get("error")) for entry in logs)

        await eventually(refused)
    assert not connection.connected
    await connection.aclose()


async def test_an_error_of_the_server_does_not_end_the_connection(nats_server: NatsServer):
    async with provisioned(nats_server) as bus:
        await bus.connection.nc._process_err("'maximum connections exceeded'")
        assert await bus.publish(Outgoing(LOG, b"1")) == 1
        assert bus.connection.nc.stats["reconnects"] == 1


async def test_whoever_waits_for_an_answer_hears_at_once_that_the_server_is_gone(
    nats_server: NatsServer,
):
    async with provisioned(nats_server) as bus:
        nats_server.freeze()
        asking = asyncio.create_task(bus.connection.request("$JS.API.INFO", timeout_s=1000))
        await asyncio.sleep(0.1)
        nats_server.kill()
        with pytest.raises(BusUnavailable, match="lost"):
            await asking
        nats_server.start()


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_what_is_published_while_the_server_is_away_is_stored_once(
    nats_server: NatsServer, end: str
):
    async with provisioned(nats_server) as bus:
        await bus.publish(Outgoing(LOG, b"before"))
        getattr(nats_server, end)()
        storing = [
            asyncio.create_task(bus.publish(Outgoing(f"{LOG}{number}", b"x", expect=0)))
            for number in range(20)
        ]
        await bus.tell(subjects.progress("encoder", "main", "job"), b"lost")
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in storing)
        nats_server.start()
        assert sorted(await asyncio.gather(*storing)) == list(range(2, 22))
        assert len(await bus.latest("izumi.job.>")) == 21
        assert await bus.latest("izumi.progress.>") == []


async def test_a_receipt_that_comes_too_late_does_not_double_the_message(
    nats_server: NatsServer,
):
    async with provisioned(nats_server) as bus:
        bus._answer_s = 0.2
        nats_server.freeze()
        storing = asyncio.create_task(bus.publish(Outgoing(LOG, b"1")))
        await asyncio.sleep(0.8)  # tried more than once by now
        nats_server.thaw()
        await storing
        await bus.publish(Outgoing(LOG, b"2"))
        info = await bus.connection.request("$JS.API.STREAM.INFO.IZUMI")
        assert b'"messages":2,' in info.data


async def test_a_publish_gives_up_in_time(nats_server: NatsServer):
    async with provisioned(nats_server) as bus:
        bus._publish_s = 0.3
        nats_server.kill()
        with pytest.raises(BusUnavailable):
            await bus.publish(Outgoing(LOG, b"1"))
        with pytest.raises(BusUnavailable):
            await bus.last(LOG)
        nats_server.start()


async def test_nothing_acknowledged_is_lost_or_doubled_while_the_server_is_killed(
    nats_server: NatsServer,
):
    async with provisioned(nats_server) as bus:
        bus._publish_s = 60
        stop = asyncio.Event()
        receipts: list[int] = []

        async def publisher(number: int) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                name = f"{number}-{turn}"
                receipts.append(
                    await bus.publish(Outgoing(f"{LOG}{name}", name.encode(), msg_id=name))
                )

        async def killer() -> None:
            for _ in range(4):
                await asyncio.sleep(0.4)
                nats_server.kill()
                nats_server.start()
            stop.set()

        await asyncio.gather(killer(), *(publisher(number) for number in range(8)))
        kept = await bus.latest("izumi.job.>")
        info = await bus.connection.request("$JS.API.STREAM.INFO.IZUMI")
        assert len(receipts) == len(set(receipts)) == len(kept)
        assert f'"messages":{len(receipts)},'.encode() in info.data


@pytest.mark.parametrize("settle", ["ack", "term"])
async def test_a_settlement_waits_for_a_server_that_comes_back(
    nats_server: NatsServer, settle: str
):
    async with provisioned(nats_server, [ENCODERS], ack_wait_s=60) as bus:
        await bus.publish(announcement(acquired()))
        inbox = bus.inbox("encoder", "main")
        job = await taken(inbox)
        nats_server.stop()
        settling = asyncio.create_task(job.ack() if settle == "ack" else job.term("no"))
        await asyncio.sleep(0.1)
        assert not settling.done()
        nats_server.start()
        await settling
        answer = await bus.connection.request("$JS.API.CONSUMER.INFO.IZUMI.encoder_main_normal")
        assert b'"num_ack_pending":0' in answer.data


async def test_a_settlement_that_cannot_be_confirmed_is_no_success(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS]) as bus:
        await bus.publish(announcement(acquired()))
        job = await taken(bus.inbox("encoder", "main"))
        nats_server.kill()
        with pytest.raises(BusUnavailable):
            await job.ack()
        await job.nak()
        await job.in_progress()
        nats_server.start()


async def test_a_listener_hears_on_after_the_server_came_back(nats_server: NatsServer):
    async with provisioned(nats_server) as bus, connected(nats_server.url) as other:
        heard = bus.listen("izumi.progress.>")
        next_one = asyncio.ensure_future(anext(heard))
        while not next_one.done():
            await other.tell(subjects.progress("encoder", "main", "a"), b"before")
            await asyncio.sleep(0.01)
        nats_server.kill()
        nats_server.start()
        next_one = asyncio.ensure_future(anext(heard))
        while not next_one.done() or next_one.result().data != b"after":
            if next_one.done():
                next_one = asyncio.ensure_future(anext(heard))
            await other.tell(subjects.progress("encoder", "main", "a"), b"after")
            await asyncio.sleep(0.01)
        await heard.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_a_listener_ends_with_the_bus(nats_server: NatsServer):
    bus = await jetstream.connect(BusSettings(servers=(nats_server.url,)), name="t")
    listening = asyncio.create_task(collected(bus))
    await asyncio.sleep(0.1)
    await bus.aclose()
    assert await listening == 0


async def collected(bus: JetStreamBus) -> int:
    return len([message async for message in bus.listen("izumi.>")])


async def test_a_listener_too_slow_hears_the_latest(nats_server: NatsServer):
    async with provisioned(nats_server) as bus:
        heard = bus.listen("izumi.progress.>")
        first = asyncio.ensure_future(anext(heard))
        while not first.done():
            await bus.tell(subjects.progress("encoder", "main", "job"), b"first")
            await asyncio.sleep(0.01)
        for number in range(11_000):
            await bus.tell(subjects.progress("encoder", "main", "job"), str(number).encode())
        await bus.connection.nc.flush()
        await asyncio.sleep(0)
        messages = [await anext(heard) for _ in range(10_000)]
        assert messages[-1].data == b"10999"
        await heard.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_a_frozen_server_is_left_and_work_goes_on_when_it_thaws(nats_server: NatsServer):
    async with provisioned(nats_server, [ENCODERS]) as bus:
        taking = asyncio.create_task(taken(bus.inbox("encoder", "main")))
        await asyncio.sleep(0.1)
        nats_server.freeze()

        async def left() -> bool:
            return not bus.connection.connected

        await eventually(left)
        nats_server.thaw()
        await bus.publish(announcement(acquired()))
        assert (await taking).seq == 1
