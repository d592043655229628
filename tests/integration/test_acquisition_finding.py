"""What lies in a watch folder is found, whole, whatever the system tells of it; and no other."""

import asyncio
import os
from functools import partial

import pytest
from structlog.testing import capture_logs

from izumi.publishers.acquisition import exit_code
from izumi.publishers.acquisition.command import acquire
from izumi.storage.events import open_watch
from tests.support.acquiring import Place, in_states, states, until
from tests.support.containers import matroska
from tests.support.nobody import NOBODY

BURST = int(os.environ.get("IZUMI_TEST_BURST", "2000"))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


async def test_a_queue_of_changes_that_overflows_loses_no_file(place):
    """The system keeps so many changes, and drops the others without a sign."""
    kept = 10

    def overflowing(folders, stop):
        left = kept
        for changes in open_watch(folders, stop):
            told = sorted(changes)[:left]
            left -= len(told)
            yield told

    place.options["opening"] = overflowing
    place.watch |= {"quiet_s": 3600.0}
    async with place.running() as ledger:
        await until(lambda: _mode(place, "events"))
        await asyncio.to_thread(_burst, place.root, BURST)
        ends = set()

        async def found():
            ends.add((await place.health()).folders[0].swept_at)
            return await _count(ledger, BURST)

        await until(found)
    # The one that was over before, the one that ran, and one more.
    assert len(ends) <= 3


async def test_a_folder_that_other_hosts_change_unseen_is_polled_by_itself(place, monkeypatch):
    watched = []

    def opening(folders, stop):
        watched.append(folders)
        yield from open_watch(folders, stop)

    monkeypatch.setattr("izumi.storage.roots.kind_at", lambda _: "fuse.sshfs")
    place.options["opening"] = opening
    place.host |= {"sweep_s": 3600.0, "polled_sweep_s": 0.2, "polled_quiet_s": 3600.0}
    async with place.running() as ledger:
        await until(lambda: _mode(place, "polled"))
        (health,) = (await place.health()).folders
        assert health.reason.startswith("fuse.sshfs")
        place.put("Show/a.mkv")
        await until(in_states(ledger, a="settling"))
        # Its own quiet time is shorter than a sweep; that of network mounts is not.
        for _ in range(2):
            before = (await place.health()).folders[0].swept_at
            await until(partial(_swept_after, place, before))
        assert await states(ledger) == {"Show/a.mkv": "settling"}
    assert watched == []


async def test_a_folder_is_not_swept_more_seldom_because_it_is_polled(place, monkeypatch):
    monkeypatch.setattr("izumi.storage.roots.kind_at", lambda _: "nfs4")
    place.host |= {"sweep_s": 0.2, "polled_sweep_s": 3600.0}
    async with place.running() as ledger:
        await until(lambda: _mode(place, "polled"))
        place.put("Show/a.mkv")
        await until(lambda: _count(ledger, 1))


@pytest.mark.parametrize("ending", [".part", ".!qB", ".aria2", ".crdownload"])
async def test_a_file_under_an_unfinished_name_is_taken_when_it_gets_its_own(place, ending):
    async with place.running() as ledger:
        unfinished = place.put(f"a.mkv{ending}", matroska(seed=1))
        place.put("b.mkv", matroska(seed=2))
        await until(in_states(ledger, b="done"))
        assert [*await states(ledger)] == ["b.mkv"]
        unfinished.rename(place.root / "a.mkv")
        await until(in_states(ledger, a="done"))
    assert len(await place.facts()) == 2


async def test_of_several_videos_in_a_folder_each_goes_its_own_way_and_siblings_are_untouched(
    tmp_path,
):
    place = Place(tmp_path, source="delete", remove_empty_folders=True)
    place.names.unsure.add("unsure.mkv")
    arriving = matroska(50_000, seed=3)
    left = {
        "unsure.mkv": matroska(seed=1),
        "cut.mkv": matroska(50_000, seed=2)[:20_000],
        "arriving.mkv.part": arriving,
        "whole.ass": b"subtitles",
        "whole.nfo": b"about",
    }
    for name, data in left.items():
        place.put(f"Show/{name}", data)
    async with place.running() as ledger:
        for number in range(3):
            place.put(f"Show/whole{number}.mkv", matroska(seed=10 + number))
        whole = {f"whole{number}": "done" for number in range(3)}
        await until(in_states(ledger, **whole, unsure="held"))
        there = {path.name: path.read_bytes() for path in (place.root / "Show").iterdir()}
        assert there == left
        (place.root / "Show/arriving.mkv.part").rename(place.root / "Show/arriving.mkv")
        await until(in_states(ledger, arriving="done"))
    assert len(await place.facts()) == 4
    assert (place.root / "Show").is_dir()


async def test_a_file_written_over_zeros_in_any_order_is_taken_when_all_of_it_is_there(place):
    """Full size from the first second, no hole, and nobody has it open between two pieces."""
    data = matroska(300_000, seed=5, clusters=6)
    path = place.root / "a.mkv"
    path.write_bytes(bytes(len(data)))
    size = 50_000
    pieces = [*range(size, len(data), size), 0]
    async with place.running() as ledger:
        for at in pieces:
            await until(lambda: _judged(ledger))
            assert await place.facts() == []
            with path.open("r+b") as file:
                file.seek(at)
                file.write(data[at : at + size])
        await until(in_states(ledger, a="done"))
    assert place.stored()["Airing/a/a.mkv"] == data


async def _judged(ledger):
    return any(item.judged for item in await ledger.list())


async def test_a_watch_folder_that_is_itself_a_link_is_swept_and_knows_its_files_by_both_paths(
    place,
):
    link = place.base / "link"
    link.symlink_to(place.root)
    place.watch |= {"path": link, "quiet_s": 3600.0}
    paths = [place.put(f"Show/{name}.mkv", matroska(seed=name)) for name in (1, 2)]
    async with place.running():
        asked = [paths[0], link / "Show/2.mkv"]
        outcomes = await acquire(asked, place.state, wait_s=60, make_unit=_nobody_else)
    assert [outcome.state for outcome in outcomes] == ["published", "published"]


@pytest.fixture
def given_away(monkeypatch):
    """Gives a file to another user; where only root could, says that it were so."""

    def give(path):
        if os.geteuid() == 0:
            os.chown(path, NOBODY, -1)
            return NOBODY
        uid = os.geteuid()
        monkeypatch.setattr("os.geteuid", lambda: uid + 1)
        monkeypatch.setattr("izumi.storage.walk.beside_owner", lambda rules, _: rules)
        monkeypatch.setattr(
            "izumi.publishers.acquisition.folder.beside_owner", lambda rules, _: rules
        )
        return uid

    return give


async def test_a_file_of_another_user_is_refused_in_one_line_until_he_is_named(place, given_away):
    uid = given_away(path := place.put("Show/a.mkv"))
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(in_states(ledger, a="ignored"))
            (outcome,) = await acquire([path], place.state, wait_s=30, make_unit=_nobody_else)
            place.put("Show/note.txt")
    assert outcome.state == "failed"
    assert f"user {uid}" in outcome.reason
    assert "`owners`" in outcome.reason
    assert exit_code([outcome]) == 1
    assert len([entry for entry in logs if entry["event"] == "file.refused"]) == 1
    assert await place.facts() == []
    place.watch["owners"] = (uid,)
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))


async def test_whoever_owns_the_watch_folder_may_put_files_into_it(place):
    path = place.put("Show/a.mkv")
    if os.geteuid() == 0:
        os.chown(place.root, NOBODY, -1)
        os.chown(path, NOBODY, -1)
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))


async def test_everybody_may_be_allowed(place, given_away):
    given_away(place.put("Show/a.mkv"))
    place.watch["owners"] = ("*",)
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))


def _nobody_else(ledger):
    raise AssertionError("acquisition runs")


def _burst(root, files):
    for number in range(files):
        folder = root / f"s{number % 40}" / "deep"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.mkv").write_bytes(b"x")


async def _count(ledger, files):
    return sum((await ledger.counts()).values()) == files


async def _swept_after(place, at):
    return (await place.health()).folders[0].swept_at != at


async def _mode(place, mode):
    (folder,) = (await place.health()).folders
    return folder.mode == mode and folder.swept_at is not None
