"""The whole life of an episode, as `izumi-admin jobs show` tells it from a real bus."""

import asyncio
import datetime as dt
import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from izumi.bus import reading
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.lease import Lease
from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.errors import Rejected, StorageUnavailable
from izumi.domain.events import (
    Acquired,
    Distributed,
    Encoded,
    Fact,
    HeldFile,
    LibraryChanged,
    LibraryPlace,
    Note,
    Notified,
    Told,
    ToldMessage,
)
from izumi.runtime.ports import JobContext
from tests.support.bus import NOON, acquired, announcement, eventually, provisioned, taken
from tests.support.keeper import Keeper
from tests.support.nats import NatsServer
from tests.support.working import until_state, working

RELEASE = "[Grp] Show - 01 [1080p].mkv"
FACT = msgspec.structs.replace(acquired(), release=RELEASE, host="seedbox")
JOB = f"acquired-{FACT.file.id}"
HARDSUB = msgspec.structs.replace(
    FACT.file, key="Show/Show - 01.mp4", sub="hardsub", sha256="ab" * 32
)
ENCODED = Encoded(
    file=HARDSUB,
    episode=FACT.episode,
    sources=("library",),
    origin=FACT.file,
    profile="hardsub",
    at=NOON,
    host="laptop",
)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[JetStreamBus]:
    async with provisioned(nats_server, ack_wait_s=1.0) as connection:
        yield connection


async def tell(bus: JetStreamBus, fact: Fact) -> None:
    await bus.publish(Outgoing(events.subject_of(fact), events.encode(fact)))


def numbered(number: str) -> Acquired:
    fact = acquired(f"Show - {number}.mkv")
    return msgspec.structs.replace(
        fact, episode=msgspec.structs.replace(fact.episode, number=number)
    )


async def lived(bus: JetStreamBus, keeper: Keeper, folder: Path) -> None:
    """An episode that nearly everything happens to.

    It is held, answered, acquired, lost by one host and encoded on another, which fails once;
    brought to a mirror, refused by another group, told, and moved.
    """
    hold = HeldFile(
        unit="acquisition",
        job="j",
        name=f"Finished/{RELEASE}",
        reason="which show?",
        facts={"titles": "Show | Shows"},
        answers=("approve", "fix", "reject"),
        title="Show",
        at=NOON,
        host="seedbox",
    )
    await tell(bus, hold)
    (row,) = await keeper.holds()
    await keeper("hold", "fix", row["id"], "--show", "Show", "--by", "mira")
    await bus.publish(announcement(FACT))
    silent = await taken(bus.inbox("encoder", "main"))
    await Lease(bus, silent, unit="encoder", group="main", owner="pc-11-aaaaaa").claim()
    tries: list[int] = []

    async def encode(fact: Fact, job: JobContext) -> Sequence[Fact]:
        tries.append(job.attempt)
        if len(tries) == 1:
            raise StorageUnavailable("library is away")
        made = {"file": msgspec.to_builtins(HARDSUB), "recipe": {}}
        await job.save({"outputs": [made]})
        return [ENCODED]

    async with working(bus, encode, folder, instance="laptop-12-bbbbbb"):
        await until_state(bus, subjects.job("encoder", "main", JOB), "done")

    async def bring(fact: Fact, job: JobContext) -> Sequence[Fact]:
        assert isinstance(fact, Acquired | Encoded)
        there = Distributed(
            file=fact.file,
            episode=fact.episode,
            group="public",
            destination="mirror",
            at=NOON,
            host="vps",
        )
        await job.save({"done": {"mirror": NOON.isoformat()}}, [there])
        return []

    hardsub = f"encoded-{HARDSUB.id}"
    async with working(
        bus, bring, folder, unit="distributor", group="public", instance="vps-13-cccccc"
    ):
        await until_state(bus, subjects.job("distributor", "public", hardsub), "done")

    await tell(bus, numbered("02"))

    async def refuse(_fact: Fact, _job: JobContext) -> Sequence[Fact]:
        raise Rejected("no such folder")

    async with working(
        bus, refuse, folder, unit="distributor", group="private", instance="nas-14-dddddd"
    ):
        for job in (hardsub, f"acquired-{numbered('02').file.id}"):
            await until_state(bus, subjects.job("distributor", "private", job), "failed")

    async def announce(fact: Fact, job: JobContext) -> Sequence[Fact]:
        assert isinstance(fact, Acquired | Encoded | Distributed)
        return [
            Notified(
                file=fact.file,
                episode=fact.episode,
                group="main",
                job=job.job,
                targets=("discord",),
                at=NOON,
                host="vps",
            )
        ]

    async with working(
        bus, announce, folder, unit="notifier", group="main", instance="vps-15-eeeeee"
    ):
        await until_state(bus, subjects.job("notifier", "main", hardsub), "done")
    message = ToldMessage(id="998877", says="x", facts=(0,), at=dt.datetime.now(dt.UTC))
    note = Note(id=JOB, facts=(FACT,), messages={"discord": message}, at=NOON)
    told = Told(group="main", show="Show", notes=(note,), at=NOON)
    await bus.publish(Outgoing(subjects.told("main", "Show"), events.encode(told)))
    change = LibraryChanged(
        operation="20260102-1",
        verb="move",
        show="Show",
        became="2026/Show",
        places=(LibraryPlace(name="library", files=1, size=1000, done=True),),
        by="mira",
        at=NOON,
        host="desk",
    )
    await bus.publish(Outgoing(subjects.library("move", "20260102-1"), events.encode(change)))

    async def given_up() -> bool:
        return len(await reading.page(bus.connection, "IZUMI_DLQ", 1)) == 3

    await eventually(given_up)


async def test_the_life_of_an_episode_over_several_hosts_is_one_timeline(
    bus: JetStreamBus, keeper: Keeper, tmp_path: Path
) -> None:
    await lived(bus, keeper, tmp_path)
    rows = await keeper.rows("jobs", "show", "show", "1")
    moments = [row for row in rows if row["is"] == "moment"]
    told = {(row["kind"], row.get("unit", ""), row.get("host", "")): row for row in moments}
    assert [row["sub"] for row in rows if row["is"] == "file"] == ["softsub", "hardsub"]
    for kind, unit, host, text in (
        ("held", "acquisition", "seedbox", "which show?; titles: Show | Shows"),
        ("answered", "acquisition", "", "fix: Show (by mira"),
        ("acquired", "acquisition", "seedbox", f"{RELEASE}: Show/Show - 01.mkv, 1000 B, sha256"),
        ("claimed", "encoder.main", "pc", "attempt 1"),
        ("taken over", "encoder.main", "laptop", "attempt 2, from pc-11-aaaaaa"),
        ("waits", "encoder.main", "laptop", "library is away"),
        ("claimed", "encoder.main", "laptop", "attempt 3"),
        ("step", "encoder.main", "laptop", "outputs: Show/Show - 01.mp4 (1000 B)"),
        ("encoded", "encoder", "laptop", "Show/Show - 01.mp4, 1000 B, sha256 abababababab"),
        ("done", "encoder.main", "laptop", ""),
        ("step", "distributor.public", "vps", "done: mirror"),
        ("distributed", "distributor.public", "vps", "Show/Show - 01.mp4 lies at mirror"),
        ("failed", "distributor.private", "nas", "no such folder"),
        ("given up", "distributor.private", "", "no such folder"),
        ("notified", "notifier.main", "vps", "discord"),
        ("told", "notifier.main", "", "message 998877 at discord tells 1 of 1 facts"),
        ("library", "", "desk", "move Show to 2026/Show at library by mira (20260102-1)"),
    ):
        assert text in told[kind, unit, host]["text"], (kind, unit, host)
    times = [dt.datetime.fromisoformat(row["at"]) for row in moments]
    assert times == sorted(times)
    order = [row["kind"] for row in moments if row.get("unit", "").startswith(("acq", "enc"))]
    assert order == [
        *("held", "answered", "acquired", "claimed", "taken over", "waits", "claimed"),
        *("step", "encoded", "done"),
    ]
    (run,) = [r for r in rows if r["is"] == "job" and r["unit"] == "encoder.main"]
    assert (run["state"], run["attempts"], run["hosts"]) == ("done", 3, ["pc", "laptop"])
    # The silent one had it until the lease ran out.
    assert run["worked_s"] >= 1.0
    assert [row["kind"] for row in moments].count("given up") == 2
    assert not any("Show - 02" in json.dumps(row) for row in rows)


async def test_people_name_it_by_job_file_path_release_and_words(
    bus: JetStreamBus, keeper: Keeper
) -> None:
    await bus.publish(announcement(FACT))
    await tell(bus, ENCODED)
    await tell(bus, numbered("02"))
    whole = await keeper("jobs", "show", "Show - 01.mkv")
    for name in (
        JOB,
        JOB[:16],
        f"encoded-{HARDSUB.id}",
        FACT.file.id[:8],
        "Show/Show - 01.mp4",
        "/srv/library/Airing [Hardsub]/Show/Show - 01.mp4",
        RELEASE,
        "show 01",
    ):
        assert await keeper("jobs", "show", name) == whole


async def test_what_is_meant_by_several_is_listed_and_a_slip_gets_the_nearest(
    bus: JetStreamBus, keeper: Keeper
) -> None:
    for number in ("1", "12"):
        await tell(bus, numbered(number))
    said = await keeper.refused("jobs", "show", "show")
    assert said == "'show' may be 'Show - 1', 'Show - 12'; give more of the name"
    said = await keeper.refused("jobs", "show", "Shwo - 12")
    assert re.search(r"no episode, file or job 'Shwo - 12'; did you mean 'Show - 12'", said)
    assert "name an episode" in await keeper.refused("jobs", "show")
    assert "'?'" in await keeper.refused("jobs", "show", "?")


async def test_what_is_held_and_no_episode_yet_is_shown_by_its_release(
    bus: JetStreamBus, keeper: Keeper
) -> None:
    await tell(
        bus, HeldFile(unit="acquisition", job="j", name=f"in/{RELEASE}", reason="why", at=NOON)
    )
    out = await keeper("jobs", "show", RELEASE)
    assert out.splitlines()[0] == RELEASE
    assert "held  acquisition  -  -  j  why" in out


async def test_lines_of_a_newer_version_hide_nothing(bus: JetStreamBus, keeper: Keeper) -> None:
    await bus.publish(announcement(FACT))
    await bus.publish(Outgoing("izumi.file.acquired.softsub.normal.x", b'{"type":"file.new/9"}'))
    await bus.publish(Outgoing(subjects.job("encoder", "main", JOB), b"\xff", expect=0))
    assert "acquired  acquisition  seedbox" in await keeper("jobs", "show", "Show 1")


async def test_only_what_may_name_an_episode_and_its_own_logs_are_read(
    bus: JetStreamBus, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream of a hundred thousand messages is not read to tell of one episode."""
    await bus.publish(announcement(FACT))
    crowd = [
        Outgoing(subjects.job("encoder", "main", f"acquired-{n % 50}"), b"{}", str(n))
        for n in range(2000)
    ]
    await asyncio.gather(*(bus.publish(message) for message in crowd))
    read: list[int] = []
    real = reading.stored

    def counted(answer: object) -> object:
        read.append(1)
        return real(answer)  # type: ignore[arg-type]  # a message

    monkeypatch.setattr(reading, "stored", counted)
    assert "acquired" in await keeper("jobs", "show", JOB)
    assert len(read) < 20
