"""What the folders of a watch folder say: the show, the season, an extra, or nothing."""

import itertools

import pytest

from izumi.domain import names
from izumi.domain.identify import identify
from izumi.domain.reading.folders import parted


def key(path: str) -> str | None:
    *folders, name = path.split("/")
    found = identify(name, folders=folders)
    assert found.held is None, found.held
    return names.key(found)


def held(path: str) -> str | None:
    *folders, name = path.split("/")
    return identify(name, folders=folders).held


@pytest.mark.parametrize(
    "season",
    [
        "Season 2",
        "Season 02 [1080p]",
        "Season 2 (2024)",
        "Season 2 - The Arc",
        "<Season 2>",
        "Season Two",
        "S02",
        "2nd Season",
        "第二季",
        "Moon S2 (2024)",
        "Moon Season 2",
        "[G] Moon S2 [BD 1080p]",
        "Moon.S02.1080p.WEB-DL.x264-GRP",
    ],
)
@pytest.mark.parametrize("file", ["15.mkv", "15 - Spring.mkv", "[G] Moon - 15.mkv", "E15.mkv"])
def test_a_folder_of_a_season_says_which(season, file):
    assert key(f"Moon/{season}/{file}") == "Moon/Moon S2 - 15.mkv"


@pytest.mark.parametrize(
    "folder",
    ["Subs", "1080p", "BDMV", "New folder", "temp", "Dual Audio", "Episodes", "01-12", "Notes"],
)
def test_a_folder_that_says_nothing_is_passed_over(folder):
    assert key(f"Moon/{folder}/[G] Moon - 05.mkv") == "Moon/Moon - 05.mkv"


@pytest.mark.parametrize("shelf", ["Anime", "Airing", "2024", "Winter 2024", "A-F", "Watching"])
def test_folders_around_those_of_shows_are_none_of_theirs(shelf):
    assert key(f"{shelf}/Moon/05.mkv") == "Moon/Moon - 05.mkv"
    assert key(f"{shelf}/[G] Moon [BD]/[G] Moon - 05.mkv") == "Moon/Moon - 05.mkv"


def test_the_folder_of_a_torrent_does_not_rename_the_show_around_it():
    inner = "[G] Sousou no Frieren (01-28) (1080p) [Batch]/[G] Sousou no Frieren - 05 (1080p).mkv"
    assert key(f"Frieren/{inner}") == "Frieren/Sousou no Frieren - 05 [1080p].mkv"
    assert key(f"Frieren/Season 1/{inner}") == "Frieren/Sousou no Frieren S1 - 05 [1080p].mkv"
    assert key(inner) == "Sousou no Frieren/Sousou no Frieren - 05 [1080p].mkv"


@pytest.mark.parametrize("file", ["03.mkv", "[G] {} - 03.mkv"])
def test_two_torrents_in_the_folder_of_one_show_never_meet(file):
    paths = [f"Fate/[G] {one} [BD]/{file.format(one)}" for one in ("Fate Zero", "Fate Prisma")]
    assert [key(path) for path in paths] == ["Fate/Fate Zero - 03.mkv", "Fate/Fate Prisma - 03.mkv"]


def test_of_two_folders_the_title_of_the_file_tells_which_is_the_show_s():
    shippuuden = "Naruto Shippuuden/Naruto Shippuuden - 05.mkv"
    assert key("Naruto/Naruto Shippuuden/[G] Naruto Shippuuden - 05.mkv") == shippuuden
    assert key("Naruto/Naruto Shippuuden/05.mkv") == shippuuden
    assert key("Moon/Notes/[G] Moon - 05.mkv") == "Moon/Moon - 05.mkv"
    superstar = key("Love Live/Superstar/[G] Love Live! Superstar!! - 01.mkv")
    assert superstar == "Love Live/Love Live! Superstar!! - 01.mkv"


@pytest.mark.parametrize("path", ["Moon/Tides/05.mkv", "Moon/Tides/[G] Hana - 05.mkv"])
def test_two_folders_of_which_nothing_tells_are_asked_about(path):
    reason = "the show may be 'Tides' or 'Moon'; both are folders around it"
    assert held(path) == reason


@pytest.mark.parametrize("folder", ["Disc 2", "Vol.2", "DVD2", "2", "02"])
def test_numbers_of_a_folder_that_may_count_anew_are_asked_about(folder):
    assert "numbers of its own" in (held(f"Moon/{folder}/05.mkv") or "")
    assert key(f"Moon/{folder}/[G] Moon - 05.mkv") == "Moon/Moon - 05.mkv"


@pytest.mark.parametrize("show", ["86", "D.Gray-man", "Dr.Stone", "2.43", "K", "Mob Psycho 100"])
def test_a_show_is_called_as_its_folder_is(show):
    assert key(f"{show}/15.mkv") == f"{show}/{show} - 15.mkv"


@pytest.mark.parametrize(
    "folder",
    ["Extras", "NC", "Creditless OP & ED", "OPs & EDs", "PV, CM", "BD Extras", "OST", "Openings"],
)
def test_what_lies_in_a_folder_of_extras_is_one(folder):
    for file in ("01.mkv", "Some Thing/01.mkv"):
        assert (held(f"Moon/{folder}/{file}") or "").startswith("an extra")


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("Menus/01.mkv", "Moon - Menu 01.mkv"),
        ("PVs/01.mkv", "Moon - PV 01.mkv"),
        ("NCOP/01.mkv", "Moon - NCOP 01.mkv"),
        ("Interviews/01.mkv", "Moon Interviews - Extra 01.mkv"),
        ("Season 2/Interviews/01.mkv", "Moon Interviews S2 - Extra 01.mkv"),
        ("Extras/01.mkv", "Moon - Extra 01.mkv"),
        ("Interviews/NCOP1.mkv", "Moon - NCOP1.mkv"),
    ],
)
def test_extras_of_different_folders_never_meet(path, stored):
    *folders, name = f"Moon/{path}".split("/")
    found = identify(name, folders=folders, extras="file")
    assert (found.held, names.key(found)) == (None, f"Moon/Extras/{stored}")
    clean = names.clean_name(found)
    assert names.clean(clean) == names.clean(clean, folders=folders) == clean


def test_a_number_that_may_be_a_year_or_a_height_is_asked_about():
    assert held("Moon/1080.mkv")
    assert held("Moon/720.mkv")
    assert held("Moon/2024.mkv")


def test_a_folder_of_several_seasons_leaves_the_season_to_the_file():
    assert key("[G] Moon S1-S2 [BD]/Moon S2 - 05.mkv") == "Moon/Moon S2 - 05.mkv"


def test_the_same_number_in_different_folders_is_never_the_same_file():
    folders = (
        ["Moon"],
        ["Moon", "Season 2"],
        ["Moon", "Season 2", "Specials"],
        ["Moon", "Season 2 Part 2"],
        ["Moon", "Season 3"],
        ["Moon", "Season 3", "Specials"],
        ["Moon", "Specials"],
        ["Moon", "OVA"],
        ["Moon", "OAD"],
        ["Moon", "Part 2"],
        ["Moon", "Cour 2"],
        ["Moon", "Disc 2"],
        ["Moon", "Extras"],
        ["Moon (2019)"],
        ["Moon", "Moon (2019)", "Season 2"],
        ["Moon", "Moon Eclipse"],
    )
    found = [identify("01.mkv", folders=folder) for folder in folders]
    seasons = (["Moon"], ["Moon", "Season 2"], ["Moon", "Season 3"])
    assert key("Moon/Season 2/SP01.mkv") == "Moon/Moon S2 - SP01.mkv"
    found += [identify("SP01.mkv", folders=folder) for folder in seasons]
    for one, other in itertools.combinations(found, 2):
        assert one.held or other.held or names.key(one) != names.key(other)
    for one in found:
        clean = names.clean_name(one)
        assert names.clean(clean, folders=one.folders) == clean


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("/home/mira/Moon/05.mkv", ("Moon",)),
        ("/mnt/disk/anime/Moon/05.mkv", ("anime", "Moon")),
        ("/mnt/Moon/05.mkv", ("mnt", "Moon")),
        ("/data/Moon/05.mkv", ("Moon",)),
        ("/Moon/05.mkv", ("Moon",)),
        ("Moon/05.mkv", ("Moon",)),
    ],
)
def test_folders_of_the_system_are_none_of_a_whole_path(path, folders):
    assert parted(path) == (folders, "05.mkv")
