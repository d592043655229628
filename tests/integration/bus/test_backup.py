"""Backups of a real bus, and what a restored one has."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from izumi.bus import backup, backup_files, provision, snapshot
from izumi.bus.backup_files import MANIFEST, SUMS
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.bus.topology import STREAM, streams
from izumi.domain.errors import BusUnavailable, UserError
from izumi.failpoints import FailpointHit, arm
from tests.support import backups
from tests.support.backups import call, live, messages, positions, work
from tests.support.bus import MEMBERSHIPS, connected, eventually, taken
from tests.support.nats import NatsServer, clustered, running


def untold(_name: str, _done: int, _size: int) -> None:
    """Nobody looks."""


async def save(bus: JetStreamBus, path: Path) -> None:
    await backup.backup(bus.connection, path, host="desk", told=untold)


async def bring_back(bus: JetStreamBus, path: Path, *, replicas: int = 1) -> list[str]:
    """Restore, and what was done with each stream."""
    manifest = backup_files.checked(path, untold)
    planned = await backup.plan(bus.connection, manifest)
    await backup.restore(bus.connection, path, manifest, planned, replicas=replicas, told=untold)
    return [step.action for step in planned]


class Two(NamedTuple):
    """The bus that was, and the empty one that is to become like it."""

    old: JetStreamBus
    new: JetStreamBus
    path: Path


@pytest.fixture
async def two(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Two]:
    with running(tmp_path / "other") as other:
        async with connected(nats_server.url) as old, connected(other.url) as new:
            await live(old)
            yield Two(old, new, tmp_path / "kept")
    arm("")


async def test_everything_is_there_again_as_it_was(two: Two) -> None:
    await work(two.old, 6, {0, 1, 3, 5})
    await save(two.old, two.path)
    was, at = await messages(two.old), await positions(two.old)
    assert await bring_back(two.new, two.path) == ["create"] * len(streams())
    assert await messages(two.new) == was
    assert sum(map(len, was.values())) == 34
    restored = await positions(two.new)
    assert restored == at
    assert restored["encoder_main_normal"][-2] == 2
    left = await provision.preview(two.new.connection, MEMBERSHIPS, ack_wait_s=backups.ACK_WAIT_S)
    assert {change.action for change in left} == {"keep"}


async def test_settled_work_is_not_given_again_and_all_other_is(two: Two) -> None:
    got = await work(two.old, 6, {0, 1, 3, 5})
    await save(two.old, two.path)
    await bring_back(two.new, two.path)
    inbox = two.new.inbox("encoder", "main")
    again = set()
    for _ in range(27):  # 30 facts and an order, of which 4 are settled
        job = await taken(inbox)
        again.add(job.seq)
        await job.ack()
    assert again.isdisjoint({got[number].seq for number in (0, 1, 3, 5)})
    assert {got[2].seq, got[4].seq} <= again
    assert len(again) == 27


async def test_new_facts_go_on_where_the_old_ones_ended(two: Two) -> None:
    await save(two.old, two.path)
    last = (await call(two.old, f"STREAM.INFO.{STREAM}"))["state"]["last_seq"]
    await bring_back(two.new, two.path)
    await backups.publish(two.new, range(100, 101))
    assert (await call(two.new, f"STREAM.INFO.{STREAM}"))["state"]["last_seq"] == last + 1


async def test_while_facts_come_and_work_is_settled_nothing_is_lost(two: Two) -> None:
    """What a consumer of the backup counts as settled has its result in the backup."""
    stop = asyncio.Event()
    inbox = two.old.inbox("encoder", "main")

    async def publishing() -> None:
        number = 1000
        while not stop.is_set():
            await backups.publish(two.old, range(number, number + 20))
            number += 20

    async def settling() -> None:
        while not stop.is_set():
            job = await taken(inbox)
            result = f"izumi.job.encoder.main.done-{job.seq}"
            await two.old.publish(Outgoing(result, b"{}"))
            await job.ack()

    async with asyncio.TaskGroup() as group:
        group.create_task(publishing())
        group.create_task(settling())
        for number in range(5):
            await save(two.old, two.path.with_name(f"kept-{number}"))
        stop.set()
    for number in range(5):
        await bring_back_over(two.new, two.path.with_name(f"kept-{number}"))
        facts = {one["seq"]: one["subject"] for one in (await messages(two.new))[STREAM]}
        results = {text for text in facts.values() if ".done-" in text}
        floor = (await call(two.new, f"CONSUMER.INFO.{STREAM}.encoder_main_normal"))["ack_floor"]
        settled = [
            seq
            for seq, subject in facts.items()
            if seq <= floor["stream_seq"] and ".acquired.softsub.normal." in subject
        ]
        assert {f"izumi.job.encoder.main.done-{seq}" for seq in settled} <= results


async def test_work_that_is_settled_meanwhile_is_given_again(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await work(two.old, 2, {0})
    take = snapshot.take

    async def late(*args: Any) -> snapshot.Taken:
        taken_now = await take(*args)
        await second.ack()
        return taken_now

    monkeypatch.setattr(snapshot, "take", late)
    await save(two.old, two.path)
    await bring_back(two.new, two.path)
    inbox = two.new.inbox("encoder", "main")
    given = [(await taken(inbox)).seq for _ in range(30)]
    assert second.seq in given
    assert first.seq not in given


async def bring_back_over(bus: JetStreamBus, path: Path) -> None:
    for stream in streams():
        await call(bus, f"STREAM.DELETE.{stream.name}")
    await bring_back(bus, path)


async def test_a_backup_is_for_its_owner_and_proves_itself(two: Two) -> None:
    await save(two.old, two.path)
    assert two.path.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in two.path.iterdir()} == {0o600}
    assert {path.name for path in two.path.iterdir()} == {
        MANIFEST,
        SUMS,
        *(f"{stream.name}.archive" for stream in streams()),
    }
    manifest = backup_files.checked(two.path, untold)
    assert (manifest.host, manifest.format) == ("desk", 1)
    assert list(two.path.parent.glob(".*")) == []


async def test_a_backup_never_takes_the_place_of_anything(two: Two) -> None:
    two.path.mkdir()
    with pytest.raises(UserError, match=f"{two.path} is there already"):
        await save(two.old, two.path)


@pytest.mark.parametrize("name", [f"{STREAM}.archive", "IZUMI_TOLD.archive", MANIFEST, SUMS])
@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
async def test_a_damaged_backup_is_refused_before_anything_is_touched(
    two: Two, name: str, damage: str
) -> None:
    await save(two.old, two.path)
    path = two.path / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flipped" else data[:-20])
    # A list of hashes that is damaged may say so of any file.
    with pytest.raises(UserError, match=str(two.path) if name == SUMS else name):
        await bring_back(two.new, two.path)
    assert await backup.found(two.new.connection) == {}


async def test_a_backup_of_a_later_format_is_left_to_what_made_it(two: Two) -> None:
    await save(two.old, two.path)
    manifest = msgspec.structs.replace(backup_files.checked(two.path, untold), format=2)
    (two.path / MANIFEST).unlink()
    (two.path / SUMS).unlink()
    backup_files.seal(two.path, manifest)
    with pytest.raises(UserError, match="format 2, and this Izumi reads 1"):
        await bring_back(two.new, two.path)


async def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no backup"):
        backup_files.checked(tmp_path, untold)


async def test_a_bus_without_facts_has_no_backup(nats_server: NatsServer, tmp_path: Path) -> None:
    async with connected(nats_server.url) as bus:
        with pytest.raises(UserError, match="bus apply makes it"):
            await save(bus, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


async def test_a_server_that_dies_leaves_no_half_backup(
    two: Two, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        if name == "backup.stream":
            nats_server.kill()

    monkeypatch.setattr(backup, "failpoint", die)
    with pytest.raises(BusUnavailable):
        await save(two.old, two.path)
    assert not two.path.exists()
    assert list(two.path.parent.glob("*kept*")) == []


async def test_a_server_that_dies_under_a_restore_gets_it_the_next_time(
    two: Two, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(two.old, two.path)
    was, at = await messages(two.old), await positions(two.old)
    await backups.publish(two.old, range(500, 510))
    places: list[str] = []

    def die(name: str) -> None:
        places.append(name)
        if name == "restore.chunk":
            nats_server.kill()

    with monkeypatch.context() as patched:
        patched.setattr(backup, "failpoint", die)
        with pytest.raises(BusUnavailable):
            await bring_back(two.old, two.path)
    assert "restore.chunk" in places
    nats_server.start()
    assert await two.old.connection.ready(30)
    await bring_back(two.old, two.path)
    assert await messages(two.old) == was
    assert await positions(two.old) == at


async def test_what_has_become_too_old_since_is_no_reason_to_fail(two: Two) -> None:
    config = (await call(two.old, "STREAM.INFO.IZUMI_TOLD"))["config"]
    await call(
        two.old, "STREAM.UPDATE.IZUMI_TOLD", {**config, "max_age": 10**9, "duplicate_window": 10**9}
    )
    await save(two.old, two.path)
    await asyncio.sleep(1.5)  # the message of that stream is older than its second now
    await bring_back(two.new, two.path)

    async def gone() -> bool:
        return not (await call(two.new, "STREAM.INFO.IZUMI_TOLD"))["state"]["messages"]

    await eventually(gone)


async def test_a_backup_of_yesterday_comes_back_over_what_is_there_now(two: Two) -> None:
    await save(two.old, two.path)
    was = await messages(two.old)
    await backups.publish(two.old, range(500, 510))
    actions = await bring_back(two.old, two.path)
    assert actions.count("keep") == len(streams()) - 1
    assert actions[-1] == "replace"
    assert await messages(two.old) == was


async def test_an_interrupted_restore_keeps_everybody_away_until_it_is_repeated(two: Two) -> None:
    await save(two.old, two.path)
    was, at = await messages(two.old), await positions(two.old)
    arm("restore.stream=raise@3")
    with pytest.raises(FailpointHit):
        await bring_back(two.new, two.path)
    with pytest.raises(UserError, match="a restore of it was not finished"):
        await provision.apply(two.new.connection, MEMBERSHIPS)
    arm("")
    with pytest.raises(UserError, match="was not finished; repeat it first"):
        await save(two.new, two.path.with_name("half"))
    await bring_back(two.new, two.path)
    assert await messages(two.new) == was
    assert await positions(two.new) == at
    await provision.apply(two.new.connection, MEMBERSHIPS, ack_wait_s=backups.ACK_WAIT_S)


async def test_what_was_killed_while_it_was_written_is_swept_up(two: Two) -> None:
    killed = [two.path.with_name(f".{name}.part") for name in (two.path.name, "yesterday")]
    for left in killed:
        left.mkdir()
        (left / "in-the-making").touch()
        (left / "IZUMI.raw").write_bytes(b"half")
    others = two.path.with_name(".download.part")
    others.mkdir()
    await save(two.old, two.path)
    backup_files.checked(two.path, untold)
    assert not any(left.exists() for left in killed)
    assert others.exists()


async def test_a_folder_in_the_way_is_not_touched(two: Two) -> None:
    other = two.path.with_name(f".{two.path.name}.part")
    other.mkdir()
    (other / "mine").touch()
    with pytest.raises(UserError, match="holds what no backup left there"):
        await save(two.old, two.path)
    assert (other / "mine").exists()


async def test_a_backup_that_another_process_writes_is_left_to_it(two: Two) -> None:
    with backup_files.made(two.path, 0) as folder:
        with pytest.raises(UserError, match="is being written by another process"):
            await save(two.old, two.path)
        await save(two.old, two.path.with_name("second"))
        assert folder.is_dir()


async def test_a_copy_of_a_backup_is_as_good(two: Two, tmp_path: Path) -> None:
    await save(two.old, two.path)
    shutil.copytree(two.path, tmp_path / "copy")
    await bring_back(two.new, tmp_path / "copy")
    assert await messages(two.new) == await messages(two.old)


async def test_from_a_cluster_to_one_server_and_back(tmp_path: Path) -> None:
    """A cluster tells of a consumer only up to where everything is settled."""
    with clustered(tmp_path / "three") as servers, running(tmp_path / "one") as alone:
        async with connected(servers[0].url) as three, connected(alone.url) as one:

            async def made() -> bool:
                with contextlib.suppress(UserError, BusUnavailable):
                    await provision.apply(three.connection, MEMBERSHIPS, replicas=3)
                    return True
                return False

            await eventually(made, within_s=60)
            await backups.publish(three, range(30))
            got = await work(three, 6, {0, 1, 3, 5})
            await save(three, tmp_path / "kept")
            await bring_back(one, tmp_path / "kept")
            was = await messages(one)
            assert len(was[STREAM]) == 30
            place = (await positions(one))["encoder_main_normal"]
            assert place[2:6] == (got[1].seq, 2, got[1].seq, 0)
            left = await provision.preview(one.connection, MEMBERSHIPS)
            assert {change.action for change in left} == {"keep"}
            await save(one, tmp_path / "again")
            await backups.publish(three, range(40, 42))
            await bring_back(three, tmp_path / "again", replicas=3)
            assert await messages(three) == was
            assert (await positions(three))["encoder_main_normal"] == place
            left = await provision.preview(three.connection, MEMBERSHIPS, replicas=3)
            assert {change.action for change in left} == {"keep"}
