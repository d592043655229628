"""Which jobs a person means, and how far they are."""

import datetime as dt
import itertools

import pytest

from izumi.bus.jobs import Job
from izumi.commands.jobs import how_far, pick
from izumi.domain.errors import UserError
from izumi.domain.events import JobRecord, Progress

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


SEQUENCE = itertools.count(1)


def job(name: str, unit: str = "encoder", group: str = "main") -> Job:
    record = JobRecord(state="claimed", owner="x", source=1, at=NOW)
    return Job(unit, group, name, record, next(SEQUENCE))


KNOWN = [job("a"), job("b"), job("a", "distributor", "public")]


def test_jobs_are_meant_by_name_and_by_unit_where_several_have_it():
    assert pick(KNOWN, ["b", "b"], unit="") == [KNOWN[1]]
    assert pick(KNOWN, ["a"], unit="distributor") == [KNOWN[2]]
    assert pick(KNOWN, ["a"], unit="encoder.main") == [KNOWN[0]]


def test_the_beginning_of_an_id_is_enough_where_it_is_alone_and_never_where_the_whole_is_there():
    known = [job("acquired-12"), job("acquired-1"), job("acquired-13"), job("do-retry-7")]
    assert pick(known, ["acquired-1"], unit="") == [known[1]]
    assert pick(known, ["do", "do-retry-7"], unit="") == [known[3]]
    with pytest.raises(UserError, match=r"may be 3 jobs \(acquired-1, acquired-12, acquired-13\)"):
        pick(known, ["acq"], unit="")


@pytest.mark.parametrize(
    ("ids", "unit", "says"),
    [
        ([], "", "name at least one"),
        (["c"], "", "there is no job 'c'"),
        (["b"], "distributor", "of distributor"),
        (["a"], "", "say which with --unit"),
    ],
)
def test_what_is_not_meant_clearly_is_refused_with_the_way_out(ids, unit, says):
    with pytest.raises(UserError, match=says):
        pick(KNOWN, ids, unit=unit)


def test_progress_is_told_in_a_few_words():
    progress = Progress(
        unit="encoder",
        group="main",
        job="a",
        instance="x",
        name="n",
        step="encoding",
        fraction=0.421,
        detail="24.0 pictures/s, 1.20x, 3:10 left",
        at=NOW,
    )
    assert how_far(progress) == "encoding 42% 24.0 pictures/s, 1.20x, 3:10 left"
