"""`izumi-admin dlq` in a keeper's hands, on a real bus."""

import asyncio
import base64
import builtins
import datetime as dt
import json
import os
import signal
import sys

import msgspec
import pytest

from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.bus.topology import consumer_names
from izumi.commands import deadletters
from izumi.domain import events, subjects
from izumi.domain.events import JobRecord, LetterAnswered, Node
from izumi.failpoints import VARIABLE
from tests.support.bus import NOON, acquired, announcement, eventually, provisioned, taken

ADVISORY = "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.IZUMI"
FACT = acquired()


@pytest.fixture
async def bus(nats_server):
    async with provisioned(nats_server) as connection:
        yield connection


async def listed(bus: JetStreamBus, count: int) -> list[int]:
    """The numbers of so many open letters."""
    dead = JetStreamDeadLetters(bus)

    async def there() -> bool:
        return len(await dead.entries()) >= count

    await eventually(there)
    return [letter.seq for letter in await dead.entries()]


async def give_up(bus: JetStreamBus, data: bytes = b"", reason: str = "no", **more: str) -> int:
    """A message that an encoder refuses; the number of the letter."""
    unit, group = more.get("unit", "encoder"), more.get("group", "main")
    before = len(await JetStreamDeadLetters(bus).entries())
    message = announcement(FACT)._replace(data=data or events.encode(FACT), msg_id=None)
    await bus.publish(message)
    await (await taken(bus.inbox(unit, group))).term(reason)
    return (await listed(bus, before + 1))[-1]


async def notice(bus: JetStreamBus, data: bytes, consumer: str = "encoder_main_normal") -> int:
    """A notice as the server would have written it, or would never; the letter's number."""
    before = len(await JetStreamDeadLetters(bus).entries())
    await bus.connection.request(f"{ADVISORY}.{consumer}", data)
    return (await listed(bus, before + 1))[-1]


def about(seq: int, **more: object) -> bytes:
    given = {
        "type": "io.nats.jetstream.advisory.v1.terminated",
        "consumer": "encoder_main_normal",
        "stream_seq": seq,
        "deliveries": 1,
        "timestamp": "2026-01-02T12:00:00.123456789Z",
        "reason": "no",
    }
    return json.dumps(given | more).encode()


async def test_all_that_is_known_of_a_letter_is_shown(bus, keeper):
    number = await give_up(bus, reason="no subtitle track fits\nat all")
    log = subjects.job("encoder", "main", f"acquired-{FACT.file.id}")
    for attempt, state, owner, reason in (
        (1, "claimed", "pc-7-aa", ""),
        (1, "waiting", "pc-7-aa", "the storage is away"),
        (2, "claimed", "den-8-bb", ""),
        (2, "failed", "den-8-bb", "no subtitle track fits"),
    ):
        record = JobRecord(
            state=state,  # type: ignore[arg-type]  # one of them
            owner=owner,
            source=1,
            attempt=attempt,
            reason=reason,
            at=NOON + dt.timedelta(minutes=attempt),
        )
        await bus.publish(Outgoing(log, events.encode(record)))
    node = Node(
        unit="encoder",
        group="main",
        instance="den-9-cc",
        host="den",
        version="1",
        state="running",
        since=NOON,
        at=NOON,
    )
    await bus.tell(subjects.node("encoder", "den-9-cc"), events.encode(node), ttl_s=60)
    shown = await keeper("dlq", "show", number)
    for text in (
        "encoder.main (priority normal)",
        r"no subtitle track fits\nat all",
        "2026-01-02T12:01:00+00:00",
        "claimed 1 pc-7-aa",
        "waiting 1 pc-7-aa: the storage is away",
        "failed 2 den-8-bb: no subtitle track fits",
        "den-9-cc on den",
        "file.acquired/1 Show/Show - 01.mkv",
        announcement(FACT).subject,
        f"as the job do-replay-1-{number}",
        '"key": "Show/Show - 01.mkv"',
        "Nats-Msg-Id",
    ):
        assert text in shown
    (row,) = await keeper.rows("dlq", "show", number)
    assert base64.b64decode(row["base64"]) == events.encode(FACT)
    assert [entry["state"] for entry in row["log"]] == ["claimed", "waiting", "claimed", "failed"]
    assert (row["first_tried"], row["alive"]) == (
        "2026-01-02T12:01:00+00:00",
        [{"instance": "den-9-cc", "host": "den"}],
    )


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\xff\x00 not json", r"\xff\x00 not json"),
        ('{"name": "\u202eevil"}'.encode(), r"\u202eevil"),
        (b"[" * 3000 + b"]" * 3000, "[["),
        (b"x" * 100_000, "and 95904 characters more; --json has all of it"),
        (b'"' + b"\xed\xa0\x80" + b'"', r"\xed\xa0\x80"),
    ],
)
async def test_a_message_that_does_not_decode_is_shown_escaped_and_bounded(
    bus, keeper, data, shown
):
    number = await give_up(bus, data)
    text = await keeper("dlq", "show", number)
    assert shown in text
    assert len(text) < 40_000
    assert "not a fact" in text
    (row,) = await keeper.rows("dlq", "show", number)
    assert base64.b64decode(row["base64"]) == data


async def test_a_message_that_is_gone_is_told_with_the_job_whose_log_names_it(bus, keeper):
    record = JobRecord(state="failed", owner="pc-1-aa", source=99, reason="too odd", at=NOON)
    log = subjects.job("encoder", "main", "acquired-x")
    await bus.publish(Outgoing(log, events.encode(record)))
    number = await notice(bus, about(99))
    shown = await keeper("dlq", "show", number)
    assert "99 on (not kept any more)" in shown
    assert "failed 1 pc-1-aa: too odd" in shown
    assert "cannot be: message 99 is not kept any more" in shown
    refused = await keeper.refused("dlq", "retry", number)
    assert "announce the file anew" in refused
    await keeper("dlq", "drop", number, "--yes")
    assert await keeper("dlq", "list") == "nothing\n"


async def test_a_consumer_that_somebody_made_by_hand_is_listed_and_dropped(bus, keeper):
    await bus.publish(announcement(FACT))
    config = {"durable_name": "by-hand", "ack_policy": "explicit"}
    request = json.dumps({"stream_name": "IZUMI", "config": config}).encode()
    await bus.connection.request("$JS.API.CONSUMER.CREATE.IZUMI.by-hand", request)
    pulling = await bus.connection.nc.jetstream().pull_subscribe_bind("by-hand", "IZUMI")
    (message,) = await pulling.fetch(1)
    await bus.connection.request(message.reply, b"+TERM mine alone")
    (number,) = await listed(bus, 1)
    (row,) = await keeper.rows("dlq", "list")
    assert (row["unit"], row["consumer"], row["reason"]) == ("by-hand", "by-hand", "mine alone")
    assert "Show - 01.mkv" in await keeper("dlq", "show", number)
    assert "none of Izumi's" in await keeper.refused("dlq", "retry", number)
    assert await keeper("dlq", "drop", number, "--yes") == f"{number}: dropped\n"
    assert await keeper("dlq", "list") == "nothing\n"


@pytest.mark.parametrize(
    "data", [b"rubbish", b"\xff", b"{}", about(0), about(-5), about(1 << 70), b"[" * 5000]
)
async def test_a_notice_that_cannot_be_read_hides_no_other_letter_and_can_be_dropped(
    bus, keeper, data
):
    good = await give_up(bus)
    bad = await notice(bus, data)
    assert [row["number"] for row in await keeper.rows("dlq", "list")] == [good, bad]
    await keeper("dlq", "show", bad)
    await keeper.refused("dlq", "retry", bad, good)
    await keeper("dlq", "drop", bad, "-y")
    assert [row["number"] for row in await keeper.rows("dlq", "list")] == [good]


async def test_the_list_is_of_a_unit_and_of_a_time(bus, keeper):
    await notice(bus, about(90, consumer=consumer_names("notifier", "main")[0]))
    now = dt.datetime.now(dt.UTC).isoformat()
    await notice(bus, about(91, timestamp=now))
    await notice(bus, about(92, timestamp="whenever"))

    async def messages(*options: str) -> list[int]:
        return [row["message"] for row in await keeper.rows("dlq", "list", *options)]

    assert await messages() == [90, 91, 92]
    assert await messages("--unit", "notifier") == [90]
    assert await messages("--unit", "encoder.main") == [91, 92]
    assert await messages("--unit", "encoder.other") == []
    assert await messages("--since", "1h") == [91, 92]
    assert await messages("--since", "2026-01-02") == [90, 91, 92]
    assert "is no time" in await keeper.refused("dlq", "list", "--since", "soon")


async def test_a_retry_is_told_once_and_again_and_is_noted_with_who(bus, keeper):
    number = await give_up(bus)
    said = await keeper("dlq", "retry", number, "--by", "mira", "--reason", "mended")
    assert said == f"{number}: ordered again from encoder.main as do-replay-1-{number}\n"
    again = await keeper("dlq", "retry", number, "--by", "other")
    assert f"{number}: ordered again as do-replay-1-{number} (by mira, " in again
    assert len(await bus.latest("izumi.do.>")) == 1
    (row,) = await keeper.rows("dlq", "list", "--all")
    assert row["answered"].endswith("UTC): mended")
    assert "ordered again" in await keeper.refused("dlq", "drop", number, "--yes")


async def test_several_are_dropped_at_once_or_none_and_who_and_why_is_kept(bus, keeper):
    first, second = await give_up(bus), await give_up(bus)
    assert "no dead letter 999" in await keeper.refused("dlq", "drop", first, 999, "--yes")
    assert len(await keeper.rows("dlq", "list")) == 2
    rows = await keeper.rows(
        "dlq", "drop", first, second, first, "--yes", "--by", "mira", "--reason", "old"
    )
    assert [row["number"] for row in rows] == [first, second]
    stored = await bus.last(subjects.letter(first))
    record = msgspec.json.decode(stored.data, type=LetterAnswered)
    assert (record.answer, record.by, record.reason) == ("drop", "mira", "old")
    assert (record.unit, record.group) == ("encoder", "main")
    assert f"{first}: dropped (by mira, " in await keeper("dlq", "drop", first, "-y")
    # Nothing is lost: the message is there, and can be ordered again.
    assert "is dropped" not in await keeper("dlq", "show", first)
    await keeper("dlq", "retry", first)
    assert (await taken(bus.inbox("encoder", "main"))).data == events.encode(FACT)


async def test_nothing_is_dropped_unasked(bus, keeper, monkeypatch):
    number = await give_up(bus, reason="too odd")
    assert "give --yes" in await keeper.refused("dlq", "drop", number)
    monkeypatch.setattr(deadletters, "_talks", lambda: True)
    assert "give --yes" in await keeper.refused("dlq", "drop", number, "--json")
    for answer, code in (("n", 1), ("", 1), (EOFError(), 1), ("y", 0)):
        monkeypatch.setattr(builtins, "input", saying(answer))
        ended, out, _ = await keeper.ends("dlq", "drop", number)
        assert ended == code
        assert "encoder.main  file.acquired/1 Show/Show - 01.mkv: too odd" in out
        assert ("nothing was changed" in out) is (code == 1)
        assert len(await keeper.rows("dlq", "list")) == code


def saying(answer: object):
    def say(_text: str) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return say


async def test_nothing_named_is_refused_with_the_way_out(bus, keeper):
    for verb in ("retry", "drop"):
        more = ("--yes",) if verb == "drop" else ()
        assert "see izumi-admin dlq list" in await keeper.refused("dlq", verb, *more)
    assert "there is no dead letter 7" in await keeper.refused("dlq", "show", 7)


async def test_killed_between_the_order_and_its_note_the_letter_is_listed_and_ordered_once(
    bus, keeper
):
    number = await give_up(bus)
    command = (sys.executable, "-c", "from izumi.main import run_admin; run_admin()")
    dying = await asyncio.create_subprocess_exec(
        *(*command, "dlq", "retry", str(number), "-c", str(keeper.config)),
        env=os.environ | {VARIABLE: "letters.after_order=kill"},
    )
    assert await dying.wait() == -signal.SIGKILL
    assert [row["number"] for row in await keeper.rows("dlq", "list")] == [number]
    assert "retry it once more" in await keeper.refused("dlq", "drop", number, "--yes")
    await keeper("dlq", "retry", number)
    assert await keeper("dlq", "list") == "nothing\n"
    assert len(await bus.latest("izumi.do.>")) == 1
