"""Which message tells of which episode."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import events, told
from izumi.domain.events import Acquired, Distributed, Encoded, Episode, File, Told

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
WINDOW = dt.timedelta(minutes=2)
NOTHING = Told(group="main", show="Mori", at=NOON)


def file(number: str, suffix: str = ".mkv", content: str = "a") -> File:
    return File(
        key=f"Mori/Mori - {number}{suffix}",
        size=5,
        sha256=content * 64,
        sub="softsub" if suffix == ".mkv" else "hardsub",
    )


def acquired(number: str, content: str = "a", **more) -> Acquired:
    episode = Episode(show="Mori", number=number, **more)
    return Acquired(file=file(number, content=content), episode=episode, sources=("x",), at=NOON)


def encoded(number: str) -> Encoded:
    return Encoded(
        file=file(number, ".mp4"),
        episode=Episode(show="Mori", number=number),
        sources=("x",),
        origin=file(number),
        profile="hardsub",
        recipe={"long": "x" * 5000},
        at=NOON,
    )


def mirrored(number: str, destination: str) -> Distributed:
    return Distributed(
        file=file(number, ".mp4"),
        episode=Episode(show="Mori", number=number),
        group="g",
        destination=destination,
        at=NOON,
    )


def after(*facts, minutes: float = 0, record: Told = NOTHING, step: float = 0) -> Told:
    now = NOON + dt.timedelta(minutes=minutes)
    for place, fact in enumerate(facts):
        at = now + dt.timedelta(minutes=place * step)
        record = told.noted(record, fact, job=f"job-{len(record.notes)}", window=WINDOW, now=at)
    return record


def test_an_episode_keeps_its_note_when_hardsub_and_mirrors_come():
    record = after(acquired("01"), encoded("01"), mirrored("01", "a"), mirrored("01", "b"), step=99)
    (note,) = record.notes
    assert len(note.facts) == 4


def test_the_same_fact_again_changes_nothing():
    record = after(acquired("01"), encoded("01"), mirrored("01", "a"))
    assert after(acquired("01"), encoded("01"), mirrored("01", "a"), record=record) == record


def test_a_revision_belongs_to_the_note_of_its_episode():
    record = after(acquired("01"), acquired("01", "b", revision=2), step=99)
    assert len(record.notes) == 1
    assert len(record.notes[0].facts) == 2


def test_a_film_and_its_revision_share_a_note():
    def film(name: str, **more) -> Acquired:
        stored = File(key=f"Umi/{name}", size=5, sha256=name[-9:].encode().hex() * 4, sub="softsub")
        episode = Episode(show="Umi", **more)
        return Acquired(file=stored, episode=episode, sources=("x",), at=NOON)

    record = after(film("Umi [1080p].mkv"), film("Umi v2 [1080p].mkv", revision=2), step=99)
    assert len(record.notes) == 1


@pytest.mark.parametrize(("written", "same"), [("1", True), ("01.5", False), ("02", False)])
def test_an_episode_is_the_number_however_it_is_written(written, same):
    record = after(acquired("01"), acquired(written, "b"), step=99)
    assert (len(record.notes) == 1) == same


def test_episodes_that_come_within_the_window_share_a_note():
    record = after(*(acquired(f"{n:02}") for n in range(1, 13)), step=1.9)
    assert len(record.notes) == 1


def test_an_episode_after_the_window_begins_another_note():
    record = after(acquired("01"), acquired("02", "b"), step=2.1)
    assert [len(note.facts) for note in record.notes] == [1, 1]
    # Its hardsub goes to its own note, not to the youngest.
    record = after(encoded("01"), minutes=60, record=record)
    assert [len(note.facts) for note in record.notes] == [2, 1]


def test_a_hardsub_does_not_keep_the_window_open():
    record = after(acquired("01"), encoded("01"), acquired("02", "b"), step=1.5)
    assert len(record.notes) == 2


def test_a_note_has_room_for_so_many_episodes():
    record = after(*(acquired(str(n)) for n in range(told.MOST_EPISODES + 1)))
    assert [len(note.facts) for note in record.notes] == [told.MOST_EPISODES, 1]


def test_old_notes_are_dropped_and_never_the_youngest():
    record = after(acquired("01"))
    record = after(acquired("02", "b"), minutes=100 * 24 * 60, record=record)
    assert [told.episode_of(note.facts[0]) for note in record.notes] == [" 2 "]
    assert told.trimmed(record, NOON + dt.timedelta(days=1000)) == record


def test_the_record_of_a_long_show_fits_into_a_message():
    record = NOTHING
    for number in range(1, 500):
        facts = (acquired(str(number)), encoded(str(number)), mirrored(str(number), "a"))
        record = after(*facts, minutes=number * 9, record=record)
    assert len(events.encode(record)) < 1 << 20
    assert len(record.notes) > 100


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.floats(0, 5)), max_size=30))
def test_whatever_comes_no_fact_is_in_two_notes(steps):
    record, at = NOTHING, 0.0
    for number, what, minutes in steps:
        at += minutes
        fact = [acquired, encoded, lambda n: mirrored(n, "a")][what](str(number))
        record = after(fact, minutes=at, record=record)
    known = [(type(f), f.file.id) for note in record.notes for f in note.facts]
    assert len(known) == len(set(known))
    assert len(known) == len({(number, what) for number, what, _ in steps})
