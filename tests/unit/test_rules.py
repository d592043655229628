"""What a person says of a release, and what is learnt of it."""

import datetime as dt
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import keys, names, rules
from izumi.domain.fix import Fix, merged, shifted
from izumi.domain.identify import identify
from izumi.domain.release import Identification
from izumi.domain.rules import Rule

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NUMBERS = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,2})?(-[0-9]{1,4}(\.[0-9])?)?", fullmatch=True)


def rule(title: str, **changes: object) -> Rule:
    given = {"title": title, "fix": Fix(show="Other"), "by": "mira", "at": AT} | changes
    return Rule(**given)  # type: ignore[arg-type]  # as a test names them


def ruled(name: str, *known: Rule, fix: Fix | None = None) -> Identification:
    return rules.apply(identify(name), known, fix)


@pytest.mark.parametrize(
    ("episode", "offset", "moved"),
    [
        ("13", -12, "01"),
        ("013", -12, "001"),
        ("9", 1, "10"),
        ("99", 1, "100"),
        ("13.5", -12, "01.5"),
        ("13-24", -12, "01-12"),
        ("12", -12, None),
        ("12.5", -12, None),
        ("12-14", -12, None),
        ("SP02", -1, "SP02"),
        ("Vol.1", 5, "Vol.1"),
    ],
)
def test_an_offset_moves_every_whole_number_and_keeps_its_padding(episode, offset, moved):
    assert shifted(episode, offset) == moved


@given(NUMBERS, st.integers(-9999, 9999))
def test_an_offset_is_added_to_each_number_and_taken_back_by_its_opposite(episode, offset):
    moved = shifted(episode, offset)
    before = [float(number) for number in re.findall(r"[0-9.]+", episode)]
    if moved is None:
        assert any(int(number) + offset < 1 for number in before)
        return
    after = [float(number) for number in re.findall(r"[0-9.]+", moved)]
    assert after == pytest.approx([number + offset for number in before])
    assert all(len(a) >= len(b) for a, b in zip(moved.split("-"), episode.split("-"), strict=True))
    back = shifted(moved, -offset)
    if all(int(number) >= 1 for number in before):
        assert back is not None
        assert [float(number) for number in re.findall(r"[0-9.]+", back)] == pytest.approx(before)


@given(st.lists(st.integers(1, 3000), min_size=2, max_size=2, unique=True), st.integers(-50, 50))
def test_episodes_that_differ_still_differ_after_an_offset(numbers, offset):
    a, b = (shifted(f"{number:02}", offset) for number in numbers)
    assert a is None or a != b


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "says nothing"),
        ({"show": "?!"}, "no title"),
        ({"show": "a\nb"}, "no title"),
        ({"show": "x" * 181}, "longer than 180"),
        ({"episode": "1/2"}, "contains '/'"),
        ({"episode": "1" * 41}, "longer than 40"),
        ({"extra": "NC|OP"}, "contains '|'"),
        ({"offset": 0}, "changes nothing"),
        ({"season": -1}, "between 0 and 999"),
        ({"revision": 1}, "between 2 and 99"),
        ({"anilist_id": 0}, "between 1 and"),
        ({"episode": "1", "offset": 2}, "exclude each other"),
        ({"film": True, "extra": "PV"}, "exclude each other"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_said_and_when_it_is_read(fields, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        Fix(**fields)
    with pytest.raises(msgspec.ValidationError, match=re.escape(reason)):
        msgspec.json.decode(msgspec.json.encode(fields), type=Fix)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": " "}, "is empty"),
        ({"fix": Fix(show="A", episode="05")}, "cannot give every file"),
        ({"fix": Fix(revision=2)}, "cannot give every file"),
        ({"season": 2, "unseasoned": True}, "exclude each other"),
    ],
)
def test_a_rule_that_would_make_all_files_one_is_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        rule(**({"title": "Show"} | changes))


def test_a_show_answers_which_show_and_not_which_episode():
    read = identify("[G] Moon 100 - Spring.mkv")
    assert {doubt.about for doubt in read.doubts} == {"show", "episode"}
    found = rules.apply(read, (), Fix(show="Moon: Spring?"))
    assert found.held == "the episode is none or '100'"
    assert [doubt.about for doubt in found.doubts] == ["episode"]
    assert names.show_folder(found) == "Moon - Spring"


def test_a_number_answers_which_episode_and_not_which_show():
    found = rules.apply(identify("[G] Moon 100 - Spring.mkv"), (), Fix(episode="07"))
    assert found.held is not None
    assert "the title is" in found.held


def test_what_is_said_stands_as_it_was_said_however_it_may_be_read():
    found = ruled("[G] Moon 100 - Spring.mkv", fix=Fix(show="Moon 100: Spring", film=True))
    assert found.held is None
    assert names.key(found) == "Moon 100 - Spring/Moon 100 - Spring.mkv"
    assert found.why[0] == "answered: Moon 100: Spring, a film"
    assert found.confidence == 0.99


def test_who_says_the_number_at_the_catalogue_says_which_show():
    found = ruled("[Aoi Hana] 05.mkv", fix=Fix(anilist_id=7))
    assert (found.held, found.anilist_id, found.title) == (None, 7, "Aoi Hana")


def test_where_no_title_was_read_a_number_at_the_catalogue_names_no_folder():
    found = ruled("05.mkv", fix=Fix(anilist_id=7))
    assert found.held is not None


def test_a_rule_is_in_force_for_its_title_however_it_is_spelt_and_says_so():
    known = rule("aoi-hana!", fix=Fix(show="Sweet Blue Flowers"))
    found = ruled("[Aoi Hana] 05v2 [720p].mkv", known)
    assert names.key(found) == "Sweet Blue Flowers/Sweet Blue Flowers - 05v2 [720p].mkv"
    assert found.held is None
    assert found.why[0] == (
        f"rule {known.id}: 'aoi-hana!' is Sweet Blue Flowers (by mira, 2026-03-01)"
    )
    assert ruled("[Aoi Hono] 05.mkv", known) == identify("[Aoi Hono] 05.mkv")


def test_a_rule_with_season_and_offset_maps_absolute_numbers():
    known = rule("Spring", unseasoned=True, fix=Fix(season=2, offset=-12))
    assert names.key(ruled("[G] Spring - 13 [1080p].mkv", known)) == (
        "Spring/Spring S2 - 01 [1080p].mkv"
    )
    assert ruled("[G] Spring S3 - 13.mkv", known).season == 3


def test_an_offset_that_leads_below_one_is_held_with_the_rule_that_says_so():
    known = rule("Spring", fix=Fix(season=2, offset=-12))
    found = ruled("[G] Spring - 05.mkv", known)
    assert found.held == f"rule {known.id} would make episode 05 less than 1 (-12)"
    assert (found.episode, found.season) == ("05", None)


def test_of_several_rules_the_one_that_asks_for_most_counts_then_the_newest():
    later = AT + dt.timedelta(days=1)
    plain = rule("Spring", fix=Fix(show="Plain"), at=later)
    season = rule("Spring", season=2, fix=Fix(show="Second"))
    group = rule("Spring", group="G", fix=Fix(show="Grouped"))
    newest = rule("SPRING", group="g", fix=Fix(show="Newest"), at=later)
    assert ruled("[G] Spring S2 - 01.mkv", plain, season).title == "Second"
    assert ruled("[G] Spring - 01.mkv", plain, season).title == "Plain"
    assert ruled("[G] Spring - 01.mkv", group, newest, plain).title == "Newest"
    assert group.id == newest.id != plain.id != season.id


def test_remakes_of_one_title_are_told_apart_by_their_year():
    known = rule("Spring (2019)", fix=Fix(show="Spring Anew"))
    assert ruled("[G] Spring (2019) - 01.mkv", known).title == "Spring Anew"
    assert ruled("[G] Spring - 01.mkv", known).title == "Spring"
    assert names.show_folder(ruled("[G] Spring (2019) - 01.mkv", known)) == "Spring Anew"


def test_a_rule_knows_a_file_by_its_own_title_also_in_a_folder_of_another():
    known = rule("Spring Side", fix=Fix(show="Spring Stories"))
    read = identify("[G] Spring Side - 01.mkv", folders=["Spring"])
    found = rules.apply(read, (known,))
    assert names.key(found) == "Spring Stories/Spring Stories - 01.mkv"
    assert rules.apply(identify("[G] Spring Side - 01.mkv", folders=["Spring"])) == read


def test_a_season_that_is_said_wins_over_the_folder_of_a_season():
    read = identify("[G] Spring - 13.mkv", folders=["Spring", "Season 2"])
    found = rules.apply(read, (), Fix(season=1))
    assert names.key(found) == "Spring/Spring S1 - 13.mkv"


def test_an_answer_and_its_own_rule_count_once():
    known = rule("Spring", fix=Fix(season=2, offset=-12))
    found = ruled("[G] Spring - 13.mkv", known, fix=Fix(season=2, offset=-12))
    assert found.episode == "01"


def test_an_answer_about_the_number_takes_the_place_of_a_rule_about_it():
    known = rule("Spring", fix=Fix(show="Autumn", offset=-12))
    found = ruled("[G] Spring - 05.mkv", known, fix=Fix(episode="33"))
    assert (found.title, found.episode, found.held) == ("Autumn", "33", None)


def test_what_a_watch_folder_holds_wins_over_a_rule_and_an_answer_over_both():
    read = identify("[G] Haru - 05 [1080p].mkv")
    known = rule("Haru", fix=Fix(show="Of the rule", offset=-2))
    hint = Fix(show="Of the folder", season=2)
    found = rules.apply(read, (known,), None, hint)
    assert (found.title, found.seasons, found.episode) == ("Of the folder", (2,), "03")
    assert found.held is None
    assert "its watch folder's settings: Of the folder, season 2" in found.why
    answered = rules.apply(read, (known,), Fix(show="Of the answer"), hint)
    assert (answered.title, answered.seasons) == ("Of the answer", (2,))


def test_answers_add_up_and_the_later_one_wins():
    first, second = Fix(show="A", episode="05"), Fix(offset=2, season=1)
    assert merged(first, second) == Fix(show="A", season=1, offset=2)
    assert merged(None, second) == second
    assert merged(first, None) == first
    assert merged(Fix(show="A"), Fix(show="B")) == Fix(show="B")


def test_what_of_a_fix_can_be_a_rule_leaves_out_what_is_of_one_file():
    assert Fix(show="A", episode="05", revision=2).lasting() == Fix(show="A")
    assert Fix(episode="05").lasting() is None


SHOWS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@given(SHOWS)
def test_any_show_that_is_taken_makes_a_legal_key(show):
    try:
        fix = Fix(show=show)
    except ValueError:
        return
    found = ruled("[Aoi Hana] 05.mkv", fix=fix)
    key = names.key(found)
    assert key is not None
    assert keys.parse_key(key)


@given(st.text(max_size=60), st.text(min_size=1, max_size=20))
def test_a_rule_never_crashes_on_any_name(name, title):
    try:
        known = rule(title, fix=Fix(show="Other", season=1, offset=-3))
    except ValueError:
        return
    found = rules.apply(identify(name), (known,), Fix(revision=2))
    assert found.revision == 2
