"""Several watch folders on one host, each with settings of its own."""

import pytest

from izumi.domain.subjects import PRIORITIES
from izumi.naming.process import NamingProcess
from tests.support.acquiring import QUIET_S, Place, in_states, until
from tests.support.containers import matroska


def put(folder, name, seed):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(matroska(seed=seed))
    return path


@pytest.fixture
def place(tmp_path):
    """Two more folders beside the first one."""
    place = Place(tmp_path, destinations=("a",))
    for name, more in (
        ("urgent", {"source": "delete", "priority": "high", "destinations": ("b",)}),
        ("clips", {"source": "trash", "priority": "low", "extensions": ("webm",)}),
    ):
        (tmp_path / name).mkdir()
        watch = {"path": tmp_path / name, "destinations": ("a", "b"), "quiet_s": QUIET_S}
        place.others.append(watch | more)
    return place


async def test_each_folder_has_its_own_policy_priority_locations_and_extensions(place, tmp_path):
    kept = place.put("Show/kept.mkv")
    deleted = put(tmp_path / "urgent", "Show/deleted.mkv", 1)
    ignored = put(tmp_path / "clips", "Show/other.mkv", 2)
    trashed = put(tmp_path / "clips", "Show/trashed.webm", 3)
    async with place.running() as ledger:
        await until(in_states(ledger, kept="done", deleted="done", trashed="done"))
    assert [path.exists() for path in (kept, deleted, ignored, trashed)] == [1, 0, 1, 0]
    assert [*place.stored("a")] == ["Airing/Show/kept.mkv", "Airing/Show/trashed.webm"]
    assert sorted(place.stored("b")) == ["Airing/Show/deleted.mkv", "Airing/Show/trashed.webm"]
    facts = {fact.release: fact for fact in await place.facts()}
    assert {name: (fact.priority, fact.sources) for name, fact in facts.items()} == {
        "kept.mkv": ("normal", ("a",)),
        "deleted.mkv": ("high", ("b",)),
        "trashed.webm": ("low", ("a", "b")),
    }


async def test_files_of_urgent_folders_are_taken_first(place, tmp_path):
    place.host["jobs"] = 1
    for one in place.others:
        one["extensions"] = ("mkv",)
    for number in range(3):
        put(tmp_path / "clips", f"low{number}.mkv", 10 + number)
        place.put(f"normal{number}.mkv", matroska(seed=20 + number))
        put(tmp_path / "urgent", f"high{number}.mkv", 30 + number)
    order = []
    identify = place.names.identify

    async def noted(name, folders, **kwargs):
        order.append(name)
        return await identify(name, folders, **kwargs)

    place.names.identify = noted
    async with place.running() as ledger:
        names = [f"{word}{number}" for word in PRIORITIES for number in range(3)]
        await until(in_states(ledger, **dict.fromkeys(names, "done")))
    # What came while the first one was in hand is in order.
    later = [PRIORITIES.index(name.rstrip("0123456789.mkv")) for name in order[-6:]]
    assert later == sorted(later)


async def test_a_folder_may_say_what_all_its_files_are(tmp_path):
    place = Place(tmp_path, show="Haru no Uta", season=2, anilist_id=77)
    async with NamingProcess() as names:
        place.names = names
        place.put("[Group] Something Else - 05 [1080p].mkv")
        place.put("06.mkv", matroska(seed=6))
        async with place.running():
            facts = await until(lambda: _two(place))
    assert sorted(fact.file.key for fact in facts) == [
        "Haru no Uta/Haru no Uta S2 - 05 [1080p].mkv",
        "Haru no Uta/Haru no Uta S2 - 06.mkv",
    ]
    assert {(fact.episode.show, fact.episode.season) for fact in facts} == {("Haru no Uta", 2)}


async def _two(place):
    facts = await place.facts()
    return facts if len(facts) == 2 else None


@pytest.mark.parametrize(("folders", "show"), [(True, "Downloads of today"), (False, "Spring")])
async def test_folders_that_mean_nothing_are_not_read_on_wish(tmp_path, folders, show):
    place = Place(tmp_path, folders=folders)
    async with NamingProcess() as names:
        place.names = names
        place.put("Downloads of today/[Group] Spring - 05 [1080p].mkv")
        async with place.running():
            (fact,) = await until(place.facts)
    assert fact.episode.show.startswith(show)
