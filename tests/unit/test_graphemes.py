"""Texts are cut between what readers call characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.graphemes import ELLIPSIS, clusters, cut, units
from tests.support.news import names

WHOLE = [
    "ｶ\uff9e",
    "\u0e01\u0e33",
    "\u0915\u094d\u0937\u093f",
    "e\u0301",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f44d\U0001f3fd",
    "\U0001f1e9\U0001f1ea",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\u2764\ufe0f\u200d\U0001f525",
    "\u1112\u1161\u11ab",
    "각",
    "가\u11a8",
    "か\u3099",
    "字",
    "1\ufe0f\u20e3",
]


@pytest.mark.parametrize("one", WHOLE)
def test_what_reads_as_one_character_stays_one(one):
    assert list(clusters(f"a{one}{one}b")) == ["a", one, one, "b"]


def test_flags_are_pairs():
    flags = ["\U0001f1e9\U0001f1ea", "\U0001f1ef\U0001f1f5", "\U0001f1eb"]
    assert list(clusters("".join(flags))) == flags
    assert list(clusters("a" + "".join(flags) + "b")) == ["a", *flags, "b"]


@given(names)
def test_the_characters_of_a_text_are_the_text(text):
    assert "".join(clusters(text)) == text
    assert all(clusters(text))


def test_units_are_those_of_utf_16():
    assert units("a字\U0001f44d") == 4
    assert units("") == 0


@given(names, st.integers(1, 300))
def test_a_cut_fits_and_is_a_beginning(text, limit):
    short = cut(text, limit)
    assert units(short) <= limit
    assert short == text or text.startswith(short.removesuffix(ELLIPSIS))
    if units(text) <= limit:
        assert short == text


@given(st.lists(st.sampled_from([*WHOLE, "a", " "]), max_size=60), st.integers(30, 120))
def test_a_cut_falls_between_characters(parts, limit):
    text = "".join(parts)
    kept = cut(text, limit).removesuffix(ELLIPSIS)
    whole = list(clusters(text))
    assert list(clusters(kept)) == whole[: len(list(clusters(kept)))]


@given(st.text(max_size=40), st.integers(1, 40))
def test_a_cut_counts_what_escaping_adds(text, limit):
    assert units(cut(text, limit, lambda part: part.replace("a", "\\a"))) <= limit


def test_one_letter_under_a_thousand_accents_is_cut_all_the_same():
    short = cut("a" + "\u0301" * 5000, 256)
    assert units(short) == 256
    assert short.startswith("a\u0301")
