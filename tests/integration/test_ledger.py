"""The ledger of acquisition, on a real SQLite file."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from izumi.domain.errors import NoSpace, Unavailable, UserError
from izumi.domain.events import Episode
from izumi.domain.fix import Fix
from izumi.storage.database import Database, is_owned
from izumi.storage.entries import Found
from izumi.storage.items import signed, unsigned
from izumi.storage.ledger import FILE, Ledger, Overtaken
from izumi.storage.roots import Root
from izumi.storage.schema import STEPS
from izumi.storage.walk import Refused, Walk

ROOT = "/watch"
PROJECT = Path(__file__).parents[2]


def walked(*found, refused=(), failed=None):
    return Walk(list(found), list(refused), [""], failed or {})


def found(path="a.mkv", inode=1, size=10, mtime=0, device=5):
    return Found(path, device, inode, size, mtime)


@pytest.fixture
async def ledger(tmp_path):
    async with await Ledger.own(tmp_path / "state", now=lambda: 1000.0) as opened:
        yield opened


async def test_a_file_goes_through_its_states_and_is_there_after_a_restart(tmp_path):
    async with await Ledger.own(tmp_path) as ledger:
        (item,) = (await ledger.take_in(ROOT, walked(found()), whole=True)).todo
        assert (item.state, item.revision) == ("seen", 1)
        await ledger.settling([item.id])
        saved = await ledger.save(
            item,
            state="stored",
            key="Show/Show - 01.mkv",
            sub="softsub",
            episode=Episode(show="Show", number="01"),
            sha256="0" * 64,
            proved=("a", "b"),
        )
        name = await ledger.name()
    async with await Ledger.own(tmp_path) as ledger:
        assert await ledger.open_items() == [saved]
        assert await ledger.name() == name


async def test_a_sweep_without_changes_brings_nothing_to_do(ledger):
    await ledger.take_in(ROOT, walked(found()), whole=True)
    again = await ledger.take_in(ROOT, walked(found()), whole=True)
    assert (again.todo, again.refused, again.gone) == ([], [], 0)


async def test_refused_entries_are_told_once_and_listed_with_the_reason(ledger):
    pipe = Refused(found("pipe.mkv"), "is a FIFO")
    first = await ledger.take_in(ROOT, walked(refused=[pipe]), whole=True)
    assert first.refused == [("pipe.mkv", "is a FIFO")]
    touched = Refused(found("pipe.mkv", mtime=9), "is a FIFO")
    assert (await ledger.take_in(ROOT, walked(refused=[touched]), whole=True)).refused == []
    (row,) = await ledger.list()
    assert (row.label, row.reason, row.name) == ("ignored", "is a FIFO", "pipe.mkv")
    await ledger.take_in(ROOT, walked(), whole=True)
    assert await ledger.list() == []


async def test_what_another_content_overtook_cannot_be_written(ledger):
    (item,) = (await ledger.take_in(ROOT, walked(found()), whole=True)).todo
    ready = await ledger.save(item, state="ready", key="k", judged=True)
    (changed,) = (await ledger.take_in(ROOT, walked(found(size=11)), whole=True)).todo
    assert (changed.id, changed.state, changed.key, changed.judged) == (
        item.id,
        "settling",
        "",
        False,
    )
    with pytest.raises(Overtaken):
        await ledger.save(ready, state="identified")
    assert (await ledger.item(item.id)) == changed


async def test_a_done_file_that_changes_gets_a_second_row(ledger):
    (item,) = (await ledger.take_in(ROOT, walked(found()), whole=True)).todo
    await ledger.save(item, state="done")
    (second,) = (await ledger.take_in(ROOT, walked(found(size=11)), whole=True)).todo
    assert (second.id != item.id, second.revision, second.state) == (True, 2, "seen")


async def test_the_content_that_has_a_row_of_its_own_is_not_given_to_another(ledger):
    await ledger.take_in(ROOT, walked(found("a.mkv"), found("b.mkv", inode=2)), whole=True)
    second, first = await ledger.list()
    assert await ledger.changed(first, found("b.mkv", inode=2)) is None
    moved = await ledger.changed(first, found("a.mkv", size=99))
    assert moved is not None
    assert (moved.size, moved.state) == (99, "settling")
    assert (await ledger.item(second.id)) == second


async def test_a_file_that_left_is_gone_and_goes_on_where_it_stood_when_it_is_back(ledger):
    (item,) = (await ledger.take_in(ROOT, walked(found()), whole=True)).todo
    await ledger.save(item, state="ready")
    assert (await ledger.take_in(ROOT, walked(), whole=True)).gone == 1
    assert (await ledger.counts()) == {"gone": 1}
    assert await ledger.open_items() == []
    (back,) = (await ledger.take_in(ROOT, walked(found()), whole=True)).todo
    assert (back.id, back.state, back.gone) == (item.id, "ready", False)


async def test_a_file_in_hand_stays_open_when_it_leaves_its_folder(ledger):
    (item,) = (await ledger.take_in(ROOT, walked(found()), whole=True)).todo
    await ledger.save(item, state="staged")
    await ledger.take_in(ROOT, walked(), whole=True)
    assert [one.state for one in await ledger.open_items()] == ["staged"]
    assert await ledger.forget(-1.0) == 0


async def test_what_left_long_ago_is_forgotten(ledger):
    await ledger.take_in(ROOT, walked(found()), whole=True)
    await ledger.take_in(ROOT, walked(), whole=True)
    assert await ledger.forget(1.0) == 0
    assert await ledger.forget(-1.0) == 1
    assert await ledger.list() == []


async def test_a_watch_folder_on_a_renumbered_device_keeps_its_files(ledger):
    await ledger.believe(ROOT, Root(5, 1))
    await ledger.take_in(ROOT, walked(found()), whole=True)
    assert await ledger.sample(ROOT) == (1, [found()])
    await ledger.believe(ROOT, Root(6, 1))
    assert await ledger.root(ROOT) == Root(6, 1)
    again = await ledger.take_in(ROOT, walked(found(device=6)), whole=True)
    assert (again.todo, again.gone) == ([], 0)
    await ledger.disbelieve(ROOT)
    assert await ledger.root(ROOT) is None


async def test_names_and_numbers_that_sqlite_does_not_know_survive(ledger):
    odd = found("\udcff/\n.mkv", inode=2**64 - 1, device=2**63)
    (item,) = (await ledger.take_in(ROOT, walked(odd), whole=True)).todo
    assert (item.path, item.inode, item.device) == (odd.path, odd.inode, odd.device)
    assert item.name == "\\xff/\n.mkv"
    assert [unsigned(signed(n)) for n in (0, 2**63 - 1, 2**63, 2**64 - 1)] == [
        *(0, 2**63 - 1, 2**63, 2**64 - 1)
    ]


async def test_tokens_of_uploads_are_kept_until_they_are_swept(ledger):
    one, two = (
        await ledger.take_in(ROOT, walked(found(), found("b.mkv", inode=2)), whole=True)
    ).todo
    await ledger.uploading(one, "t1")
    await ledger.uploading(two, "t2")
    assert await ledger.tokens() == {"t1", "t2"}
    assert await ledger.tokens(one) == {"t1"}
    await ledger.swept(["t1"])
    assert await ledger.tokens() == {"t2"}


async def test_a_ledger_has_one_owner_and_any_number_of_visitors(tmp_path):
    assert not Ledger.owned(tmp_path)
    with pytest.raises(UserError, match="never ran"):
        await Ledger.visit(tmp_path)
    async with await Ledger.own(tmp_path) as owner:
        assert Ledger.owned(tmp_path)
        with pytest.raises(UserError, match="in use by another process"):
            await Ledger.own(tmp_path)
        async with await Ledger.visit(tmp_path) as visitor:
            (number,) = await visitor.mailbox.ask(["/watch/a.mkv"])
            (request,) = await owner.mailbox.waiting()
            assert request.path == "/watch/a.mkv"
            assert not (await visitor.mailbox.answer(number)).taken
            met = (await owner.take_in(ROOT, walked(found()), whole=False)).met
            await owner.mailbox.take(request, met)
            answer = await visitor.mailbox.answer(number)
            assert [item.state for item in answer.items] == ["seen"]
            assert await owner.mailbox.waiting() == []
        await owner.aclose()
    assert not Ledger.owned(tmp_path)


async def test_a_killed_owner_leaves_what_it_wrote_and_no_lock(tmp_path):
    code = f"""
import asyncio, os, signal
from pathlib import Path
from izumi.storage.ledger import Ledger
from izumi.storage.entries import Found
from izumi.storage.walk import Walk
async def main():
    ledger = await Ledger.own(Path({str(tmp_path)!r}))
    await ledger.take_in("/watch", Walk([Found("a.mkv", 1, 2, 3, 4)], [], [""], {{}}), whole=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], cwd=PROJECT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    async with await Ledger.own(tmp_path) as ledger:
        assert [item.path for item in await ledger.open_items()] == ["a.mkv"]


async def test_a_cancelled_write_is_done_or_not_and_the_ledger_goes_on(ledger):
    for _ in range(20):
        task = asyncio.create_task(ledger.take_in(ROOT, walked(found()), whole=True))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(await ledger.list()) == 1


async def test_a_damaged_file_says_so_and_what_to_do(tmp_path):
    (tmp_path / FILE).write_bytes(b"this is no database at all" * 200)
    with pytest.raises(UserError, match="move it away"):
        await Ledger.own(tmp_path)
    assert not is_owned(tmp_path / FILE)


async def test_a_file_of_a_newer_version_is_not_touched(tmp_path):
    async with await Ledger.own(tmp_path):
        pass
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(UserError, match="version 99"):
        await Ledger.own(tmp_path)


async def test_an_older_file_is_brought_up_step_by_step_and_visitors_wait_for_that(tmp_path):
    file = tmp_path / "x.db"
    steps = ["CREATE TABLE a (b)", "ALTER TABLE a ADD COLUMN c DEFAULT 'new'"]
    old = Database(file, steps[:1], own=True)
    await old.write(lambda db: db.execute("INSERT INTO a VALUES ('kept')"))
    await old.aclose()
    with pytest.raises(UserError, match="has version 1"):
        Database(file, steps, own=False)
    new = Database(file, steps, own=True)
    assert [
        tuple(row) for row in await new.read(lambda db: db.execute("SELECT * FROM a").fetchall())
    ] == [("kept", "new")]
    await new.aclose()


async def test_a_ledger_of_the_first_version_keeps_its_files_and_asks_about_none(tmp_path):
    old = Database(tmp_path / FILE, STEPS[:1], own=True)
    insert = (
        "INSERT INTO item (root, path, device, inode, size, mtime_ns, revision, state, since,"
        " held_at) VALUES (x'61', x'62', 1, 2, 3, 4, 1, 'held', 0, 'identify')"
    )
    await old.write(lambda db: db.execute(insert))
    await old.aclose()
    async with await Ledger.own(tmp_path) as ledger:
        (item,) = await ledger.list()
        assert (item.state, item.hold, item.fix, item.approved) == ("held", "", None, False)
        assert await ledger.asked() == []


async def test_a_rejected_file_that_left_is_kept_until_its_hold_is_closed(tmp_path):
    async with await Ledger.own(tmp_path) as ledger:
        taken = await ledger.take_in(ROOT, walked(found()), whole=False)
        item = await ledger.save(taken.todo[0], state="ignored", hold="h", fix=Fix(show="A"))
        await ledger.take_in(ROOT, walked(), whole=True)
        assert [one.fix for one in await ledger.asked()] == [Fix(show="A")]
        assert await ledger.forget(-1) == 0
        await ledger.closed(item)
        assert await ledger.asked() == []
        assert await ledger.forget(-1) == 1


async def test_a_visitor_waits_for_an_owner_that_is_just_making_the_tables(tmp_path):
    file = tmp_path / "x.db"
    owner = Database(file, [], own=True)
    visiting = asyncio.create_task(
        asyncio.to_thread(Database, file, ["CREATE TABLE a (b)"], own=False)
    )
    await asyncio.sleep(0.1)  # it must not give up meanwhile
    assert not visiting.done()
    await owner.write(lambda db: db.execute("CREATE TABLE a (b)"))
    await owner.write(lambda db: db.execute("PRAGMA user_version = 1"))
    visitor = await visiting
    await visitor.aclose()
    await owner.aclose()


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "x.db"
    with pytest.raises(Unavailable, match="syntax"):
        Database(file, ["CREATE TABLE a (b); NONSENSE"], own=True)
    db = Database(file, ["CREATE TABLE a (b)"], own=True)
    await db.aclose()


async def test_a_full_disk_is_no_space_and_not_a_crash(tmp_path):
    db = Database(tmp_path / "x.db", ["CREATE TABLE a (b)"], own=True)
    await db.write(lambda db: db.execute("PRAGMA max_page_count = 3"))
    with pytest.raises(NoSpace):
        await db.write(lambda db: db.execute("INSERT INTO a VALUES (zeroblob(100000))"))
    assert await db.read(lambda db: db.execute("SELECT count(*) FROM a").fetchone()[0]) == 0
    await db.aclose()


async def test_folders_are_made_for_the_owner_alone(tmp_path):
    async with await Ledger.own(tmp_path / "deep/state"):
        assert (tmp_path / "deep/state").stat().st_mode & 0o077 == 0


async def test_what_is_brought_meanwhile_stays_whoever_writes_the_state(ledger):
    (item,) = (await ledger.take_in(ROOT, walked(found()), whole=True)).todo
    await ledger.brought(item, "a")
    await ledger.brought(item, "a")
    stored = await ledger.save(item, state="stored")
    assert stored.proved == ("a",)
    published = await ledger.save(item, state="published", owed=("b", "c"))
    await ledger.brought(item, "b")
    await ledger.owing(item, "c is away")
    assert (await ledger.save(published, reason="c is away")).proved == ("a", "b")
    now = await ledger.paid(item, "b", "c is away")
    assert now is not None
    assert (now.state, now.owed, now.proved) == ("published", ("c",), ("a", "b"))
    await ledger.paid(item, "c", "")
    await ledger.owing(item, "too late")
    (now,) = await ledger.list()
    assert (now.owed, now.reason) == ((), "")


async def test_a_ledger_of_the_version_before_is_brought_up_to_date(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as db:
        for number, step in enumerate(STEPS[:-1], 1):
            db.executescript(f"{step}; PRAGMA user_version = {number};")
        db.execute(
            "INSERT INTO item (root, path, device, inode, size, mtime_ns, revision, state, since,"
            " proved) VALUES (x'2f77', x'61', 1, 2, 3, 4, 1, 'published', 0, 'a')"
        )
    async with await Ledger.own(tmp_path) as ledger:
        (item,) = await ledger.open_items()
        assert (item.proved, item.owed) == (("a",), ())
        assert await ledger.trash.of(item) is None
