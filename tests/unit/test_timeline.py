"""One timeline of what the bus keeps of an episode, without a bus."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.commands.timeline import duration, lines, rows
from izumi.domain import events, job_log, subjects
from izumi.domain.events import (
    Acquired,
    Encoded,
    JobRecord,
    LibraryChanged,
    LibraryPlace,
    Progress,
)
from izumi.domain.job_log import Entry
from izumi.domain.timeline import GivenUp, JobName, Kept, Life, timeline
from tests.support.bus import NOON, acquired

FACT = acquired()
JOB = f"acquired-{FACT.file.id}"
NAME = JobName("encoder", "main", JOB)


def at(seconds: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=seconds)


def kept(seq: int, fact: Acquired = FACT) -> Kept:
    return Kept(events.subject_of(fact), seq, at(seq), fact)


def entry(seq: int, state: str, owner: str = "pc-1-aaaaaa", **more: Any) -> Entry:
    fields: dict[str, Any] = {"state": state, "owner": owner, "source": 1, "at": NOON} | more
    return Entry(seq, at(seq), JobRecord(**fields))


def life(*log: Entry, **more: Any) -> Life:
    fields: dict[str, Any] = {"facts": [kept(1)], "logs": {NAME: log}} | more
    return Life("Show", "Show - 01", **fields)


def told(*log: Entry) -> list[tuple[str, str]]:
    return [(m.kind, m.text) for m in job_log.moments("encoder.main", JOB, log)]


def test_renewals_say_nothing_and_steps_say_what_is_new():
    assert told(
        entry(2, "claimed", checkpoint={"done": {"a": 1}}),
        entry(3, "claimed", checkpoint={"done": {"a": 1}}),
        entry(4, "claimed", checkpoint={"done": {"a": 1, "b": 2}}),
        entry(5, "done", checkpoint={"done": {"a": 1, "b": 2}, "told": ["k"]}),
    ) == [("claimed", "attempt 1"), ("step", "done: b"), ("done", "told: k")]


def test_another_owner_after_a_claim_without_a_word_took_over():
    kinds = told(
        entry(2, "claimed"),
        entry(3, "claimed", "nas-2-bbbbbb", attempt=2, lost=1),
        entry(4, "claimed", "nas-2-bbbbbb", attempt=3, lost=2),
    )
    assert kinds[1] == ("taken over", "attempt 2, from pc-1-aaaaaa, which said no word more")
    assert kinds[2] == ("claimed", "attempt 3")


def test_a_pause_tells_whose_fault_it_was_and_whether_it_counts():
    assert told(
        entry(2, "claimed", attempt=2),
        entry(3, "waiting", attempt=2, reason="full", host_failures=1),
        entry(4, "claimed", attempt=3, host_failures=1),
        entry(5, "waiting", attempt=2, reason="stopped", host_failures=1),
    )[1::2] == [
        ("waits", "full (because of the host)"),
        ("waits", "stopped (counts as no attempt)"),
    ]


def test_a_run_adds_up_the_time_in_hands_and_tells_who_had_it():
    log = (
        entry(11, "claimed"),
        entry(16, "waiting", reason="away"),
        entry(20, "claimed", "nas-2-bbbbbb", attempt=2),
        entry(27, "done", "nas-2-bbbbbb", attempt=2),
    )
    (run,) = timeline(life(*log), now=at(99)).runs
    assert (run.waited_s, run.worked_s, run.attempts) == (10, 12, 2)
    assert (run.hosts, run.ended) == (("pc", "nas"), at(27))
    (open_run,) = timeline(life(*log[:3]), now=at(99)).runs
    assert (open_run.worked_s, open_run.ended) == (5 + 79, None)


def test_what_took_how_long_is_told_where_an_attempt_ends():
    found = job_log.moments("u", "j", [entry(2, "claimed"), entry(9, "failed", reason="r")])
    assert [moment.took_s for moment in found] == [None, 7]


def test_who_cancels_is_a_person_and_no_host():
    found = job_log.moments(
        "u", "j", [entry(2, "claimed"), entry(3, "cancelled", reason="cancelled by mira")]
    )
    assert (found[1].host, found[1].text) == ("", "cancelled by mira")


@pytest.mark.parametrize(
    ("name", "kind", "origin"),
    [
        ("replay-rdeadbeef-4", "replayed", "by izumi-admin replay"),
        ("replay-4-2", "ordered", "by izumi-admin dlq retry"),
        ("retry-4-2", "ordered", "by izumi-admin jobs retry"),
        ("again-4", "ordered", "since a hold was approved"),
        ("told-again-1-0", "ordered", "by izumi-admin notify resend"),
        ("sonarr", "ordered", "by request"),
    ],
)
def test_an_order_tells_where_it_comes_from(name, kind, origin):
    order = Kept(subjects.order("encoder", "a.b", "high", name), 5, at(5), FACT)
    (moment,) = [m for m in timeline(life(orders=[order]), now=NOON).moments if m.seq == 5]
    assert (moment.kind, moment.unit, moment.job) == (kind, "encoder.a.b", f"do-{name}")
    assert moment.text == f"acquired of {FACT.file.key}, {origin}, high"


def changed(operation: str, show: str, became: str) -> LibraryChanged:
    place = LibraryPlace(name="nas", files=1, size=1, done=False)
    return LibraryChanged(
        operation=operation, verb="rename", show=show, became=became, places=(place,), at=NOON
    )


def test_changes_of_the_library_are_followed_under_each_name_that_the_show_got():
    changes = [
        (at(0), changed("before", "Show", "Show")),
        (at(5), changed("a", "Box/Show", "Box/Neu")),
        (at(6), changed("b", "Box/Neu", "Box/Neuer")),
        (at(7), changed("c", "Other", "Show")),
    ]
    found = [m for m in timeline(life(changes=changes), now=NOON).moments if m.kind == "library"]
    assert [m.text.rpartition("(")[2] for m in found] == ["a)", "b)"]
    assert "at nas (not all of it) by nobody" in found[0].text


def test_a_hardsub_made_anew_tells_what_it_replaces():
    old = msgspec.structs.replace(FACT.file, sha256="ab" * 32, sub="hardsub")
    fact = Encoded(
        file=msgspec.structs.replace(old, sha256="cd" * 32),
        episode=FACT.episode,
        sources=("nas",),
        origin=FACT.file,
        profile="hardsub",
        replaces=(old,),
        at=NOON,
    )
    moments = timeline(life(facts=[Kept(events.subject_of(fact), 3, at(3), fact)]), now=NOON)
    assert moments.moments[0].text.endswith(f"in place of {old.key}, 1000 B, sha256 abababababab")


def test_dead_letters_and_what_is_in_work_stand_in_their_places():
    progress = Progress(
        unit="encoder",
        group="main",
        job=JOB,
        instance="pc-1-aaaaaa",
        name="n",
        step="encoding",
        fraction=0.5,
        at=at(8),
    )
    letter = GivenUp(3, "encoder.main", 1, "no", at(4), "dropped")
    whole = timeline(life(entry(2, "claimed"), dead=[letter], progress=[progress]), now=NOON)
    assert [(m.kind, m.host) for m in whole.moments[1:]] == [
        ("claimed", "pc"),
        ("given up", ""),
        ("now", "pc"),
    ]
    assert whole.moments[2].text == "dead letter 3: no (dropped)"
    assert whole.moments[3].text == "encoding 50%"


def test_text_and_objects_tell_the_same_moments():
    whole = timeline(life(entry(2, "claimed"), entry(9, "done")), now=NOON)
    objects = [row for row in rows(whole) if row["is"] == "moment"]
    assert [row["at"] for row in objects] == ["2026-01-02T12:00:01Z"] + [
        f"2026-01-02T12:00:0{second}Z" for second in (2, 9)
    ]
    text = list(lines(whole))
    assert len(text) == 1 + 1 + 3 + 1
    assert text[-1].startswith(f"encoder.main acquired-{FACT.file.id[:8]}: ")
    assert text[-1].endswith("done, 1 attempt, on pc, waited 1.0 s, in work 7.0 s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.85, "850 ms"),
        (12.34, "12.3 s"),
        (59.99, "1 min"),
        (250, "4 min 10 s"),
        (7200, "2 h"),
        (7500, "2 h 5 min"),
        (90061, "1 d 1 h"),
    ],
)
def test_durations_are_told_in_their_two_largest_units(seconds, text):
    assert duration(seconds) == text


STATES = st.sampled_from(["claimed", "waiting", "done", "held", "failed", "cancelled"])
OWNERS = st.sampled_from(["", "pc-1-aaaaaa", "a/b", "-", "\udcff"])
CHECKPOINTS = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    ),
    max_size=3,
)


@given(st.lists(st.tuples(STATES, OWNERS, st.integers(0, 9), CHECKPOINTS), max_size=12))
def test_any_log_becomes_a_timeline_in_order(drawn):
    log = [
        entry(seq, state, owner, attempt=attempt, checkpoint=checkpoint)
        for seq, (state, owner, attempt, checkpoint) in enumerate(drawn, 2)
    ]
    whole = timeline(life(*log), now=at(99))
    times = [moment.at for moment in whole.moments]
    assert times == sorted(times)
    assert all(run.worked_s >= 0 for run in whole.runs)
    assert [msgspec.to_builtins(moment) for moment in whole.moments]
    assert len(list(lines(whole))) == 2 + len(whole.moments) + len(whole.runs)
