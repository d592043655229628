"""When a job is tried again, and when it is not."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.errors import (
    NoSpace,
    Postponed,
    StorageUnavailable,
    ToolFailed,
    Unavailable,
    UnknownEvent,
)
from izumi.domain.retry import RetryPolicy, Verdict, backoff_s, verdict

POLICY = RetryPolicy()
NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


def judged(
    error: Unavailable, *, attempt: int = 1, host_failures: int = 0, hours: float = 0.0
) -> Verdict:
    return verdict(
        error,
        policy=POLICY,
        attempt=attempt,
        host_failures=host_failures,
        since=NOON,
        now=NOON + dt.timedelta(hours=hours),
        spread=0.0,
    )


@given(attempt=st.integers(1, 10_000), spread=st.floats(0, 1))
def test_waits_grow_up_to_the_longest_and_never_vanish(attempt: int, spread: float) -> None:
    wait_s = backoff_s(POLICY, attempt, spread)
    assert 0.75 * POLICY.first_s <= wait_s <= POLICY.longest_s
    assert backoff_s(POLICY, attempt + 1, spread) >= wait_s


def test_storage_may_be_down_over_a_weekend_before_a_person_is_asked() -> None:
    assert judged(StorageUnavailable("away"), attempt=400, hours=70).what == "again"
    assert judged(StorageUnavailable("away"), attempt=400, hours=97).what == "hold"


def test_the_other_sides_wish_to_wait_is_granted() -> None:
    assert judged(StorageUnavailable("busy", retry_after_s=1234)).delay_s == 1234


def test_a_tool_that_fails_on_one_job_is_soon_held_but_not_for_failures_of_hosts() -> None:
    assert judged(ToolFailed("x"), attempt=POLICY.tool_attempts).what == "hold"
    assert judged(ToolFailed("x"), attempt=9, host_failures=6).what == "again"


def test_a_host_without_space_passes_the_job_on_for_as_long_as_it_takes() -> None:
    assert judged(NoSpace("full"), attempt=1000, host_failures=1000, hours=1000).what == "again"


def test_a_message_that_nobody_ever_knows_is_parked() -> None:
    assert judged(UnknownEvent("v9"), attempt=1).what == "again"
    assert judged(UnknownEvent("v9"), attempt=POLICY.unknown_attempts).what == "park"


def test_what_is_postponed_waits_exactly_so_long_and_is_never_given_up() -> None:
    for attempt, hours in ((1, 0.0), (400, 1000.0)):
        verdict = judged(Postponed("quiet", wait_s=3), attempt=attempt, hours=hours)
        assert verdict == Verdict("again", 3)
