"""`/v1` over real HTTP onto a real bus, and against its own description."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest

from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.events import HeldFile, JobRecord
from tests.support.bus import NOON, acquired, provisioned
from tests.support.gateway import Client, client, make_key, serving

WISH = {
    "unit": "encoder",
    "show": "Frieren",
    "episode": "Frieren - 01 [1080p].mkv",
    "size": 7,
    "sub": "softsub",
}


async def test_a_wish_is_a_job_whose_log_can_be_read(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        first = await ask.post("/v1/jobs", WISH | {"priority": "high"})
        again = await ask.post("/v1/jobs", WISH | {"priority": "high"})
        assert (first.status, again.status) == (202, 202)
        assert first.json == again.json
        job = first.json["job"]
        path = f"/v1/jobs/encoder/main/{job}"
        assert (await ask("GET", path)).status == 404
        for attempt, state in ((1, "claimed"), (1, "waiting"), (2, "done")):
            record = JobRecord(state=state, owner="w", source=1, attempt=attempt, at=NOON)  # type: ignore[arg-type]
            await bus.publish(Outgoing(subjects.job("encoder", "main", job), events.encode(record)))
        shown = (await ask("GET", path)).json
        assert [entry["state"] for entry in shown["history"]] == ["claimed", "waiting", "done"]
        assert (shown["state"], shown["attempt"]) == ("done", 2)
        for query, count in (("", 1), ("?unit=encoder&state=done", 1), ("?unit=notifier", 0)):
            assert len((await ask("GET", f"/v1/jobs{query}")).json) == count
        (entry,) = await bus.latest("izumi.do.>")
        assert ".high." in entry.subject


async def test_wishes_of_one_idempotency_key_are_one(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        for key, size in (("a", 1), ("a", 2), ("b", 1)):
            headers = {"Idempotency-Key": key}
            answer = await ask.post("/v1/jobs", WISH | {"size": size}, headers=headers)
            assert answer.status == 202
        assert len(await bus.latest("izumi.do.>")) == 2


async def test_files_are_shown_with_what_happened_to_them(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        facts = [acquired(f"{number}.mkv") for number in (1, 2)]
        for fact in facts:
            await bus.publish(Outgoing(events.subject_of(fact), events.encode(fact)))
        shown = (await ask("GET", "/v1/files?show=Show&key=Show/1.mkv")).json
        assert [file["key"] for file in shown] == ["Show/1.mkv"]
        assert shown[0]["facts"][0]["type"] == "file.acquired/1"
        one = await ask("GET", f"/v1/files/{facts[1].file.id}")
        assert one.json["key"] == "Show/2.mkv"
        assert (await ask("GET", "/v1/files/none")).status == 404


async def test_holds_and_dead_letters_are_shown(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        held = HeldFile(unit="acquisition", job="7", name="x.mkv", reason="which show?", at=NOON)
        await bus.publish(Outgoing(events.subject_of(held), events.encode(held)))
        (hold,) = (await ask("GET", "/v1/holds")).json
        assert (hold["name"], hold["reason"], hold["answered"]) == ("x.mkv", "which show?", "")
        inbox = bus.inbox("notifier", "main")
        await bus.publish(Outgoing("izumi.do.notifier.main.normal.x", b"rubbish"))
        delivery = await inbox.take()
        assert delivery is not None
        await delivery.term("no fact")
        async with asyncio.timeout(20):
            while not (letters := (await ask("GET", "/v1/dead-letters")).json):
                await asyncio.sleep(0.05)
        assert letters[0]["reason"] == "no fact"


async def read_events(url: str, key: str, count: int, **headers: str) -> list[tuple[int, str]]:
    """So many events of a stream: their ids and the keys of their files."""
    found: list[tuple[int, str]] = []
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Authorization": key, **headers}) as response,
    ):
        assert response.status == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        place = 0
        while len(found) < count:
            line = (await response.content.readline()).decode().rstrip("\n")
            if line.startswith("id: "):
                place = int(line[4:])
            if line.startswith("data: "):
                found.append((place, json.loads(line[6:])["file"]["key"]))
    return found


async def test_events_are_followed_and_gone_on_with_behind_the_last_one(
    nats_server, tmp_path
) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path, most_streams=1) as ask:
        url, key = f"http://127.0.0.1:{ask.port}/v1/events", str(ask.key)
        facts = [acquired(f"{number}.mkv") for number in range(250)]
        subject = [events.subject_of(fact) for fact in facts]
        for place, fact in enumerate(facts[:200]):
            await bus.publish(Outgoing(subject[place], events.encode(fact)))
        first = await read_events(url, key, 200)
        assert [name for _, name in first] == [fact.file.key for fact in facts[:200]]
        last = str(first[149][0])
        following = asyncio.create_task(read_events(url, key, 100, **{"Last-Event-ID": last}))
        for place, fact in enumerate(facts[200:], 200):
            await bus.publish(Outgoing(subject[place], events.encode(fact)))
        rest = await following
        assert [name for _, name in rest] == [fact.file.key for fact in facts[150:]]


async def test_more_streams_than_may_be_are_told_to_come_back(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path, most_streams=1) as ask:
        url, headers = f"http://127.0.0.1:{ask.port}/v1/events", {"Authorization": str(ask.key)}
        async with aiohttp.ClientSession() as session:
            async with session.get(url, headers=headers) as response:
                await response.content.readline()
                answer = await ask("GET", "/v1/events")
                assert (answer.status, answer.json["status"]) == (429, 429)
            async with asyncio.timeout(30):
                while True:
                    async with session.get(url, headers=headers) as response:
                        if response.status == 200:
                            break
                    await asyncio.sleep(0.1)


async def test_errors_are_problems_with_the_field_in_them(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        for body, status, said in (
            (WISH | {"size": -1}, 400, "size"),
            (WISH | {"sub": "x"}, 400, "sub"),
            (WISH | {"show": "../x"}, 422, "show"),
            (WISH | {"sub": "hardsub"}, 422, "only softsubs"),
            (WISH | {"sice": 1}, 400, "sice"),
        ):
            answer = await ask.post("/v1/jobs", body)
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status, answer.json["status"]) == (status, status)
            assert said in answer.json["detail"]
        assert (await Client(ask.port, "x").post("/v1/jobs", WISH)).json["status"] == 401
        only = make_key(tmp_path, "reader", ("read",))
        assert (await Client(ask.port, only).post("/v1/jobs", WISH)).json["status"] == 403
        assert (await ask("GET", "/nowhere")).json["status"] == 404


async def test_health_is_told_to_everyone_and_counters_to_who_may_read(
    nats_server, tmp_path
) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        await ask.post("/encode")
        anyone = Client(ask.port, None)
        assert (await anyone("GET", "/v1/health")).json == {"status": "ok"}
        assert (await anyone("GET", "/v1/metrics")).status == 401
        text = (await ask("GET", "/v1/metrics")).text
        assert 'izumi_requests_total{status="200"} 1.0' in text
        nats_server.freeze()
        away = await anyone("GET", "/v1/health")
        assert (away.status, away.json) == (503, {"status": "bus away"})
        nats_server.thaw()


async def test_the_description_names_every_route_and_loads_nothing(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, serving(bus, tmp_path) as port:
        described = (await Client(port, None)("GET", "/v1/openapi.json")).json
    assert set(described["paths"]) == {
        "/v1/jobs",
        "/v1/jobs/{unit}/{group}/{job}",
        "/v1/jobs/{unit}/{group}/{job}/cancel",
        "/v1/jobs/{unit}/{group}/{job}/retry",
        "/v1/episodes",
        "/v1/files",
        "/v1/files/{file}",
        "/v1/holds",
        "/v1/holds/{hold}",
        "/v1/holds/{hold}/approve",
        "/v1/holds/{hold}/fix",
        "/v1/holds/{hold}/reject",
        "/v1/dead-letters",
        "/v1/dead-letters/{letter}",
        "/v1/dead-letters/{letter}/drop",
        "/v1/dead-letters/{letter}/retry",
        "/v1/events",
        "/v1/health",
        "/v1/metrics",
    }


async def schemathesis(ask: Client, folder: Path, *more: str) -> str:
    """What it says of a gateway when it is content."""
    program = await asyncio.create_subprocess_exec(
        *(
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"http://127.0.0.1:{ask.port}/v1/openapi.json",
        ),
        *("--header", f"Authorization: {ask.key}", "--exclude-path", "/v1/events"),
        *("--max-examples", "15", "--seed", "1", "--no-color"),
        # What no schema can say (a hardsub is not encoded) is refused with its reason.
        *("--exclude-checks", "positive_data_acceptance", *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    out, _ = await program.communicate()
    assert program.returncode == 0, out.decode()[-6000:]
    return out.decode()


@pytest.mark.timeout(300)
async def test_schemathesis_finds_nothing_that_the_description_does_not_say(
    nats_server, tmp_path
) -> None:
    async with (
        provisioned(nats_server) as bus,
        client(bus, tmp_path, failures_per_minute=100_000) as ask,
    ):
        fact = acquired("a.mkv")
        await bus.publish(Outgoing(events.subject_of(fact), events.encode(fact)))
        await schemathesis(ask, tmp_path)


@pytest.mark.timeout(300)
async def test_schemathesis_answers_what_is_there_and_finds_nothing(nats_server, tmp_path) -> None:
    async with (
        provisioned(nats_server) as bus,
        client(bus, tmp_path, failures_per_minute=100_000) as ask,
    ):
        held = HeldFile(unit="acquisition", job="7", name="x.mkv", reason="which show?", at=NOON)
        await bus.publish(Outgoing(events.subject_of(held), events.encode(held)))
        record = JobRecord(state="claimed", owner="w", source=1, at=NOON)
        await bus.publish(Outgoing(subjects.job("encoder", "main", "j"), events.encode(record)))
        await bus.publish(Outgoing("izumi.do.notifier.main.normal.x", b"rubbish"))
        delivery = await bus.inbox("notifier", "main").take()
        assert delivery is not None
        await delivery.term("no fact")
        async with asyncio.timeout(20):
            while not (letters := (await ask("GET", "/v1/dead-letters")).json):
                await asyncio.sleep(0.05)
        (hold,) = (await ask("GET", "/v1/holds")).json
        (tmp_path / "schemathesis.toml").write_text(
            "[parameters]\n"
            f'"path.hold" = "{hold["id"]}"\n"path.letter" = {letters[0]["seq"]}\n'
            '"path.unit" = "encoder"\n"path.group" = "main"\n"path.job" = "j"\n'
        )
        said = await schemathesis(
            ask, tmp_path, "--include-path-regex", r"/(holds|dead|jobs)[^.]*/"
        )
        assert "Missing test data" not in said
        assert (await ask("GET", "/v1/holds")).json == []
        assert (await ask("GET", "/v1/dead-letters")).json == []
        assert (await ask("GET", "/v1/jobs")).json[-1]["state"] == "cancelled"
