"""When a script is hardest to draw."""

from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.ass import Event, Script
from izumi.domain.ass_load import heaviest
from izumi.domain.probe import Heavy


def script(*events: tuple[float, float, str]) -> Script:
    return Script({}, tuple(Event(begin_s, end_s, "", text) for begin_s, end_s, text in events))


def test_each_kind_of_load_has_its_hardest_time():
    crowd = [(10.0, 12.0, "a")] * 50
    long, glow = (20.0, 30.0, "word " * 500), (40.0, 41.0, r"{\blur200\fs900}x")
    found = heaviest(script((0.0, 100.0, "hello"), *crowd, long, glow), end_s=100)
    assert found == (Heavy(11.0, 2.0), Heavy(25.0, 10.0), Heavy(40.5, 1.0))


def test_what_comes_after_the_film_is_drawn_by_nobody():
    assert heaviest(script((0.0, 2.0, "a"), (50.0, 60.0, "b" * 99)), end_s=10) == (Heavy(1.0, 2.0),)
    assert heaviest(script(), end_s=10) == ()


def test_as_hard_elsewhere_counts_too():
    lines = [(float(at_s), at_s + 1.0, "x" * 100) for at_s in range(0, 20, 2)]
    (found,) = {heavy.lasts_s for heavy in heaviest(script(*lines), end_s=100)}
    assert found == 10


@given(st.lists(st.tuples(st.floats(-5, 50), st.floats(-5, 50), st.text(max_size=5))))
def test_every_time_is_inside_a_line_and_inside_the_film(lines):
    events = [(begin_s, begin_s + abs(lasts_s), text) for begin_s, lasts_s, text in lines]
    for heavy in heaviest(script(*events), end_s=30):
        assert any(begin_s - 0.01 <= heavy.at_s <= end_s + 0.01 for begin_s, end_s, _ in events)
        assert 0 <= heavy.at_s <= 30
        assert 0 <= heavy.lasts_s <= 30
