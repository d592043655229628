"""`izumi acquire PATH...`, with and without acquisition running on the host."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from izumi.domain.errors import UserError
from izumi.publishers.acquisition import Outcome, acquire, exit_code
from izumi.storage.ledger import Ledger
from izumi.storage.mailbox import Bell, ring
from tests.support.acquiring import Place, in_states, until
from tests.support.containers import matroska


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path, quiet_s=3600.0)
    place.host["sweep_s"] = 3600.0
    return place


async def ask(place, *paths, wait_s=30.0):
    @contextlib.asynccontextmanager
    async def make_unit(ledger):
        yield place.unit(ledger)

    return await acquire(paths, place.state, wait_s=wait_s, make_unit=make_unit)


async def test_a_file_is_taken_at_once_without_its_quiet_time(place):
    async with place.running():
        path = place.put("Show/a.mkv")
        outcomes = await ask(place, path)
    assert outcomes == [Outcome("Show/a.mkv", "published", "Show/a.mkv")]
    assert exit_code(outcomes) == 0
    assert len(await place.facts()) == 1


async def test_a_file_that_already_settles_is_taken_at_once(place):
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="settling"))
        assert exit_code(await ask(place, path)) == 0


async def test_a_folder_means_every_video_in_it(place):
    async with place.running():
        for number in range(3):
            place.put(f"Show/{number}.mkv", matroska(seed=number))
        (place.root / "Show/note.txt").touch()
        outcomes = await ask(place, place.root / "Show")
    assert sorted(outcome.name for outcome in outcomes) == [f"Show/{n}.mkv" for n in range(3)]
    assert {outcome.state for outcome in outcomes} == {"published"}


async def test_it_works_without_acquisition_running_and_takes_nothing_else(place):
    path = place.put("Show/a.mkv", matroska(seed=1))
    place.put("Show/b.mkv", matroska(seed=2))
    outcomes = await ask(place, path)
    assert [outcome.state for outcome in outcomes] == ["published"]
    assert len(await place.facts()) == 1
    assert not Ledger.owned(place.state)


async def test_a_file_that_is_done_is_published_again_by_nobody(place):
    path = place.put("Show/a.mkv")
    assert exit_code(await ask(place, path)) == 0
    assert exit_code(await ask(place, path)) == 0
    assert len(await place.facts()) == 1


async def test_the_proof_is_not_skipped_and_the_reason_is_told(tmp_path):
    place = Place(tmp_path, quiet_s=0.5)
    async with place.running():
        path = place.put("Show/a.mkv", matroska(50_000)[:20_000])
        outcomes = await ask(place, path)
    (outcome,) = outcomes
    assert outcome.state == "failed"
    assert "is cut short" in outcome.reason
    assert exit_code(outcomes) == 1


async def test_a_writer_that_closes_a_moment_later_is_waited_for(tmp_path):
    place = Place(tmp_path, quiet_s=1.0)
    async with place.running() as ledger:
        path = place.put("Show/a.mkv")
        with path.open("ab"):
            asking = asyncio.create_task(ask(place, path))
            await until(lambda: _asked(ledger))
        assert exit_code(await asking) == 0


async def _asked(ledger):
    return await ledger.list() and not await ledger.mailbox.waiting()


async def test_a_held_file_fails_with_the_reason_and_is_tried_again_when_asked_again(place):
    place.names.unsure.add("a.mkv")
    place.host["held_again_s"] = 3600.0
    async with place.running():
        path = place.put("Show/a.mkv")
        (outcome,) = await ask(place, path)
        assert (outcome.state, outcome.reason) == ("failed", "which show is this?")
        place.names.unsure.clear()
        await ask(place, path, wait_s=0)
        await until(place.facts)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("note.txt", "is no video"),
        (".a.mkv", "begins with a dot"),
        ("a.mkv.part", "unfinished"),
        ("link.mkv", "symbolic link"),
        ("pipe.mkv", "is a FIFO"),
        ("empty", "there is no video in it"),
        ("hidden/../../outside.mkv", "in none of the watch folders"),
    ],
)
async def test_what_is_not_taken_fails_with_the_reason(place, name, reason):
    (place.root / "note.txt").touch()
    (place.root / "empty").mkdir()
    (place.root / "hidden").mkdir()
    (place.root / "link.mkv").symlink_to("/etc/passwd")
    os.mkfifo(place.root / "pipe.mkv")
    for plain in (".a.mkv", "a.mkv.part", "../outside.mkv"):
        (place.root / plain).write_bytes(matroska())
    async with place.running():
        outcomes = await ask(place, place.root / name)
    assert [outcome.state for outcome in outcomes] == ["failed"]
    assert reason in outcomes[0].reason
    assert exit_code(outcomes) == 1


async def test_a_path_that_does_not_exist_is_a_wrong_usage(place):
    with pytest.raises(UserError, match="does not exist"):
        await ask(place, place.root / "nothing.mkv")


async def test_a_watch_folder_named_through_a_link_is_recognised(place, tmp_path):
    (tmp_path / "alias").symlink_to(place.root)
    async with place.running():
        place.put("Show/a.mkv")
        assert exit_code(await ask(place, tmp_path / "alias/Show/a.mkv")) == 0


async def test_nobody_waits_when_not_asked_to(place):
    place.store.down.add("a")
    async with place.running():
        path = place.put("Show/a.mkv")
        (outcome,) = await ask(place, path, wait_s=0)
        assert outcome.state == "pending"
        (outcome,) = await ask(place, path, wait_s=0.2)
        assert outcome.state == "pending"
        assert exit_code([outcome], waited=False) == 0
        assert exit_code([outcome]) == 1


async def test_a_request_made_while_acquisition_is_down_is_served_when_it_is_up(place):
    async with place.running():
        pass
    path = place.put("Show/a.mkv")
    async with await Ledger.visit(place.state) as visitor:
        await visitor.mailbox.ask([str(path)])
    async with place.running():
        await until(place.facts)


async def test_a_bell_in_a_place_too_deep_for_a_socket_is_replaced_by_looking(tmp_path):
    deep = tmp_path / ("d" * 100)
    place = Place(tmp_path, quiet_s=3600.0)
    place.state = deep
    deep.mkdir()
    assert Bell(deep).hang() is None
    ring(deep)
    async with place.running():
        assert exit_code(await ask(place, place.put("Show/a.mkv"))) == 0


async def test_a_bell_left_by_a_dead_owner_is_hung_anew(tmp_path):
    first, second = Bell(tmp_path), Bell(tmp_path)
    first.hang()
    heard = second.hang()
    assert heard is not None
    ring(tmp_path)
    assert heard.recv(10) == b"!"
    second.take_down()
    second.take_down()
    first.take_down()
    assert list(Path(tmp_path).iterdir()) == []
