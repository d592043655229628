"""The circuit breaker of a host."""

from izumi.runtime.breaker import Breaker
from tests.support.hand_clock import HandClock


def opened(clock: HandClock) -> Breaker:
    breaker = Breaker(threshold=2, cooldown_s=10, clock=clock)
    assert not breaker.failed("first")
    assert breaker.failed("second")
    return breaker


def test_failures_in_a_row_open_it_and_it_says_why() -> None:
    hand_clock = HandClock()
    breaker = opened(hand_clock)
    assert breaker.state == "open"
    assert breaker.wait_s() == 10
    assert breaker.reason == "second"


def test_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(threshold=2)
    for _ in range(5):
        assert not breaker.failed("x")
        breaker.worked()
    assert breaker.state == "closed"


def test_one_job_is_tried_after_the_cooldown_and_no_second_one_beside_it() -> None:
    hand_clock = HandClock()
    breaker = opened(hand_clock)
    hand_clock.now += 10
    assert breaker.wait_s() == 0
    breaker.took()
    assert breaker.wait_s() == float("inf")
    assert breaker.state == "trying"


def test_a_trial_that_fails_opens_it_for_longer_and_one_that_works_closes_it() -> None:
    hand_clock = HandClock()
    breaker = opened(hand_clock)
    hand_clock.now += 10
    breaker.took()
    assert breaker.failed("again")
    assert breaker.wait_s() == 20
    hand_clock.now += 20
    breaker.took()
    breaker.worked()
    assert breaker.state == "closed"
    assert breaker.wait_s() == 0


def test_a_job_that_tells_nothing_about_the_host_lets_another_be_tried() -> None:
    hand_clock = HandClock()
    breaker = opened(hand_clock)
    hand_clock.now += 10
    breaker.took()
    breaker.neutral()
    assert breaker.wait_s() == 0
    assert breaker.state == "trying"
