"""The embedded server: started, kept running, stopped."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from izumi.bus import jetstream, provision
from izumi.bus.binary import check_version, locate
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.bus.server import EmbeddedServer, Supervision
from izumi.bus.settings import BusSettings, EmbeddedSettings
from izumi.children import Limits
from izumi.domain import subjects
from izumi.domain.errors import BusUnavailable, ConfigError, UserError
from tests.support.bus import ENCODERS, acquired, announcement, eventually, taken
from tests.support.nats import BINARY

ANY_PORT = EmbeddedSettings(port=0)
WATCHFUL = Supervision(probe_s=0.1, answer_s=0.5, grace_s=1.0, backoff_s=0.5)
LOG = subjects.job("encoder", "main", "job")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    made = EmbeddedServer(ANY_PORT, tmp_path, supervision=WATCHFUL)
    await made.start()
    yield made
    await made.aclose()


async def connected_to(server: EmbeddedServer) -> JetStreamBus:
    bus = await jetstream.connect(BusSettings(servers=(server.url,)), name="test", wait_s=20)
    await provision.apply(bus.connection, [ENCODERS])
    return bus


async def other_pid(server: EmbeddedServer, old: int | None) -> None:
    async def other() -> bool:
        return server.pid not in {None, old}

    await eventually(other)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_it_takes_connections_once_it_has_started(server: EmbeddedServer):
    bus = await connected_to(server)
    assert await bus.publish(Outgoing(LOG, b"1")) == 1
    await bus.aclose()


async def test_its_files_are_for_its_user_alone(server: EmbeddedServer, tmp_path: Path):
    for folder in (tmp_path / "nats-server", tmp_path / "nats"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "sync_interval: always" in (tmp_path / "nats-server" / "nats.conf").read_text()


async def test_it_listens_on_loopback_only(server: EmbeddedServer):
    port = int(server.url.rpartition(":")[2])
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # Nothing is sent: this only asks which address of ours the route would use.
    outside.connect(("192.0.2.1", 9))
    address = outside.getsockname()[0]
    outside.close()
    if address.startswith("127."):
        pytest.skip("this host has no address but loopback")
    with pytest.raises(ConnectionRefusedError), socket.create_connection((address, port), 5):
        pass


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_it_comes_back_with_everything_when_it_dies(server: EmbeddedServer, end: int):
    bus = await connected_to(server)
    await bus.publish(announcement(acquired()))
    await bus.tell(subjects.progress("encoder", "main", "job"), b"1")
    taking = asyncio.create_task(taken(bus.inbox("encoder", "main")))
    await (await taking).ack()
    url, pid = server.url, server.pid
    assert pid is not None
    os.kill(pid, end)
    await other_pid(server, pid)
    assert server.url == url
    assert await bus.publish(Outgoing(LOG, b"1")) == 2
    await bus.tell(subjects.progress("encoder", "main", "job"), b"2")

    async def told() -> bool:
        return [message.data for message in await bus.latest("izumi.progress.>")] == [b"2"]

    await eventually(told)
    await bus.aclose()


async def test_it_is_tried_again_until_it_can_start(server: EmbeddedServer):
    pid, port = server.pid, int(server.url.rpartition(":")[2])
    assert pid is not None
    with capture_logs() as logs:
        os.kill(pid, signal.SIGKILL)
        squatter = await squat(port)

        async def refused() -> bool:
            return any(entry["event"] == "bus.server_not_restarted" for entry in logs)

        await eventually(refused)
        squatter.close()
        await other_pid(server, pid)
    bus = await connected_to(server)
    assert await bus.publish(Outgoing(LOG, b"1")) == 1
    await bus.aclose()


async def squat(port: int) -> socket.socket:
    """Take the port as soon as it is free."""
    made: list[socket.socket] = []

    async def free() -> bool:
        with contextlib.suppress(OSError):
            made.append(socket.create_server(("127.0.0.1", port)))
        return bool(made)

    await eventually(free)
    return made[0]


async def test_one_that_hangs_is_ended_and_started_again(tmp_path: Path):
    server = EmbeddedServer(ANY_PORT, tmp_path, supervision=WATCHFUL)
    await server.start()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await other_pid(server, pid)
    assert gone(pid)
    await server.aclose()


async def fill(bus: JetStreamBus) -> int:
    """Publish until nothing is taken any more; how many were."""
    for number in range(1000):
        try:
            await bus.publish(Outgoing(f"{LOG}{number}", bytes(2000)))
        except BusUnavailable:
            return number
    raise AssertionError("it never filled")


async def test_one_whose_disk_was_full_is_started_again_and_takes_messages(tmp_path: Path):
    server = EmbeddedServer(
        ANY_PORT, tmp_path, supervision=WATCHFUL, limits=Limits(file_bytes=400_000)
    )
    await server.start()
    bus = await connected_to(server)
    bus._publish_s = 0.5
    pid = server.pid
    server._limits = None  # there is room again for the next one
    with capture_logs() as logs:
        stored = await fill(bus)
        await other_pid(server, pid)
    assert any(
        entry["event"] == "bus.server_ended" and "write error" in entry["reason"] for entry in logs
    )
    bus._publish_s = 30
    await bus.publish(Outgoing(LOG, b"after"))
    kept = {message.subject for message in await bus.latest("izumi.job.>")}
    assert {f"{LOG}{number}" for number in range(stored)} <= kept
    await bus.aclose()
    await server.aclose()


async def test_it_is_gone_after_it_was_closed(tmp_path: Path):
    server = EmbeddedServer(ANY_PORT, tmp_path)
    await server.start()
    pid = server.pid
    assert pid is not None
    await server.aclose()
    await server.aclose()
    assert gone(pid)
    assert server.pid is None


async def test_what_it_kept_is_there_at_the_next_start(tmp_path: Path):
    for expected in (1, 2):
        server = EmbeddedServer(ANY_PORT, tmp_path)
        await server.start()
        bus = await connected_to(server)
        assert await bus.publish(Outgoing(LOG, b"1")) == expected
        await bus.aclose()
        await server.aclose()


async def test_a_port_that_is_taken_is_one_clear_error(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = EmbeddedServer(EmbeddedSettings(port=port), tmp_path)
        with pytest.raises(UserError, match="address already in use"):
            await server.start()
        await server.aclose()


async def test_a_store_that_cannot_be_used_is_one_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    settings = EmbeddedSettings(port=0, store_dir=tmp_path / "file")
    with pytest.raises(UserError, match="file"):
        await EmbeddedServer(settings, tmp_path).start()


async def test_one_that_is_never_ready_is_one_clear_error(tmp_path: Path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\n[ $1 = --version ] && echo nats-server: v2.15.1 || exec sleep 60\n")
    slow.chmod(0o755)
    server = EmbeddedServer(
        EmbeddedSettings(port=0, binary=slow), tmp_path, supervision=Supervision(start_s=0.3)
    )
    with pytest.raises(UserError, match=r"not ready in 0\.3 s"):
        await server.start()
    assert server.pid is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("nats-server: v2.13.9", r"2\.13\.9, and 2\.14\.0 is the oldest"),
        ("nats-server: v1.99.99", "oldest"),
        ("something else", "is no nats-server: 'something else'"),
        ("", "is no nats-server"),
    ],
)
async def test_a_server_that_will_not_do_is_refused(tmp_path: Path, said: str, told: str):
    fake = tmp_path / "fake"
    fake.write_text(f"#!/bin/sh\necho '{said}'\n")
    fake.chmod(0o755)
    with pytest.raises(ConfigError, match=told):
        await check_version(fake)


@pytest.mark.parametrize("version", ["2.14.0", "2.15.1", "2.16.0-RC.1", "3.0.0"])
async def test_a_server_new_enough_will_do(tmp_path: Path, version: str):
    fake = tmp_path / "fake"
    fake.write_text(f"#!/bin/sh\necho 'nats-server: v{version}'\n")
    fake.chmod(0o755)
    assert await check_version(fake) == version


@pytest.mark.parametrize("name", ["missing", "folder", "text"])
def test_a_binary_that_is_none_is_refused(tmp_path: Path, name: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("")
    with pytest.raises(ConfigError, match=r"bus\.embedded\.binary"):
        locate(EmbeddedSettings(binary=tmp_path / name))


def test_the_installed_server_is_found():
    assert locate(EmbeddedSettings()).samefile(BINARY)
