"""The one worker of every consumer, on the bus in memory and on the real one."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from izumi.bus import jobs
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.jobs import Job
from izumi.bus.lease import Lease
from izumi.bus.memory import MemoryBus
from izumi.bus.ports import Bus, DeadLetters, Outgoing, Stored
from izumi.domain import subjects
from izumi.domain.errors import Held, NoSpace, Rejected, StorageUnavailable, ToolFailed, UserError
from izumi.domain.events import Acquired, Encoded, Fact, HeldFile, Progress, encode, subject_of
from izumi.domain.pace import Pace
from izumi.runtime.breaker import Breaker
from izumi.runtime.ports import JobContext
from izumi.runtime.settings import WorkerSettings
from tests.support.bus import NOON, acquired, announcement, eventually
from tests.support.working import QUICK, Book, record_of, until_state, working

FACT = acquired()
JOB = f"acquired-{FACT.file.id}"
LOG = subjects.job("encoder", "main", JOB)


def encoded(fact: Fact) -> Encoded:
    assert isinstance(fact, Acquired)
    return Encoded(
        file=msgspec.structs.replace(fact.file, key="Show/Show - 01.mp4", sub="hardsub"),
        episode=fact.episode,
        sources=("home",),
        origin=fact.file,
        profile="hardsub",
        at=NOON,
    )


def dead_letters(bus: Bus) -> DeadLetters:
    if isinstance(bus, JetStreamBus):
        return JetStreamDeadLetters(bus)
    assert isinstance(bus, MemoryBus)
    return bus


async def test_what_a_handler_returns_is_published_with_done_and_acknowledged(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        assert job.scratch.is_dir()
        (job.scratch / "made").write_text("x")
        return [encoded(fact)]

    book = Book()
    async with working(any_bus, work, tmp_path, book=book):
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
        result = await any_bus.last(subject_of(encoded(FACT)))
        await eventually(lambda: _true(not book.held and bool(book.lines)))
    assert result is not None
    assert not list((tmp_path / "scratch").glob("*/*/made"))


async def _true(value: bool) -> bool:  # noqa: FBT001 - the fact itself
    return value


async def test_the_same_work_ordered_twice_is_done_once(any_bus: Bus, tmp_path: Path) -> None:
    done: list[str] = []

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        done.append(job.job)
        return []

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
        urgent = acquired(priority="high")
        await any_bus.publish(Outgoing(subject_of(urgent), encode(urgent)))
        other = acquired("Show - 02.mkv")
        await any_bus.publish(announcement(other))
        await until_state(
            any_bus, subjects.job("encoder", "main", f"acquired-{other.file.id}"), "done"
        )
    assert done == [JOB, f"acquired-{other.file.id}"]


@pytest.mark.parametrize("name", ["a.b", "a@b", "=41", "x" * 3000])
async def test_an_order_on_a_subject_of_no_work_is_a_dead_letter_and_stops_nobody(
    any_bus: Bus, tmp_path: Path, name: str
) -> None:
    async def work(_fact: Fact, _job: JobContext) -> Sequence[Fact]:
        return []

    subject = f"izumi.do.encoder.main.high.{name}"
    async with working(any_bus, work, tmp_path):
        await any_bus.publish(Outgoing(subject, encode(FACT)))
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
        await eventually(lambda: buried(any_bus))
    (letter,) = await dead_letters(any_bus).entries()
    assert letter.subject == subject
    assert "a name has letters, digits, - and _" in letter.reason
    assert len(await any_bus.latest("izumi.job.>")) == 1


async def buried(bus: Bus) -> bool:
    return bool(await dead_letters(bus).entries())


async def test_a_passing_failure_is_tried_again_with_its_checkpoint(
    any_bus: Bus, tmp_path: Path
) -> None:
    seen: list[tuple[int, object]] = []

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        seen.append((job.attempt, job.checkpoint.get("half")))
        if len(seen) < 3:
            await job.save({"half": len(seen)})
            raise StorageUnavailable("away")
        return []

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        record = await until_state(any_bus, LOG, "done")
    assert seen == [(1, None), (2, 1), (3, 2)]
    assert record.lost == 0


async def test_what_a_person_must_decide_is_held_with_its_reason_and_its_origin(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        raise Held("two tracks could be meant", {"tracks": "1, 2"})

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        record = await until_state(any_bus, LOG, "held")
        stored = await any_bus.last(subjects.held("encoder", f"main-{JOB}"))
    assert record.reason == "two tracks could be meant"
    assert stored is not None
    held = msgspec.json.decode(stored.data, type=HeldFile)
    assert held.facts == {"tracks": "1, 2"}
    assert held.name == FACT.file.key
    assert bytes(held.origin) == encode(FACT)


async def test_what_can_never_succeed_becomes_a_dead_letter(any_bus: Bus, tmp_path: Path) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        raise Rejected("not a thing to encode")

    dead = dead_letters(any_bus)
    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "failed")
        await eventually(lambda: _some(dead))
        (letter,) = await dead.entries()
    assert letter.reason == "not a thing to encode"
    assert letter.data == encode(FACT)


async def _some(dead: DeadLetters) -> bool:
    return bool(await dead.entries())


@pytest.mark.parametrize(
    "data", [b"{", b"\xff\xfe", b'{"type":"file.acquired/1"}', b"[" * 20_000, b"null", b""]
)
async def test_a_message_that_does_not_decode_is_parked_with_its_bytes_and_the_rest_goes_on(
    any_bus: Bus, tmp_path: Path, data: bytes
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    dead = dead_letters(any_bus)
    async with working(any_bus, work, tmp_path):
        await any_bus.publish(Outgoing("izumi.file.acquired.softsub.normal.bad", data))
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
        await eventually(lambda: _some(dead))
        (letter,) = await dead.entries()
    assert letter.data == data
    assert "not a fact" in letter.reason


async def test_a_message_of_a_newer_version_is_tried_again_before_it_is_parked(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    policy = msgspec.structs.replace(QUICK, unknown_attempts=3)
    log = subjects.job("encoder", "main", "acquired-new")
    async with working(any_bus, work, tmp_path, policy=policy):
        await any_bus.publish(
            Outgoing("izumi.file.acquired.softsub.normal.new", b'{"type":"file.acquired/9"}')
        )
        record = await until_state(any_bus, log, "failed")
    assert record.attempt == 3


async def test_a_tool_that_fails_over_and_over_on_one_job_is_held(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        raise ToolFailed("ffmpeg ended with 1")

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        record = await until_state(any_bus, LOG, "held")
    assert record.attempt == QUICK.tool_attempts
    assert "ffmpeg ended with 1" in record.reason


async def test_a_fault_of_the_handler_counts_as_a_failed_tool_and_not_as_done(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        raise ZeroDivisionError

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        record = await until_state(any_bus, LOG, "held")
    assert "ZeroDivisionError" in record.reason


async def test_a_host_that_spoils_job_after_job_stops_pulling_and_another_gets_them(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def sick(fact: Fact, job: JobContext) -> Sequence[Fact]:
        raise NoSpace("the disk is full")

    async def well(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    breaker = Breaker(threshold=2, cooldown_s=3600)
    async with working(any_bus, sick, tmp_path / "sick", breaker=breaker) as (worker, _):
        await any_bus.publish(announcement(FACT))
        await eventually(lambda: _true(breaker.state == "open"))
        await eventually(lambda: _true(not worker.running))
        async with working(any_bus, well, tmp_path / "well", instance="two"):
            record = await until_state(any_bus, LOG, "done")
    assert record.owner == "two"
    assert record.host_failures == 2


async def test_a_first_request_to_stop_lets_running_work_finish(
    any_bus: Bus, tmp_path: Path
) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        started.set()
        await finish.wait()
        return [encoded(fact)]

    async with working(any_bus, work, tmp_path) as (_, shutdown):
        await any_bus.publish(announcement(FACT))
        await started.wait()
        shutdown.request()
        await asyncio.sleep(0)
        finish.set()
        await until_state(any_bus, LOG, "done")


async def test_a_second_request_gives_the_job_back_and_it_counts_for_nothing(
    any_bus: Bus, tmp_path: Path
) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def long(fact: Fact, job: JobContext) -> Sequence[Fact]:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            ended.set()
        return []

    async def short(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    async with working(any_bus, long, tmp_path / "a"):
        await any_bus.publish(announcement(FACT))
        await started.wait()
    assert ended.is_set()
    async with working(any_bus, short, tmp_path / "b", instance="two"):
        record = await until_state(any_bus, LOG, "done")
    assert (record.owner, record.attempt, record.lost) == ("two", 1, 0)


async def test_work_that_gets_no_further_is_stopped_and_tried_again(
    any_bus: Bus, tmp_path: Path
) -> None:
    attempts: list[int] = []

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        attempts.append(job.attempt)
        if len(attempts) == 1:
            await asyncio.Event().wait()
        return []

    quick = WorkerSettings(stall_s=0.3)
    async with working(any_bus, work, tmp_path, settings=quick):
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
    assert attempts == [1, 2]


async def test_a_lease_is_kept_for_longer_than_it_lasts_while_work_goes_on(
    any_bus: Bus, tmp_path: Path
) -> None:
    calls: list[int] = []

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        calls.append(job.attempt)
        for step in range(15):
            job.report("working", step / 15)
            await asyncio.sleep(0.2)  # three leases long: that is the fact under test
        return []

    async with working(any_bus, work, tmp_path, jobs=2):
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
    assert calls == [1]


async def test_how_far_a_job_is_and_how_quickly_it_goes_stand_on_the_bus(
    any_bus: Bus, tmp_path: Path
) -> None:
    told = asyncio.Event()

    async def work(_fact: Fact, job: JobContext) -> Sequence[Fact]:
        job.report("encoding", 1.0, "words", Pace(23.5, 0.98, 61.5))
        await told.wait()
        return []

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        async with asyncio.timeout(30):
            while not (stored := await any_bus.latest("izumi.progress.>")):
                await asyncio.sleep(0.02)
        told.set()
        await until_state(any_bus, LOG, "done")
    progress = msgspec.json.decode(stored[0].data, type=Progress)
    assert (progress.step, progress.fraction, progress.detail) == ("encoding", 1.0, "words")
    assert (progress.fps, progress.speed, progress.eta_s) == (23.5, 0.98, 61.5)


async def test_a_job_that_someone_else_claimed_is_cancelled_and_changes_nothing(
    any_bus: Bus, tmp_path: Path
) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            ended.set()
        return [encoded(fact)]

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        await started.wait()
        record = await record_of(any_bus, LOG)
        assert record is not None
        stored = await any_bus.last(LOG)
        assert stored is not None
        thief = msgspec.structs.replace(record, owner="thief", attempt=2)
        await any_bus.publish(Outgoing(LOG, encode(thief), expect=stored.seq))
        async with asyncio.timeout(30):
            await ended.wait()
    last = await record_of(any_bus, LOG)
    assert last is not None
    assert last.owner == "thief"
    assert await any_bus.last(subject_of(encoded(FACT))) is None


async def test_a_job_that_kills_every_instance_is_parked(any_bus: Bus, tmp_path: Path) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    await any_bus.publish(announcement(FACT))
    inbox = any_bus.inbox("encoder", "main")
    delivery = await inbox.take()
    assert delivery is not None
    lease = Lease(any_bus, delivery, unit="encoder", group="main", owner="dead", ack_wait_s=1)
    await lease.claim()
    stored = await any_bus.last(LOG)
    assert stored is not None
    dying = msgspec.structs.replace(lease.record, lost=QUICK.lost_attempts - 1)
    await any_bus.publish(Outgoing(LOG, encode(dying), expect=stored.seq))
    await inbox.aclose()
    await delivery.nak()
    async with working(any_bus, work, tmp_path):
        record = await until_state(any_bus, LOG, "failed")
    assert "died or froze" in record.reason


async def test_of_hundreds_of_jobs_that_die_together_none_is_parked_so_soon(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    async with working(any_bus, work, tmp_path, jobs=1) as (few, _):
        assert few.most_lost == QUICK.lost_attempts
    async with working(any_bus, work, tmp_path, jobs=160) as (many, _):
        assert many.most_lost == 10 * QUICK.lost_attempts
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")


async def test_units_of_one_process_that_work_on_the_same_fact_have_folders_of_their_own(
    any_bus: Bus, tmp_path: Path
) -> None:
    both = asyncio.Barrier(2)
    folders: list[Path] = []

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        folders.append(job.scratch)
        await both.wait()
        return []

    async with (
        working(any_bus, work, tmp_path) as (encoder, _),
        working(any_bus, work, tmp_path / "x", unit="distributor", group="public") as (other, _),
    ):
        other.scratch = encoder.scratch
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
    assert len(set(folders)) == 2


async def test_a_result_that_the_bus_will_never_take_becomes_a_dead_letter(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return [msgspec.structs.replace(encoded(fact), recipe={"log": "x" * (2 << 20)})]

    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        record = await until_state(any_bus, LOG, "failed")
    assert record.reason


async def test_a_host_without_a_scratch_folder_passes_the_job_on(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    breaker = Breaker(threshold=1, cooldown_s=3600)
    async with working(any_bus, work, tmp_path, breaker=breaker) as (worker, _):
        blocked = tmp_path / "scratch" / "one" / subjects.token(f"encoder.main.{JOB}")
        blocked.write_text("a file where the folder must be")
        await any_bus.publish(announcement(FACT))
        record = await until_state(any_bus, LOG, "waiting")
        assert "scratch" in record.reason
        assert worker.breaker.state == "open"


async def test_a_slot_that_was_waiting_when_the_host_broke_takes_no_job_either(
    any_bus: Bus, tmp_path: Path
) -> None:
    attempts: list[str] = []

    async def sick(fact: Fact, job: JobContext) -> Sequence[Fact]:
        attempts.append(job.job)
        raise NoSpace("the disk is full")

    async def well(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    breaker = Breaker(threshold=1, cooldown_s=3600)
    async with working(any_bus, sick, tmp_path / "sick", jobs=3, breaker=breaker):
        await any_bus.publish(announcement(FACT))
        await eventually(lambda: _true(breaker.state == "open"))
        others = [acquired(f"Show - {number:02}.mkv") for number in range(2, 6)]
        for other in others:
            await any_bus.publish(announcement(other))
        async with working(any_bus, well, tmp_path / "well", instance="two"):
            for other in others:
                log = subjects.job("encoder", "main", f"acquired-{other.file.id}")
                await until_state(any_bus, log, "done")
    assert attempts == [JOB]


async def test_a_job_parked_by_an_instance_that_died_is_still_a_dead_letter(
    any_bus: Bus, tmp_path: Path
) -> None:
    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        return []

    await any_bus.publish(announcement(FACT))
    inbox = any_bus.inbox("encoder", "main")
    delivery = await inbox.take()
    assert delivery is not None
    lease = Lease(any_bus, delivery, unit="encoder", group="main", owner="dead", ack_wait_s=1)
    await lease.claim()
    await lease.finish("failed", "no thing to encode")
    await inbox.aclose()
    dead = dead_letters(any_bus)
    async with working(any_bus, work, tmp_path):
        await eventually(lambda: _some(dead))
        (letter,) = await dead.entries()
    assert letter.reason == "no thing to encode"


async def test_a_cancelled_job_stops_at_once_and_is_done_by_nobody(
    any_bus: Bus, tmp_path: Path
) -> None:
    started = asyncio.Event()
    folders: list[Path] = []
    ended: list[str] = []

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        folders.append(job.scratch)
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(job.job)
        raise AssertionError

    async with working(any_bus, work, tmp_path) as (worker, _):
        await any_bus.publish(announcement(FACT))
        await started.wait()
        assert await jobs.cancel(any_bus, await job_at(any_bus, LOG), by="me", now=lambda: NOON)
        await eventually(lambda: _true(not worker.running))
        assert ended == [JOB]
        assert not folders[0].exists()
        # Whatever else comes is done, and the cancelled job never again.
        other = acquired("Show - 02.mkv")
        started.clear()
        await any_bus.publish(announcement(other))
        await started.wait()
        record = await record_of(any_bus, LOG)
    assert record is not None
    assert (record.state, record.reason) == ("cancelled", "cancelled by me")
    assert len(folders) == 2


async def test_a_job_that_waits_can_be_cancelled_and_one_that_is_done_cannot(
    any_bus: Bus, tmp_path: Path
) -> None:
    attempts: list[str] = []

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        assert isinstance(fact, Acquired)
        if fact.file.key.endswith("02.mkv"):
            return []
        attempts.append(job.job)
        raise StorageUnavailable("away", retry_after_s=0.5)

    other = acquired("Show - 02.mkv")
    other_log = subjects.job("encoder", "main", f"acquired-{other.file.id}")
    async with working(any_bus, work, tmp_path):
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "waiting")
        assert await jobs.cancel(any_bus, await job_at(any_bus, LOG), by="me", now=lambda: NOON)
        tried = len(attempts)
        await any_bus.publish(announcement(other))
        await until_state(any_bus, other_log, "done")
        job = await job_at(any_bus, other_log)
        assert not await jobs.cancel(any_bus, job, by="me", now=lambda: NOON)
    assert len(attempts) == tried


async def test_a_cancelled_job_is_ordered_again_once_with_what_it_recorded(
    any_bus: Bus, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, object]] = []
    started = asyncio.Event()

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        seen.append((job.job, job.attempt, job.checkpoint.get("half")))
        if len(seen) == 1:
            await job.save({"half": 1})
            started.set()
            await asyncio.Event().wait()
        return []

    async with working(any_bus, work, tmp_path):
        order = announcement(FACT)
        await any_bus.publish(order)
        await started.wait()
        job = await job_at(any_bus, LOG)
        with pytest.raises(UserError, match="cancel it first"):
            await jobs.retry(any_bus, job, None, now=lambda: NOON)
        await jobs.cancel(any_bus, job, by="me", now=lambda: NOON)
        job = await job_at(any_bus, LOG)
        with pytest.raises(UserError, match="not kept any more"):
            await jobs.retry(any_bus, job, None, now=lambda: NOON)
        source = Stored(order.subject, order.data, job.record.source, {})
        new = await jobs.retry(any_bus, job, source, now=lambda: NOON)
        assert await jobs.retry(any_bus, job, source, now=lambda: NOON) == new
        await until_state(any_bus, subjects.job("encoder", "main", new), "done")
    assert seen == [(JOB, 1, None), (new, 1, 1)]


async def job_at(bus: Bus, log: str) -> Job:
    entry = await bus.last(log)
    assert entry is not None
    return jobs.job_of(entry)


async def test_outside_its_hours_an_instance_takes_nothing(any_bus: Bus, tmp_path: Path) -> None:
    done: list[str] = []
    allowed = True

    async def work(fact: Fact, job: JobContext) -> Sequence[Fact]:
        done.append(job.instance)
        return []

    async with working(any_bus, work, tmp_path) as (worker, _):
        await any_bus.publish(announcement(FACT))
        await until_state(any_bus, LOG, "done")
        worker.may_work = lambda: allowed
        allowed = False
        other = acquired("Show - 02.mkv")
        await any_bus.publish(announcement(other))
        log = subjects.job("encoder", "main", f"acquired-{other.file.id}")
        async with working(any_bus, work, tmp_path, instance="two"):
            await until_state(any_bus, log, "done")
        assert done == ["one", "two"]
        third = acquired("Show - 03.mkv")
        await any_bus.publish(announcement(third))
        allowed = True
        log = subjects.job("encoder", "main", f"acquired-{third.file.id}")
        await until_state(any_bus, log, "done")
    assert done == ["one", "two", "one"]
