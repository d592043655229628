"""Hours of the day in which a unit works."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import hours


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-01-02T{text}")


@pytest.mark.parametrize(
    ("text", "open_", "closed"),
    [
        ("22:00-08:00", ["22:00", "23:59:59", "00:00", "07:59:59"], ["08:00", "12:00", "21:59"]),
        ("9:30 - 17:00", ["09:30", "16:59"], ["09:29:59", "17:00", "00:00"]),
    ],
)
def test_hours_may_go_over_midnight_and_end_before_their_end(text, open_, closed):
    found = hours.parse(text)
    assert [time for time in open_ if not found.open_at(at(time))] == []
    assert [time for time in closed if found.open_at(at(time))] == []


@pytest.mark.parametrize(
    "text", ["", "22-8", "22:00", "24:00-08:00", "22:60-08:00", "08:00-08:00", "٢٢:00-08:00"]
)
def test_what_is_no_range_of_hours_is_refused_with_its_value(text):
    with pytest.raises(ValueError, match="hours is "):
        hours.parse(text)


@given(st.times(), st.times(), st.datetimes())
def test_a_range_and_its_opposite_divide_the_day(begin, end, now):
    begin, end = (time.replace(second=0, microsecond=0) for time in (begin, end))
    if begin == end:
        return
    one, other = hours.Hours(begin, end), hours.Hours(end, begin)
    assert one.open_at(now) is not other.open_at(now)
    assert hours.parse(str(one)) == one
