"""What becomes of sources: kept, deleted, put into a trash, or moved."""

import datetime as dt
import errno
import hashlib
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from izumi import failpoints
from izumi.failpoints import FailpointHit
from izumi.publishers.acquisition.removal import Removal
from izumi.storage import relocate, trash
from izumi.storage.entries import Found
from izumi.storage.ports import Location
from izumi.storage.relocate import Taken
from izumi.storage.settle import Changed, look
from izumi.storage.staging import Cancelled
from tests.support.acquiring import Place, in_states, until
from tests.support.containers import matroska

SHA256 = "0" * 64
TOKEN = "t"  # noqa: S105 - of a temporary name
OTHER = Path("/dev/shm")  # noqa: S108 - a file system of its own on every Linux
WATCHES: dict[str, dict[str, Any]] = {
    "delete": {"source": "delete"},
    "trash": {"source": "trash", "trash_days": 1},
    "move": {"source": "move"},
}


@pytest.fixture(params=["here", "other file system"])
def shelf(request, tmp_path):
    """A folder to move to, on the file system of the watch folder and on another one."""
    if request.param == "here":
        (tmp_path / "shelf").mkdir()
        yield tmp_path / "shelf"
        return
    if not OTHER.is_dir() or OTHER.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second file system to write to")
    with tempfile.TemporaryDirectory(dir=OTHER) as made:
        yield Path(made)


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.arm("")


def move_to(tmp_path, shelf, **watch):
    return Place(tmp_path, source="move", move_to=shelf, **watch)


def files(folder):
    """Everything below a folder, with its content."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


async def reasons(ledger):
    return [item.reason for item in await ledger.list()]


async def test_move_keeps_the_layout_and_touches_nothing_else(tmp_path, shelf):
    place = move_to(tmp_path, shelf, remove_empty_folders=True)
    data = place.put("Show/Season 1/a.mkv").read_bytes()
    place.put("Other/b.mkv", matroska(seed=5))
    for name in ("a.nfo", "a.ass", "a.mkv.sha256"):
        (place.root / "Show/Season 1" / name).write_text("mine")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done", b="done"))
    assert files(shelf) == {"Show/Season 1/a.mkv": data, "Other/b.mkv": matroska(seed=5)}
    assert [path.name for path in (place.root / "Show/Season 1").iterdir()] != []
    assert len(files(place.root)) == 3
    assert not (place.root / "Other").exists()
    assert len(await place.facts()) == 2


async def test_move_waits_for_the_last_upload(tmp_path, shelf):
    place = move_to(tmp_path, shelf)
    path = place.put("Show/a.mkv")
    place.store.down.add("b")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "b does not answer"))
        assert path.exists()
        assert files(shelf) == {}
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
    assert not path.exists()
    assert len(files(shelf)) == 1


async def _waits(ledger, reason):
    return any(reason in one for one in await reasons(ledger))


async def test_move_overwrites_nothing_and_says_so(tmp_path, shelf):
    place = move_to(tmp_path, shelf)
    path = place.put("Show/a.mkv")
    (shelf / "Show").mkdir()
    (shelf / "Show/a.mkv").write_text("something else")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        assert await reasons(ledger) == [
            f"kept where it is: {shelf}/Show/a.mkv: something else lies there"
        ]
    assert path.exists()
    assert files(shelf) == {"Show/a.mkv": b"something else"}


async def test_move_is_done_where_the_same_content_lies_already(tmp_path, shelf):
    place = move_to(tmp_path, shelf)
    path = place.put("Show/a.mkv")
    (shelf / "Show").mkdir()
    shutil.copyfile(path, shelf / "Show/a.mkv")
    data = path.read_bytes()
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert not path.exists()
    assert files(shelf) == {"Show/a.mkv": data}


async def test_a_folder_to_move_to_that_is_the_watch_folder_itself_costs_no_file(tmp_path):
    (tmp_path / "shelf").symlink_to(tmp_path / "watch")
    place = move_to(tmp_path, tmp_path / "shelf")
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        assert await _waits(ledger, "it is the folder that the file lies in")
    assert [path] == [found for found in place.root.rglob("*") if found.is_file()]


@pytest.mark.parametrize("source", ["delete", "trash", "move"])
async def test_a_source_that_is_the_stored_file_itself_is_kept(tmp_path, source):
    """A location that lies in the watch folder: the file is there before anything was sent."""
    place = _with_policy(tmp_path, source, destinations=("a",))
    place.locations["a"] = Location(name="a", remote=str(place.root), softsub="")
    place.store.root = tmp_path
    (tmp_path / "a").rmdir()
    (tmp_path / "a").symlink_to(place.root)
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        assert await reasons(ledger) == ["kept where it is: it is itself the file of a"]
    assert path.exists()


async def test_move_to_a_folder_that_is_not_there_waits_until_it_is(tmp_path):
    place = move_to(tmp_path, tmp_path / "later")
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "later is not there"))
        assert path.exists()
        assert not (tmp_path / "later").exists()
        (tmp_path / "later").mkdir()
        await until(in_states(ledger, a="done"))
    assert len(files(tmp_path / "later")) == 1


async def test_a_hard_linked_source_loses_one_name_and_the_others_stay(tmp_path, shelf):
    place = move_to(tmp_path, shelf)
    path = place.put("Show/a.mkv")
    seeding = tmp_path / "seeding.mkv"
    os.link(path, seeding)
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert not path.exists()
    assert seeding.read_bytes() == files(shelf)["Show/a.mkv"]


@pytest.mark.parametrize("source", ["delete", "trash", "move"])
async def test_a_folder_that_cannot_be_written_is_told_and_done_once_it_can(
    tmp_path, monkeypatch, source
):
    place = _with_policy(tmp_path, source)
    path = place.put("Show/a.mkv")
    name = "delete" if source == "delete" else "move"
    real = getattr(relocate, name)

    def refuse(*_, **__):
        # The tests may run as root, whom no mode of a folder keeps out.
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(relocate, name, refuse)
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "Permission denied"))
        assert path.exists()
        monkeypatch.setattr(relocate, name, real)
        await until(in_states(ledger, a="done"))
        assert await reasons(ledger) == [""]
    assert not path.exists()


def _with_policy(tmp_path, source, **watch):
    (tmp_path / "shelf").mkdir()
    more = {"move_to": tmp_path / "shelf"} if source == "move" else {}
    return Place(tmp_path, **WATCHES[source], **more, **watch)


@pytest.mark.parametrize("source", ["delete", "trash", "move"])
@pytest.mark.parametrize("what", ["replaced", "appended", "touched", "file gone", "folder gone"])
async def test_a_source_that_is_not_the_same_any_more_is_left_alone(
    tmp_path, monkeypatch, source, what
):
    place = _with_policy(tmp_path, source)
    path = place.put("Show/a.mkv")
    carry_out = Removal.carry_out
    left: list[dict[str, bytes]] = []

    async def late(removal, item, watch):
        if not left:
            _change(place, path, what)
            left.append(files(place.root))
        return await carry_out(removal, item, watch)

    monkeypatch.setattr(Removal, "carry_out", late)
    async with place.running() as ledger:
        await until(lambda: _is(ledger, 1, "done"))
        assert files(place.root).items() >= left[0].items()
    assert not files(tmp_path / "shelf")


def _change(place, path, what):
    if what == "replaced":
        place.put("Show/a.mkv", matroska(seed=9))
    elif what == "appended":
        with path.open("ab") as file:
            file.write(b"more")
    elif what == "touched":
        os.utime(path, ns=(7, 7))
    elif what == "file gone":
        path.unlink()
    else:
        shutil.rmtree(path.parent)


async def _is(ledger, id_, state):
    item = await ledger.item(id_)
    return item is not None and item.state == state


@pytest.mark.parametrize("source", ["delete", "trash", "move"])
async def test_without_being_asked_no_empty_folder_is_removed(tmp_path, source):
    place = _with_policy(tmp_path, source)
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert not path.exists()
    assert path.parent.is_dir()


async def test_the_trash_keeps_a_file_for_its_days_and_then_only_that_goes(tmp_path):
    clock = [dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)]
    place = Place(tmp_path, source="trash", trash_days=3, remove_empty_folders=True)
    place.options["now"] = lambda: clock[0]
    data = place.put("Show/a.mkv").read_bytes()
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    there = ".izumi-trash/2026-01-02/Show/a.mkv"
    assert files(place.root) == {there: data}
    assert not (place.root / "Show").exists()
    (place.root / ".izumi-trash/2026-01-02/Show/mine.mkv").write_bytes(matroska(seed=4))
    clock[0] += dt.timedelta(days=2.9)
    async with place.running() as ledger:
        await until(lambda: _swept(place))
        assert there in files(place.root)
    clock[0] += dt.timedelta(days=0.2)
    async with place.running() as ledger:
        await until(lambda: _untrashed(ledger))
    assert [*files(place.root)] == [".izumi-trash/2026-01-02/Show/mine.mkv"]
    assert len(await place.facts()) == 1


async def _swept(place):
    (folder,) = (await place.health()).folders
    return folder.swept_at is not None


async def _untrashed(ledger):
    return not await ledger.trash.due(1e12)


async def test_an_emptied_trash_leaves_no_folder_behind(tmp_path):
    clock = [dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)]
    place = Place(tmp_path, source="trash", trash_days=1)
    place.options["now"] = lambda: clock[0]
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    clock[0] += dt.timedelta(days=2)
    failpoints.arm("acquisition.after_trash_removed=sleep:0.01")
    async with place.running() as ledger:
        await until(lambda: _untrashed(ledger))
    assert [path.name for path in place.root.iterdir()] == ["Show"]


async def test_what_was_taken_out_of_the_trash_or_changed_there_is_left_alone(tmp_path):
    clock = [dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)]
    place = Place(tmp_path, source="trash", trash_days=1)
    place.options["now"] = lambda: clock[0]
    back, changed = place.put("back.mkv"), place.put("changed.mkv", matroska(seed=3))
    async with place.running() as ledger:
        await until(in_states(ledger, back="done", changed="done"))
    day = place.root / ".izumi-trash/2026-01-02"
    (day / "back.mkv").rename(back)
    (day / "changed.mkv").write_text("mine now")
    clock[0] += dt.timedelta(days=2)
    async with place.running() as ledger:
        await until(lambda: _untrashed(ledger))
        await until(lambda: _swept(place))
    assert back.exists()
    assert not changed.exists()
    assert (day / "changed.mkv").read_text() == "mine now"
    assert len(await place.facts()) == 2


async def test_a_trash_whose_watch_folder_is_away_is_emptied_when_it_is_back(tmp_path):
    clock = [dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)]
    place = Place(tmp_path, source="trash", trash_days=1)
    place.options["now"] = lambda: clock[0]
    place.put("a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    clock[0] += dt.timedelta(days=2)
    place.root.rename(tmp_path / "away")
    async with place.running() as ledger:
        await until(lambda: _offline(place))
        assert not await _untrashed(ledger)
    (tmp_path / "away").rename(place.root)
    async with place.running() as ledger:
        await until(lambda: _untrashed(ledger))
    assert files(place.root) == {}


async def _offline(place):
    return "watch" in place.trouble()


async def test_of_two_files_of_one_name_in_a_day_both_are_in_the_trash(tmp_path):
    place = Place(tmp_path, source="trash")
    place.put("Show/a.mkv", matroska(seed=1))
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        for name in ("a", "b"):
            shutil.rmtree(tmp_path / name / "Airing")
        place.put("Show/a.mkv", matroska(seed=2))
        await until(lambda: _all(ledger, 2))
    assert sorted(files(place.root).values()) == sorted(matroska(seed=n) for n in (1, 2))
    assert all(name.startswith(".izumi-trash/") for name in files(place.root))
    assert len(await place.facts()) == 2


async def _all(ledger, number):
    return (await ledger.counts()).get("done") == number


async def test_a_link_in_the_place_of_the_trash_is_not_followed(tmp_path):
    place = Place(tmp_path, source="trash")
    path = place.put("a.mkv")
    (tmp_path / "elsewhere").mkdir()
    (place.root / ".izumi-trash").symlink_to(tmp_path / "elsewhere")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "cannot be put into the trash"))
    assert path.exists()
    assert files(tmp_path / "elsewhere") == {}


async def test_two_hosts_that_share_a_folder_move_each_file_once(tmp_path, shelf):
    place, other = (move_to(tmp_path, shelf) for _ in range(2))
    other.bus, other.store, other.state = place.bus, place.store, tmp_path / "other"
    wanted = {}
    for number in range(12):
        wanted[f"Show/{number}.mkv"] = matroska(seed=number)
        place.put(f"Show/{number}.mkv", matroska(seed=number))
    async with place.running(), other.running():
        await until(lambda: _empty(place.root))
        await until(lambda: _holds(shelf, wanted))
    assert len(await place.facts()) == 12


async def _empty(folder):
    return not files(folder)


async def _holds(folder, wanted):
    return files(folder) == wanted


# What one move does, step by step.


def found(root, path):
    seen = look(root, path)
    assert seen is not None
    return seen.found(path)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def move(root, one, shelf, of, stop=None):
    stop = stop or threading.Event()
    return relocate.move(root, one, shelf, one.path, sha256=of, token=TOKEN, stop=stop)


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "root"
    (root / "Show").mkdir(parents=True)
    (root / "Show/a.mkv").write_bytes(b"content" * 1000)
    return root


def test_a_move_that_died_between_both_names_is_finished(source, shelf):
    one, of = found(source, "Show/a.mkv"), sha256(source / "Show/a.mkv")
    failpoints.arm("acquisition.after_source_placed=raise")
    with pytest.raises(FailpointHit):
        move(source, one, shelf, of)
    assert len(files(source)) == len(files(shelf)) == 1
    assert move(source, one, shelf, of)
    assert files(source) == {}
    assert files(shelf) == {"Show/a.mkv": b"content" * 1000}


def test_a_copy_that_does_not_read_back_or_is_stopped_leaves_nothing(source, tmp_path, monkeypatch):
    (tmp_path / "shelf").mkdir()
    monkeypatch.setattr(relocate, "_second_name", _only_within_a_folder(relocate._second_name))
    one, of = found(source, "Show/a.mkv"), sha256(source / "Show/a.mkv")
    with pytest.raises(Changed):
        move(source, one, tmp_path / "shelf", SHA256)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        move(source, one, tmp_path / "shelf", of, stop)
    assert files(tmp_path / "shelf") == {}
    assert len(files(source)) == 1
    failpoints.arm("acquisition.after_source_copied=raise")
    with pytest.raises(FailpointHit):
        move(source, one, tmp_path / "shelf", of)
    assert move(source, one, tmp_path / "shelf", of)
    assert [*files(tmp_path / "shelf")] == ["Show/a.mkv"]
    moved = (tmp_path / "shelf/Show/a.mkv").stat()
    assert (moved.st_mtime_ns, moved.st_ino) != (one.mtime_ns, one.inode)
    assert moved.st_mtime_ns == one.mtime_ns


def _only_within_a_folder(real):
    """As between two file systems."""

    def second_name(here, old, there, name):
        if os.fstat(here).st_ino != os.fstat(there).st_ino:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(here, old, there, name)

    return second_name


@pytest.mark.parametrize("taken", [False, True])
def test_where_no_links_can_be_made_a_file_is_renamed_and_overwrites_nothing(
    source, tmp_path, monkeypatch, taken
):
    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    shelf = tmp_path / "shelf"
    (shelf / "Show").mkdir(parents=True)
    one, of = found(source, "Show/a.mkv"), sha256(source / "Show/a.mkv")
    if taken:
        (shelf / "Show/a.mkv").write_text("other")
        with pytest.raises(Taken):
            move(source, one, shelf, of)
        assert files(shelf) == {"Show/a.mkv": b"other"}
        assert len(files(source)) == 1
        return
    assert move(source, one, shelf, of)
    assert files(source) == {}
    assert len(files(shelf)) == 1


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_is_replaced_under_the_move_keeps_its_name(
    source, tmp_path, monkeypatch, links
):
    """Between the look and the new name; nothing can close that gap, but it can be undone."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    one, of = found(source, "Show/a.mkv"), sha256(source / "Show/a.mkv")
    (source / "new").write_bytes(b"newer")
    real = os.link

    def late(*args, **kwargs):
        if (source / "new").exists():
            (source / "new").rename(source / "Show/a.mkv")
        if not links:
            raise OSError(errno.EPERM, "Operation not permitted")
        return real(*args, **kwargs)

    monkeypatch.setattr(os, "link", late)
    assert not move(source, one, shelf, of)
    assert files(source) == {"Show/a.mkv": b"newer"}
    assert files(shelf) == {}


def test_a_path_in_the_trash_that_is_taken_gives_way_to_the_next(tmp_path):
    for folder in ("2026-01-02", "2026-01-02-2"):
        (tmp_path / ".izumi-trash" / folder / "Show").mkdir(parents=True)
        (tmp_path / ".izumi-trash" / folder / "Show/a.mkv").touch()
    free = trash.free_path(tmp_path, "Show/a.mkv", "2026-01-02")
    assert free == ".izumi-trash/2026-01-02-3/Show/a.mkv"


def test_delete_of_a_folder_that_vanished_is_no_failure(tmp_path):
    assert not relocate.delete(tmp_path, Found("Show/a.mkv", 1, 2, 3, 4))
