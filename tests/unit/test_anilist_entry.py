"""Entries of the catalogue, whatever AniList may send."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from izumi.clients.anilist_entry import entries_of
from izumi.domain.matching.entry import Entry
from izumi.domain.matching.match import match
from tests.support.shows import MORI, wanting

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(MORI)), JSON))
def test_an_entry_with_any_nonsense_in_it_is_left_out_or_can_be_matched(nonsense: Any) -> None:
    found = entries_of({"media": [MORI | nonsense]})
    assert found is not None
    for entry in found:
        assert msgspec.json.decode(msgspec.json.encode(entry), type=Entry) == entry
        assert entry.year is None or 1900 <= entry.year < 2200
        assert entry.title
        match(wanting("Hon no Mori"), [entry])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_what_is_no_page_is_none(page: Any) -> None:
    assert entries_of(page) in (None, ())


@pytest.mark.parametrize(
    ("date", "started"),
    [
        ({"year": 2013, "month": 4, "day": 7}, "2013-04-07"),
        ({"year": 2013, "month": 4, "day": None}, "2013-04"),
        ({"year": 2013, "month": None, "day": None}, "2013"),
        ({"year": 2013, "month": None, "day": 7}, "2013"),
        ({"year": 2013, "month": 2, "day": 31}, "2013"),
        ({"year": 12, "month": 1, "day": 1}, None),
        ({}, None),
        (None, None),
    ],
)
def test_as_much_of_a_date_as_is_known_is_kept(date: Any, started: str | None) -> None:
    (entry,) = entries_of({"media": [MORI | {"startDate": date}]}) or ()
    assert entry.started == started
