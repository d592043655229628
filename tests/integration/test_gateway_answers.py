"""Holds, dead letters and jobs answered over `/v1`, on a real bus."""

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest

from izumi.bus import holds
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.lease import AlreadyDone, Lease
from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.events import Answered, HeldFile, JobRecord, LetterAnswered
from izumi.publishers.gateway.keys import SCOPES
from tests.support.bus import NOON, acquired, announcement, eventually, provisioned, taken
from tests.support.gateway import Client, Reply, client, make_key

FACT = acquired()
LOG = subjects.job("encoder", "main", "acquired-1")


@pytest.fixture
async def bus(nats_server):
    async with provisioned(nats_server) as connected:
        yield connected


@pytest.fixture
async def ask(bus, tmp_path):
    async with client(bus, tmp_path, failures_per_minute=1000) as asking:
        yield asking


async def hold(bus: JetStreamBus, job: str = "j", **changes: Any) -> str:
    """A hold of acquisition, or of another unit; its id."""
    given: dict[str, Any] = {
        "unit": "acquisition",
        "job": job,
        "name": f"{job}.mkv",
        "reason": "which show?",
        "answers": ("approve", "fix", "reject"),
        "step": "identify",
        "title": "Spring",
        "at": NOON,
    }
    fact = HeldFile(**(given | changes))
    await bus.publish(Outgoing(events.subject_of(fact), events.encode(fact)))
    return next(one.id for one in await holds.known(bus) if one.fact.job == job)


def of_an_encoder(**changes: Any) -> dict[str, Any]:
    origin = events.raw(events.encode(FACT))
    return {"unit": "encoder", "group": "main", "answers": (), "step": "", "origin": origin} | (
        changes
    )


async def give_up(bus: JetStreamBus, data: bytes | None = None) -> int:
    """A message that an encoder refuses; the number of the letter."""
    dead = JetStreamDeadLetters(bus)
    before = len(await dead.entries())
    await bus.publish(announcement(FACT)._replace(data=data or events.encode(FACT), msg_id=None))
    await (await taken(bus.inbox("encoder", "main"))).term("no track fits")

    async def there() -> bool:
        return len(await dead.entries()) > before

    await eventually(there)
    return (await dead.entries())[-1].seq


async def note(bus: JetStreamBus, state: str, log: str = LOG, source: int = 1) -> None:
    record = JobRecord(state=state, owner="pc-1-aa", source=source, at=NOON)  # type: ignore[arg-type]
    await bus.publish(Outgoing(log, events.encode(record)))


def is_problem(answer: Reply, status: int, text: str = "") -> bool:
    assert (answer.status, text in answer.text) == (status, True), answer.text
    return answer.headers["content-type"] == "application/problem+json"


async def test_a_hold_is_approved_once_however_often_it_is_asked(bus, ask):
    id_ = await hold(bus, **of_an_encoder())
    shown = (await ask("GET", f"/v1/holds/{id_[:6]}")).json
    assert (shown["id"], shown["answers"]) == (id_, ["approve", "reject"])
    first = await ask("POST", f"/v1/holds/{id_}/approve")
    again = await ask.post(f"/v1/holds/{id_}/approve", {})
    assert (first.status, again.status) == (200, 200)
    assert first.json == again.json
    assert (first.json["answer"], first.json["by"]) == ("approve", "tester")
    order = await taken(bus.inbox("encoder", "main"))
    assert events.decode_fact(order.data) == FACT
    assert len(await bus.latest("izumi.do.>")) == 1
    assert (await ask("GET", f"/v1/holds/{id_}")).json["answered"].startswith("approve (by tester")
    assert is_problem(await ask("POST", f"/v1/holds/{id_}/reject"), 409, "answered before")


async def test_a_fix_may_become_a_rule_and_is_answered_as_the_command_answers(bus, ask, keeper):
    one, two = await hold(bus, "a"), await hold(bus, "b")
    said = await ask.post(f"/v1/holds/{one}/fix", {"show": " A:  B? ", "season": 2})
    assert (said.json["fix"], said.json["rule"]) == ({"show": "A: B?", "season": 2}, "")
    await keeper("hold", "fix", two, "--show", " A:  B? ", "--season", "2", "--by", "tester")
    stored = [await bus.last(subjects.answered("acquisition", name)) for name in "ab"]
    by_http, by_command = [events.decode_fact(entry.data) for entry in stored]
    assert isinstance(by_http, Answered)
    assert isinstance(by_command, Answered)
    assert (by_http.fix, by_http.answer, by_http.by) == (by_command.fix, "fix", by_command.by)
    third = await hold(bus, "c")
    for _ in range(2):
        ruled = await ask.post(f"/v1/holds/{third}/fix", {"show": "Spring", "rule": True})
        assert (ruled.status, ruled.json["rule"][:2]) == (200, "r-")
    (rule,) = await keeper.rows("rules", "list")
    assert (rule["id"], rule["by"]) == (ruled.json["rule"], "tester")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 422, "it says nothing"),
        ({"show": "??"}, 422, "is no title"),
        ({"show": "\ud800"}, 400, ""),
        ({"episode": "1/2"}, 422, "contains '/'"),
        ({"offset": 0}, 422, "changes nothing"),
        ({"episode": "5", "film": True}, 422, "exclude each other"),
        ({"episode": "5", "rule": True}, 422, "of one file alone"),
        ({"season": "two"}, 400, "season"),
        ({"show": "A", "sice": 1}, 400, "sice"),
        (None, 400, ""),
    ],
)
async def test_a_fix_that_cannot_be_is_a_problem_with_the_reason(bus, ask, body, status, text):
    id_ = await hold(bus)
    assert is_problem(await ask.post(f"/v1/holds/{id_}/fix", body), status, text)
    assert await bus.last(subjects.answered("acquisition", "j")) is None
    assert await bus.latest("izumi.rule.>") == []


async def test_what_cannot_be_said_to_a_hold_is_a_problem(bus, ask):
    assert is_problem(await ask("POST", "/v1/holds/abcd/approve"), 404, "nothing is held")
    broken = await hold(bus, "x", answers=("reject",), step="settle")
    assert is_problem(await ask("POST", f"/v1/holds/{broken}/approve"), 422, "never filed")
    encoder = await hold(bus, "y", **of_an_encoder())
    fix = await ask.post(f"/v1/holds/{encoder}/fix", {"show": "A"})
    assert is_problem(fix, 422, "reads no names")
    rejected = await ask.post(f"/v1/holds/{broken}/reject", {"reason": "broken"})
    assert (rejected.status, rejected.json["reason"]) == (200, "broken")


async def test_a_hold_that_was_held_anew_since_it_was_seen_is_not_answered_unseen(bus, ask):
    id_ = await hold(bus)
    seen = (await ask("GET", "/v1/holds")).json[0]["seq"]
    first = await ask.post(f"/v1/holds/{id_}/fix", {"show": "A", "seq": seen})
    assert first.status == 200
    await hold(bus, reason="which episode?")
    again = await ask.post(f"/v1/holds/{id_}/fix", {"show": "A", "seq": seen})
    assert is_problem(again, 409, "held anew")
    (open_,) = (await ask("GET", "/v1/holds")).json
    assert (open_["reason"], open_["answered"]) == ("which episode?", "")


async def test_of_two_who_answer_at_once_one_is_told_that_it_was_too_late(bus, ask, tmp_path):
    id_ = await hold(bus)
    other = Client(ask.port, make_key(tmp_path, "other", ("answer",)))
    answers = await asyncio.gather(
        ask.post(f"/v1/holds/{id_}/fix", {"show": "A"}),
        other.post(f"/v1/holds/{id_}/reject", {}),
    )
    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_a_dead_letter_is_shown_with_its_evidence(bus, ask):
    number = await give_up(bus)
    await note(bus, "claimed", subjects.job("encoder", "main", f"acquired-{FACT.file.id}"))
    shown = (await ask("GET", f"/v1/dead-letters/{number}")).json
    assert shown["letter"]["reason"] == "no track fits"
    assert shown["content"] == "file.acquired/1 Show/Show - 01.mkv"
    assert [entry["state"] for entry in shown["history"]] == ["claimed"]
    assert f"do-replay-1-{number}" in shown["on_retry"]
    assert is_problem(await ask("GET", f"/v1/dead-letters/{number + 50}"), 404, "no dead letter")


async def test_a_dead_letter_is_ordered_again_once_and_the_key_is_named(bus, ask, keeper):
    number = await give_up(bus)
    first = await ask.post(f"/v1/dead-letters/{number}/retry", {"reason": "mended"})
    again = await ask("POST", f"/v1/dead-letters/{number}/retry")
    assert (first.status, again.status) == (200, 200)
    assert first.json == again.json
    assert (first.json["job"], first.json["by"]) == (f"do-replay-1-{number}", "tester")
    assert len(await bus.latest("izumi.do.>")) == 1
    assert is_problem(await ask("POST", f"/v1/dead-letters/{number}/drop"), 409, "ordered again")
    assert (await ask("GET", "/v1/dead-letters")).json == []
    (shown,) = (await ask("GET", "/v1/dead-letters?answered=true")).json
    assert "by tester" in shown["answered"]
    (row,) = await keeper.rows("dlq", "list", "--all")
    assert row["answered"] == shown["answered"]


async def test_a_dead_letter_is_dropped_once_and_can_still_be_ordered_again(bus, ask):
    number = await give_up(bus, b"\xff rubbish")
    first = await ask.post(f"/v1/dead-letters/{number}/drop", {"reason": "rubbish"})
    again = await ask.post(f"/v1/dead-letters/{number}/drop", {"reason": "other"})
    assert first.json == again.json
    stored = await bus.last(subjects.letter(number))
    record = msgspec.json.decode(stored.data, type=LetterAnswered)
    assert (record.by, record.reason, record.answer) == ("tester", "rubbish", "drop")
    assert (await ask("POST", f"/v1/dead-letters/{number}/retry")).json["answer"] == "retry"


async def test_a_job_in_work_is_cancelled_and_one_that_is_settled_is_not(bus, ask):
    path = "/v1/jobs/encoder/main/acquired-1/cancel"
    assert is_problem(await ask("POST", path), 404, "no job")
    await note(bus, "claimed")
    for _ in range(2):
        ended = await ask("POST", path)
        assert (ended.status, ended.json["state"]) == (200, "cancelled")
        assert ended.json["reason"] == "cancelled by tester"
    await note(bus, "done")
    assert is_problem(await ask("POST", path), 409, "nothing to cancel")


async def test_a_job_that_nobody_has_begun_is_cancelled_and_never_begun(bus, ask):
    wish = {
        "unit": "encoder",
        "show": "Show",
        "episode": "Show - 01.mkv",
        "size": 7,
        "sub": "softsub",
    }
    job = (await ask.post("/v1/jobs", wish)).json["job"]
    path = f"/v1/jobs/encoder/main/{job}"
    assert is_problem(await ask("POST", f"{path}/retry"), 409, "is waiting; cancel it first")
    for _ in range(2):
        ended = await ask("POST", f"{path}/cancel")
        assert (ended.status, ended.json["state"]) == (200, "cancelled")
    order = await taken(bus.inbox("encoder", "main"))
    with pytest.raises(AlreadyDone) as settled:
        await Lease(bus, order, unit="encoder", group="main", owner="pc-1").claim()
    assert settled.value.record.state == "cancelled"
    again = await ask("POST", f"{path}/retry")
    assert again.status == 202
    for other in ("do-", "do-x", "acquired-x", "do-*", "do-a.b"):
        there = await ask("POST", f"/v1/jobs/encoder/main/{other}/cancel")
        assert is_problem(there, 404, "no job")


async def test_a_settled_job_is_ordered_again_once_and_an_open_one_is_not(bus, ask):
    source = await bus.publish(announcement(FACT))
    path = "/v1/jobs/encoder/main/acquired-1/retry"
    await note(bus, "waiting", source=source)
    assert is_problem(await ask("POST", path), 409, "cancel it first")
    await note(bus, "failed", source=source)
    first, again = await ask("POST", path), await ask("POST", path)
    assert (first.status, first.json) == (202, again.json)
    (order,) = await bus.latest("izumi.do.>")
    assert subjects.job_id(order.subject) == first.json["job"]
    new = (await ask("GET", f"/v1/jobs/encoder/main/{first.json['job']}")).json
    assert new["reason"] == "acquired-1 is ordered again by tester"
    for gone in (0, -5, 999):
        await note(bus, "failed", source=gone)
        assert is_problem(await ask("POST", path), 422, "not kept any more")


async def test_a_job_that_a_newer_version_noted_and_one_of_no_legal_name_are_problems(bus, ask):
    await bus.publish(Outgoing(LOG, b'{"type":"job/9"}'))
    for verb in ("cancel", "retry"):
        path = f"/v1/jobs/encoder/main/acquired-1/{verb}"
        assert is_problem(await ask("POST", path), 422, "newer version")
        long = "/".join(["%F0%9F%8C%B8" * 250] * 3)
        assert is_problem(await ask("POST", f"/v1/jobs/{long}/{verb}"), 404)
    assert (await ask("GET", "/v1/health")).status == 200


ACTS = {
    "answer": ("holds/{hold}/approve", "holds/{hold}/fix", "holds/{hold}/reject"),
    "letters": ("dead-letters/{letter}/retry", "dead-letters/{letter}/drop"),
    "jobs": ("jobs/encoder/main/acquired-1/cancel", "jobs/encoder/main/acquired-1/retry"),
}


async def test_each_kind_of_answer_takes_a_scope_of_its_own(bus, ask, tmp_path):
    id_, number = await hold(bus), await give_up(bus)
    await note(bus, "claimed")
    for scope, paths in ACTS.items():
        others = tuple(one for one in SCOPES if one != scope)
        without = Client(ask.port, make_key(tmp_path, f"not-{scope}", others))
        for path in paths:
            asked = f"/v1/{path.format(hold=id_, letter=number)}"
            refused = await without.post(asked, {"show": "A"} if "fix" in path else {})
            assert is_problem(refused, 403, f"has not the scope {scope}")
            assert (await Client(ask.port, None)("POST", asked)).status == 401
    assert len((await ask("GET", "/v1/holds")).json) == 1
    assert len((await ask("GET", "/v1/dead-letters")).json) == 1
    assert (await ask("GET", "/v1/jobs")).json[0]["state"] == "claimed"
    for scope, path in (
        ("letters", f"dead-letters/{number}/drop"),
        ("answer", f"holds/{id_}/reject"),
        ("jobs", "jobs/encoder/main/acquired-1/cancel"),
    ):
        only = Client(ask.port, make_key(tmp_path, f"only-{scope}", (scope,)))  # type: ignore[arg-type]
        assert (await only("POST", f"/v1/{path}")).status == 200
        assert (await only("GET", "/v1/holds")).status == 403


async def test_while_the_bus_is_away_it_is_said_when_to_come_back(bus, ask, nats_server):
    id_, number = await hold(bus), await give_up(bus)
    bus._publish_s = 0.2
    nats_server.kill()
    paths = (
        f"holds/{id_}/approve",
        f"dead-letters/{number}/drop",
        "jobs/encoder/main/acquired-1/cancel",
    )
    for path in paths:
        answer = await ask("POST", f"/v1/{path}")
        assert is_problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
    nats_server.start()
    for path in paths[:2]:
        async with asyncio.timeout(60):
            while (await ask("POST", f"/v1/{path}")).status != 200:
                await asyncio.sleep(0.1)


async def test_the_description_says_that_remarks_may_be_left_away(ask):
    described = (await ask("GET", "/v1/openapi.json")).json["paths"]
    approve = described["/v1/holds/{hold}/approve"]["post"]
    assert approve["requestBody"]["required"] is False
    assert {"200", "404", "409", "422", "503"} <= set(approve["responses"])
    fix = described["/v1/holds/{hold}/fix"]["post"]
    assert fix["requestBody"]["required"] is True


async def test_an_answer_is_of_now_and_carries_the_time(bus, ask):
    id_ = await hold(bus)
    said = (await ask("POST", f"/v1/holds/{id_}/reject")).json
    at = dt.datetime.fromisoformat(said["at"])
    assert at.tzinfo is not None
    assert at > NOON
