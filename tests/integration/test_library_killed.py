"""kill -9 at every step of a change of the library: nothing is lost, and it goes on."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from izumi.failpoints import VARIABLE
from izumi.tools.requests import Request
from tests.support.librarian import Order
from tests.support.library import SHOW, Keeper, contents, fill
from tests.support.remotes import KINDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = Path(__file__).parents[2]
# Where a storage renames there is no copy to be proved.
EVERYWHERE = (
    "library.begun",
    "library.changed",
    "library.recorded",
    "library.before_folders",
)
COPYING = ("library.copied", "library.proved")
MOVE = Request(verb="move", show=SHOW, name=f"{SHOW} ~ 葬送のフリーレン")


@pytest.fixture
def shelved(remotes, rclone, tmp_path):
    """Makes a location with a show of five files, and its keeper."""

    def make(*kinds):
        places = [remotes.place(kind) for kind in kinds]
        for place in places:
            fill(place, [f"Airing/{SHOW}/{SHOW} - 0{number}.mkv" for number in range(1, 6)])
        return Keeper(rclone, places, tmp_path)

    return make


async def started(keeper, remotes, request, failpoint, *, undo=""):
    order = Order(
        request=request,
        locations=tuple(place.location for place in keeper.places),
        config=remotes.config,
        state=keeper.state,
        undo=undo,
    )
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.librarian",
        msgspec.json.encode(order, enc_hook=str).decode(),
        cwd=PROJECT,
        env=os.environ | {VARIABLE: failpoint},
    )


async def killed(keeper, remotes, request, failpoint, *, undo=""):
    process = await started(keeper, remotes, request, failpoint, undo=undo)
    code = await asyncio.wait_for(process.wait(), 60)
    keeper.changed()
    assert code == -signal.SIGKILL


POINTS = [
    *((kind, "library.changed=kill@2") for kind in ("webdav", "sftp")),
    *(("local", f"{point}=kill") for point in EVERYWHERE),
    *(("s3", f"{point}=kill") for point in (*EVERYWHERE, *COPYING)),
    *(("local", f"{point}=kill@3") for point in EVERYWHERE[:3]),
    *(("s3", f"{point}=kill@2") for point in COPYING),
]


@pytest.mark.parametrize(("kind", "failpoint"), POINTS)
async def test_what_was_interrupted_goes_on_and_comes_to_its_end(shelved, remotes, kind, failpoint):
    keeper = shelved(kind)
    before = keeper.trees()
    await killed(keeper, remotes, MOVE, failpoint)
    # A copy may stand beside its source; nothing is missing.
    assert not contents(before) - contents(keeper.trees())
    await keeper.resume()
    assert contents(keeper.trees()) == contents(before)
    assert all(path.startswith(f"Premiered/{MOVE.name}/") for path in keeper.trees()[0])


@pytest.mark.parametrize(("kind", "failpoint"), POINTS)
async def test_what_was_interrupted_can_be_undone_instead(shelved, remotes, kind, failpoint):
    keeper = shelved(kind)
    before = keeper.trees()
    await killed(keeper, remotes, MOVE, failpoint)
    (operation,) = keeper.journals.operations()
    await keeper.undo(operation.id)
    assert keeper.trees() == before
    assert [one.state for one in keeper.journals.operations()] == ["undone", "done"]


@pytest.mark.parametrize("failpoint", ["library.begun=kill@2", "library.changed=kill@2"])
@pytest.mark.parametrize(
    "request_",
    [
        Request(verb="season", show=SHOW, season="Season 1"),
        Request(verb="delete", show=SHOW),
        Request(verb="rename", show=SHOW, name="Frieren"),
    ],
    ids=lambda one: one.verb,
)
async def test_every_change_survives_a_kill_at_several_locations(
    shelved, remotes, request_, failpoint
):
    keeper = shelved("local", "sftp")
    before = keeper.trees()
    await killed(keeper, remotes, request_, failpoint)
    assert contents(keeper.trees()) == contents(before)
    await keeper.resume()
    assert contents(keeper.trees()) == contents(before)
    (operation,) = keeper.journals.operations()
    assert operation.state == "done"
    # The undo is killed as well, and goes on.
    await killed(keeper, remotes, request_, failpoint, undo=operation.id)
    await keeper.resume()
    assert keeper.trees() == before


@pytest.mark.parametrize("undone", [False, True], ids=["resumed", "undone"])
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_lost_whenever_it_is_killed(remotes, rclone, tmp_path, kind, undone):
    place = remotes.place(kind)
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, [f"Airing/{SHOW}/{SHOW} - {number:02}.mkv" for number in range(24)])
    before = keeper.trees()
    process = await started(keeper, remotes, MOVE, "")
    journals = tmp_path / "library"
    while process.returncode is None and not list(journals.glob("*.jsonl")):
        await asyncio.sleep(0.005)
    await asyncio.sleep(random.random() * 0.3)  # noqa: S311 - any moment will do
    if process.returncode is None:
        process.kill()
    await process.wait()
    keeper.changed()
    assert not contents(before) - contents(keeper.trees())
    if undone:
        (operation,) = keeper.journals.operations()
        await keeper.undo(operation.id)
        assert keeper.trees() == before
    else:
        await keeper.resume()
        assert contents(keeper.trees()) == contents(before)
        assert all(path.startswith("Premiered/") for path in keeper.trees()[0])


async def test_what_was_deleted_for_good_halfway_goes_on(shelved, remotes):
    keeper = shelved("local")
    purge = Request(verb="delete", show=SHOW, purge=True)
    await killed(keeper, remotes, purge, "library.changed=kill")
    assert len(keeper.trees()[0]) == 3
    await keeper.resume()
    assert keeper.trees() == [{}]
