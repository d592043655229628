"""What a restore decides to do."""

import datetime as dt
from typing import Any

import pytest

from izumi.bus import backup_plan, topology
from izumi.bus.backup_archive import Position
from izumi.bus.backup_files import Kept, Manifest
from izumi.bus.backup_plan import Present
from izumi.bus.plan import Found, plan, settings_of
from tests.support.bus import NOON

SECOND = 1_000_000_000
FIRST = 1_767_355_200 * SECOND + 5  # NOON, and five nanoseconds


def kept(name: str = "IZUMI", **more: Any) -> Kept:
    told: dict[str, Any] = {
        "config": {"name": name, "max_age": 30 * 86_400 * SECOND},
        "state": {},
        "messages": 2,
        "first_seq": 3,
        "last_seq": 4,
        "first_ns": FIRST,
        "last_ns": FIRST + SECOND,
        "bytes": 10,
        "consumers": {},
        "file": f"{name}.archive",
        "size": 1,
        "sha256": "",
    }
    return Kept(**(told | more))


def manifest(*streams: Kept) -> Manifest:
    return Manifest(izumi="1", server="2.15.1", host="desk", at=NOON, streams=streams)


def state(**more: Any) -> dict[str, Any]:
    told = {
        "messages": 2,
        "last_seq": 4,
        "first_ts": "2026-01-02T12:00:00.000000005Z",
        "last_ts": "2026-01-02T12:00:01.000000005Z",
    }
    return told | more


EMPTY = {"messages": 0, "last_seq": 0, "first_ts": "0001-01-01T00:00:00Z"}
OURS = manifest(kept())


@pytest.mark.parametrize(
    ("there", "action"),
    [
        (None, "create"),
        (Present({}, EMPTY), "create"),
        (Present({}, state()), "keep"),
        (Present({}, state(messages=3, last_seq=5)), "replace"),
        (Present({}, state(messages=1)), "replace"),
        (Present({}, state(messages=0)), "replace"),
        (Present({}, state(first_ts="2026-01-02T12:00:00.000000006Z")), "replace"),
        (Present({}, state(last_ts="2026-01-02T12:00:01Z")), "replace"),
        (Present({}, state(consumer_count=1)), "replace"),
        (Present({"metadata": {"izumi-restoring": OURS.id}}, state()), "finish"),
        (Present({"metadata": {"izumi-restoring": OURS.id}}, state(messages=1)), "redo"),
        (Present({"metadata": {"izumi-restoring": "another"}}, state()), "redo"),
        (Present({"metadata": {"izumi-restoring": "another"}}, EMPTY), "redo"),
    ],
)
def test_one_stream(there: Present | None, action: str) -> None:
    found = {"IZUMI": there} if there else {}
    (step,) = backup_plan.steps(OURS, found, now=NOON)
    assert step.action == action
    assert backup_plan.lost([step]) == ([step] if action == "replace" else [])


def test_the_stream_of_facts_comes_last() -> None:
    ours = manifest(kept(), kept("IZUMI_TOLD"), kept("IZUMI_DLQ"))
    done = backup_plan.steps(ours, {}, now=NOON)
    assert [step.kept.name for step in done] == ["IZUMI_TOLD", "IZUMI_DLQ", "IZUMI"]


def test_what_is_too_old_by_now_may_be_missing() -> None:
    late = NOON + dt.timedelta(days=31)
    (step,) = backup_plan.steps(OURS, {"IZUMI": Present({}, state(messages=0))}, now=late)
    assert step.action == "keep"
    assert backup_plan.problems(kept(), state(messages=0), {}, now=late) == []
    (problem,) = backup_plan.problems(kept(), state(messages=0), {}, now=NOON)
    assert problem == "it has 0 messages up to 4, and not 2 up to 4"


def test_a_consumer_that_is_elsewhere_is_a_problem() -> None:
    wanted = kept(consumers={"enc": Position(4, 3, 1), "dist": Position(4, 4, 0)})
    info = {"delivered": {"stream_seq": 4}, "ack_floor": {"stream_seq": 3}}
    assert backup_plan.problems(wanted, state(), {"enc": info, "dist": info}, now=NOON) == [
        "its consumer dist is at 3, and not at 4"
    ]
    assert backup_plan.problems(wanted, state(), {"enc": info}, now=NOON) == [
        "its consumer dist is not there"
    ]


def test_a_mark_is_set_and_taken_away_and_nothing_else_changes() -> None:
    config = {"name": "IZUMI", "metadata": {"_nats.level": "5"}}
    marked = backup_plan.marked(config, "x")
    assert Present(marked, {}).mark == "x"
    assert backup_plan.marked(marked, "") == config
    assert Present(config, {}).mark == ""


def test_what_is_being_restored_is_no_bus_to_work_on() -> None:
    (wanted, *_) = topology.streams()
    half = backup_plan.marked(settings_of(wanted), "x")
    (change,) = plan(Found(streams={wanted.name: half}, consumers={}), [wanted])
    assert change.action == "impossible"
    assert "repeat izumi-admin bus restore" in change.reason


def test_times_are_read_to_the_nanosecond() -> None:
    assert backup_plan.nanoseconds("2026-01-02T12:00:00.000000005Z") == FIRST
    assert backup_plan.nanoseconds("2026-01-02T12:00:00.5Z") == FIRST - 5 + SECOND // 2
    assert backup_plan.nanoseconds("2026-01-02T12:00:00Z") == FIRST - 5
