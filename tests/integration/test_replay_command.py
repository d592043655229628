"""`izumi-admin replay` on a real bus: one group alone, shown first, ordered once."""

import asyncio
import datetime as dt
import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.bus.replays import Order, groups, heard, order
from izumi.consumers.board import Board
from izumi.consumers.notifier import Notifier
from izumi.consumers.telling import Target
from izumi.domain import events, subjects
from izumi.domain.events import (
    Acquired,
    Encoded,
    Episode,
    Fact,
    JobRecord,
    LibraryChanged,
    LibraryPlace,
)
from izumi.runtime.ports import JobContext
from tests.support.bus import MEMBERSHIPS, NOON, acquired, announcement, eventually, provisioned
from tests.support.channels import KnownFacts, MemoryChannel
from tests.support.keeper import Keeper
from tests.support.nats import NatsServer
from tests.support.working import until_state, working


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[JetStreamBus]:
    async with provisioned(nats_server, ack_wait_s=1.0) as connection:
        yield connection


def numbered(number: int, *, show: str = "Show") -> Acquired:
    made = acquired(f"{show} - {number:02}.mkv")
    return msgspec.structs.replace(
        made,
        file=msgspec.structs.replace(made.file, key=f"{show}/{show} - {number:02}.mkv"),
        episode=Episode(show=show, number=str(number)),
    )


class Worked:
    """A handler that writes down what it got."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.checkpoints: list[dict[str, object]] = []

    async def __call__(self, fact: Fact, job: JobContext) -> Sequence[Fact]:
        assert isinstance(fact, Acquired | Encoded)
        self.seen.append((job.job, fact.file.key))
        self.checkpoints.append(dict(job.checkpoint))
        return []


async def done(bus: JetStreamBus, folder: Path, facts: Sequence[Acquired]) -> Worked:
    """Announce, and have the encoders work on all of it."""
    worked = Worked()
    for fact in facts:
        await bus.publish(announcement(fact))
    async with working(bus, worked, folder):
        for fact in facts:
            log = subjects.job("encoder", "main", f"acquired-{fact.file.id}")
            await until_state(bus, log, "done")
    return worked


async def test_a_season_is_worked_on_again_by_that_group_alone_and_once(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    facts = [numbered(n) for n in (1, 2)]
    await done(bus, tmp_path, [*facts, numbered(1, show="Other")])
    args = ("replay", "--unit", "encoder", "--show", "show")
    shown = await keeper.rows(*args, "--dry-run")
    assert [row["key"] for row in shown if row["is"] == "fact"] == [f.file.key for f in facts]
    assert await bus.latest("izumi.do.>") == []
    out = await keeper(*args, "--yes", "--by", "mira")
    assert re.search(r"ordered 2 facts from encoder\.main", out)
    orders = await bus.latest("izumi.do.>")
    assert [order.subject.split(".")[2:5] for order in orders] == [
        ["encoder", "main", "normal"]
    ] * 2
    # Nobody worked on it yet: neither this command nor another one orders it once more.
    assert "orders once more" in await keeper(*args, "--yes")
    code, out, _ = await keeper.ends("replay", "-u", "encoder.main", "--since", "1d", "--yes")
    assert (code, out.count("is waiting")) == (0, 2)
    worked = Worked()
    async with working(bus, worked, tmp_path):
        await eventually(lambda: _all_done(bus, 5))
    assert sorted(key for _, key in worked.seen if "Show" in key) == [f.file.key for f in facts]
    assert "0 facts to encoder.main, 2 left out" in await keeper(*args, "--yes")
    assert "ordered 2 facts" in await keeper(*args, "--yes", "--anew")
    for job in await keeper.rows("jobs", "list"):
        assert job["unit"] == "encoder.main"
    life = await keeper.rows("jobs", "show", "show 1")
    (replayed, _anew) = [row for row in life if row.get("kind") == "replayed"]
    assert "by izumi-admin replay" in replayed["text"]
    assert any("by mira" in row["text"] for row in life if row.get("kind") == "ordered")


async def _all_done(bus: JetStreamBus, count: int) -> bool:
    states = [json.loads(entry.data)["state"] for entry in await bus.latest("izumi.job.encoder.>")]
    return states.count("done") >= count


async def test_an_encoder_is_told_what_its_new_output_takes_the_place_of(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    fact = numbered(1)
    await done(bus, tmp_path, [fact])
    old = msgspec.structs.replace(fact.file, key="Show/Show - 01.mp4", sub="hardsub")
    made = Encoded(
        file=old,
        episode=fact.episode,
        sources=("home",),
        origin=fact.file,
        profile="hardsub",
        at=NOON,
    )
    await bus.publish(Outgoing(events.subject_of(made), events.encode(made)))
    await keeper("replay", "-u", "encoder", "--seq", 1, "--yes")
    worked = Worked()
    async with working(bus, worked, tmp_path):
        await eventually(lambda: _all_done(bus, 2))
    assert worked.checkpoints == [{"replaces": [msgspec.to_builtins(old)]}]


async def test_places_and_times_choose_and_what_the_unit_does_not_work_on_is_nothing(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    await done(bus, tmp_path, [numbered(n) for n in (1, 2, 3)])
    at = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    code, out, _ = await keeper.ends(
        "replay", "-u", "encoder", "--since", at.isoformat(), "--dry-run"
    )
    assert (code, "works on no such fact" in out) == (1, True)
    rows = await keeper.rows("replay", "-u", "encoder", "--seq", "2-3", "--dry-run")
    assert [row["seq"] for row in rows if row["is"] == "fact"] == [2, 3]
    # A message of the job log is nobody's work.
    code, _, _ = await keeper.ends("replay", "-u", "encoder", "--seq", "5", "--dry-run")
    assert code == 1


async def test_what_the_group_has_not_come_to_yet_is_not_ordered_beside_it(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    await done(bus, tmp_path, [numbered(1)])
    await bus.publish(announcement(numbered(2)))
    told = await keeper("replay", "-u", "encoder", "--since", "1d", "--yes")
    (waits,) = [line for line in told.splitlines() if "Show - 02" in line]
    assert waits.endswith("it is in the queue still")
    (order,) = await bus.latest("izumi.do.>")
    assert events.decode_fact(order.data) == numbered(1)


async def test_what_was_deleted_since_is_left_out_unless_it_is_asked_for(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    await done(bus, tmp_path, [numbered(1)])
    change = LibraryChanged(
        operation="op",
        verb="delete",
        show="Show",
        places=(LibraryPlace(name="home", files=1, size=1, done=True),),
        by="mira",
        at=NOON,
    )
    await bus.publish(Outgoing(subjects.library("delete", "op"), events.encode(change)))
    args = ("replay", "-u", "encoder", "--since", "1d", "--dry-run")
    code, out, _ = await keeper.ends(*args)
    assert code == 1
    assert "delete of Show by mira" in " ".join(out.split())
    assert (await keeper.ends(*args, "--superseded"))[0] == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("-u", "encoder", "--yes"), "--since, --show or --seq"),
        (("-u", "encodr", "--since", "1d", "--yes"), "did you mean encoder"),
        (("-u", "distributor", "--since", "1d", "--yes"), "groups private, public"),
        (("-u", "encoder", "--since", "soon", "--yes"), "--since 'soon'"),
        (("-u", "encoder", "--seq", "x", "--yes"), "--seq 'x'"),
        (("-u", "encoder", "--show", "Shwo", "--yes"), "did you mean 'Show'"),
        (("-u", "encoder", "--since", "1d"), "nobody is there to be asked"),
    ],
)
async def test_what_cannot_be_meant_is_refused_in_one_line(
    bus: JetStreamBus, keeper: Keeper, options: tuple[str, ...], says: str
) -> None:
    await bus.publish(announcement(numbered(1)))
    assert says in await keeper.refused("replay", *options)
    assert await bus.latest("izumi.do.>") == []


async def test_two_keepers_at_once_order_it_once(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    await done(bus, tmp_path, [numbered(n) for n in range(1, 6)])
    args = ("replay", "-u", "encoder", "--since", "1d", "--yes", "--json")
    (group,) = [one for one in await groups(bus) if one.who == "encoder.main"]
    facts = (await heard(bus, group)).facts
    wanted = [Order(f"replay-rx-{fact.seq}", fact, {}, "r") for fact in facts]
    ordered = await asyncio.gather(
        *(order(bus, group, some, at=NOON) for some in (wanted[1:4], wanted, wanted[::-1]))
    )
    assert sum(ordered) == 5
    assert len(await bus.latest("izumi.do.>")) == 5
    rows = [json.loads(line) for line in (await keeper(*args[:-1], "--json")).splitlines()]
    assert rows[-1]["facts"] == 0


async def test_a_bus_that_is_away_is_one_line(keeper: Keeper, nats_server: NatsServer) -> None:
    nats_server.stop()
    code, out, complaints = await keeper.ends("replay", "-u", "encoder", "--since", "1d", "--yes")
    assert (code, out, len(complaints)) == (1, "", 1)


async def test_the_groups_of_every_host_are_known(bus: JetStreamBus) -> None:
    assert {(one.unit, one.group) for one in await groups(bus)} == {
        (member.unit, member.group) for member in MEMBERSHIPS
    }


async def test_an_order_begins_the_log_of_its_job_with_who_wants_it(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    await done(bus, tmp_path, [numbered(1)])
    (fact, _plan, told) = await keeper.rows(
        "replay", "-u", "encoder", "--since", "1d", "--yes", "--by", "mira"
    )
    assert told["ordered"] == 1
    entry = await bus.last(subjects.job("encoder", "main", fact["job"]))
    assert entry is not None
    record = msgspec.json.decode(entry.data, type=JobRecord)
    assert (record.state, record.attempt) == ("waiting", 0)
    assert record.reason == f"replay {told['id']} of message 1, by mira"


async def test_a_replay_to_a_notifier_pings_nobody_twice_and_tells_a_new_target(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    old, new = MemoryChannel("old"), MemoryChannel("new")

    def handler(*channels: MemoryChannel) -> Notifier:
        return Notifier(
            group="main",
            targets=[Target(channel, ("acquired",)) for channel in channels],
            board=Board(bus=bus, group="main", now=utcnow),
            facts=KnownFacts(),
            now=utcnow,
        )

    fact = numbered(1)
    await bus.publish(announcement(fact))
    log = subjects.job("notifier", "main", f"acquired-{fact.file.id}")
    async with working(bus, handler(old), tmp_path, unit="notifier"):
        await until_state(bus, log, "done")
    asked = old.asked
    await keeper("replay", "--unit", "notifier", "--since", "7d", "--yes")
    (order,) = await bus.latest("izumi.do.notifier.>")
    replayed = subjects.job("notifier", "main", subjects.job_id(order.subject))
    async with working(bus, handler(old, new), tmp_path, unit="notifier", instance="two"):
        await until_state(bus, replayed, "done")
    assert (old.asked, len(old.sent), len(new.sent)) == (asked, 1, 1)


def utcnow() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
