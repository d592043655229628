"""Which show a release belongs to: told apart, mapped to seasons, or left to a person."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.identify import identify
from izumi.domain.matching import redirects
from izumi.domain.matching.entry import Entry, Relation, Wanted
from izumi.domain.matching.match import match, missing
from izumi.domain.matching.questions import questions
from izumi.domain.matching.titles import taken_apart
from izumi.domain.matching.wanted import wanted
from tests.support.catalogue_server import catalogue, search
from tests.support.published import published


def entry(number: int, *titles: str, synonyms: tuple[str, ...] = (), **facts: Any) -> Entry:
    known: dict[str, Any] = {"format": "TV", "episodes": 12, "started": "2015-04-01"} | facts
    return Entry(anilist_id=number, titles=titles, synonyms=synonyms, **known)


def sequel(*numbers: int, kind: str = "SEQUEL") -> tuple[Relation, ...]:
    return tuple(Relation(kind=kind, anilist_id=number) for number in numbers)


def of(name: str, *entries: Entry, **more: Any):
    return match(wanted(identify(name)), entries, **more)


FIRST = entry(1, "Mori no Hon", "A Book of the Forest", "森の本")
SECOND = entry(2, "Mori no Hon 2nd Season", synonyms=("Mori no Hon II",), started="2017-01-07")
FILM = entry(3, "Mori no Hon Movie: Saigo no Page", format="MOVIE", episodes=1)
OVA = entry(4, "Mori no Hon OVA", format="OVA", episodes=2)
ALL = (FIRST, SECOND, FILM, OVA)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("[G] Mori no Hon - 05 [1080p].mkv", 1),
        ("[G] A Book of the Forest - 05 [1080p].mkv", 1),
        ("[字幕组][森の本][05][1080P].mp4", 1),
        ("Mori.no.Hon.S01E05.1080p.WEB.x264-GRP.mkv", 1),
        ("[G] A Bok of the Forest - 05.mkv", 1),
        ("[G] Mori no Hon S2 - 05 [1080p].mkv", 2),
        ("[G] Mori no Hon II - 05 [1080p].mkv", 2),
        ("Mori.no.Hon.S02E05.mkv", 2),
        ("[G] Mori no Hon Movie - Saigo no Page [1080p].mkv", 3),
        ("[G] Mori no Hon OVA - 01 [1080p].mkv", 4),
        ("[G] Mori no Hon - 05v2 [1080p].mkv", 1),
    ],
)
def test_a_name_in_any_spelling_meets_its_season_film_or_ova(name, number):
    found = of(name, *ALL)
    assert found.entry is not None, found.why
    assert found.entry.anilist_id == number, found.why


@pytest.mark.parametrize(
    "name",
    [
        "[G] Mori no Hon S3 - 05.mkv",  # a season that the catalogue does not have
        "[G] Umi no Hon Monogatari - 05.mkv",
        "[G] Mori no Hon - Kaze no Uta - 05.mkv",  # a part that nobody knows
        "Hon - 05.mkv",
    ],
)
def test_what_the_catalogue_does_not_have_is_left_open(name):
    found = of(name, *ALL)
    assert found.entry is None, found.why
    assert not found.candidates
    assert found.why[-1] == "no entry is like it"


def test_two_shows_of_one_name_are_left_to_a_person_and_named():
    old, new = entry(1, "Kanata", started="2002"), entry(2, "Kanata", started="2019")
    found = of("[G] Kanata - 05.mkv", old, new)
    assert found.entry is None
    assert {one.anilist_id for one in found.candidates} == {1, 2}


@pytest.mark.parametrize(("name", "number"), [("Kanata (2019)", 2), ("Kanata (2002)", 1)])
def test_the_year_in_a_name_tells_a_remake_from_its_show(name, number):
    old, new = entry(1, "Kanata", started="2002"), entry(2, "Kanata", started="2019")
    found = of(f"[G] {name} - 05.mkv", old, new)
    assert found.entry is not None
    assert found.entry.anilist_id == number


def test_of_two_shows_of_one_name_the_one_that_is_airing_is_meant():
    old = entry(1, "Kanata", status="FINISHED", started="2002")
    new = entry(2, "Kanata", status="RELEASING", started="2026")
    found = of("[G] Kanata - 05.mkv", old, new)
    assert found.entry is new
    assert "airing" in found.why[-1]


def test_marks_of_emphasis_tell_a_sequel_from_its_show():
    one, two = entry(1, "Kanata!"), entry(2, "Kanata!!", synonyms=("Kanata 2nd Season",))
    assert of("[G] Kanata!! - 05.mkv", one, two).entry is two
    assert of("[G] Kanata! - 05.mkv", one, two).entry is one


def test_a_season_with_a_title_of_its_own_is_found_along_the_sequels():
    first = entry(1, "Mori no Hon", relations=sequel(2))
    part = entry(2, "Mori no Hon Part 2", relations=sequel(3))
    second = entry(3, "Umi no Uta", relations=sequel(4))
    third = entry(4, "Yama no Koe")
    assert of("[G] Mori no Hon S2 - 05.mkv", first, part, second, third).entry is second
    assert of("[G] Mori no Hon S3 - 05.mkv", first, part, second, third).entry is third
    assert of("[G] Mori no Hon S4 - 05.mkv", first, part, second, third).entry is None


def test_a_number_beyond_the_season_is_an_episode_of_the_next():
    first = entry(1, "Mori no Hon", relations=sequel(2))
    second = entry(2, "Mori no Hon 2nd Season", episodes=13, relations=sequel(3))
    third = entry(3, "Umi no Uta", episodes=None)
    for number, at, there in (("12", first, None), ("13", second, "1"), ("26", third, "1")):
        found = of(f"[G] Mori no Hon - {number} [1080p].mkv", first, second, third)
        assert (found.entry, found.number) == (at, there)


def test_a_number_that_counts_on_through_a_named_season_is_counted_from_its_first():
    first = entry(1, "Mori no Hon", relations=sequel(2))
    second = entry(2, "Mori no Hon 2nd Season", relations=sequel(1, kind="PREQUEL"))
    found = of("[G] Mori no Hon S2 - 17.mkv", first, second)
    assert (found.entry, found.number) == (second, "5")
    # More than both have: nobody knows, and the number stays as it is written.
    assert of("[G] Mori no Hon S2 - 40.mkv", first, second).number is None


def test_without_relations_seasons_follow_by_their_titles():
    found = of("[G] Mori no Hon - 15 [1080p].mkv", FIRST, SECOND)
    assert (found.entry, found.number) == (SECOND, "3")


def test_redirects_send_an_episode_to_the_season_that_has_it():
    known = redirects.parse("::rules\n- 10|20|1:13-24 -> 11|21|2:1-12!\n")
    found = of("[G] Mori no Hon - 15.mkv", FIRST, SECOND, redirects=known)
    assert (found.entry, found.number) == (SECOND, "3")


@pytest.mark.parametrize("number", ["12.5", "SP01", "13-24"])
def test_halves_specials_and_ranges_keep_their_number(number):
    found = of(f"[G] Mori no Hon - {number} [1080p].mkv", FIRST, SECOND)
    assert found.number is None


def test_a_circle_of_sequels_ends():
    one, two = entry(1, "Mori", relations=sequel(2)), entry(2, "Umi", relations=sequel(1))
    assert of("[G] Mori - 99.mkv", one, two).entry is one
    assert of("[G] Mori S3 - 01.mkv", one, two).entry is None


def test_what_a_decision_needs_besides_is_named_until_all_is_there():
    first = entry(1, "Mori no Hon", relations=sequel(2))
    second = entry(2, "Umi no Uta", relations=sequel(3))
    third = entry(3, "Yama no Koe")
    asked = wanted(identify("[G] Mori no Hon - 30.mkv"))
    assert missing(asked, [first]) == (2,)
    assert missing(asked, [first, second]) == (3,)
    assert missing(asked, [first, second, third]) == ()
    assert missing(wanted(identify("[G] Mori no Hon - 03.mkv")), [first]) == ()


def test_a_redirect_names_its_destination_as_missing():
    known = redirects.parse("::rules\n- ?|?|1:13 -> ?|?|77:1\n")
    assert missing(wanted(identify("Mori no Hon - 13.mkv")), [FIRST], known) == (77,)


def test_every_decision_says_why():
    found = of("[G] Mori no Hon S2 - 05.mkv", *ALL)
    assert re.match(r"Mori no Hon 2nd Season \(TV, 2017, 2\): [01]\.\d\d, .*title", found.why[0])


def test_a_search_begins_with_the_title_as_read_and_falls_back_to_less():
    asked = questions(wanted(identify("[G] Mori no Hon: Kaze no Uta wo Kike S2 - 05.mkv")))
    assert asked[0].startswith("Mori no Hon")
    assert "Mori no Hon" in asked
    assert len(asked) == len({text.casefold() for text in asked}) <= 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("::rules\n\n- 1|2:3 -> 4|5|6:7\n", "line 3"),
        ("::rules\n- rubbish\n", "line 2: '- rubbish' is no redirect"),
    ],
)
def test_a_line_that_is_no_redirect_is_named(text, problem):
    with pytest.raises(ValueError, match=problem):
        redirects.parse(text)


def test_redirects_to_themselves_to_the_end_and_of_unknown_shows():
    known = redirects.parse(
        "::meta\n- version: 1.3.0\n::rules\n# a show\n- 1|2|3:13-? -> ~|~|~:1!\n"
        "- 1|2|4:5 -> 6|7|8:1!\n- 1|2|?:5 -> 6|7|8:1\n"
    )
    assert known.of(3, 500) == (3, 488)
    assert known.of(4, 5) == (8, 1)
    assert known.of(8, 5) == (8, 1)
    assert known.of(3, 12) is None


def test_the_published_redirects_are_read_whole():
    text = published("catalogue/anime-relations.txt").read_text()
    known = redirects.parse(text)
    assert len(known) > 400
    assert known.of(116589, 12) == (131586, 1)  # 86: the first of the second season


@given(st.text(max_size=400))
def test_any_text_is_taken_apart_the_same_way_each_time(title):
    once = taken_apart(title)
    assert once == taken_apart.__wrapped__(title)
    assert once.base or not once.whole


@given(
    st.lists(st.text(max_size=60), max_size=4),
    st.one_of(st.none(), st.integers(0, 99)),
    st.one_of(st.none(), st.text(max_size=8)),
)
def test_no_question_has_no_answer(titles, season, number):
    asked = Wanted(titles=tuple(titles), season=season, number=number)
    found = match(asked, ALL)
    assert 0 <= found.score <= 1.1
    assert all(len(text) <= 200 and text.strip() for text in questions(asked))


@pytest.fixture(scope="module")
def look_up():
    """Decides a name over the whole published catalogue, as a client of it would."""
    shows = catalogue(relations="none")
    find = search(shows, "strict")
    entries = {show["id"]: _entry(show) for show in shows}

    def decide(name: str):
        asked = wanted(identify(name))
        offered = {show["id"] for text in questions(asked) for show in find(text)[:25]}
        return match(asked, [entries[number] for number in offered])

    return decide


def _entry(show) -> Entry:
    title, start = show["title"], show["startDate"]
    names = filter(None, (title["romaji"], title["english"], title["native"]))
    return Entry(
        anilist_id=show["id"],
        mal_id=show["idMal"],
        titles=tuple(dict.fromkeys(names)),
        synonyms=tuple(show["synonyms"]),
        format=show["format"],
        episodes=show["episodes"],
        started=str(start["year"]) if start["year"] else None,
    )


def _judge(look_up, cases) -> tuple[float, float]:
    """Answered of all, and right of those answered."""
    answers = [(look_up(name).entry, is_right) for name, is_right in cases]
    answered = [(found, is_right) for found, is_right in answers if found is not None]
    right = sum(is_right(found) for found, is_right in answered)
    return len(answered) / len(answers), right / len(answered)


def test_release_names_find_their_shows(look_up):
    listed = json.loads(published("catalogue/release_names_mal.json").read_bytes())["cases"]

    def right_one(ids):
        known = ids if isinstance(ids, list) else [ids]
        return lambda found: found.mal_id in known

    cases = [(case["filename"], right_one(case["mal_id"])) for case in listed]
    answered, right = _judge(look_up, cases)
    assert answered >= 0.85
    assert right >= 0.92


def test_names_as_one_group_writes_them_find_their_shows(look_up):
    listed = json.loads(published("catalogue/subsplease_names.json").read_bytes())["names"]
    cases = [
        (
            f"[SubsPlease] {name} - 01 (1080p) [0A1B2C3D].mkv",
            lambda found, ids=ids: found.anilist_id in ids,
        )
        for name, ids in listed.items()
    ]
    answered, right = _judge(look_up, cases)
    assert answered >= 0.85
    assert right >= 0.92
