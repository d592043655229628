"""The tools of the library on real storage: whole trees before and after."""

import pytest

from izumi.tools.requests import Request
from tests.support.library import SHOW, Keeper, contents, fill, folders, wild_names
from tests.support.remotes import KINDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

EPISODES = [f"{SHOW} - {number:02} [1080p]" for number in range(1, 4)]


@pytest.fixture(params=KINDS)
def place(request, remotes):
    return remotes.place(request.param)


@pytest.fixture
def keeper(rclone, place, tmp_path):
    return Keeper(rclone, [place], tmp_path)


def airing(extra=()):
    soft = [f"Airing/{SHOW}/{name}.mkv" for name in EPISODES]
    hard = [f"Airing [Hardsub]/{SHOW}/{name}.mp4" for name in EPISODES]
    return [*soft, *hard, "Airing/Other/Other - 01.mkv", *extra]


async def test_a_show_that_has_ended_is_moved_with_both_its_trees_and_back_again(keeper, place):
    fill(place, airing([f"Airing/{SHOW}/Extras/NCOP.mkv"]))
    before, made = place.files(), folders(place)
    done = await keeper.do(Request(verb="move", show=SHOW, name=f"{SHOW} ~ 葬送のフリーレン"))
    after = place.files()
    moved = f"{SHOW} ~ 葬送のフリーレン"
    assert after == {
        path.replace(f"Airing/{SHOW}", f"Premiered/{moved}").replace(
            f"Airing [Hardsub]/{SHOW}", f"Premiered [Hardsub]/{moved}"
        ): content
        for path, content in before.items()
    }
    assert not any(folder.rpartition("/")[2] == SHOW for folder in folders(place))
    await keeper.undo(done.id)
    assert place.files() == before
    assert folders(place) == made


@pytest.mark.parametrize("verify", ["hash", "read", "size"])
async def test_a_copy_is_proved_as_the_location_says_before_its_source_goes(
    rclone, remotes, tmp_path, verify
):
    place = remotes.place("s3", verify=verify)
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, airing())
    # So big that its hash is only what an uploader said it was.
    place.write(f"Airing/{SHOW}/big.mkv", bytes(5 << 20))
    before = place.files()
    await keeper.do(Request(verb="move", show=SHOW))
    assert contents([place.files()]) == contents([before])
    assert f"Premiered/{SHOW}/big.mkv" in place.files()


async def test_a_show_goes_into_folders_that_are_named_in_between(keeper, place):
    fill(place, airing())
    await keeper.do(Request(verb="move", show=SHOW, into="2023/Autumn"))
    assert f"Premiered/2023/Autumn/{SHOW}/{EPISODES[0]}.mkv" in place.files()
    assert "Airing/Other/Other - 01.mkv" in place.files()


async def test_a_deleted_show_waits_in_the_trash_and_comes_back(keeper, place):
    fill(place, airing())
    before, made = place.files(), folders(place)
    done = await keeper.do(Request(verb="delete", show=SHOW))
    after = place.files()
    assert contents([after]) == contents([before])
    assert sorted(after) == sorted(
        path if "Other" in path else f".izumi-trash/{done.id}/{path}" for path in before
    )
    await keeper.undo(done.id)
    assert place.files() == before
    assert folders(place) == made


async def test_what_is_deleted_for_good_is_gone_and_nothing_else(keeper, place):
    fill(place, airing())
    before = place.files()
    await keeper.do(Request(verb="delete", show=SHOW, purge=True))
    assert place.files() == {path: before[path] for path in ["Airing/Other/Other - 01.mkv"]}


async def test_a_show_is_put_into_its_season_and_out_of_it(keeper, place):
    fill(place, airing([f"Airing/{SHOW}/Extras/NCOP.mkv", f"Airing/{SHOW}/Scans/1.png"]))
    before = place.files()
    done = await keeper.do(Request(verb="season", show=SHOW, season="Season 1"))
    for path in place.files():
        inner = path.partition(f"/{SHOW}/")[2]
        assert not inner or inner.startswith(("Season 1/", "Extras/", "Scans/"))
    await keeper.undo(done.id)
    assert place.files() == before


async def test_names_that_are_exchanged_reach_each_other(keeper, place):
    first, second = f"Airing/{SHOW}/[Group] {SHOW} - 01 [1080p].mkv", f"Airing/{SHOW}/x.nfo"
    fill(place, [first, second, f"Airing/{SHOW}/[Group] {SHOW} - 01 [1080p].ass"])
    await keeper.do(Request(verb="rename", show=SHOW))
    assert sorted(place.files()) == sorted(
        [f"Airing/{SHOW}/{EPISODES[0]}.mkv", f"Airing/{SHOW}/{EPISODES[0]}.ass", second]
    )


@pytest.mark.parametrize(
    ("place", "policy"),
    [*((kind, "skip") for kind in KINDS), ("local", "rename"), ("local", "newest")],
    indirect=["place"],
)
async def test_names_of_strangers_are_cleaned_and_none_is_lost(keeper, place, policy):
    fill(place, [f"Airing/{SHOW}/{name}" for name in wild_names(20)])
    before, made = place.files(), folders(place)
    done = await keeper.do(Request(verb="rename", show=SHOW, policy=policy))
    assert done.plans[place.location.name].files > 10
    assert contents([place.files()]) == contents([before])
    again = await keeper.library.draft(Request(verb="rename", show=SHOW, policy=policy))
    assert policy == "rename" or again.is_empty
    await keeper.undo(done.id)
    assert place.files() == before
    assert folders(place) == made


async def test_a_folder_gets_another_name(keeper, place):
    fill(place, airing())
    done = await keeper.do(Request(verb="rename", show=SHOW, name="Frieren"))
    assert f"Airing [Hardsub]/Frieren/{EPISODES[0]}.mp4" in place.files()
    assert not any(f"/{SHOW}/" in path for path in place.files())
    await keeper.undo(done.id)
    assert f"Airing/{SHOW}/{EPISODES[0]}.mkv" in place.files()


async def test_empty_folders_go_and_the_shelves_stay(rclone, remotes, tmp_path):
    place = remotes.place("local")
    keeper = Keeper(rclone, [place], tmp_path)
    fill(place, ["Airing/Full/a.mkv"])
    for folder in ("Airing/Empty/Season 1", "Premiered", "Airing/Full/Extras", "Elsewhere/Empty"):
        (place.folder / folder).mkdir(parents=True)
    made = folders(place)
    done = await keeper.do(Request(verb="rmdir"))
    assert folders(place) == {"Airing", "Airing/Full", "Premiered", "Elsewhere", "Elsewhere/Empty"}
    await keeper.undo(done.id)
    assert folders(place) == made
