"""Which jobs a person means, and how far they are."""

import datetime as dt

import pytest

from izumi.bus.jobs import Job
from izumi.commands.jobs import how_far, pick
from izumi.domain.errors import UserError
from izumi.domain.events import JobRecord, Progress

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def job(name: str, unit: str = "encoder", group: str = "main") -> Job:
    return Job(unit, group, name, JobRecord(state="claimed", owner="x", source=1, at=NOW), 2)


KNOWN = [job("a"), job("b"), job("a", "distributor", "public")]


def test_jobs_are_meant_by_name_and_by_unit_where_several_have_it():
    assert pick(KNOWN, ["b", "b"], unit="") == [KNOWN[1]]
    assert pick(KNOWN, ["a"], unit="distributor") == [KNOWN[2]]
    assert pick(KNOWN, ["a"], unit="encoder.main") == [KNOWN[0]]


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
