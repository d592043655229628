"""What a target is told of, and what a group gets."""

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import filters
from izumi.domain.filters import About, Answer, Drop, Filter, Pass, Wait, by_lists, decide
from izumi.domain.show import sameness
from tests.support.news import acquired, distributed, encoded, file, names

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
MOB = About("Mob Psycho 100", "Mob Psycho 100", "Mob Psycho 100 - 03 [1080p].mkv", "softsub")


def judged(about: About = MOB, *, now: dt.datetime = NOON, **rules: Any) -> Any:
    return decide(Filter(**rules), about, now)


def test_a_filter_looks_at_the_show_its_folder_the_file_and_its_numbers():
    about = filters.about(acquired(file("x.mkv", show="Hon no Mori"), anilist_id=7))
    assert about == ("Hon no Mori", "Hon no Mori", "x.mkv", "softsub", 7, None)
    assert filters.about(encoded()).sub == "hardsub"
    assert filters.about(distributed()).title == "Hon no Mori"


def test_without_rules_everything_goes_there():
    assert judged() == Pass()


@pytest.mark.parametrize(
    ("rules", "goes"),
    [
        ({"subs": ["softsub"]}, True),
        ({"subs": ["hardsub", "none"]}, False),
        ({"shows": ["mob psycho 100!"]}, True),
        ({"shows": ["Mob Psycho"]}, False),
        ({"not_shows": ["MOB: Psycho - 100"]}, False),
        ({"not_shows": ["Mob Psycho"]}, True),
        ({"words": ["psycho"]}, True),
        ({"words": ["psych"]}, False),
        ({"words": ["Mob.Psycho"]}, True),
        ({"words": ["nothing", "1080p"]}, True),
        ({"not_words": ["1080p"]}, False),
        ({"not_words": ["108"]}, True),
        # Any of what lets in is enough; what keeps out wins over it.
        ({"shows": ["Else"], "words": ["mob"]}, True),
        ({"shows": ["Mob Psycho 100"], "words": ["else"]}, True),
        ({"shows": ["Else"], "words": ["else"]}, False),
        ({"shows": ["Mob Psycho 100"], "not_words": ["psycho"]}, False),
        ({"shows": ["Mob Psycho 100"], "subs": ["hardsub"]}, False),
        ({"words": ["mob"], "not_shows": ["Mob Psycho 100"]}, False),
    ],
)
def test_rules_let_in_or_keep_out(rules, goes):
    given_: dict[str, Any] = {key: tuple(value) for key, value in rules.items()}
    verdict = judged(MOB, now=NOON, **given_)
    assert isinstance(verdict, Pass if goes else Drop)
    assert goes or verdict.reason


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("森", True),
        ("の森", True),
        ("本", True),
        ("海", False),
        ("\uff22\uff2f\uff2f\uff2b", True),
        ("boo", False),
    ],
)
def test_words_without_spaces_around_them_are_found_within_a_title(word, found):
    about = MOB._replace(title="本の森 Book", folder="", name="")
    assert isinstance(judged(about, words=(word,)), Pass if found else Drop)


def test_lists_are_asked_only_where_nothing_else_has_decided():
    assert judged(lists=("mine",)) is None
    assert isinstance(judged(lists=("mine",), words=("mob",)), Pass)
    assert isinstance(judged(lists=("mine",), not_words=("mob",)), Drop)
    assert judged(lists=("mine",), words=("else",)) is None


@pytest.mark.parametrize(
    ("answers", "goes", "said"),
    [
        ([Answer("a", holds=True)], True, "on list a"),
        ([Answer("a", holds=False), Answer("b", holds=True, note="of 3 h ago")], True, "b (of 3"),
        ([Answer("a", holds=False), Answer("b", holds=False)], False, "list a, list b"),
        ([Answer("a", holds=None, note="it is away")], True, "unread: list a (it is away)"),
        ([Answer("a", holds=False), Answer("b", holds=None)], True, "unread: list b"),
        ([Answer("a", holds=None), Answer("b", holds=True)], True, "on list b"),
        ([Answer("a", holds=False, note="of 2 d ago")], False, "not on list a (of 2 d ago)"),
    ],
)
def test_any_list_lets_in_and_so_does_one_that_cannot_be_read(answers, goes, said):
    verdict = by_lists(answers)
    assert isinstance(verdict, Pass if goes else Drop)
    assert said in verdict.reason


def test_what_comes_in_quiet_hours_waits_until_they_are_over():
    night = dt.datetime(2026, 1, 2, 23, 30, tzinfo=dt.UTC)
    verdict = judged(now=night, quiet="23:00-07:00", zone="UTC")
    assert isinstance(verdict, Wait)
    assert verdict.until == dt.datetime(2026, 1, 3, 7, tzinfo=dt.UTC)
    assert judged(now=verdict.until, quiet="23:00-07:00", zone="UTC") == Pass()
    # Asked in the morning, when the lists are what they are then.
    assert isinstance(judged(now=night, quiet="23:00-07:00", zone="UTC", lists=("a",)), Wait)
    # What never goes there does not wait for it.
    kept_out = judged(now=night, quiet="23:00-07:00", zone="UTC", words=("else",))
    assert isinstance(kept_out, Drop)


def test_quiet_hours_are_those_of_their_zone():
    evening_in_japan = dt.datetime(2026, 1, 2, 14, 30, tzinfo=dt.UTC)
    assert isinstance(judged(now=evening_in_japan, quiet="23:00-07:00", zone="Asia/Tokyo"), Wait)
    assert judged(now=evening_in_japan, quiet="23:00-07:00", zone="Europe/London") == Pass()


def test_the_first_that_can_be_served_decides_when_a_job_comes_back():
    later = {
        "one": Wait(NOON + dt.timedelta(hours=3), "quiet"),
        "other": Wait(NOON + dt.timedelta(hours=1), "quiet"),
    }
    raised = filters.postponed(later, NOON)
    assert raised.wait_s == 3600
    assert "one: quiet; other: quiet, until 2026-01-02 13:00 UTC" in str(raised)
    assert filters.postponed(later, NOON + dt.timedelta(hours=2)).wait_s == 1


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"words": ("",)}, "words: '' has no letter"),
        ({"not_words": ("ok", "--!")}, "not_words: '--!'"),
        ({"shows": (" ",)}, "shows: a name must not be empty"),
        ({"quiet": "23-7"}, "quiet is '23-7': write it like"),
        ({"quiet": "07:00-07:00"}, "quiet is '07:00-07:00', which begins where it ends"),
        ({"quiet": "23:00-07:00", "zone": "Mars/Olympus"}, "'Mars/Olympus' is not known"),
        ({"quiet": "23:00-07:00", "zone": "../../etc/passwd"}, "is not known"),
        ({"quiet": "23:00-07:00", "zone": "x\x00"}, "is not known"),
        ({"quiet": "23:00-07:00", "zone": "Europe"}, "is not known"),
        ({"zone": "Asia/Tokyo"}, "of no use without `quiet`"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_its_value(rules, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Filter(**rules)


@given(names, names, names)
def test_whatever_a_show_is_called_it_is_let_in_by_its_name_and_kept_out_by_it(title, name, other):
    about = About(title, title, name, "softsub")
    if not title.strip():
        return
    assert isinstance(judged(about, shows=(title,)), Pass)
    assert isinstance(judged(about, not_shows=(title,)), Drop)
    if other.strip():
        alike = sameness(other) == sameness(title)
        assert isinstance(judged(about, shows=(other,)), Pass if alike else Drop)


@given(st.lists(st.sampled_from(["mob", "psycho", "100", "森", "x"]), min_size=1), names)
def test_a_word_that_a_title_holds_is_found_among_anything_else(words, noise):
    title = f"{noise} {' '.join(words)} {noise}"
    about = About(title, "", "", "softsub")
    for word in words:
        assert isinstance(judged(about, words=(word,)), Pass)
