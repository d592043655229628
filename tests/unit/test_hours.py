"""Hours of the day in which a unit works."""

import datetime as dt
from zoneinfo import ZoneInfo

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


BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks are changed by half an hour


@pytest.mark.parametrize(
    ("text", "now", "over"),
    [
        ("23:00-07:00", "2026-01-02T23:30+01:00", "2026-01-03T07:00+01:00"),
        ("23:00-07:00", "2026-01-02T06:59:59+01:00", "2026-01-02T07:00+01:00"),
        ("23:00-07:00", "2026-01-02T07:00+01:00", None),
        ("23:00-07:00", "2026-01-02T22:59:59+01:00", None),
        # Clocks go forward on 29 March: a night of seven hours.
        ("23:00-07:00", "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),
        # They go from 2:00 to 3:00: half past two never comes.
        ("23:00-02:30", "2026-03-28T23:00+01:00", "2026-03-29T03:00+02:00"),
        # Back on 25 October from 3:00 to 2:00: half past two comes twice, the first counts.
        ("23:00-02:30", "2026-10-24T23:00+02:00", "2026-10-25T02:30+02:00"),
        ("23:00-07:00", "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
        # In the second 2:15 of that night.
        ("23:00-02:30", "2026-10-25T02:15+01:00", "2026-10-25T02:30+01:00"),
    ],
)
def test_hours_are_over_by_the_clock_on_the_wall_also_when_it_is_changed(text, now, over):
    found = hours.parse(text).over_at(dt.datetime.fromisoformat(now), BERLIN)
    assert found == (None if over is None else dt.datetime.fromisoformat(over))


@given(
    st.times(),
    st.times(),
    st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
    st.sampled_from([BERLIN, KATHMANDU, LORD_HOWE, None]),
)
def test_hours_are_over_at_the_first_minute_outside_them(begin, end, now, zone):
    begin, end = (time.replace(second=0, microsecond=0) for time in (begin, end))
    if begin == end:
        return
    found = hours.Hours(begin, end)
    over = found.over_at(now, zone)
    if over is None:
        assert not found.open_at(now.astimezone(zone))
        return
    assert over > now
    assert over - now <= dt.timedelta(hours=26)
    assert not found.open_at(over.astimezone(zone))
    minutes = int((over - now).total_seconds() // 60)
    for minute in range(0, minutes, 7):
        assert found.open_at((now + dt.timedelta(minutes=minute)).astimezone(zone))
