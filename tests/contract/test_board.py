"""The record of what was told, over the memory bus and over a real server."""

import asyncio
import datetime as dt

import msgspec
import pytest

from izumi.bus.ports import Outgoing
from izumi.consumers.board import Board
from izumi.domain import subjects, told
from izumi.domain.errors import BusUnavailable, Fenced, Unavailable, UnknownEvent
from izumi.domain.events import Told, encode
from tests.unit.test_told import acquired

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def board(bus, patience_s: float = 30.0) -> Board:
    return Board(bus=bus, group="main", patience_s=patience_s, now=lambda: NOON)


def adding(number: str):
    window = dt.timedelta(minutes=2)
    return lambda record: told.noted(
        record, acquired(number), job=f"job-{number}", window=window, now=NOON
    )


async def stored(bus) -> Told:
    last = await bus.last(subjects.told("main", "Mori"))
    return msgspec.json.decode(last.data, type=Told)


async def test_what_is_saved_is_there_for_the_next_one_and_nobody_holds_it(any_bus):
    async with board(any_bus).open("Mori", "token-1", "job-1") as page:
        await page.save(adding("01"))
        assert (await stored(any_bus)).holder == "job-1 token-1"
    assert (await stored(any_bus)).holder == ""
    async with board(any_bus).open("Mori", "token-2", "job-2") as page:
        assert [note.id for note in page.told.notes] == ["job-01"]


async def test_processes_wait_for_each_other_and_jobs_of_one_share_the_record(any_bus):
    at_it: list[Board] = []
    most = 0

    async def work(one: Board, number: int) -> None:
        nonlocal most
        async with one.open("Mori", f"token-{number}", f"job-{number}") as page:
            at_it.append(one)
            assert all(other is one for other in at_it)
            most = max(most, len(at_it))
            await page.save(adding(f"{number:02}"))
            await asyncio.sleep(0)
            at_it.remove(one)

    here, there = board(any_bus), board(any_bus)
    async with asyncio.timeout(60):
        await asyncio.gather(*(work([here, there][n % 2], n) for n in range(8)))
    assert most > 1
    (note,) = (await stored(any_bus)).notes
    assert len(note.facts) == 8
    assert (await stored(any_bus)).holder == ""


async def test_shows_do_not_wait_for_each_other(any_bus):
    one = board(any_bus)
    async with one.open("Mori", "a", "a"), one.open("Umi", "b", "b"):
        pass


async def test_a_holder_without_a_sign_of_life_is_taken_over_and_writes_nothing_more(any_bus):
    dead = board(any_bus, patience_s=1000)
    late = board(any_bus, patience_s=0.3)
    async with (
        dead.open("Mori", "token-1", "job-1") as page,
        late.open("Mori", "token-2", "job-2") as later,
    ):
        await later.save(adding("02"))
        with pytest.raises(Fenced):
            await page.save(adding("01"))
    assert [note.id for note in (await stored(any_bus)).notes] == ["job-02"]


async def test_a_holder_that_lives_is_waited_for_and_not_for_ever(any_bus):
    async with board(any_bus, patience_s=0.4).open("Mori", "token-1", "job-1"):
        with pytest.raises(Unavailable, match="job-1 token-1 tells of Mori"):
            async with board(any_bus, patience_s=0.4).open("Mori", "token-2", "job-2"):
                pass


async def test_a_later_attempt_at_the_same_job_waits_for_nobody(any_bus):
    dead = board(any_bus, patience_s=1000)
    late = board(any_bus, patience_s=1000)
    async with (
        asyncio.timeout(30),
        dead.open("Mori", "token-1", "job-1"),
        late.open("Mori", "token-2", "job-1"),
    ):
        assert (await stored(any_bus)).holder == "job-1 token-2"


async def test_a_record_of_a_newer_version_is_left_alone(any_bus):
    await any_bus.publish(Outgoing(subjects.told("main", "Mori"), b'{"type":"told/9"}'))
    with pytest.raises(UnknownEvent):
        async with board(any_bus).open("Mori", "token-1", "job-1"):
            pass


async def test_a_lost_receipt_is_not_taken_for_somebody_else(any_bus):
    async with board(any_bus).open("Mori", "token-1", "job-1") as page:
        wanted = adding("01")(page.told)
        await any_bus.publish(Outgoing(subjects.told("main", "Mori"), encode(wanted)))
        await page.save(adding("01"))
    assert len((await stored(any_bus)).notes) == 1


async def test_a_record_is_written_once_the_bus_is_back(any_bus, monkeypatch):
    monkeypatch.setattr("izumi.consumers.board._SAVE_PAUSES_S", (0.01,))
    async with board(any_bus).open("Mori", "token-1", "job-1") as page:
        publish, refusals = any_bus.publish, [BusUnavailable("away")] * 3

        async def moody(message):
            if refusals:
                raise refusals.pop()
            return await publish(message)

        monkeypatch.setattr(any_bus, "publish", moody)
        await page.save(adding("01"))
    assert len((await stored(any_bus)).notes) == 1
