"""When a file that settles is examined. Time is a number here."""

from hypothesis import given
from hypothesis import strategies as st

from izumi.storage.quiet import Quiet
from izumi.storage.settle import Fingerprint


def seen(size=1, change=0):
    return Fingerprint(1, 2, size, change, change)


def watching(quiet_s=10.0, *, at=0.0):
    quiet = Quiet()
    quiet.add(1, at, quiet_s)
    quiet.observe(1, seen(), at)
    return quiet


def test_a_file_is_due_after_its_quiet_time_and_not_before():
    quiet = watching()
    assert quiet.due(9.9) == []
    assert quiet.due(10.0) == [(1, seen())]


def test_a_file_that_nobody_looked_at_yet_is_not_due():
    quiet = Quiet()
    quiet.add(1, 0.0, 10.0)
    assert quiet.due(100.0) == []


def test_a_change_of_size_time_or_name_begins_the_quiet_time_anew():
    quiet = watching()
    quiet.observe(1, seen(size=2), 9.0)
    assert quiet.due(18.9) == []
    assert quiet.due(19.0) == [(1, seen(size=2))]


def test_a_file_is_handed_out_once():
    quiet = watching()
    assert quiet.due(10.0)
    assert quiet.due(1000.0) == []


def test_who_pauses_longer_than_the_quiet_time_once_must_be_quiet_twice_as_long():
    quiet = watching()
    assert quiet.due(12.0)
    quiet.observe(1, seen(size=2), 12.0)
    assert quiet.due(22.0) == []
    assert quiet.due(32.0)


def test_the_quiet_time_does_not_grow_without_bound():
    quiet = watching()
    for step in range(1, 40):
        quiet.observe(1, seen(size=step + 1), step * 10_000.0)
    assert quiet.due(39 * 10_000.0 + 600.0)


def test_a_hurried_file_is_due_at_once_and_was_not_quiet():
    quiet = watching()
    quiet.hurry(1, 1.0, 10.0)
    assert quiet.due(1.0) == [(1, seen())]
    assert not quiet.was_quiet(1, 1.0)


def test_a_hurried_file_that_was_not_ready_gets_its_quiet_time():
    quiet = watching()
    quiet.hurry(1, 1.0, 10.0)
    quiet.due(1.0)
    quiet.failed(1, 1.0, passing=True)
    assert quiet.due(10.9) == []
    assert quiet.due(11.0)
    assert quiet.was_quiet(1, 11.0)


def test_hurry_brings_back_a_file_that_failed_before():
    quiet = watching()
    quiet.due(10.0)
    quiet.failed(1, 10.0, passing=False)
    quiet.hurry(1, 11.0, 10.0)
    assert quiet.due(11.0)


def test_a_cause_that_may_pass_is_looked_at_again_within_half_a_minute():
    quiet, now = watching(), 10.0
    for _ in range(20):
        assert quiet.due(now)
        quiet.failed(1, now, passing=True)
        now += 30.0


def test_a_cause_that_only_a_change_can_mend_is_looked_at_ever_more_seldom():
    quiet, now, looks = watching(), 10.0, 0
    while now < 10 + 24 * 3600:
        if quiet.due(now):
            looks += 1
            quiet.failed(1, now, passing=False)
        now += 10.0
    assert 24 <= looks <= 40


def test_a_container_that_proves_nothing_must_be_quiet_six_times_as_long():
    quiet = watching()
    quiet.due(10.0)
    assert quiet.unproved(1, 10.0)
    assert quiet.due(59.0) == []
    assert quiet.due(60.0)
    assert not quiet.unproved(1, 60.0)


def test_a_hurried_container_that_proves_nothing_is_not_kept_waiting():
    quiet = watching()
    quiet.hurry(1, 1.0, 10.0)
    quiet.due(1.0)
    assert not quiet.unproved(1, 1.0)


def test_a_dropped_file_is_watched_no_more():
    quiet = watching()
    quiet.drop(1)
    quiet.drop(1)
    quiet.observe(1, seen(size=3), 1.0)
    quiet.failed(1, 1.0, passing=True)
    assert quiet.due(1e9) == []
    assert len(quiet) == 0


@given(st.lists(st.tuples(st.floats(0.01, 30), st.booleans()), min_size=1, max_size=60))
def test_a_file_is_never_due_less_than_its_quiet_time_after_a_change(steps):
    quiet, now, changed, size = watching(), 0.0, 0.0, 1
    for step_s, changes in steps:
        now += step_s
        if changes:
            size += 1
            quiet.observe(1, seen(size=size), now)
            changed = now
        for id_, what in quiet.due(now):
            assert (id_, what) == (1, seen(size=size))
            assert now - changed >= 10.0
            quiet.failed(1, now, passing=True)


def test_of_a_crowd_the_new_and_the_due_are_looked_at_first_and_the_others_take_turns():
    quiet = Quiet()
    for id_ in range(10):
        quiet.add(id_, 0.0, quiet_s=100.0, tried=id_ < 5)
    assert set(quiet.to_look_at(0.0, 5)) == set(range(5, 10))
    assert set(quiet.to_look_at(0.0, 10)) == set(range(10))
    for id_ in range(10):
        quiet.observe(id_, seen(), 0.0)
    quiet.add(10, 1.0, quiet_s=1.0)
    assert 10 in quiet.to_look_at(1.0, 3)
    quiet.observe(10, seen(), 1.0)
    assert 10 in quiet.to_look_at(2.0, 3)
    turns = [quiet.to_look_at(3.0 + turn, 4) for turn in range(4)]
    assert {id_ for turn in turns for id_ in turn} == set(range(11))
    assert quiet.tried(0)
    assert not quiet.tried(9)
