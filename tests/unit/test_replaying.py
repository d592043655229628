"""Which facts are worked on again, and which are left out and why."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.bus.replays import Consumer, Group
from izumi.commands.replay import pick
from izumi.domain import events, subjects
from izumi.domain.errors import UserError
from izumi.domain.events import (
    Distributed,
    Encoded,
    Episode,
    JobRecord,
    LibraryChanged,
    LibraryPlace,
)
from izumi.tools import replaying
from izumi.tools.replaying import Item, Which, Work
from tests.support.bus import NOON, acquired

NOTHING = Work(frozenset(), {}, ())


def numbered(number: int, *, show: str = "Show", revision: int | None = None, name: str = ""):
    made = acquired(name or f"{show} - {number:02}.mkv")
    key = f"{show}/{made.file.key.partition('/')[2]}"
    return msgspec.structs.replace(
        made,
        file=msgspec.structs.replace(made.file, key=key),
        episode=Episode(show=show, number=str(number), revision=revision),
    )


def item(seq: int, fact=None) -> Item:
    fact = fact or numbered(seq)
    return Item(events.subject_of(fact), seq, NOON + dt.timedelta(minutes=seq), fact)


def judged(facts, *, named=None, unit="encoder", work=NOTHING, changes=(), superseded=False):
    choices = replaying.judged(
        named or facts,
        facts,
        unit=unit,
        replay="id",
        work=work,
        changes=changes,
        superseded=superseded,
    )
    return [choice.why_not for choice in choices]


def changed(minute: int, verb: str, became: str, *, operation: str = "op", undoes: str = ""):
    place = LibraryPlace(name="nas", files=1, size=1, done=True)
    change = LibraryChanged(
        operation=operation,
        verb=verb,
        show="Box/Show",
        became=became,
        places=(place,),
        undoes=undoes,
        by="mira",
        at=NOON,
    )
    return NOON + dt.timedelta(minutes=minute), change


def test_facts_are_named_by_time_show_and_place_together():
    facts = [item(n, numbered(n, show="Show" if n < 4 else "Other")) for n in range(1, 6)]
    assert [i.seq for i in replaying.chosen(facts, Which(seqs=(2, 4)))] == [2, 3, 4]
    since = NOON + dt.timedelta(minutes=3)
    assert [i.seq for i in replaying.chosen(facts, Which(since=since))] == [3, 4, 5]
    assert [i.seq for i in replaying.chosen(facts, Which(since=since, show="Show"))] == [3]


def test_what_is_left_to_do_is_not_ordered_twice():
    facts = [item(1), item(2), item(3), item(4)]
    jobs = [subjects.job_id(one.subject) for one in facts]
    done = JobRecord(state="done", owner="x", source=1, at=NOON)
    order = Item(subjects.order("encoder", "main", "normal", "wish"), 9, NOON, facts[3].fact)
    work = Work(
        unsettled=frozenset({2, 3}),
        jobs={
            jobs[0]: msgspec.structs.replace(done, state="claimed"),
            jobs[1]: done,
            jobs[3]: done,
        },
        orders=[order],
    )
    assert judged(facts, work=work) == [
        f"its job {jobs[0]} is claimed",
        "",
        "it is in the queue still",
        "it is ordered already, as do-wish",
    ]
    assert judged(facts, work=work, superseded=True)[0]


def test_this_very_replay_orders_a_fact_once():
    one = item(1)
    name = replaying.order_name("id", one)
    order = Item(subjects.order("encoder", "main", "normal", name), 9, NOON, one.fact)
    work = Work(frozenset(), {}, [order])
    (choice,) = replaying.judged([one], [one], unit="encoder", replay="id", work=work)
    assert (choice.fate, choice.why_not) == ("before", "ordered by this very replay before")


def test_what_something_newer_took_the_place_of_is_left_out_unless_it_is_asked_for():
    same_name = msgspec.structs.replace(numbered(3).file, sha256="ab" * 32)
    facts = [
        item(1, numbered(1)),
        item(2, numbered(1, revision=2, name="Show - 01 v2.mkv")),
        item(3, numbered(2)),
        item(4, msgspec.structs.replace(numbered(2), priority="high")),
        item(5, numbered(3)),
        item(6, msgspec.structs.replace(numbered(3), file=same_name)),
    ]
    assert judged(facts) == [
        "version 2 of the episode came",
        "",
        "told again by message 4",
        "",
        "another file has its name since message 6",
        "",
    ]
    assert judged(facts, superseded=True) == [""] * 6


def test_what_is_told_twice_is_ordered_once_whichever_of_them_is_named():
    twice = [item(1, numbered(1)), item(4, msgspec.structs.replace(numbered(1), priority="high"))]
    assert judged(twice) == ["told again by message 4", ""]
    assert judged(twice, named=twice[:1]) == [""]


def test_copies_at_two_mirrors_are_two_facts():
    fact = numbered(1)
    there = [
        Distributed(file=fact.file, episode=fact.episode, group="g", destination=name, at=NOON)
        for name in ("a", "b")
    ]
    assert judged([item(1, there[0]), item(2, there[1])], unit="notifier") == ["", ""]


@pytest.mark.parametrize(
    ("unit", "verb", "became", "left"),
    [
        ("encoder", "delete", "", True),
        ("notifier", "delete", "", True),
        ("encoder", "move", "Box/Show", True),
        ("notifier", "move", "Box/Show", False),
        ("distributor", "season", "Box/Show", True),
        ("distributor", "rename", "Box/Neu", True),
        ("distributor", "rename", "Box/Show", False),
        ("encoder", "rmdir", "Box/Show", False),
    ],
)
def test_files_that_the_library_took_away_since_are_left_out(unit, verb, became, left):
    change = changed(5, verb, became)
    (why,) = judged([item(1)], unit=unit, changes=[change])
    text = f"the library was changed since: {verb} of Box/Show by mira (op)"
    assert why == (text if left else "")
    assert judged([item(9)], unit=unit, changes=[change]) == [""]
    assert judged([item(1)], unit=unit, changes=[change], superseded=True) == [""]


def test_what_was_undone_took_nothing_away():
    back = changed(6, "undo", "Box/Show", operation="other", undoes="op")
    assert judged([item(1)], changes=[changed(5, "delete", ""), back]) == [""]


def test_what_was_made_of_a_file_makes_room_for_what_is_made_of_it_now():
    fact = numbered(1)
    made = [
        Encoded(
            file=msgspec.structs.replace(fact.file, sha256=digest * 32, sub="hardsub"),
            episode=fact.episode,
            sources=(),
            origin=origin,
            profile="hardsub",
            at=NOON,
        )
        for digest, origin in (("ab", fact.file), ("cd", fact.file), ("ef", numbered(2).file))
    ]
    found = replaying.made_of([item(n, one) for n, one in enumerate([*made, *made])])
    assert [file.sha256 for file in found[fact.file.id]] == ["ab" * 32, "cd" * 32]
    assert len(found) == 2


@pytest.mark.parametrize(("text", "places"), [("7", (7, 7)), (" 7-12 ", (7, 12))])
def test_places_are_one_or_from_one_to_another(text, places):
    assert replaying.seqs(text) == places


@pytest.mark.parametrize("text", ["", "0", "9-7", "a", "-3", "3-", "1-2-3", "٣", "1" * 16])
def test_what_is_no_place_is_refused(text):
    with pytest.raises(UserError, match="--seq"):
        replaying.seqs(text)


SHOWS = [
    item(n, numbered(n, show=show)) for n, show in enumerate(["Spring", "Spring Song", "Fall"], 1)
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Spring", "Spring"),
        ("spring!", "Spring"),
        ("song", "Spring Song"),
        ("Fall/", "Fall"),
    ],
)
def test_a_show_is_named_as_people_do(text, name):
    assert replaying.show(text, SHOWS) == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spr", "may be 'Spring', 'Spring Song'"),
        ("Sprnig", "did you mean 'Spring'"),
        ("", "of a show ''"),
    ],
)
def test_a_show_that_is_not_clear_is_refused_with_the_nearest(text, says):
    with pytest.raises(UserError, match=says):
        replaying.show(text, SHOWS)


def group(unit: str, name: str) -> Group:
    return Group(unit, name, (Consumer(("izumi.file.acquired.>",), 0),))


KNOWN = [group("encoder", "main"), group("distributor", "public"), group("distributor", "b.c")]


def test_a_group_is_named_by_unit_and_group_or_by_one_where_that_is_enough():
    assert pick(KNOWN, "encoder", "") is KNOWN[0]
    assert pick(KNOWN, "encoder.main", "") is KNOWN[0]
    assert pick(KNOWN, "distributor", "b.c") is KNOWN[2]


@pytest.mark.parametrize(
    ("known", "unit", "name", "says"),
    [
        ([], "encoder", "", "no group yet"),
        (KNOWN, "distributor", "", "has the groups public, b.c; say which"),
        (KNOWN, "encodr", "", "did you mean encoder"),
        (KNOWN, "distributor", "publik", "did you mean distributor.public"),
        (KNOWN, "zzz", "", "known are encoder.main, distributor.public"),
    ],
)
def test_a_group_that_is_not_there_is_refused_with_the_nearest(known, unit, name, says):
    with pytest.raises(UserError, match=says):
        pick(known, unit, name)


def test_the_same_command_is_the_same_replay():
    assert replaying.replay_id("a", "b") == replaying.replay_id("a", "b")
    assert replaying.replay_id("a", "b") != replaying.replay_id("ab", "")


@given(st.lists(st.text(max_size=6), max_size=4))
def test_any_command_has_an_id_that_is_a_token(said):
    name = replaying.order_name(replaying.replay_id(*said), item(1))
    assert subjects.token(name) == name
