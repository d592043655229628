"""Short ids of holds, and what is found by them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.errors import UserError
from izumi.domain.events import Answered, Fact, HeldFile
from izumi.domain.holds import Hold, find, holds, short_ids

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


def fact(job: str, **changes: object) -> HeldFile:
    given = {"unit": "acquisition", "job": job, "name": job, "reason": "why", "at": NOON}
    return HeldFile(**(given | changes))  # type: ignore[arg-type]  # as a test names them


def answer(job: str, kind: str = "reject") -> Answered:
    return Answered(unit="acquisition", hold=job, answer=kind, at=NOON)  # type: ignore[arg-type]  # as a test names it


def test_a_hold_is_open_until_something_came_after_it():
    facts: list[tuple[int, Fact]] = [
        (1, fact("a")),
        (2, fact("b")),
        (3, answer("a")),
        (4, fact("c")),
        (1, answer("c")),
    ]
    found = {hold.fact.job: hold for hold in holds(facts)}
    assert found["a"].answer is not None
    assert found["b"].answer is None
    assert (found["c"].answer, found["c"].answered_seq) == (None, 1)


@given(st.sets(st.text(max_size=8), min_size=1, max_size=300))
def test_every_hold_is_found_by_its_short_id_and_by_its_whole_one(jobs):
    known = [Hold(fact(job), 1) for job in jobs]
    for id_, short in short_ids(known).items():
        assert find(short, known).id == id_
        assert find(f" {id_.upper()}", known).id == id_
        assert len(short) >= 4


def test_what_is_ambiguous_is_refused_with_all_that_may_be_meant():
    known = [Hold(fact(str(number)), 1) for number in range(40)]
    first = known[0].id[0]
    with pytest.raises(UserError, match="give more of the id"):
        find(first, known)


def test_a_hold_is_also_found_by_its_token_on_the_bus():
    known = [Hold(fact("abc"), 1), Hold(fact("acquired-1", unit="encoder", group="main"), 2)]
    assert find("main-acquired-1", known) is known[1]
    assert known[1].unit == "encoder.main"
