"""What the store does when storage, the network or Izumi itself fails half-way."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio

from izumi.domain import keys
from izumi.domain.errors import Held, NoSpace, StorageUnavailable, ToolFailed
from izumi.storage import delivery
from izumi.storage.places import Spot
from izumi.storage.ports import Location
from izumi.storage.proof import LOCAL, Abilities, Way
from izumi.storage.rclone import Rclone
from izumi.storage.rclone_faults import RcloneFault
from izumi.storage.rclone_files import RcloneFiles
from izumi.storage.settings import RcloneSettings
from izumi.storage.store import RcloneStore
from tests.support import putter
from tests.support.putter import Order
from tests.support.remotes import KINDS, RCLONE, SERVED, Place, Remotes, Served, write_config
from tests.support.shelves import FINAL, Sample, flipped, sample

pytestmark = pytest.mark.asyncio(loop_scope="module")

A, B = "attempt-a", "attempt-b"
WRONG = "wr0ng"
STEPS = (
    "store.before_upload",
    "store.after_upload",
    "store.after_verify",
    "store.before_move",
    "store.after_move",
)


@pytest.fixture
def store(rclone: Rclone) -> RcloneStore:
    return RcloneStore(rclone)


@pytest.fixture
def source(tmp_path: Path) -> Sample:
    return sample(tmp_path)


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], None]], None]:
    """Have something done at a step of a delivery, once."""

    def at(step: str, act: Callable[[], None]) -> None:
        acts = [act]

        def failpoint(name: str) -> None:
            if name == step and acts:
                acts.pop()()

        monkeypatch.setattr(delivery, "failpoint", failpoint)

    return at


# --- killed ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_killed_at_any_step_nothing_partial_is_visible_and_the_next_attempt_finishes(
    remotes: Remotes, store: RcloneStore, source: Sample, tmp_path: Path, kind: str
):
    places = {step: remotes.place(kind) for step in STEPS}
    order = _order("put", remotes.settings(), source, places[STEPS[0]].location, tmp_path)
    children = {
        step: putter.start(msgspec.structs.replace(order, at=place.location), f"{step}=kill")
        for step, place in places.items()
    }
    for step, child in children.items():
        out, _ = await asyncio.to_thread(child.communicate)
        assert child.returncode == -signal.SIGKILL, (step, out)
        await asyncio.to_thread(putter.wait_until_gone, int(out.split()[1]))
    for step, place in places.items():
        place.changed()
        left = place.files()
        assert left.pop(FINAL, source.content) == source.content, step
        assert all(keys.part_token(Path(path).name) == "dead" for path in left), step
        assert (FINAL in place.files()) == (step == "store.after_move")
        await store.put(source.path, source.file, place.location, token=B)
        assert place.files() == {FINAL: source.content}, step


@pytest.mark.parametrize("kind", KINDS)
async def test_killed_while_bytes_move_nothing_is_visible_and_the_next_attempt_finishes(
    remotes: Remotes, store: RcloneStore, tmp_path: Path, kind: str
):
    large, place = sample(tmp_path, 3_000_000), remotes.place(kind)
    order = _order("put", remotes.settings(bwlimit="400k"), large, place.location, tmp_path)
    child = putter.start(order)
    assert child.stdout is not None
    rclone = int((await asyncio.to_thread(child.stdout.readline)).split()[1])
    assert await asyncio.to_thread(child.stdout.readline) == b"moving\n"
    child.kill()
    await asyncio.to_thread(child.communicate)
    await asyncio.to_thread(putter.wait_until_gone, rclone)
    assert FINAL not in place.files()
    place.changed()
    await store.put(large.path, large.file, place.location, token=B)
    # A server may notice late that its client died, and only then close the part.
    async with asyncio.timeout(30):
        while len(place.files()) > 1:
            await store.sweep(place.location, frozenset({"dead"}))
    assert place.files() == {FINAL: large.content}


@pytest.mark.parametrize("step", ["store.before_download", "store.after_download"])
async def test_killed_in_a_download_nothing_lies_under_the_name_that_was_asked_for(
    remotes: Remotes, store: RcloneStore, source: Sample, tmp_path: Path, step: str
):
    place, job = remotes.place("local"), tmp_path / "job"
    place.write(FINAL, source.content)
    job.mkdir()
    order = _order("get", remotes.settings(), source, place.location, tmp_path)
    child = putter.start(msgspec.structs.replace(order, path=job / "in.mkv"), f"{step}=kill")
    await asyncio.to_thread(child.communicate)
    assert child.returncode == -signal.SIGKILL
    assert not (job / "in.mkv").exists()
    await store.get(source.file, place.location, job / "in.mkv")
    assert [path.name for path in job.iterdir()] == ["in.mkv"]


def _order(
    verb: str, settings: RcloneSettings, source: Sample, at: Location, folder: Path
) -> Order:
    return Order(
        verb=verb,
        settings=settings,
        state=folder / "state",
        path=source.path,
        file=source.file,
        at=at,
    )


async def test_while_a_file_is_brought_there_its_name_never_shows_less_than_all_of_it(
    remotes: Remotes, tmp_path: Path
):
    large = sample(tmp_path, 8_000_000)
    async with Rclone(remotes.settings(bwlimit="20M"), state=tmp_path / "state") as rclone:
        for kind in KINDS:
            place = remotes.place(kind)
            final, looks = place.folder / FINAL, 0
            putting = asyncio.create_task(
                RcloneStore(rclone).put(large.path, large.file, place.location, token=A)
            )
            while not putting.done():
                looks += 1
                assert not final.exists() or final.stat().st_size == large.file.size, kind
                await asyncio.sleep(0)
            await putting
            assert looks > 100


async def test_cancelled_while_bytes_move_rclone_has_stopped_and_nothing_is_left(
    remotes: Remotes, tmp_path: Path
):
    large = sample(tmp_path, 8_000_000)
    async with Rclone(remotes.settings(bwlimit="5M"), state=tmp_path / "state") as rclone:
        for kind in KINDS:
            place, moving = remotes.place(kind), asyncio.Event()
            putting = asyncio.create_task(
                RcloneStore(rclone).put(
                    large.path,
                    large.file,
                    place.location,
                    token=A,
                    progress=_when_moving(moving),
                )
            )
            await moving.wait()
            putting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await putting
            assert "transferring" not in await rclone.call("core/stats", {})
            assert place.files() == {}


async def test_cancelled_while_it_downloads_nothing_is_left(remotes: Remotes, tmp_path: Path):
    large, place, job = sample(tmp_path, 8_000_000), remotes.place("sftp"), tmp_path / "job"
    place.write(FINAL, large.content)
    job.mkdir()
    async with Rclone(remotes.settings(bwlimit="5M"), state=tmp_path / "state") as rclone:
        moving = asyncio.Event()
        getting = asyncio.create_task(
            RcloneStore(rclone).get(
                large.file, place.location, job / "in.mkv", progress=_when_moving(moving)
            )
        )
        await moving.wait()
        getting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await getting
    assert list(job.iterdir()) == []


async def test_rclone_killed_while_bytes_move_is_unavailable_and_the_next_attempt_finishes(
    remotes: Remotes, tmp_path: Path
):
    large, place = sample(tmp_path, 2_000_000), remotes.place("webdav")
    async with Rclone(remotes.settings(bwlimit="400k"), state=tmp_path / "state") as rclone:

        def kill(fraction: float) -> None:
            if fraction > 0 and rclone.pid is not None:
                os.kill(rclone.pid, signal.SIGKILL)

        store = RcloneStore(rclone)
        with pytest.raises(StorageUnavailable):
            await store.put(large.path, large.file, place.location, token=A, progress=kill)
        await rclone.call("core/bwlimit", {"rate": "off"})
        await store.put(large.path, large.file, place.location, token=B)
    assert place.files() == {FINAL: large.content}


def _when_moving(moving: asyncio.Event) -> Callable[[float], None]:
    def progress(fraction: float) -> None:
        if fraction > 0:
            moving.set()

    return progress


# --- wrong bytes, wrong moments ----------------------------------------------------------


@pytest.mark.parametrize("verify", ["hash", "read"])
@pytest.mark.parametrize("size", [300_000, 5_000_000])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_bit_that_flips_in_the_storage_is_found_before_the_file_is_visible(
    remotes: Remotes, store: RcloneStore, tmp_path: Path, at_step, kind: str, size: int, verify: str
):
    noise, place = sample(tmp_path, size), remotes.place(kind, verify=verify)
    at_step("store.after_upload", lambda: _damage(place))
    with pytest.raises(StorageUnavailable, match="did not arrive as it was sent"):
        await store.put(noise.path, noise.file, place.location, token=A)
    assert place.files() == {}
    await store.put(noise.path, noise.file, place.location, token=B)
    assert place.files() == {FINAL: noise.content}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bit_that_flips_in_a_copy_is_found_before_the_file_is_visible(
    remotes: Remotes, store: RcloneStore, source: Sample, at_step, kind: str
):
    origin, place = remotes.place("local"), remotes.place(kind)
    origin.write(FINAL, source.content)
    at_step("store.after_upload", lambda: _damage(place))
    with pytest.raises(StorageUnavailable, match="did not arrive as it was sent"):
        await store.copy(source.file, origin.location, place.location, token=A)
    assert place.files() == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_that_is_cut_short_in_the_storage_is_found_whatever_the_policy(
    remotes: Remotes, store: RcloneStore, source: Sample, at_step, kind: str
):
    place = remotes.place(kind, verify="size")
    at_step("store.after_upload", lambda: _damage(place, lambda content: content[:-1]))
    with pytest.raises(StorageUnavailable):
        await store.put(source.path, source.file, place.location, token=A)
    assert place.files() == {}


def _damage(place: Place, how: Callable[[bytes], bytes] = flipped) -> None:
    [(path, content)] = place.files().items()
    assert path.endswith(".izumi-part")
    place.write(path, how(content))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_source_that_changes_while_it_is_sent_is_held(
    remotes: Remotes, store: RcloneStore, source: Sample, at_step, kind: str
):
    for verify in ("hash", "read", "size"):
        source.path.write_bytes(source.content)
        place = remotes.place(kind, verify=verify)
        at_step("store.before_upload", lambda: source.path.write_bytes(flipped(source.content)))
        with pytest.raises(Held, match=r"changed|sha256 differs"):
            await store.put(source.path, source.file, place.location, token=A)
        assert place.files() == {}, verify


@pytest.mark.parametrize("kind", KINDS)
async def test_a_name_that_is_taken_right_before_the_move_is_never_overwritten(
    remotes: Remotes, store: RcloneStore, source: Sample, at_step, kind: str
):
    for other in (b"else", flipped(source.content)):
        place = remotes.place(kind)
        at_step("store.before_move", lambda place=place, other=other: place.write(FINAL, other))
        with pytest.raises(Held):
            await store.put(source.path, source.file, place.location, token=A)
        assert place.files() == {FINAL: other}


@pytest.mark.parametrize("kind", KINDS)
async def test_another_attempt_that_was_faster_is_as_good(
    remotes: Remotes, store: RcloneStore, source: Sample, at_step, kind: str
):
    for step in ("store.after_verify", "store.before_move"):
        place = remotes.place(kind)
        at_step(step, lambda place=place: place.write(FINAL, source.content))
        await store.put(source.path, source.file, place.location, token=A)
        assert place.files() == {FINAL: source.content}


async def test_a_name_that_is_taken_is_seen_before_rclone_is_trusted_not_to_overwrite_it(
    remotes: Remotes, store: RcloneStore, source: Sample, at_step, monkeypatch: pytest.MonkeyPatch
):
    async def move(*_: object) -> None:
        raise AssertionError("rclone was asked to move")

    monkeypatch.setattr(RcloneFiles, "move", move)
    place = remotes.place("local")
    at_step("store.after_verify", lambda: place.write(FINAL, b"else"))
    with pytest.raises(Held):
        await store.put(source.path, source.file, place.location, token=A)
    assert place.files() == {FINAL: b"else"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_storage_that_says_it_moved_and_did_not_is_not_believed(
    remotes: Remotes, store: RcloneStore, source: Sample, monkeypatch: pytest.MonkeyPatch, kind: str
):
    async def move(_files: RcloneFiles, part: Spot, final: Spot) -> None:
        if kind != "local":
            await store._files.remove(part)  # nor kept what it had

    place = remotes.place(kind)
    with monkeypatch.context() as patch:
        patch.setattr(RcloneFiles, "move", move)
        with pytest.raises(StorageUnavailable):
            await store.put(source.path, source.file, place.location, token=A)
    assert place.files() == {}


async def test_a_storage_that_can_neither_rename_nor_copy_gets_nothing(
    remotes: Remotes, store: RcloneStore, source: Sample, monkeypatch: pytest.MonkeyPatch
):
    async def abilities(_files: RcloneFiles, _of: Spot) -> Abilities:
        return LOCAL._replace(moves=False)

    monkeypatch.setattr(RcloneFiles, "abilities", abilities)
    place = remotes.place("local")
    with pytest.raises(RcloneFault, match="neither rename nor copy"):
        await store.put(source.path, source.file, place.location, token=A)
    assert place.files() == {}


async def test_a_storage_that_lost_its_hash_of_a_file_is_read_instead(
    remotes: Remotes, store: RcloneStore, source: Sample, monkeypatch: pytest.MonkeyPatch
):
    plain = RcloneFiles.hash

    async def hash_(files: RcloneFiles, of: Spot, kind: Way, size: int, **more: Any) -> str:
        return "" if kind == "sha1" else await plain(files, of, kind, size, **more)

    monkeypatch.setattr(RcloneFiles, "hash", hash_)
    place = remotes.place("sftp")
    place.write(FINAL, flipped(source.content))
    with pytest.raises(Held):
        await store.put(source.path, source.file, place.location, token=A)
    place.write(FINAL, source.content)
    await store.put(source.path, source.file, place.location, token=A)


# --- storage that does not answer --------------------------------------------------------


class Alone(NamedTuple):
    """A server that a test may stop and freeze, and a location on it."""

    server: Served
    at: Location


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[list[Alone]]:
    """One of each kind, in `alone.conf`."""
    servers = [Served(kind, tmp_path / kind) for kind in SERVED]
    try:
        for server in servers:
            server.start()
        sections = (server.config(server.kind) for server in servers)
        write_config(tmp_path / "alone.conf", *sections)
        yield [
            Alone(server, Location(name=server.kind, remote=f"{server.kind}:library/x"))
            for server in servers
        ]
    finally:
        for server in servers:
            server.stop()


async def test_a_storage_that_is_down_is_unavailable_and_not_empty(
    alone: list[Alone], source: Sample, tmp_path: Path
):
    settings = RcloneSettings(config=tmp_path / "alone.conf", low_level_retries=1)
    for server, _ in alone:
        server.stop()
    async with Rclone(settings, state=tmp_path / "state") as rclone, asyncio.timeout(60):
        store = RcloneStore(rclone)
        attempts = {
            at.name: asyncio.gather(
                store.stat(source.file, at),
                store.put(source.path, source.file, at, token=A),
                store.get(source.file, at, tmp_path / f"out-{at.name}"),
                store.sweep(at, frozenset({A})),
                return_exceptions=True,
            )
            for _, at in alone
        }
        for name, results in attempts.items():
            for result in await results:
                assert isinstance(result, StorageUnavailable)
                assert re.match(f"{name}: .*refused", str(result))
        for server, at in alone:
            server.start()
            await store.put(source.path, source.file, at, token=B)
            assert await store.has(source.file, at)


async def test_a_storage_that_hangs_is_given_up_and_used_again_when_it_is_back(
    alone: list[Alone], tmp_path: Path
):
    settings = RcloneSettings(config=tmp_path / "alone.conf", low_level_retries=1)
    large = sample(tmp_path, 8_000_000)
    hasty = msgspec.structs.replace(
        settings, idle_timeout_s=2, connect_timeout_s=2, stall_s=1.5, call_s=1.5, bwlimit="10M"
    )

    async def hang(server: Served, at: Location, store: RcloneStore) -> None:
        def freeze(fraction: float) -> None:
            if fraction > 0:
                server.freeze()

        with pytest.raises(StorageUnavailable):
            await store.put(large.path, large.file, at, token=A, progress=freeze)
        with pytest.raises(StorageUnavailable):
            await store.stat(large.file, at)

    async with Rclone(hasty, state=tmp_path / "state") as rclone, asyncio.timeout(60):
        await asyncio.gather(*(hang(server, at, RcloneStore(rclone)) for server, at in alone))
    async with Rclone(settings, state=tmp_path / "state") as rclone:
        for server, at in alone:
            server.thaw()
            await RcloneStore(rclone).put(large.path, large.file, at, token=B)
            left = [path for path in (server.bucket / "x").rglob("*") if path.is_file()]
            assert [path.name for path in left] == ["Show - 01 [1080p].mkv"]
            assert left[0].read_bytes() == large.content


async def test_wrong_credentials_are_told_apart_and_not_shown(
    remotes: Remotes, source: Sample, tmp_path: Path
):
    config = tmp_path / "rclone.conf"
    write_config(
        config,
        *(remotes.servers[kind].config(kind, password=WRONG) for kind in ("webdav", "sftp")),
    )
    async with Rclone(RcloneSettings(config=config), state=tmp_path / "state") as rclone:
        for kind in ("webdav", "sftp"):
            at = Location(name="vault", remote=f"{kind}:library")
            with pytest.raises(RcloneFault) as caught:
                await RcloneStore(rclone).put(source.path, source.file, at, token=A)
            assert caught.value.kind == "denied"
            assert caught.value.host
            assert WRONG not in str(caught.value)


async def test_a_remote_that_rclone_conf_lacks_is_this_hosts_fault(
    store: RcloneStore, source: Sample
):
    with pytest.raises(RcloneFault, match=r"vault: .*nosuch") as caught:
        await store.stat(source.file, Location(name="vault", remote="nosuch:x"))
    assert caught.value.kind == "config"
    assert caught.value.host


async def test_a_folder_that_is_not_there_is_a_disk_that_is_not_mounted(
    store: RcloneStore, source: Sample, tmp_path: Path
):
    at = Location(name="disk", remote=str(tmp_path / "unmounted"))
    for attempt in (
        store.stat(source.file, at),
        store.put(source.path, source.file, at, token=A),
        store.get(source.file, at, tmp_path / "out"),
        store.sweep(at, frozenset({A})),
    ):
        with pytest.raises(StorageUnavailable, match=r"no folder .*unmounted") as caught:
            await attempt
        assert caught.value.host
    assert not (tmp_path / "unmounted").exists()


# --- storage with less room, or less of a name -------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def confined(tmp_path: Path) -> AsyncIterator[RcloneStore]:
    """A store whose rclone cannot write more than some 100 kB into a file."""
    program = tmp_path / "rclone"
    program.write_text(f'#!/bin/sh\nulimit -f 200\nexec "{RCLONE}" "$@"\n')
    program.chmod(0o700)
    async with Rclone(RcloneSettings(path=program), state=tmp_path / "state") as rclone:
        yield RcloneStore(rclone)


async def test_a_full_storage_is_asked_again_later_and_keeps_nothing(
    remotes: Remotes, confined: RcloneStore, source: Sample
):
    place = remotes.place("local")
    with pytest.raises(RcloneFault) as caught:
        await confined.put(source.path, source.file, place.location, token=A)
    assert caught.value.kind == "full"
    assert caught.value.retry_after_s is not None
    assert place.files() == {}
    assert source.path.read_bytes() == source.content


async def test_too_little_room_for_a_download_is_this_hosts_want_of_space(
    remotes: Remotes, confined: RcloneStore, source: Sample, tmp_path: Path
):
    place, job = remotes.place("local"), tmp_path / "job"
    place.write(FINAL, source.content)
    job.mkdir()
    with pytest.raises(NoSpace, match="no room"):
        await confined.get(source.file, place.location, job / "in.mkv")
    assert list(job.iterdir()) == []


@pytest_asyncio.fixture(loop_scope="module")
async def crypt(tmp_path: Path) -> AsyncIterator[tuple[RcloneStore, Location]]:
    """Encrypted storage, whose names may have 143 bytes."""
    config, behind = tmp_path / "rclone.conf", tmp_path / "behind"
    behind.mkdir()
    write_config(config, f"[vault]\ntype = crypt\nremote = {behind}\npassword = {'A' * 32}\n")
    async with Rclone(RcloneSettings(config=config), state=tmp_path / "state") as rclone:
        yield RcloneStore(rclone), Location(name="vault", remote="vault:")


async def test_encrypted_storage_is_read_back_and_takes_temporary_names_too(crypt, source: Sample):
    store, at = crypt
    file = source.called(f"Show/{'x' * 139}.mkv")
    await store.put(source.path, file, at, token="t" * 64)
    assert await store.has(file, at)


async def test_a_name_that_this_storage_cannot_hold_is_held(crypt, source: Sample):
    store, at = crypt
    file = source.called(f"Show/{'x' * 200}.mkv")
    assert await store.stat(file, at) is None
    assert not await store.has(file, at)
    with pytest.raises(Held, match="cannot have that name there"):
        await store.put(source.path, file, at, token=A)


async def test_without_rclone_nothing_is_claimed(source: Sample, tmp_path: Path):
    async with Rclone(RcloneSettings(), state=tmp_path / "state") as rclone:
        store = RcloneStore(rclone)
    with pytest.raises(ToolFailed):
        await store.stat(source.file, Location(name="x", remote=str(tmp_path)))
