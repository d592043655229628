"""What is counted, and what is missing where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.consumers.encoder_output import hardsub_key
from izumi.tools import shelves, stats, videos
from izumi.tools.shelves import Item
from izumi.tools.stats import Duties, Duty, Making, Stats

SHOW = "Sousou no Frieren"


def place(name: str, softsub: str = "Airing", hardsub: str = "Airing [Hardsub]") -> shelves.Place:
    return shelves.place(
        name,
        softsub=softsub,
        hardsub=hardsub,
        premiered="Premiered",
        premiered_hardsub="Premiered [Hardsub]",
    )


def episode(number: int, ending: str = "mkv", show: str = SHOW) -> str:
    return f"{show}/{show} - {number:02} [1080p].{ending}"


def softsubs(*numbers: int) -> list[str]:
    return [f"Airing/{episode(number)}" for number in numbers]


def hardsubs(*numbers: int) -> list[str]:
    return [f"Airing [Hardsub]/{episode(number, 'mp4')}" for number in numbers]


def told(there: dict[str, list[str]], duties: Duties, **folders: str) -> Stats:
    found = {
        name: list(videos.files(place(name, **folders), [Item(path, 10) for path in paths]))
        for name, paths in there.items()
    }
    return stats.compute(found, duties, hardsub_key)


def lacks(found: Stats) -> set[tuple[str, str]]:
    return {(one.place, one.key) for one in found.missing}


ENCODER = Making(by="encoder.main", suffix="", at=("nas",))
PUBLIC = (
    Duty(by="distributor.public", sub="softsub", at=("mirror",)),
    Duty(by="distributor.public", sub="hardsub", at=("mirror",)),
)
ACQUISITION = Duty(by="acquisition", sub="softsub", at=("nas",))
ALL = Duties(keeps=(ACQUISITION, *PUBLIC), makes=(ENCODER,))


def test_where_everything_is_nothing_is_missing() -> None:
    whole = softsubs(1, 2) + hardsubs(1, 2)
    found = told({"nas": whole, "mirror": whole}, ALL)
    assert found.missing == ()
    row = found.rows[0]
    assert (row.show, row.place, row.episodes) == (SHOW, "mirror", 2)
    assert (row.softsubs, row.hardsubs, row.bytes, row.missing) == (2, 2, 40, 0)
    assert [total.place for total in found.totals] == ["nas", "mirror"]


def test_what_no_part_of_the_configuration_promises_is_not_missing() -> None:
    assert told({"nas": softsubs(1), "mirror": []}, Duties()).missing == ()


def test_a_softsub_is_missing_at_its_destination() -> None:
    found = told({"nas": softsubs(1, 2), "mirror": softsubs(1)}, Duties(keeps=PUBLIC))
    (one,) = found.missing
    assert (one.place, one.sub, one.key, one.by) == (
        "mirror",
        "softsub",
        episode(2),
        "distributor.public",
    )
    assert {(row.place, row.missing) for row in found.rows} == {("nas", 0), ("mirror", 1)}


def test_a_mirror_that_has_more_than_the_source_shows_what_the_source_lost() -> None:
    found = told({"nas": [], "mirror": softsubs(1)}, Duties(keeps=(ACQUISITION,)))
    assert lacks(found) == {("nas", episode(1))}
    assert {(row.show, row.place, row.missing) for row in found.rows} == {
        (SHOW, "mirror", 0),
        (SHOW, "nas", 1),
    }


def test_a_softsub_without_its_hardsub() -> None:
    found = told({"nas": softsubs(1, 2) + hardsubs(1), "mirror": []}, Duties(makes=(ENCODER,)))
    assert lacks(found) == {("nas", episode(2, "mp4"))}


def test_a_hardsub_that_is_nowhere_is_missing_at_every_place_it_ought_to_be() -> None:
    found = told({"nas": softsubs(1), "mirror": softsubs(1)}, ALL)
    assert lacks(found) == {("nas", episode(1, "mp4")), ("mirror", episode(1, "mp4"))}
    assert {one.by for one in found.missing} == {"encoder.main", "distributor.public"}


def test_each_profile_makes_a_hardsub_of_its_own() -> None:
    small = Making(by="encoder.main", suffix=" [HEVC]", at=("nas",))
    found = told({"nas": softsubs(1) + hardsubs(1)}, Duties(makes=(ENCODER, small)))
    hevc = f"{SHOW}/{SHOW} - 01 [1080p] [HEVC].mp4"
    assert lacks(found) == {("nas", hevc)}
    whole = softsubs(1) + hardsubs(1) + [f"Airing [Hardsub]/{hevc}"]
    found = told({"nas": whole}, Duties(makes=(ENCODER, small)))
    assert (found.missing, found.totals[0].episodes) == ((), 1)


def test_a_hardsub_without_a_softsub_is_distributed_and_not_made() -> None:
    found = told({"nas": hardsubs(1), "mirror": []}, ALL)
    assert lacks(found) == {("mirror", episode(1, "mp4"))}


def test_a_location_that_was_not_looked_at_lacks_nothing() -> None:
    assert told({"nas": softsubs(1) + hardsubs(1)}, ALL).missing == ()


def test_a_show_that_was_moved_to_the_premiered_shelves_is_there() -> None:
    moved = [path.replace("Airing", "Premiered") for path in softsubs(1) + hardsubs(1)]
    whole = softsubs(1) + hardsubs(1)
    assert told({"nas": moved, "mirror": whole}, ALL).missing == ()


def revised(number: int, revision: str, ending: str = "mkv") -> str:
    return episode(number, ending).replace(" [1080p]", f"{revision} [1080p]")


def test_an_earlier_revision_ought_to_be_nowhere_else() -> None:
    there = {
        "nas": [*softsubs(1, 2), f"Airing/{revised(1, 'v2')}", *hardsubs(1, 2)],
        "mirror": [*softsubs(2), *hardsubs(2)],
    }
    found = told(there, ALL)
    assert lacks(found) == {
        ("mirror", revised(1, "v2")),
        ("nas", revised(1, "v2", "mp4")),
        ("mirror", revised(1, "v2", "mp4")),
    }
    nas = found.totals[0]
    assert (nas.episodes, nas.softsubs, nas.superseded) == (2, 3, 1)


@pytest.mark.parametrize(
    ("first", "second", "superseded"),
    [
        ("S - 05 [1080p].mkv", "S - 05v2 [1080p].mkv", 1),
        ("S - 05v2 [1080p].mkv", "S - 05v3 [1080p].mkv", 1),
        ("S - 05 [1080p].mkv", "S - 05v2 [1080p] (Uncensored).mkv", 0),
        ("S - 05 [720p].mkv", "S - 05v2 [1080p].mkv", 0),
        ("Film [1080p].mkv", "Film v2 [1080p].mkv", 1),
        ("S - 05.mkv", "S - 05v2.mp4", 1),
        ("S - 05.mkv", "S - 06v2.mkv", 0),
        ("Vv1.mkv", "Vv2.mkv", 0),
    ],
)
def test_revisions(first: str, second: str, superseded: int) -> None:
    found = told({"nas": [f"Airing/S/{first}", f"Airing/S/{second}"]}, Duties())
    assert found.totals[0].superseded == superseded


def test_names_that_differ_as_storages_write_them_are_one() -> None:
    found = told({"nas": ["Airing/É/É - 1.mkv"], "mirror": ["Airing/é/é - 1.mkv"]}, ALL)
    assert [one.sub for one in found.missing] == ["hardsub", "hardsub"]


def test_only_videos_of_shows_count() -> None:
    paths = [
        *softsubs(1),
        f"Airing/{SHOW}/{SHOW} - 01 [1080p].ass",
        f"Airing/{SHOW}/.{SHOW} - 02.0a1b2c3d.token.izumi-part",
        "Airing/loose.mkv",
        "elsewhere/Show/Show - 1.mkv",
        ".izumi-trash/1/Airing/Show/Show - 1.mkv",
        "Airing/../Show/Show - 1.mkv",
        f"Airing/{SHOW}/Extras/{SHOW} - NCOP1.mkv",
    ]
    (total,) = told({"nas": paths}, Duties()).totals
    assert (total.episodes, total.softsubs, total.bytes) == (1, 2, 20)


def test_shows_in_a_folder_between_are_shows_of_their_own() -> None:
    paths = [f"Airing/2026/{show}/{show} - {n}.mkv" for show in ("A", "B") for n in (1, 2)]
    rows = told({"nas": paths}, Duties()).rows
    assert [(row.show, row.episodes) for row in rows] == [("2026/A", 2), ("2026/B", 2)]


def test_seasons_belong_to_their_show() -> None:
    paths = [f"Airing/A/Season {n}/A S{n} - 1.mkv" for n in (1, 2)]
    (row,) = told({"nas": paths}, Duties()).rows
    assert (row.show, row.episodes) == ("A", 2)


def test_kinds_that_share_a_folder_are_told_apart_by_what_is_made_of_what() -> None:
    paths = [f"All/{episode(1)}", f"All/{episode(1, 'mp4')}", f"All/{episode(2, 'mp4')}"]
    (total,) = told({"nas": paths}, Duties(makes=(ENCODER,)), softsub="All", hardsub="All").totals
    assert (total.softsubs, total.hardsubs, total.episodes) == (2, 1, 2)


def test_a_shelf_at_the_root_holds_what_no_other_shelf_does() -> None:
    where = place("nas", softsub="")
    assert videos.roots(where) == [""]
    items = [Item(episode(1), 1), *(Item(path, 1) for path in hardsubs(1))]
    found = list(videos.files(where, items))
    assert {(one.sub, one.show) for one in found} == {("softsub", SHOW), ("hardsub", SHOW)}


def test_folders_are_listed_once() -> None:
    assert videos.roots(place("nas", hardsub="Airing/Hard")) == [
        "Airing",
        "Premiered",
        "Premiered [Hardsub]",
    ]


def test_the_newest_file_is_told_in_one_zone() -> None:
    items = [
        Item(softsubs(1)[0], 1, "2026-01-01T00:30:00.123456789+02:00"),
        Item(softsubs(2)[0], 1, "2025-12-31T23:00:00Z"),
        Item(softsubs(3)[0], 1, "yesterday"),
    ]
    found = list(videos.files(place("nas"), items))
    (row,) = stats.compute({"nas": found}, Duties(), hardsub_key).rows
    assert row.newest is not None
    assert row.newest.isoformat() == "2025-12-31T23:00:00+00:00"


NAMES = st.text(min_size=1, max_size=20).map(lambda text: text.replace("/", ""))
PATHS = st.lists(
    st.builds(lambda show, name, end: f"Airing/{show}/{name}.{end}", NAMES, NAMES,
              st.sampled_from(["mkv", "mp4", "ass", "txt"])),
    max_size=8,
)  # fmt: skip


@given(PATHS, PATHS)
def test_any_names_are_counted_and_what_lies_at_both_is_missing_at_none(
    one: list[str], other: list[str]
) -> None:
    found = told({"nas": one + other, "mirror": one + other}, Duties(keeps=(ACQUISITION, *PUBLIC)))
    assert found.missing == ()
    apart = told({"nas": one, "mirror": other}, Duties(keeps=(ACQUISITION, *PUBLIC)))
    for lacking in apart.missing:
        where = one if lacking.place == "nas" else other
        assert f"Airing/{lacking.key}" not in where
