"""What a release asks of the catalogue."""

from izumi.domain.identify import identify
from izumi.domain.matching.wanted import wanted


def test_an_episode_asks_with_its_titles_season_and_number() -> None:
    asked = wanted(identify("[Group] 進撃の巨人 / Shingeki no Kyojin S2 - 05 [1080p].mkv"))
    assert {"進撃の巨人", "Shingeki no Kyojin"} <= {*asked.titles}
    assert (asked.season, asked.number, asked.kind) == (2, "05", "episode")


def test_the_folder_of_the_show_is_asked_for_before_the_name_of_the_file() -> None:
    asked = wanted(identify("Furuba - 03.mkv", folders=["Fruits Basket (2019)"]))
    assert asked.titles[0] == "Fruits Basket (2019)"
    assert "Furuba" in asked.titles
    assert asked.year == 2019


def test_a_year_beside_the_title_is_asked_for() -> None:
    assert wanted(identify("[G] Fruits Basket (2019) - 03 [1080p].mkv")).year == 2019


def test_a_batch_of_seasons_asks_for_no_season() -> None:
    assert wanted(identify("[G] Show S1-S3 [1080p]")).season is None


def test_a_film_asks_as_a_film() -> None:
    asked = wanted(identify("[G] Kimi no Na wa. [BD 1080p].mkv"))
    assert (asked.kind, asked.number) == ("film", None)


def test_what_has_no_title_asks_for_none() -> None:
    assert wanted(identify("episode.mkv")).titles == ()
