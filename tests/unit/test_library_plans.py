"""What is planned for a library: pure, so every tree can be tried."""

import datetime as dt
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.errors import UserError
from izumi.tools import naming, shelves, typed
from izumi.tools.arrange import Ways, arrange
from izumi.tools.judging import after, before
from izumi.tools.plan import PlacePlan, Step, Wish
from izumi.tools.planning import plan, waited
from izumi.tools.requests import Request
from izumi.tools.shelves import Item, fold
from izumi.tools.undoing import undo
from tests.support.library import hostile

PLACE = shelves.place(
    "nas",
    softsub="Airing",
    hardsub="Airing [Hardsub]",
    premiered="Premiered",
    premiered_hardsub="Premiered [Hardsub]",
)
WAYS = Ways("20260101-000000000-ab", ".izumi-trash/20260101-000000000-ab")


def tree(*paths, changed=None):
    folders = {
        "/".join(path.split("/")[:n]) for path in paths for n in range(1, path.count("/") + 1)
    }
    files = [Item(path, 10, (changed or {}).get(path, "2026")) for path in paths]
    return [*(Item(path, folder=True) for path in sorted(folders)), *files]


def carried(items, steps):
    """The files after the steps, each checked as the phases go; what lies on what is a fault."""
    files = {item.path: item for item in items if not item.folder}
    for step in sorted(steps, key=lambda step: step.phase):
        if step.kind == "move":
            assert fold(step.to) not in {fold(path) for path in files if path != step.path}
            files[step.to] = files.pop(step.path)
        elif step.kind == "purge":
            del files[step.path]
    return files


def below(listings, request):
    return plan(request, PLACE, listings, "20260101-000000000-ab")


@pytest.mark.parametrize("text", hostile())
def test_what_was_typed_never_leads_above_a_show(text):
    try:
        path = typed.there(text)
    except UserError:
        path = ""
    if path:
        assert not {"", ".", "..", ".izumi-trash"} & {path.split("/")[0], *path.split("/")}
        for shelf in PLACE.shelves:
            assert shelf.path(path).startswith(f"{shelf.folder}/")
    for check in (typed.new_name, typed.new_path):
        try:
            name = check(text, "--name")
        except UserError:
            continue
        assert name == "" or not {"", ".", ".."} & {*name.split("/")}


@pytest.mark.parametrize("verb", ["move", "rename", "season", "delete", "rmdir"])
def test_a_step_never_touches_anything_but_the_show_and_where_it_goes(verb):
    listings = {
        "Airing/Show": tree("Airing/Show/[G] Show - 01.mkv", "Airing/Show/b/c.mkv"),
        "Premiered/Show": tree("Premiered/Show/x.mkv"),
    }
    request = Request(verb=verb, show="Show", season="Season 1" if verb == "season" else "")
    made = below(listings, request)
    for step in made.steps:
        for path in filter(None, (step.path, step.to)):
            assert path.startswith(("Airing/Show", "Premiered/Show", ".izumi-trash"))
            assert path not in {"Airing", "Premiered"} or step.kind == "make"


names = st.sampled_from(["a", "A", "b", "c", "d", "é", unicodedata.normalize("NFD", "é"), "x.mkv"])
ages = st.integers(2000, 2030).map(str)


@given(
    st.dictionaries(names, st.tuples(names, ages), min_size=1),
    st.sampled_from(["skip", "rename", "newest"]),
)
def test_no_file_is_lost_or_lies_on_another_whatever_their_names_do(wanted, policy):
    distinct = {fold(name): name for name in wanted}
    items = [Item(f"S/{name}", 10, wanted[name][1]) for name in distinct.values()]
    wishes = [Wish(item, f"S/{wanted[item.path[2:]][0]}") for item in items]
    made = arrange(wishes, items, WAYS._replace(policy=policy))
    files = carried(items, made.steps)
    assert sorted(files.values()) == sorted(items)
    assert not any(path.endswith(".izumi-part") for path in files)
    # The way back leads to where it began.
    back = undo("nas", made.steps)
    origin = carried([item._replace(path=path) for path, item in files.items()], back.steps)
    assert {path: item.changed for path, item in origin.items()} == {
        item.path: item.changed for item in items
    }


def test_the_plan_of_an_undo_shows_every_file_once():
    items = tree("S/a", "S/b", "S/c")
    wishes = [Wish(items[1], "S/b"), Wish(items[2], "S/a"), Wish(items[3], "S/d")]
    steps = arrange(wishes, items, WAYS).steps
    ways = {(step.path, step.to) for step in PlacePlan(place="nas", steps=steps).moved}
    assert ways == {("S/a", "S/b"), ("S/b", "S/a"), ("S/c", "S/d")}
    assert {(to, path) for path, to in ways} == {
        (step.path, step.to) for step in undo("nas", steps).moved
    }


def test_an_undo_of_one_move_counts_it():
    move = Request(verb="move", show="Show")
    made = below({"Airing/Show": tree("Airing/Show/1.mkv", "Airing/Show/2.mkv")}, move)
    assert (made.files, undo("nas", made.steps).files) == (2, 2)


def test_names_that_differ_in_case_alone_stay_side_by_side_where_they_are():
    move = Request(verb="move", show="Show")
    made = below({"Airing/Show": tree("Airing/Show/Case.mkv", "Airing/Show/case.mkv")}, move)
    assert made.left == ()
    assert {step.to for step in made.moved} == {
        "Premiered/Show/Case.mkv",
        "Premiered/Show/case.mkv",
    }


@pytest.mark.parametrize("verb", ["move", "delete"])
def test_names_that_differ_in_the_form_of_a_letter_never_get_one_name(verb):
    paths = [unicodedata.normalize(form, "Airing/Show/\u304c.mkv") for form in ("NFC", "NFD")]
    made = below({"Airing/Show": tree(*paths)}, Request(verb=verb, show="Show"))
    targets = [fold(step.to) for step in made.moved]
    assert len({*targets}) == len(targets) == (2 if verb == "delete" else 0)
    assert {left.path for left in made.left} == ({*paths} if verb == "move" else set())


@pytest.mark.parametrize("days", [0.0, 30.0, 1e6, 1e300, float("inf")])
def test_only_what_is_ours_and_has_waited_is_old(days):
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    names = ["20260101-000000000-aa", "20260228-000000-job", "#recycle", "0", "2020", "20261350-1"]
    items = [Item(f".izumi-trash/{name}/x", 1) for name in names]
    old = {item.path.split("/")[1] for item in waited(items, now, days)}
    assert old == {*names[:2]} if days == 0 else old == {*names[: int(days == 30)]}


def test_names_are_exchanged_by_way_of_a_temporary_one():
    items = tree("S/a", "S/b")
    wishes = [Wish(items[1], "S/b"), Wish(items[2], "S/a")]
    made = arrange(wishes, items, WAYS)
    assert made.left == ()
    assert {path: item.path for path, item in carried(items, made.steps).items()} == {
        "S/a": "S/b",
        "S/b": "S/a",
    }


@pytest.mark.parametrize(
    ("policy", "files"),
    [
        ("skip", {"S/old": "S/old", "S/new": "S/new"}),
        ("rename", {"S/x": "S/new", "S/x (2)": "S/old"}),
        ("newest", {"S/x": "S/new", f"{WAYS.trash}/S/old": "S/old"}),
    ],
)
def test_two_files_of_one_name_are_decided_between(policy, files):
    items = tree("S/old", "S/new", changed={"S/old": "2020", "S/new": "2024"})
    wishes = [Wish(item, "S/x") for item in items if not item.folder]
    made = arrange(wishes, items, WAYS._replace(policy=policy))
    assert {path: item.path for path, item in carried(items, made.steps).items()} == files
    (conflict,) = made.conflicts
    assert {*conflict.paths} == {"S/old", "S/new"}


def test_what_stays_since_its_name_is_taken_is_in_the_way_of_others_too():
    items = tree("S/a", "S/b", "S/c")
    a, b = items[1], items[2]
    made = arrange([Wish(a, "S/b"), Wish(b, "S/c")], items, WAYS)
    assert {left.path for left in made.left} == {"S/a", "S/b"}
    assert not [step for step in made.steps if step.kind == "move"]


def test_two_files_of_one_path_are_left_to_a_person():
    items = [*tree("S/a"), Item("S/a", 20)]
    made = arrange([Wish(items[1], "S/b")], items, WAYS)
    assert [left.path for left in made.left] == ["S/a"]


def test_a_name_that_is_too_long_there_is_said_before_anything_is_done():
    items = tree("S/a")
    made = arrange([Wish(items[1], "S/" + "n" * 200)], items, WAYS._replace(name_bytes=143))
    assert "143 bytes" in made.left[0].why
    assert made.steps == ()


def test_a_file_never_takes_the_place_of_a_folder_nor_lies_in_a_file():
    items = tree("S/a", "S/b", "S/f/x")
    made = arrange([Wish(items[2], "S/f"), Wish(items[3], "S/a/x")], items, WAYS)
    assert [left.path for left in made.left] == ["S/a", "S/b"]
    assert made.steps == ()


def test_a_folder_of_shows_is_no_show():
    listings = {"Airing/2023": tree("Airing/2023/One/1.mkv", "Airing/2023/Two/2.mkv")}
    made = below(listings, Request(verb="delete", show="2023"))
    assert made.steps == ()
    assert "2023/One" in made.notices[0]


@pytest.mark.parametrize(
    "request_",
    [
        Request(verb="rename", show="Show", name="Premiered"),
        Request(verb="rename", show="Show", name="Old"),
        Request(verb="delete", show="Premiered"),
    ],
)
def test_a_show_never_takes_the_place_of_a_shelf(request_):
    nested = shelves.place(
        "x", softsub="", hardsub="Hard", premiered="Premiered", premiered_hardsub="Old/Hard"
    )
    listings = {request_.show: tree(f"{request_.show}/1.mkv")}
    made = plan(request_, nested, listings, "x")
    assert made.steps == ()
    assert "of the location itself" in made.notices[0]


def test_a_show_with_seasons_alone_is_one():
    listings = {"Airing/Show": tree("Airing/Show/Season 1/1.mkv", "Airing/Show/Specials/2.mkv")}
    assert below(listings, Request(verb="delete", show="Show")).files == 2


def test_shelves_and_trash_are_no_shows():
    nested = shelves.place(
        "x", softsub="", hardsub="Hard", premiered="Old/Soft", premiered_hardsub="Old/Hard"
    )
    found = ["Show", "Hard", "Old", ".izumi-trash", "..", "a/b"]
    assert shelves.shows(nested, nested.shelf("airing", "softsub"), found) == ["Show"]


def test_empty_folders_of_a_shelf_within_a_shelf_are_its_own():
    nested = shelves.place(
        "x", softsub="", hardsub="Hard", premiered="Old", premiered_hardsub="Old Hard"
    )
    items = [Item(path, folder=True) for path in ("Hard", "Old", "Empty", ".izumi-trash")]
    made = plan(Request(verb="rmdir"), nested, {"": items}, "x")
    assert [step.path for step in made.steps] == ["Empty"]


@pytest.mark.parametrize(
    ("show", "name", "clean"),
    [
        ("Show", "[G] Show - 01 [1080p].mkv", "Show - 01 [1080p].mkv"),
        ("Show ~ 番組", "[G] Show - 01 [1080p].mkv", "Show - 01 [1080p].mkv"),
        ("2023/Show", "Show.S01E02.1080p.WEB.mkv", "Show S1 - 02 [1080p].mkv"),
    ],
)
def test_episodes_are_named_with_their_folder_as_the_hint(show, name, clean):
    items = [Item(f"Airing/{show}/{name}", 10), Item(f"Airing/{show}/{name[:-4]}.en.ass", 1)]
    named = naming.clean_names(f"Airing/{show}", show, items)
    assert [wish.to.rpartition("/")[2] for wish in named.wishes] == [clean, f"{clean[:-4]}.en.ass"]


def test_a_name_that_is_held_keeps_it():
    items = [Item("Airing/86/86.mkv", 10), Item("Airing/86/[G] 86 12 13 14.mkv", 10)]
    named = naming.clean_names("Airing/86", "86", items)
    assert all("not sure" in left.why for left in named.left)
    assert len(named.left) + len(named.wishes) <= 2


@pytest.mark.parametrize(
    ("titles", "native"),
    [
        (("Sousou no Frieren", "Frieren", "葬送のフリーレン"), "葬送のフリーレン"),
        (("Bleach", "BLEACH"), None),
        (("Fate/Zero", "Fate: 零?"), "Fate - 零"),
        ((), None),
    ],
)
def test_the_native_title_is_the_one_in_letters_of_its_own(titles, native):
    assert naming.native_title(titles) == native


def test_a_native_title_is_put_behind_once_and_only_where_it_fits():
    once = naming.with_native("Show", "番組", limit_bytes=255)
    assert once == "Show ~ 番組"
    assert naming.with_native(once, "番組", limit_bytes=255) == once
    assert naming.with_native("Show", "番組", limit_bytes=12) == "Show"


def test_near_names_are_offered():
    known = ["Sousou no Frieren", "Spy x Family", "Bocchi the Rock!"]
    assert typed.near("sousou no friren", known)[0] == "Sousou no Frieren"
    assert "did you mean 'Bocchi the Rock!'" in typed.unknown("bocchi", known)
    assert "izumi-admin shows" in typed.unknown("qqqqqq", [])


STEP = Step(phase=2, kind="move", path="a/x", to="b/x", size=5)
PURGE = Step(phase=2, kind="purge", path="a/x", size=5)


@pytest.mark.parametrize(
    ("step", "sizes", "begun", "copied", "do"),
    [
        (STEP, {"a/x": 5}, False, False, "go"),
        (STEP, {"a/x": 6}, False, False, "failed"),
        (STEP, {"a/x": 5, "b/x": 5}, True, False, "failed"),
        (STEP, {"a/x": 5, "b/x": 5}, True, True, "compare"),
        (STEP, {"a/x": 5, "b/x": 6}, True, True, "failed"),
        (STEP, {"b/x": 5}, True, False, "done"),
        (STEP, {"b/x": 5}, False, False, "skipped"),
        (STEP, {"b/x": 6}, True, False, "failed"),
        (STEP, {}, True, False, "failed"),
        (PURGE, {"a/x": 5}, False, False, "go"),
        (PURGE, {"a/x": 6}, False, False, "failed"),
        (PURGE, {}, True, False, "done"),
        (PURGE, {}, False, False, "skipped"),
    ],
)
def test_a_step_is_done_only_where_everything_is_as_it_was_listed(step, sizes, begun, copied, do):
    assert before(step, sizes, begun=begun, copied=copied).do == do


@pytest.mark.parametrize(
    ("step", "sizes", "do"),
    [
        (STEP, {"b/x": 5}, "done"),
        (STEP, {"a/x": 5, "b/x": 5}, "failed"),
        (STEP, {"b/x": 4}, "failed"),
        (STEP, {}, "failed"),
        (PURGE, {}, "done"),
        (PURGE, {"a/x": 5}, "failed"),
    ],
)
def test_what_came_of_a_step_is_read_from_what_lies_there(step, sizes, do):
    assert after(step, sizes, "").do == do


def test_what_was_removed_for_good_does_not_come_back():
    back = undo("nas", [PURGE])
    assert back.steps == ()
    assert "for good" in back.left[0].why
