"""What acquisition does with what lies in a watch folder, on real files."""

import asyncio
import datetime as dt
import hashlib
import os
import shutil
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.errors import BadKey, BusUnavailable, ConfigError, NoSpace, ToolFailed
from izumi.storage import roots, staging
from izumi.storage.database import Database
from izumi.storage.ledger import Ledger
from izumi.storage.roots import look
from izumi.storage.walk import Walk, walk
from tests.support.acquiring import Place, in_states, states, until
from tests.support.containers import matroska

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


async def test_a_file_is_stored_everywhere_announced_once_and_kept(place):
    path = place.put("Show/Season 2/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    (fact,) = await place.facts()
    assert place.names.asked == [("a.mkv", ["Show", "Season 2"])]
    assert fact.file.key == "Season 2/a.mkv"
    assert fact.sources == ("a", "b")
    assert (fact.release, fact.host, fact.priority) == ("a.mkv", "here", "normal")
    assert place.stored("a") == place.stored("b") == {f"Airing/{fact.file.key}": path.read_bytes()}
    assert not list((place.state / "staging").iterdir())


async def test_files_that_came_while_it_was_down_are_found_at_the_start(place):
    async with place.running():
        pass
    place.put("a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))


async def test_files_are_found_without_any_event(place):
    def deaf(folders, stop):
        while not stop.wait(0.05):
            yield ()

    place.options["opening"] = deaf
    async with place.running() as ledger:
        place.put("Show/Nested/a.mkv")
        await until(in_states(ledger, a="done"))


async def test_files_are_found_long_before_the_next_sweep_by_events(place):
    place.host["sweep_s"] = 3600.0
    async with place.running() as ledger:
        await until(lambda: _online(place))
        place.put("a.mkv")
        await until(in_states(ledger, a="done"))


async def _online(place):
    (folder,) = (await place.health()).folders
    return folder.mode == "events"


async def test_filled_folders_moved_in_and_nested_ones_made_at_once_are_found_by_events(place):
    place.host["sweep_s"] = 3600.0
    outside = place.base / "outside"
    for number in range(20):
        (outside / f"s{number}" / "deep").mkdir(parents=True)
        (outside / f"s{number}/deep/moved{number}.mkv").write_bytes(matroska(seed=number))
    async with place.running() as ledger:
        await until(lambda: _online(place))
        for folder in outside.iterdir():
            folder.rename(place.root / folder.name)
        for number in range(20):
            deep = place.root / f"n{number}/x/y"
            deep.mkdir(parents=True)
            (deep / f"made{number}.mkv").write_bytes(matroska(seed=100 + number))
        names = [f"{how}{number}" for how in ("moved", "made") for number in range(20)]
        await until(in_states(ledger, **dict.fromkeys(names, "done")))
        (place.root / "n3/x/y/later.mkv").write_bytes(matroska(seed=999))
        await until(in_states(ledger, later="done"))
    assert len(await place.facts()) == 41


async def test_a_slow_writer_is_waited_for(place):
    data = matroska(200_000)
    async with place.running() as ledger:
        with (place.root / "a.mkv").open("wb") as file:
            for begin in range(0, len(data), 20_000):
                file.write(data[begin : begin + 20_000])
                file.flush()
                await asyncio.sleep(0.1)
                assert await place.facts() == []
        await until(in_states(ledger, a="done"))
    assert place.stored()["Airing/a/a.mkv"] == data


async def test_a_writer_that_pauses_longer_than_the_quiet_time_is_waited_for(place):
    data = matroska(200_000)
    async with place.running() as ledger:
        file = (place.root / "a.mkv").open("wb")
        file.write(data[:50_000])
        file.flush()
        await until(lambda: _judged(ledger))
        assert await place.facts() == []
        with file:
            file.write(data[50_000:])
        await until(in_states(ledger, a="done"))
    assert place.stored()["Airing/a/a.mkv"] == data


async def _judged(ledger):
    return any(item.judged for item in await ledger.list())


async def test_a_preallocated_file_written_out_of_order_is_taken_when_no_hole_is_left(place):
    data = matroska(1 << 20, clusters=1)
    async with place.running() as ledger:
        file = os.open(place.root / "a.mkv", os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(file, 0, len(data))
        os.pwrite(file, data[600_000:], 600_000)
        os.pwrite(file, data[:300_000], 0)
        os.close(file)
        await until(lambda: _judged(ledger))
        ((_, reason),) = [(item.name, item.reason) for item in await ledger.list()]
        assert "hole" in reason
        assert await place.facts() == []
        file = os.open(place.root / "a.mkv", os.O_RDWR)
        os.pwrite(file, data[300_000:600_000], 300_000)
        os.close(file)
        await until(in_states(ledger, a="done"))
    assert place.stored()["Airing/a/a.mkv"] == data


async def test_hard_links_are_one_file_and_a_rename_meanwhile_is_followed(place):
    path = place.put("Show/a.mkv")
    os.link(path, place.root / "Show/b.mkv")
    async with place.running() as ledger:
        await until(lambda: _count(ledger, "done", 1))
        path.rename(place.root / "Show/c.mkv")
        (place.root / "Show/b.mkv").unlink()
        await until(in_states(ledger, c="done"))
    assert len(await place.facts()) == 1


async def _count(ledger, state, number):
    return (await ledger.counts()).get(state) == number


async def test_several_videos_in_a_folder_are_several_files(place):
    for number in range(5):
        place.put(f"Show/{number}.mkv", matroska(seed=number))
    async with place.running() as ledger:
        await until(lambda: _count(ledger, "done", 5))
    assert len(await place.facts()) == 5
    assert len(list((place.root / "Show").iterdir())) == 5


@pytest.mark.parametrize("again", ["replaced", "appended"])
async def test_a_file_that_changes_after_it_was_published_is_a_new_revision_never_silence(
    place, again
):
    path = place.put("Show/a.mkv")
    first = path.read_bytes()
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        if again == "replaced":
            place.put("Show/a.mkv", matroska(seed=77))
        else:
            with path.open("ab") as file:
                file.write(matroska(seed=77))
        (hold,) = await until(place.holds)
        assert "something else lies at a" in hold.reason
        await until(lambda: _count(ledger, "held", 1))
        (item,) = [item for item in await ledger.list() if item.state == "held"]
        assert (item.revision, item.key) == (2, "Show/a.mkv")
    assert len(await place.facts()) == 1
    assert place.stored()["Airing/Show/a.mkv"] == first


async def test_a_touched_file_is_not_announced_again(place):
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        os.utime(path, ns=(1, 1))
        await until(lambda: _count(ledger, "done", 2))
    assert len(await place.facts()) == 1
    assert await place.holds() == []


@pytest.mark.parametrize("what", ["replaced", "appended", "truncated", "deleted", "rewritten"])
async def test_what_is_stored_is_one_version_whole_whatever_happens_meanwhile(place, what):
    place.store.gate = asyncio.Event()
    path = place.put("Show/a.mkv")
    before, after = path.read_bytes(), matroska(seed=55)
    status = path.stat()
    async with place.running() as ledger:
        await place.store.waiting.wait()
        if what == "replaced":
            place.put("Show/a.mkv", after)
        elif what == "appended":
            after = before + after
            with path.open("ab") as file:
                file.write(after[len(before) :])
        elif what == "truncated":
            os.truncate(path, 100)
        elif what == "deleted":
            path.unlink()
        else:
            path.write_bytes(after)
            os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
        place.store.gate.set()
        if what == "truncated":
            await until(lambda: _judged(ledger))
            assert place.stored() == {}
            return
        await until(place.facts)
        await until(lambda: _settled(ledger))
    stored = place.stored()["Airing/Show/a.mkv"]
    assert stored in {"replaced": (before,), "deleted": (before,)}.get(what, (after,))
    assert [fact.file.size for fact in await place.facts()] == [len(stored)]


async def test_a_file_replaced_while_it_waits_for_storage_is_never_stored_its_successor_is(place):
    place.store.down |= {"a", "b"}
    place.put("Show/a.mkv", matroska(seed=1))
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "does not answer"))
        new = place.put("Show/a.mkv", matroska(seed=2))
        await until(lambda: _waits(ledger, "that one is taken"))
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
    assert place.stored()["Airing/Show/a.mkv"] == new.read_bytes()
    assert len(await place.facts()) == 1
    assert await place.holds() == []


async def test_content_that_changes_under_the_prober_is_proved_again(place):
    """Even when its size and time of change are what they were."""
    path = place.put("Show/a.mkv", matroska(seed=1))
    real, status = place.prober, path.stat()

    async def prove(source):
        if not real.asked:
            path.write_bytes(matroska(seed=2))
            os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
        return await real(source)

    place.prober = prove
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert len(real.asked) == 2


async def _settled(ledger):
    ends = {"done", "held", "gone", "ignored"}
    return all(item.label in ends for item in await ledger.list())


async def test_a_file_deleted_before_it_was_taken_in_hand_is_gone_and_nothing_else_happens(place):
    place.watch["quiet_s"] = 30.0
    path = place.put("a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="settling"))
        path.unlink()
        await until(in_states(ledger, a="gone"))
    assert await place.facts() == []


async def test_a_file_that_is_not_whole_is_told_once_listed_with_the_reason_and_held_in_time(place):
    place.put("a.mkv", matroska(50_000)[:20_000])
    place.put("b.mkv")
    place.host["stuck_after_s"] = 1.5
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(in_states(ledger, a="held", b="done"))
            (hold,) = await place.holds()
            assert hold.name == "a.mkv"
            assert "is cut short" in hold.reason
            place.put("a.mkv", matroska(50_000))
            await until(in_states(ledger, a="done"))
    told = [entry for entry in logs if entry["event"] == "file.not_whole"]
    assert len(told) == 1
    assert len(await place.holds()) == 1


async def test_what_the_prober_finds_missing_is_not_published_until_the_file_changes(place):
    place.prober.broken["a.mkv"] = "frames are missing from 00:10 on"
    place.put("a.mkv")
    async with place.running() as ledger:
        await until(lambda: _judged(ledger))
        ((item),) = await ledger.list()
        assert item.reason == "frames are missing from 00:10 on"
        place.prober.broken.clear()
        place.put("a.mkv", matroska(seed=4))
        await until(in_states(ledger, a="done"))


async def test_the_hash_is_that_of_the_content_that_was_proved(place):
    place.names.unsure.add("a.mkv")
    path = place.put("a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="held"))
        ((item),) = await ledger.list()
    assert item.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_file_that_kills_the_prober_time_and_again_is_held(place):
    place.prober.broken["a.mkv"] = ToolFailed("the prober was killed")
    place.put("a.mkv")
    place.put("b.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="held", b="done"))
        assert "the prober was killed" in (await place.holds())[0].reason


async def test_every_bad_object_is_told_once_and_the_rest_goes_on(place, tmp_path):
    secret = tmp_path / "secret.mkv"
    secret.write_bytes(matroska(seed=666))
    root = place.root
    (root / "link.mkv").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    (root / "loop.mkv").symlink_to(root / "loop.mkv")
    (root / "dangling.mkv").symlink_to(tmp_path / "nothing")
    os.mkfifo(root / "pipe.mkv")
    (root / "dir.mkv").mkdir()
    with (root / "sparse.mkv").open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    place.put("empty.mkv", b"")
    place.put("text.mkv", b"#EXTM3U\nhttp://127.0.0.1/x\n")
    place.put("dir.mkv/good.mkv")
    with capture_logs() as logs:
        async with place.running() as ledger:
            bad = ["link", "folder", "loop", "dangling", "pipe"]
            slow = ["sparse", "empty", "text"]
            await until(
                in_states(
                    ledger,
                    good="done",
                    **dict.fromkeys(bad, "ignored"),
                    **dict.fromkeys(slow, "settling"),
                )
            )
            await until(lambda: _all_judged(ledger, slow))
            swept = await until(lambda: _swept(place))
            await until(lambda: _swept_after(place, swept + 1.2))
    told = [entry["name"] for entry in logs if entry["event"] in {"file.refused", "file.not_whole"}]
    assert sorted(told) == sorted(
        [*(f"{name}.mkv" for name in bad if name != "folder"), "folder"]
        + [f"{name}.mkv" for name in slow]
    )
    assert [*place.stored()] == ["Airing/dir.mkv/good.mkv"]


async def _all_judged(ledger, stems):
    return all(item.judged for item in await ledger.list() if Path(item.name).stem in stems)


async def _swept(place):
    return (await place.health()).folders[0].swept_at


async def _swept_after(place, when):
    return await _swept(place) > when


async def test_a_name_that_is_no_utf8_is_held_and_told_readably(place):
    place.put("bad\udcff.mkv")
    async with place.running() as ledger:
        await until(lambda: _count(ledger, "held", 1))
    (hold,) = await place.holds()
    assert hold.name == "bad\\xff.mkv"


async def test_an_unsure_name_is_held_once_and_goes_on_when_it_is_sure(place):
    place.names.unsure.add("a.mkv")
    place.put("a.mkv")
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(lambda: _asked(place, 3))
            (hold,) = await place.holds()
            assert hold.reason == "which show is this?"
            assert hold.facts == {"key": "a/a.mkv", "title": "a"}
            assert await place.facts() == []
            place.names.unsure.clear()
            await until(in_states(ledger, a="done"))
    assert len(await place.holds()) == 1
    assert len([entry for entry in logs if entry["event"] == "file.held"]) == 1


async def _asked(place, times):
    return len(place.names.asked) >= times


async def test_two_different_files_for_one_place_are_one_file_and_one_hold(place):
    place.put("One/Show/a.mkv", matroska(seed=1))
    place.put("Two/Show/a.mkv", matroska(seed=2))
    async with place.running() as ledger:
        await until(lambda: _count(ledger, "held", 1))
        await until(lambda: _count(ledger, "done", 1))
    (fact,) = await place.facts()
    assert [len(data) for data in place.stored().values()] == [fact.file.size]


async def test_a_copy_of_the_same_content_for_the_same_place_is_the_same_thing(place):
    place.put("One/Show/a.mkv", matroska(seed=1))
    place.put("Two/Show/a.mkv", matroska(seed=1))
    async with place.running() as ledger:
        await until(lambda: _count(ledger, "done", 2))
    assert len(await place.facts()) == 1
    assert list(place.store.puts.values()) == [1, 1]


async def test_of_two_files_for_one_place_the_second_waits_until_the_first_is_announced(place):
    place.store.gate = asyncio.Event()
    place.put("One/Show/a.mkv", matroska(seed=1))
    place.put("Two/Show/a.mkv", matroska(seed=2))
    async with place.running() as ledger:
        await place.store.waiting.wait()
        await until(lambda: _count(ledger, "staged", 2))
        await asyncio.sleep(0.2)  # the second must not begin meanwhile
        assert await _parts(place, 2)
        place.store.gate.set()
        await until(lambda: _count(ledger, "held", 1))


async def _parts(place, number):
    found = [part for name in ("a", "b") for part in (place.base / name).rglob(".part-*")]
    return len(found) == number


async def test_what_a_failed_upload_left_is_gone_when_the_next_one_succeeds(place):
    place.store.dies = 2
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        assert await _parts(place, 0)
        assert await ledger.tokens() == frozenset()


async def test_what_uploads_of_a_dead_process_left_is_swept_also_when_nobody_tries_again(place):
    place.names.unsure.add("a.mkv")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="held"))
        (item,) = await ledger.list()
        await ledger.uploading(item, "dead")
    place.base.joinpath("b/Airing/Show").mkdir(parents=True)
    place.base.joinpath("b/Airing/Show/.part-dead").touch()
    place.base.joinpath("b/Airing/Show/.part-other").touch()
    async with place.running() as ledger:
        await until(lambda: _parts(place, 1))
        await until(lambda: _no_tokens(ledger))


async def _no_tokens(ledger):
    return not await ledger.tokens()


async def test_storage_that_is_away_delays_and_the_other_location_is_not_repeated(place):
    place.store.down.add("b")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "b does not answer"))
        assert [*place.stored("a")] == ["Airing/Show/a.mkv"]
        assert await place.facts() == []
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
    assert list(place.store.puts.values()) == [1, 1]


async def _waits(ledger, reason):
    return any(reason in item.reason for item in await ledger.list())


async def test_a_bus_that_is_away_delays_and_nothing_is_lost_or_doubled(place, monkeypatch):
    away = True
    bus = place.bus
    for name in ("publish", "commit", "last"):
        real = getattr(bus, name)

        async def guarded(*args, real=real):
            if away:
                raise BusUnavailable("the bus does not answer")
            return await real(*args)

        monkeypatch.setattr(bus, name, guarded)
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "the bus does not answer"))
        assert place.stored() == {}
        away = False
        await until(in_states(ledger, a="done"))
    assert len(await place.facts()) == 1


async def test_a_receipt_that_is_lost_announces_nothing_twice(place, monkeypatch):
    bus, lost = place.bus, []
    for name in ("publish", "commit"):
        real = getattr(bus, name)

        async def stored_but_unknown(*args, real=real, name=name):
            result = await real(*args)
            if name not in lost:
                lost.append(name)
                raise BusUnavailable("no receipt came")
            return result

        monkeypatch.setattr(bus, name, stored_but_unknown)
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert sorted(lost) == ["commit", "publish"]
    assert len(await place.facts()) == 1
    assert list(place.store.puts.values()) == [1, 1]


async def test_a_file_that_was_announced_before_is_not_uploaded_again(place):
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    shutil.rmtree(place.state)
    for name in ("a", "b"):
        shutil.rmtree(place.base / name)
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert place.stored() == {}
    assert len(await place.facts()) == 1


async def test_two_acquirers_on_one_folder_take_each_file_once(place):
    other = Place(place.base, bus=place.bus)
    other.state, other.store = place.base / "other-state", place.store
    for number in range(30):
        place.put(f"Show/{number}.mkv", matroska(seed=number))
    async with place.running() as one, other.running() as two:
        await until(lambda: _count(one, "done", 30))
        await until(lambda: _count(two, "done", 30))
    assert len(await place.facts()) == 30
    assert set(place.store.puts.values()) == {1}
    assert len(place.store.puts) == 60


async def test_a_claim_of_a_host_that_went_silent_is_taken_over(place):
    place.host["claim_s"] = 0.6
    place.put("Show/a.mkv")
    subject = subjects.job("acquisition", "all", f"key-{subjects.file_id('', 'Show/a.mkv')}")
    record = events.JobRecord(state="claimed", owner="dead/host", source=0, at=NOON)
    await place.bus.publish(Outgoing(subject, events.encode(record)))
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "dead/host is storing it"))
        await until(in_states(ledger, a="done"))
    assert len(await place.facts()) == 1


async def test_a_claim_that_another_host_took_meanwhile_is_not_announced_twice(place):
    """A frozen host wakes up after its claim was taken over and the file announced."""
    place.host["claim_s"] = 0.6
    place.store.gate = asyncio.Event()
    place.put("Show/a.mkv")
    other = Place(place.base, bus=place.bus)
    other.state, other.host["claim_s"] = place.base / "other-state", 0.6
    async with place.running() as one:
        await place.store.waiting.wait()
        subject = subjects.job("acquisition", "all", f"key-{subjects.file_id('', 'Show/a.mkv')}")
        last = await place.bus.last(subject)
        record = events.JobRecord(state="waiting", owner="x", source=0, at=NOON)
        await place.bus.publish(Outgoing(subject, events.encode(record), expect=last.seq))
        async with other.running() as two:
            await until(in_states(two, a="done"))
        place.store.gate.set()
        await until(in_states(one, a="done"))
    assert len(await place.facts()) == 1


async def test_delete_removes_only_that_file_and_only_once_it_is_stored_and_announced(tmp_path):
    place = Place(tmp_path, source="delete", remove_empty_folders=True)
    path = place.put("Show/Season 1/a.mkv")
    note = place.root / "Show/note.txt"
    note.write_text("mine")
    place.store.down.add("b")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "b does not answer"))
        assert path.exists()
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
    assert not path.parent.exists()
    assert note.read_text() == "mine"
    assert place.root.exists()
    assert len(await place.facts()) == 1


async def test_delete_leaves_a_file_that_is_another_one_by_then(tmp_path):
    place = Place(tmp_path, source="delete")
    place.store.gate = asyncio.Event()
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await place.store.waiting.wait()
        path = place.put("Show/a.mkv", matroska(seed=8))
        place.store.gate.set()
        await until(lambda: _count(ledger, "held", 1))
    assert path.read_bytes() == matroska(seed=8)


async def test_delete_keeps_what_another_host_announced_but_did_not_store_here(tmp_path):
    place = Place(tmp_path, source="delete")
    path = place.put("Show/a.mkv")
    other = Place(tmp_path, bus=place.bus, destinations=("a",))
    other.state = tmp_path / "other-state"
    async with other.running() as ledger:
        await until(in_states(ledger, a="done"))
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert path.exists()


async def test_a_root_that_vanishes_is_an_alarm_and_its_return_no_storm(place):
    for number in range(3):
        place.put(f"Show/{number}.mkv", matroska(seed=number))
    hidden = place.base / "hidden"
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(lambda: _count(ledger, "done", 3))
            place.root.rename(hidden)
            await until(lambda: _trouble(place))
            assert await ledger.counts() == {"done": 3}
            hidden.rename(place.root)
            place.put("new.mkv", matroska(seed=9))
            await until(in_states(ledger, new="done"))
            assert place.trouble() == ""
    assert [entry["log_level"] for entry in logs if entry["event"] == "folder.offline"] == ["error"]
    assert len(await place.facts()) == 4
    assert len([entry for entry in logs if entry["event"] == "files.gone"]) == 0


async def test_files_on_their_way_wait_for_a_root_that_vanishes(place):
    """Those that settle, and those that a worker looks for, over a restart as well."""
    place.watch["quiet_s"] = 0.3
    place.names.unsure.add("asked.mkv")
    data = {name: matroska(seed=seed) for seed, name in enumerate(["asked.mkv", "cut.mkv"])}
    place.put("asked.mkv", data["asked.mkv"])
    place.put("cut.mkv", data["cut.mkv"][:-100])
    hidden = place.base / "hidden"
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(in_states(ledger, asked="held", cut="settling"))
            place.root.rename(hidden)
            await until(lambda: _trouble(place))
            place.names.unsure.clear()
            await asyncio.sleep(1.0)  # several looks, and tries of what is held
            assert await states(ledger) == {"asked.mkv": "held", "cut.mkv": "settling"}
            assert all("is not there" not in item.reason for item in await ledger.list(["held"]))
        async with place.running() as ledger:
            await until(lambda: _trouble(place))
            await asyncio.sleep(1.0)  # as above
            assert "gone" not in (await states(ledger)).values()
            hidden.rename(place.root)
            place.put("cut.mkv", data["cut.mkv"])
            await until(in_states(ledger, asked="done", cut="done"))
    assert not [entry for entry in logs if entry["event"] == "files.gone"]
    assert len(await place.facts()) == 2


async def test_an_empty_folder_in_the_place_of_the_root_is_an_alarm_until_something_lies_in_it(
    place,
):
    """As where the mount was, when that lies on the same device."""
    place.put("Show/a.mkv")
    hidden = place.base / "hidden"
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        place.root.rename(hidden)
        place.root.mkdir()
        await until(lambda: _trouble(place))
        assert "is its disk mounted" in place.trouble()
        assert await ledger.counts() == {"done": 1}
        place.root.rmdir()
        hidden.rename(place.root)
        await until(lambda: _no_trouble(place))
        place.root.rename(hidden)
        place.put("Show/b.mkv", matroska(seed=2))
        await until(in_states(ledger, b="done"))
        assert place.trouble() == ""
    assert len(await place.facts()) == 2


async def test_what_was_found_not_to_be_whole_waits_behind_what_is_new(place):
    place.host["jobs"] = 1
    for number in range(5):
        place.put(f"cut{number}.mkv", matroska(seed=number))
        place.prober.broken[f"cut{number}.mkv"] = "a packet is missing"
    async with place.running() as ledger:
        await until(lambda: _found_broken(ledger, 5))
    place.put("new.mkv", matroska(seed=99))
    prober, place.prober = place.prober, _Waiting(place.prober, lambda: _waiting(place, 5))
    prober.asked.clear()
    async with place.running() as ledger:
        await until(in_states(ledger, new="done"))
    assert prober.asked.index("new.mkv") <= 1


class _Waiting:
    """A prober that begins once something is so."""

    def __init__(self, prober, so):
        self._prober, self._so = prober, so

    async def __call__(self, path):
        if not self._prober.asked and path.name != "new.mkv":
            await until(self._so)
        return await self._prober(path)


async def _waiting(place, files):
    figures = {figure.name: figure.value for figure in await place.figures() if not figure.labels}
    return figures["acquisition_waiting"] == files


async def _found_broken(ledger, files):
    return sum(item.judged for item in await ledger.list()) == files


async def _trouble(place):
    return str(place.root) in place.trouble()


async def test_a_root_unmounted_during_a_sweep_makes_nothing_vanish(place, monkeypatch):
    """What the sweep met was the empty folder below the mount; then the mount is back."""
    hidden = place.base / "hidden"
    place.put("Show/a.mkv")
    swept: list[str] = []

    def walk_unmounted(root, rules, below=""):
        if not swept:
            swept.append("away")
            place.root.rename(hidden)
            place.root.mkdir()
        return walk(root, rules, below)

    def look_and_mount(path):
        root = look(path)
        if swept == ["away"]:
            swept.append("back")
            place.root.rmdir()
            hidden.rename(place.root)
        return root

    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(in_states(ledger, a="done"))
            monkeypatch.setattr("izumi.publishers.acquisition.folder.walk", walk_unmounted)
            monkeypatch.setattr(roots, "look", look_and_mount)
            await until(lambda: _is_back(swept))
            place.put("Show/b.mkv", matroska(seed=2))
            await until(in_states(ledger, b="done"))
    assert not [entry for entry in logs if entry["event"] == "files.gone"]


async def _is_back(swept):
    return "back" in swept


async def test_a_root_deleted_and_made_anew_is_watched_again(place):
    place.host["sweep_s"] = 1.0
    async with place.running() as ledger:
        await until(lambda: _online(place))
        inode = place.root.stat().st_ino
        place.root.rmdir()
        await until(lambda: _trouble(place))
        place.root.mkdir()
        assert inode
        place.put("Deep/a.mkv")
        await until(in_states(ledger, a="done"))


async def test_another_folder_in_the_place_of_the_root_is_the_one_that_is_watched(place):
    place.host["sweep_s"] = 3600.0
    async with place.running() as ledger:
        await until(lambda: _online(place))
        place.root.rename(place.base / "aside")
        place.root.mkdir()
        place.put("a.mkv", matroska(seed=1))
        await until(in_states(ledger, a="done"))
        place.put("b.mkv", matroska(seed=2))
        await until(in_states(ledger, b="done"))


async def test_a_folder_deleted_and_made_again_at_once_is_watched_again(place):
    place.host["sweep_s"] = 3600.0
    (place.root / "Show").mkdir()
    async with place.running() as ledger:
        await until(lambda: _online(place))
        (place.root / "Show").rmdir()
        place.put("Show/a.mkv", matroska(seed=1))
        await until(in_states(ledger, a="done"))
        place.put("Show/b.mkv", matroska(seed=2))
        await until(in_states(ledger, b="done"))


async def test_another_device_in_the_place_of_the_root_is_an_alarm_until_somebody_says_yes(place):
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        before = await ledger.root(str(place.root))
    async with await Ledger.own(place.state) as ledger:
        await ledger.take_in(str(place.root), Walk([], [], [], {"": "x"}), whole=False)
        await _renumber(ledger, place.root, before)
    shutil.rmtree(place.root / "Show")
    async with place.running() as ledger:
        await until(lambda: _trouble(place))
        assert "is its disk mounted" in place.trouble()
        place.put("b.mkv")
        await ledger.mailbox.ask([str(place.root)])
        await until(in_states(ledger, b="done"))
        await until(lambda: _no_trouble(place))


async def _no_trouble(place):
    return place.trouble() == ""


async def _renumber(ledger, root, before):
    """As if the folder had been on another device at its last sweep."""
    await ledger.believe(str(root), before._replace(device=before.device + 1))


async def test_folders_that_cannot_be_watched_are_swept_more_often_and_that_is_told(place):
    def refuse(folders, stop):
        raise OSError("OS file watch limit reached.")

    place.options["opening"] = refuse
    place.host |= {"sweep_s": 3600.0, "polled_sweep_s": 0.3}
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(lambda: _polled(place))
            place.put("a.mkv")
            await until(in_states(ledger, a="done"))
    assert [e["event"] for e in logs if e["event"] == "folder.unwatched"] == ["folder.unwatched"]


async def _polled(place):
    (folder,) = (await place.health()).folders
    return "fs.inotify.max_user_watches" in folder.reason


async def test_a_burst_of_thousands_of_files_is_found_whole_while_it_comes(place):
    place.watch |= {"quiet_s": 3600.0, "destinations": ("a",)}
    async with place.running() as ledger:
        await until(lambda: _online(place))
        await asyncio.to_thread(_burst, place.root, 4000)
        await until(lambda: _count(ledger, "settling", 4000))


async def test_a_burst_of_files_is_taken_whole(place):
    place.host["jobs"] = 8
    place.watch["destinations"] = ("a",)
    _burst(place.root, 300)
    async with place.running() as ledger:
        await until(lambda: _count(ledger, "done", 300))
    assert len(await place.facts()) == 300
    assert len(place.stored()) == 300


def _burst(root, files):
    for number in range(files):
        folder = root / f"s{number % 40}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.mkv").write_bytes(matroska(64, seed=number, clusters=1))


async def test_urgent_folders_come_first(tmp_path):
    place = Place(tmp_path, priority="high")
    place.put("a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    (fact,) = await place.facts()
    assert fact.priority == "high"


async def test_progress_of_uploads_is_told(place):
    place.store.gate = asyncio.Event()
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await place.store.waiting.wait()
        told = await until(lambda: place.bus.latest("izumi.progress.>"))
        message = msgspec.json.decode(told[0].data, type=events.Progress)
        assert (message.step, message.name) == ("uploading", "Show/a.mkv")
        place.store.gate.set()
        await until(in_states(ledger, a="done"))


async def test_stopping_finishes_what_is_in_hand_and_starts_nothing_new(place):
    place.store.gate = asyncio.Event()
    place.host["jobs"] = 1
    place.put("Show/a.mkv", matroska(seed=1))
    async with await Ledger.own(place.state) as ledger:
        stopping = asyncio.Event()
        run = asyncio.create_task(place.unit(ledger).run(stopping))
        await place.store.waiting.wait()
        place.put("Show/b.mkv", matroska(seed=2))
        stopping.set()
        await asyncio.sleep(0)
        place.store.gate.set()
        await asyncio.wait_for(run, 30)
        assert await in_states(ledger, a="done")()
    assert len(await place.facts()) == 1


async def test_hurry_lets_go_and_the_next_life_finishes(place):
    place.store.gate = asyncio.Event()
    place.put("Show/a.mkv")
    async with await Ledger.own(place.state) as ledger:
        stopping, hurry = asyncio.Event(), asyncio.Event()
        run = asyncio.create_task(place.unit(ledger).run(stopping, hurry))
        await place.store.waiting.wait()
        stopping.set()
        hurry.set()
        await asyncio.wait_for(run, 30)
        assert await in_states(ledger, a="staged")()
    assert place.stored() == {}
    place.store.gate = None
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert len(await place.facts()) == 1


async def test_cancelling_ends_it_at_once_and_loses_nothing(place):
    place.store.gate = asyncio.Event()
    place.put("Show/a.mkv")
    async with await Ledger.own(place.state) as ledger:
        run = asyncio.create_task(place.unit(ledger).run(asyncio.Event()))
        await place.store.waiting.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(run, 30)
    place.store.gate = None
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert len(await place.facts()) == 1


async def test_a_ledger_that_cannot_be_written_delays_and_nothing_is_lost_or_doubled(
    place, monkeypatch
):
    full: set[str] = set()
    real = Database.write

    async def write(self, work):
        if full:
            raise NoSpace("database or disk is full")
        return await real(self, work)

    monkeypatch.setattr(Database, "write", write)
    monkeypatch.setattr("izumi.publishers.acquisition.folder._OFFLINE_S", 0.2)
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(lambda: _online(place))
            full.add("disk")
            place.put("Show/a.mkv", matroska(seed=1))
            await until(lambda: _logged(logs, "acquisition.ledger_away"))
            full.clear()
            await until(in_states(ledger, a="done"))
            place.store.gate = asyncio.Event()
            place.put("Show/b.mkv", matroska(seed=2))
            await place.store.waiting.wait()
            full.add("disk")
            place.store.gate.set()
            await asyncio.sleep(0.3)  # the upload ends, and cannot be written down
            full.clear()
            await until(in_states(ledger, b="done"))
    assert len(await place.facts()) == 2
    assert set(place.store.puts.values()) == {1}


async def _logged(logs, event):
    return any(entry["event"] == event for entry in logs)


async def test_a_file_that_grows_for_ever_is_listed_with_the_reason_and_told_once(place):
    place.host["stuck_after_s"] = 0.5
    place.watch["quiet_s"] = 0.4
    data = matroska(1 << 20, clusters=1)
    with capture_logs() as logs:
        async with place.running() as ledger:
            with (place.root / "a.mkv").open("wb") as file:
                for at in range(0, len(data), 8192):
                    file.write(data[at : at + 8192])
                    file.flush()
                    if await _waits(ledger, "is still changing"):
                        break
                    await asyncio.sleep(0.05)
            assert await _waits(ledger, "is still changing")
    assert len([entry for entry in logs if entry["event"] == "file.restless"]) == 1
    assert await place.facts() == []


async def test_a_folder_that_cannot_be_listed_is_told_once_and_its_files_are_not_gone(place):
    deep = "/".join("d" * 70)
    place.put(f"{deep}/a.mkv")
    with capture_logs() as logs:
        async with place.running():
            swept = await until(lambda: _swept(place))
            await until(lambda: _swept_after(place, swept + 1.2))
    assert len([entry for entry in logs if entry["event"] == "folder.unlisted"]) == 1


async def test_a_file_renamed_while_it_settles_is_followed(place):
    place.watch["quiet_s"] = 1.0
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="settling"))
        path.rename(place.root / "Show/b.mkv")
        await until(in_states(ledger, b="done"))
        assert len(await ledger.list()) == 1
    (fact,) = await place.facts()
    assert fact.file.key == "Show/b.mkv"


async def test_a_host_without_room_for_a_copy_waits_and_says_so(place, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(staging, "_SPARE_BYTES", 1 << 60)
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "no room for a copy"))
        monkeypatch.undo()
        await until(in_states(ledger, a="done"))


async def test_a_key_that_is_legal_nowhere_is_held(place):
    async def identify(name, folders, **_):
        raise BadKey("the name would be longer than any storage takes")

    place.names.identify = identify
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="held"))
    assert "longer than any storage" in (await place.holds())[0].reason


async def test_an_accident_with_one_file_is_told_and_the_others_go_on(place):
    real = place.names.identify

    async def identify(name, folders, **_):
        if name == "a.mkv":
            raise ZeroDivisionError("a bug")
        return await real(name, folders)

    place.names.identify = identify
    place.put("Show/a.mkv", matroska(seed=1))
    place.put("Show/b.mkv", matroska(seed=2))
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(in_states(ledger, b="done"))
            await until(lambda: _waits(ledger, "ZeroDivisionError: a bug"))
            place.names.identify = real
            await until(in_states(ledger, a="done"))
    assert any(entry["event"] == "file.crashed" for entry in logs)


def test_a_watch_folder_with_an_unknown_location_or_our_own_state_is_refused(place, tmp_path):
    place.watch["destinations"] = ("nowhere",)
    with pytest.raises(ConfigError, match=r"\[storage.nowhere\]"):
        place.unit(None)
    place.watch |= {"destinations": ("a",), "path": tmp_path}
    with pytest.raises(ConfigError, match="move it out"):
        place.unit(None)
