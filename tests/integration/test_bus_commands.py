"""`izumi-admin bus backup` and `restore`, as people call them."""

import datetime as dt
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import nkeys
import pytest

from izumi.bus import jetstream, provision
from izumi.bus.configuration import single_conf
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.permissions import roles
from izumi.bus.server import EmbeddedServer
from izumi.bus.settings import BusSettings, EmbeddedSettings
from izumi.bus.topology import streams
from izumi.domain import events, subjects
from izumi.domain.events import Node
from tests.support import backups
from tests.support.backups import admin, configured, ended, live, messages, positions, work
from tests.support.bus import ENCODERS, MEMBERSHIPS, connected
from tests.support.nats import NatsServer, running


class Desk(NamedTuple):
    """Two servers, and a configuration for each."""

    old: JetStreamBus
    new: JetStreamBus
    one: Path
    other: Path
    kept: Path


@pytest.fixture
async def desk(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Desk]:
    with running(tmp_path / "other") as other:
        async with connected(nats_server.url) as old, connected(other.url) as new:
            await live(old)
            yield Desk(
                old,
                new,
                configured(tmp_path / "a", nats_server.url),
                configured(tmp_path / "b", other.url),
                tmp_path / "kept",
            )


async def does(config: Path, *args: object, failpoints: str = "") -> str:
    code, said = await ended(admin(config, *args, failpoints=failpoints))
    assert code == 0, said
    return said


async def test_there_and_back_and_nothing_is_left_to_apply(desk: Desk) -> None:
    await does(desk.one, "apply")
    await work(desk.old, 3, {0, 2})
    said = await does(desk.one, "backup", desk.kept)
    assert "IZUMI_TOLD" in said
    was, at = await messages(desk.old), await positions(desk.old)
    said = await does(desk.other, "restore", desk.kept, "--yes")
    assert said.rstrip().endswith("restored")
    assert await messages(desk.new) == was
    assert await positions(desk.new) == at
    plan = await does(desk.other, "plan")
    assert {line.split()[0] for line in plan.splitlines()} == {"keep"}
    said = await does(desk.other, "restore", desk.kept, "--yes")
    assert "nothing to do" in said


async def test_as_json_each_stream_is_a_line(desk: Desk) -> None:
    rows = [
        json.loads(line)
        for line in (await does(desk.one, "backup", desk.kept, "--json")).splitlines()
    ]
    assert {row["stream"] for row in rows} == {stream.name for stream in streams()}
    planned = await does(desk.other, "restore", desk.kept, "--dry-run", "--json")
    assert {json.loads(line)["action"] for line in planned.splitlines()} == {"create"}
    assert not await messages_of(desk.new)


async def messages_of(bus: JetStreamBus) -> bool:
    return bool((await backups.call(bus, "STREAM.NAMES"))["streams"])


async def test_without_an_answer_nothing_is_done(desk: Desk) -> None:
    await does(desk.one, "backup", desk.kept)
    code, said = await ended(admin(desk.other, "restore", desk.kept))
    assert code == 2
    assert "give --yes" in said
    assert not await messages_of(desk.new)


async def test_what_is_there_is_lost_only_when_that_is_asked_for(desk: Desk) -> None:
    await does(desk.one, "backup", desk.kept)
    was = await messages(desk.old)
    await live(desk.new, 3)
    there = await messages(desk.new)
    code, said = await ended(admin(desk.other, "restore", desk.kept, "--yes"))
    assert code == 2
    assert "IZUMI (4 messages)" in said
    assert "give --replace" in said
    assert await messages(desk.new) == there
    await does(desk.other, "restore", desk.kept, "--yes", "--replace")
    assert await messages(desk.new) == was


async def test_a_bus_that_was_only_made_is_no_loss(desk: Desk) -> None:
    await does(desk.one, "backup", desk.kept)
    await does(desk.other, "apply")
    await does(desk.other, "restore", desk.kept, "--yes")
    assert await messages(desk.new) == await messages(desk.old)


async def test_nothing_is_restored_under_living_units(desk: Desk) -> None:
    await does(desk.one, "backup", desk.kept)
    await does(desk.other, "apply")
    now = dt.datetime.now(dt.UTC)
    node = Node(
        unit="encoder",
        group="main",
        instance="i",
        host="attic",
        version="1",
        state="running",
        since=now,
        at=now + dt.timedelta(hours=1),  # so that it lives however slow this host is
    )
    await desk.new.tell(subjects.node("encoder", "main-i"), events.encode(node))
    code, said = await ended(admin(desk.other, "restore", desk.kept, "--yes", "--replace"))
    assert code == 2
    assert "instances live: encoder.main on attic" in said
    await does(desk.other, "restore", desk.kept, "--yes", "--replace", "--force")
    assert await messages(desk.new) == await messages(desk.old)


@pytest.mark.parametrize("place", ["backup.stream=kill@3", "backup.sealed=kill"])
async def test_a_backup_that_was_killed_is_none(desk: Desk, place: str) -> None:
    code, _ = await ended(admin(desk.one, "backup", desk.kept, failpoints=place))
    assert code == -9
    assert not desk.kept.exists()
    await does(desk.one, "backup", desk.kept)
    await does(desk.other, "restore", desk.kept, "--yes")
    assert list(desk.kept.parent.glob(".*")) == []


@pytest.mark.parametrize(
    "place",
    [
        "restore.marked=kill",
        "restore.removed=kill@2",
        "restore.chunk=kill@4",
        "restore.stream=kill@3",
        "restore.finished=kill@2",
    ],
)
async def test_a_restore_that_was_killed_anywhere_is_repeated(desk: Desk, place: str) -> None:
    await work(desk.old, 3, {0, 2})
    await does(desk.one, "backup", desk.kept)
    was, at = await messages(desk.old), await positions(desk.old)
    await live(desk.new, 3)
    restore = ("restore", desk.kept, "--yes", "--replace")
    code, _ = await ended(admin(desk.other, *restore, failpoints=place))
    assert code == -9
    code, said = await ended(admin(desk.other, "apply"))
    assert code == 2
    assert "a restore of it was not finished" in said
    await does(desk.other, *restore)
    assert await messages(desk.new) == was
    assert await positions(desk.new) == at
    assert {line.split()[0] for line in (await does(desk.other, "plan")).splitlines()} == {"keep"}


async def test_killed_within_a_large_stream_it_is_repeated(desk: Desk) -> None:
    noise = [os.urandom(90_000) for _ in range(8)]
    for number, data in enumerate(noise):
        await desk.old.connection.request(f"izumi.job.x.{number}", data)
    await does(desk.one, "backup", desk.kept)
    place = "restore.chunk=kill@10"  # six streams of one chunk come before the facts
    code, _ = await ended(admin(desk.other, "restore", desk.kept, "--yes", failpoints=place))
    assert code == -9
    await does(desk.other, "restore", desk.kept, "--yes")
    assert await messages(desk.new) == await messages(desk.old)


async def test_no_room_is_told_before_anything_is_written(desk: Desk) -> None:
    code, said = await ended(admin(desk.one, "backup", "/proc/kept"))
    assert code == 1
    assert "/proc has 0 bytes free" in said


async def test_the_embedded_bus_runs_for_its_backup(tmp_path: Path) -> None:
    state = tmp_path / "izumi" / "state"
    server = EmbeddedServer(EmbeddedSettings(port=0), state)
    await server.start()
    port = int(server.url.rpartition(":")[2])
    async with connected(server.url) as bus:
        await live(bus, 5)
        was = await messages(bus)
    await server.aclose()
    more = f"[bus.embedded]\nport = {port}\n{backups.UNITS}"
    config = configured(tmp_path / "izumi", server.url, more)
    await does(config, "backup", tmp_path / "kept")
    fresh = configured(tmp_path / "fresh", server.url, more)
    await does(fresh, "restore", tmp_path / "kept", "--yes")
    again = EmbeddedServer(EmbeddedSettings(port=port), tmp_path / "fresh" / "state")
    await again.start()
    try:
        async with connected(again.url) as bus:
            assert await messages(bus) == was
    finally:
        await again.aclose()


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[tuple[NatsServer, Path]]:
    """A server with keys, and the folder of the seeds."""
    ours = roles(MEMBERSHIPS)
    keys = {}
    for role in ours:
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        keys[role.name] = nkeys.from_seed(bytearray(seed)).public_key.decode()
        (tmp_path / f"{role.name}.nk").write_bytes(seed)
    accounts = single_conf(ours, keys).partition("accounts {")[2]
    with running(tmp_path / "keyed", config=f"accounts {{{accounts}") as server:
        yield server, tmp_path


async def test_with_keys_the_admin_may_and_a_unit_may_not(
    keyed: tuple[NatsServer, Path], desk: Desk, tmp_path: Path
) -> None:
    server, seeds = keyed
    await does(desk.one, "backup", desk.kept)
    role = f'seed_file = "{seeds}/{{role}}.nk"\n{backups.UNITS}'
    config = configured(tmp_path / "keyed-desk", server.url, role)
    await does(config, "restore", desk.kept, "--yes")
    settings = BusSettings(servers=(server.url,), seed_file=seeds / "admin.nk")
    bus = await jetstream.connect(settings, name="test", role="admin")
    try:
        assert await messages(bus) == await messages(desk.old)
        left = await provision.preview(bus.connection, [ENCODERS], ack_wait_s=backups.ACK_WAIT_S)
        assert {change.action for change in left} == {"keep"}
    finally:
        await bus.aclose()
    await does(config, "backup", tmp_path / "from-keyed")
    as_unit = role.replace("{role}", "encoder.main")
    config = configured(tmp_path / "unit", server.url, as_unit)
    code, said = await ended(admin(config, "backup", tmp_path / "stolen"))
    assert code != 0
    assert "role may not" in said or "refuses" in said, said
    assert not (tmp_path / "stolen").exists()
