"""`/v1` tells how far jobs are and what an episode lived through, with the gateway's own key."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.compose import episode
from izumi.domain import events, subjects
from izumi.domain.events import Acquired, HeldFile, JobRecord, Progress
from izumi.publishers.gateway.views import ProgressView
from tests.support.bus import NOON, acquired, announcement, provisioned
from tests.support.gateway import Client, client
from tests.support.nats import NatsServer

FACT = acquired()
JOB = f"acquired-{FACT.file.id}"
FAR = Progress(
    unit="encoder",
    group="main",
    job=JOB,
    instance="pc",
    name=FACT.file.key,
    step="encoding",
    fraction=0.5,
    detail="2x",
    fps=48.0,
    speed=2.0,
    eta_s=300.0,
    at=NOON,
)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[JetStreamBus]:
    async with provisioned(nats_server) as connection:
        yield connection


@pytest.fixture
async def ask(bus: JetStreamBus, tmp_path: Path) -> AsyncIterator[Client]:
    async with client(bus, tmp_path) as found:
        yield found


def numbered(number: str) -> Acquired:
    fact = acquired(f"Show - {number}.mkv")
    return msgspec.structs.replace(
        fact, episode=msgspec.structs.replace(fact.episode, number=number)
    )


async def note(bus: JetStreamBus, state: str, owner: str = "pc", job: str = JOB) -> None:
    record = JobRecord(state=state, owner=owner, source=1, attempt=1, at=NOON)  # type: ignore[arg-type]
    await bus.publish(Outgoing(subjects.job("encoder", "main", job), events.encode(record)))


async def tell(bus: JetStreamBus, progress: Progress) -> None:
    subject = subjects.progress(progress.unit, progress.group, progress.job)
    await bus.tell(subject, events.encode(progress))
    async with asyncio.timeout(20):
        while not await bus.last(subject):
            await asyncio.sleep(0.01)


async def test_a_job_in_work_says_how_far_it_is(bus: JetStreamBus, ask: Client) -> None:
    await note(bus, "claimed")
    await tell(bus, FAR)
    fields = msgspec.to_builtins(FAR)
    wanted = {name: fields[name] for name in ProgressView.__struct_fields__}
    one = f"/v1/jobs/encoder/main/{JOB}"
    for query in ("", "?unit=encoder", "?unit=encoder&group=main"):
        (listed,) = (await ask("GET", f"/v1/jobs{query}")).json
        assert listed["progress"] == wanted
    assert (await ask("GET", one)).json["progress"] == wanted


async def test_two_groups_at_one_file_say_how_far_each_is(bus: JetStreamBus, ask: Client) -> None:
    for group, fraction in (("main", 0.25), ("gpu", 0.75)):
        claim = JobRecord(state="claimed", owner="pc", source=1, attempt=1, at=NOON)
        await bus.publish(Outgoing(subjects.job("encoder", group, JOB), events.encode(claim)))
        await tell(bus, msgspec.structs.replace(FAR, group=group, fraction=fraction))
    listed = (await ask("GET", "/v1/jobs")).json
    assert {job["group"]: job["progress"]["fraction"] for job in listed} == {
        "main": 0.25,
        "gpu": 0.75,
    }
    one = (await ask("GET", f"/v1/jobs/encoder/gpu/{JOB}")).json
    assert one["progress"]["fraction"] == 0.75


async def test_what_is_no_word_of_its_holder_is_not_shown(bus: JetStreamBus, ask: Client) -> None:
    await tell(bus, FAR)
    await bus.tell("izumi.progress.encoder.main.newer", b'{"type": "progress/9"}')
    one = f"/v1/jobs/encoder/main/{JOB}"
    for state, owner in (("claimed", "another"), ("waiting", "pc"), ("done", "pc")):
        await note(bus, state, owner)
        (listed,) = (await ask("GET", "/v1/jobs")).json
        assert (listed["state"], listed["progress"]) == (state, None)
        assert (await ask("GET", one)).json["progress"] is None


async def told(
    ask: Client, query: str, kinds: set[str]
) -> list[tuple[str, str, dict[str, object]]]:
    """Events of a stream until there is one of each kind: id, kind and what it says."""
    found: list[tuple[str, str, dict[str, object]]] = []
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"http://127.0.0.1:{ask.port}/v1/events{query}",
            headers={"Authorization": str(ask.key)},
        ) as response,
    ):
        fields: dict[str, str] = {}
        while not kinds <= {kind for _, kind, _ in found}:
            line = (await response.content.readline()).decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                data = json.loads(fields["data"])
                found.append((fields.get("id", ""), fields["event"], data))
                fields = {}
    return found


async def test_progress_comes_between_the_events_where_it_is_wanted(
    bus: JetStreamBus, ask: Client
) -> None:
    await bus.publish(announcement(FACT))
    await tell(bus, FAR)
    kinds = {"file.acquired/1", "progress/1"}
    seen = await told(ask, "?progress=true", kinds)
    assert [(id_, kind) for id_, kind, _ in seen] == [("1", "file.acquired/1"), ("", "progress/1")]
    assert seen[-1][2]["eta_s"] == 300.0
    only = asyncio.create_task(told(ask, "", {"file.held/1"}))
    await asyncio.sleep(1.2)  # some looks
    held = HeldFile(unit="encoder", job="7", name="x.mkv", reason="why", at=NOON)
    await bus.publish(Outgoing(events.subject_of(held), events.encode(held)))
    assert [kind for _, kind, _ in await only] == ["file.acquired/1", "file.held/1"]


async def test_each_word_on_a_job_is_told_once_and_later_ones_as_they_come(
    bus: JetStreamBus, ask: Client
) -> None:
    await tell(bus, FAR)
    following = asyncio.create_task(told(ask, "?progress=true", {"progress/1", "file.acquired/1"}))
    await asyncio.sleep(1.2)  # some looks, which find nothing new
    await tell(bus, msgspec.structs.replace(FAR, fraction=0.75))
    await asyncio.sleep(1.2)
    await bus.publish(announcement(FACT))
    async with asyncio.timeout(30):
        seen = await following
    assert [data.get("fraction") for _, _, data in seen] == [0.5, 0.75, None]


async def test_an_episode_is_told_as_the_command_tells_it(bus: JetStreamBus, ask: Client) -> None:
    await bus.publish(announcement(FACT))
    await bus.publish(announcement(numbered("02")))
    await note(bus, "claimed")
    await tell(bus, FAR)
    known = await episode.told(bus, FACT.file.id, now=dt.datetime.now(dt.UTC))
    wanted = json.loads(msgspec.json.encode(known))
    for name in (FACT.file.id, JOB, FACT.file.key, f"/srv/library/{FACT.file.key}", "Show - 01"):
        answer = await ask("GET", "/v1/episodes", params={"name": name})
        assert answer.status == 200, answer
        assert answer.json["name"] == "Show - 01"
        assert answer.json["files"] == wanted["files"]
        assert answer.json["moments"] == wanted["moments"]
        assert [run["job"] for run in answer.json["runs"]] == [JOB]
    assert {"acquired", "now"} <= {moment.kind for moment in known.moments}


async def test_an_episode_that_is_not_known_or_not_meant_alone_is_a_problem(
    bus: JetStreamBus, ask: Client
) -> None:
    for number in ("01", "02"):
        await bus.publish(announcement(numbered(number)))
    for name, status, says in (
        ("Another - 01", 404, "knows no episode"),
        ("Show", 422, "may be"),
        ("%20", 422, "name an episode"),
        ("", 400, "name"),
        ("x" * 501, 400, "name"),
    ):
        answer = await ask("GET", f"/v1/episodes?name={name.replace(' ', '+')}")
        assert (answer.status, answer.json["status"]) == (status, status), name
        assert says in answer.json["detail"]
    assert (await Client(ask.port, None)("GET", "/v1/episodes?name=x")).status == 401
