"""What goes wrong while a library is changed: said, left whole, and mended by going on."""

import asyncio
import contextlib
import shutil

import pytest

from izumi.domain.errors import StorageUnavailable, UserError
from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from izumi.tools.requests import KINDS as SHELVES
from izumi.tools.requests import Request
from tests.support.library import SHOW, Keeper, contents, fill, hostile
from tests.support.remotes import KINDS, Place, Served, write_config

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOVE = Request(verb="move", show=SHOW)
FILES = [f"Airing/{SHOW}/{SHOW} - 0{number}.mkv" for number in range(1, 4)]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_came_to_lie_there_after_the_plan_is_not_touched(
    rclone, remotes, tmp_path, kind
):
    place = remotes.place(kind)
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, FILES)
    draft = await keeper.library.draft(MOVE)
    other = f"Premiered/{SHOW}/{SHOW} - 02.mkv"
    # As long as the file that is to go there, and as old: what rclone takes for the same.
    place.write(other, bytes(32))
    place.write(f"Airing/{SHOW}/{SHOW} - 03.mkv", b"a new version of it")
    place.write(f"Airing/{SHOW}/{SHOW} - 04.mkv", b"new")
    before = place.files()
    journal = keeper.library.begin(draft)
    assert not await keeper.library.carry(journal)
    place.changed()
    assert contents([place.files()]) == contents([before])
    assert place.files()[other] == bytes(32)
    assert place.files()[FILES[1]] == before[FILES[1]]
    assert f"Premiered/{SHOW}/{SHOW} - 01.mkv" in place.files()
    reasons = " ".join(journal.operation.places[kind].reasons.values())
    assert "something else lies at" in reasons
    assert "changed since it was listed" in reasons
    # Once a person has made room, it goes on.
    (place.folder / other).unlink()
    place.write(FILES[2], before[FILES[0]])
    place.changed()
    await keeper.library.carry(keeper.journals.again(keeper.journals.operations()[0]))
    assert place.files()[other] == before[FILES[1]]


async def test_nothing_is_changed_by_whatever_is_typed(rclone, remotes, tmp_path):
    place = remotes.place("local")
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, [*FILES, "Airing/Other/x.mkv", "Elsewhere/y.mkv", "top.mkv"])
    before = place.files()
    found = []
    for text in hostile()[:80]:
        try:
            found.append(await keeper.library.find(text, SHELVES))
        except UserError:
            continue
    assert set(found) <= {SHOW, "Other"}
    assert place.files() == before


async def test_a_typo_is_answered_with_what_may_be_meant(rclone, remotes, tmp_path):
    place = remotes.place("local")
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, [*FILES, "Premiered/2023/Inner Show/1.mkv"])
    with pytest.raises(UserError, match=f"did you mean '{SHOW}'"):
        await keeper.library.find("sousou no friren", SHELVES)
    assert await keeper.library.find("2023/Inner Show", SHELVES) == "2023/Inner Show"
    with pytest.raises(UserError, match="2023/Inner Show"):
        await keeper.library.find("2023/Iner Show", SHELVES)


async def test_a_location_that_is_away_stops_no_other_and_is_planned_later(
    rclone, remotes, tmp_path
):
    here, away = remotes.place("local", "here"), remotes.place("local", "away")
    keeper = Keeper(rclone, [here, away], tmp_path)
    for place in (here, away):
        fill(place, FILES)
    before = keeper.trees()
    gone = away.folder.with_name("unmounted")
    away.folder.rename(gone)
    draft = await keeper.library.draft(MOVE)
    assert list(draft.failed) == ["away"]
    assert "mount its disk" in draft.failed["away"]
    journal = keeper.library.begin(draft)
    assert not await keeper.library.carry(journal)
    assert all(path.startswith("Premiered/") for path in here.files())
    gone.rename(away.folder)
    operation = keeper.journals.find(draft.id)
    rest = await keeper.library.draft_rest(operation)
    assert list(rest.plans) == ["away"]
    again = keeper.journals.again(operation)
    again.planned(rest.plans["away"])
    assert await keeper.library.carry(again)
    assert contents(keeper.trees()) == contents(before)
    assert all(path.startswith("Premiered/") for path in away.files())


async def test_a_location_that_goes_away_in_between_is_gone_on_with(tmp_path, remotes):
    server = Served("webdav", tmp_path / "served")
    server.start()
    config = tmp_path / "rclone.conf"
    write_config(config, server.config("dav"))
    folder = server.bucket / "one"
    folder.mkdir()
    place = Place(Location(name="dav", remote="dav:library/one"), folder, server)
    settings = RcloneSettings(config=config, low_level_retries=1)
    try:
        async with Rclone(settings, state=tmp_path) as rclone:
            keeper = Keeper(rclone, [place], tmp_path)
            fill(place, FILES)
            before = place.files()
            journal = keeper.library.begin(await keeper.library.draft(MOVE))
            server.stop()
            assert not await keeper.library.carry(journal)
            assert journal.operation.places["dav"].failed
            with pytest.raises(StorageUnavailable):
                await keeper.library.find(SHOW, SHELVES)
            assert place.files() == before
            server.start()
            await keeper.resume()
            assert contents([place.files()]) == contents([before])
            assert all(path.startswith("Premiered/") for path in place.files())
    finally:
        server.stop()
        shutil.rmtree(tmp_path / "served")


async def test_an_undone_operation_is_undone_once_and_an_undo_can_be_undone(
    rclone, remotes, tmp_path
):
    place = remotes.place("local")
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, FILES)
    before = place.files()
    done = await keeper.do(MOVE)
    moved = place.files()
    back = await keeper.undo(done.id)
    with pytest.raises(UserError, match="was undone already"):
        await keeper.library.draft_undo(keeper.journals.find(done.id))
    assert place.files() == before
    await keeper.undo(back.id)
    assert place.files() == moved
    assert [one.state for one in keeper.journals.operations()] == ["done", "undone", "done"]


async def test_the_trash_is_emptied_of_what_has_waited_and_of_nothing_else(
    rclone, remotes, tmp_path
):
    place = remotes.place("local")
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, [*FILES, ".izumi-trash/20200101-000000000-aa/Airing/Old/1.mkv"])
    done = await keeper.do(Request(verb="delete", show=SHOW))
    draft = await keeper.library.draft_empty(30)
    assert await keeper.library.carry(keeper.library.begin(draft))
    assert sorted(place.files()) == [f".izumi-trash/{done.id}/{path}" for path in FILES]
    waiting, _ = await keeper.library.trash()
    assert {item.path.split("/")[1] for item in waiting["local"]} == {done.id}


async def test_what_is_being_taken_back_goes_back_and_not_on(rclone, remotes, tmp_path):
    place = remotes.place("local")
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, FILES)
    done = await keeper.do(MOVE)
    journal = keeper.library.begin(await keeper.library.draft_undo(keeper.journals.find(done.id)))
    back = journal.operation.id
    assert keeper.journals.taken_back_by(keeper.journals.find(done.id)) == back
    with pytest.raises(UserError, match=f"resume {back}"):
        await keeper.library.draft_undo(keeper.journals.find(done.id))
    assert await keeper.library.carry(journal)
    assert keeper.journals.find(done.id).state == "undone"


async def test_two_hosts_that_change_a_show_at_once_lose_nothing(remotes, tmp_path):
    place = remotes.place("webdav")
    fill(place, [f"Airing/{SHOW}/{number:02}.mkv" for number in range(60)])
    before = contents([place.files()])
    async with contextlib.AsyncExitStack() as stack:
        hosts = []
        for name in ("desk", "cellar"):
            state = tmp_path / name
            rclone = Rclone(remotes.settings(), state=state)
            hosts.append(Keeper(await stack.enter_async_context(rclone), [place], state))
        drafts = [await host.library.draft(MOVE) for host in hosts]
        journals = [host.library.begin(draft) for host, draft in zip(hosts, drafts, strict=True)]
        await asyncio.gather(
            *(host.library.carry(one) for host, one in zip(hosts, journals, strict=True))
        )
    place.changed()
    assert contents([place.files()]) == before
