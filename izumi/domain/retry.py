"""When a job is tried again, and when a person is asked instead. Pure."""

import datetime as dt
from typing import Literal, NamedTuple

import msgspec

from izumi.domain.errors import Postponed, ToolFailed, Unavailable, UnknownEvent


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to go on with a job that does not succeed.

    Attributes:
        first_s: Wait before the second attempt; doubles with each one.
        longest_s: No wait is longer.
        tool_attempts: A child process that fails so often on one job is its fault.
        unknown_attempts: Deliveries of a message of an unknown version.
        lost_attempts: An instance that dies so often over one job is the job's fault; as many
            times more for each 16 jobs that its group has in work at once.
        give_up_h: Hours since the first claim after which a person is asked; longer
            than a weekend, so that storage may be down over one.
    """

    first_s: float = 5.0
    longest_s: float = 900.0
    tool_attempts: int = 4
    unknown_attempts: int = 60
    lost_attempts: int = 5
    give_up_h: float = 96.0


class Verdict(NamedTuple):
    """`again` after `delay_s`, `hold` for a person, or `park` as a dead letter."""

    what: Literal["again", "hold", "park"]
    delay_s: float = 0.0


def backoff_s(policy: RetryPolicy, attempt: int, spread: float) -> float:
    """Seconds before the attempt after number `attempt` (1 is the first).

    Args:
        policy: The bounds.
        attempt: Attempts so far.
        spread: 0 to 1, random: takes up to a quarter off, so that jobs that failed
            together do not come back together.
    """
    doubled = policy.first_s * 2 ** min(attempt - 1, 30)
    return float(min(doubled, policy.longest_s) * (1 - spread / 4))


def verdict(
    error: Unavailable,
    *,
    policy: RetryPolicy,
    attempt: int,
    host_failures: int,
    since: dt.datetime,
    now: dt.datetime,
    spread: float,
) -> Verdict:
    """What becomes of a job whose attempt ended with `error`.

    Args:
        error: Why it did not succeed.
        policy: The bounds.
        attempt: Claims so far.
        host_failures: How many of them a host spoilt.
        since: First claim.
        now: Now, by the same clock.
        spread: 0 to 1, random.
    """
    if isinstance(error, Postponed):
        return Verdict("again", error.wait_s)
    counted = max(1, attempt - host_failures)
    delay_s = max(backoff_s(policy, counted, spread), error.retry_after_s or 0.0)
    if error.host:
        # Another instance may have room or a working tool: soon, but not in a circle.
        return Verdict("again", min(delay_s, 60.0))
    if isinstance(error, UnknownEvent) and counted >= policy.unknown_attempts:
        return Verdict("park")
    if isinstance(error, ToolFailed) and counted >= policy.tool_attempts:
        return Verdict("hold")
    if now - since > dt.timedelta(hours=policy.give_up_h):
        return Verdict("hold")
    return Verdict("again", delay_s)
