"""The spring as its keepers run it: processes on one machine, killed and fed rubbish."""

import asyncio
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.domain.events import Acquired, Distributed, Encoded, Notified
from izumi.media import samples
from tests.support import spring
from tests.support.spring import configure, ended, free_port, izumi, listener, until, watching

pytestmark = pytest.mark.timeout(300)

ENCODER = '[encoder.main]\ndestinations = ["home"]\nnice = 0\n'
QUICK = (
    '[encoder.main]\nprofiles = ["quick"]\ndestinations = ["home"]\nnice = 0\njobs = 2\n'
    '[profile.quick]\npreset = "ultrafast"\n'
)


async def release(folder: Path, name: str, seconds: float = 2.0, height: int = 180) -> Path:
    """A release as strangers would name it, moved in whole."""
    made = await samples.make_sample(folder.parent / "making", name, seconds=seconds, height=height)
    folder.mkdir(parents=True, exist_ok=True)
    return made.rename(folder / name)


async def test_two_configurations_share_a_bus_and_every_file_is_worked_on_once_by_each_group(
    tmp_path: Path,
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    a = configure(
        tmp_path / "a",
        port=port,
        extra=watching(watch)
        + QUICK
        + '[distributor.public]\ndestinations = ["public"]\n[notifier.main]\nlog = true\n',
    )
    b = configure(
        tmp_path / "b",
        port=port,
        embedded=False,
        extra=QUICK + '[distributor.private]\ndestinations = ["private"]\n',
    )
    with (
        izumi("up", "-c", a, log=tmp_path / "a.log") as up_a,
        izumi("up", "-c", b, log=tmp_path / "b.log") as up_b,
    ):
        async with listener(port) as bus:
            await until_units(bus, 6)
            for number in range(1, 4):
                await release(watch, f"[G] Izumi no Uta - {number:02} [720p].mkv")
            wanted = {Acquired: 3, Encoded: 3, Distributed: 12, Notified: 6}
            found = await until(bus, wanted, up_a, up_b)
            records = [json.loads(e.data) for e in await bus.latest("izumi.job.encoder.>")]
        codes = [up_b.end(), up_a.end()]
    assert codes == [0, 0]
    assert len(found) == 24, "one fact each"
    assert [record["state"] for record in records] == ["done"] * 3
    soft = {f"Izumi no Uta/Izumi no Uta - {n:02} [720p].mkv" for n in (1, 2, 3)}
    both = {f"Airing/{key}" for key in soft}
    both |= {f"Airing [Hardsub]/{key[:-4]}.mp4" for key in soft}
    for name in ("public", "private"):
        assert spring.files_below(tmp_path / "library" / name) == both


async def until_units(bus: JetStreamBus, count: int) -> None:
    async with asyncio.timeout(60):
        while len(await bus.latest("izumi.node.>")) < count:
            await asyncio.sleep(0.1)  # between looks


async def until_encoding(bus: JetStreamBus, program: spring.Running, not_by: str = "") -> str:
    """Wait until an encode is on its way; the instance that is at it."""
    async with asyncio.timeout(90):
        while True:
            told = [json.loads(e.data) for e in await bus.latest("izumi.progress.encoder.>")]
            for progress in told:
                if (
                    progress["step"] == "encoding"
                    and progress.get("fraction")
                    and progress["instance"] != not_by
                ):
                    return str(progress["instance"])
            assert program.process.poll() is None, program.log
            await asyncio.sleep(0.05)


async def test_an_encoder_killed_in_the_middle_is_taken_over_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    a = configure(tmp_path / "a", port=port, extra=watching(watch))
    b = configure(tmp_path / "b", port=port, embedded=False, extra=ENCODER)
    with izumi("up", "-c", a, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            with izumi(
                "run", "encoder", "--no-supervise", "-c", b, log=tmp_path / "1.log"
            ) as first:
                await until_units(bus, 2)
                await release(watch, "[G] Izumi no Uta - 01 [720p].mkv", 30, 720)
                await until_encoding(bus, first)
                below = spring.children_of(first.process.pid)
                assert below
                first.process.kill()
                first.process.wait(10)
                async with asyncio.timeout(10):
                    while not all(map(spring.is_gone, below)):
                        await asyncio.sleep(0.05)
            with izumi(
                "run", "encoder", "--no-supervise", "-c", b, log=tmp_path / "2.log"
            ) as second:
                found = await until(bus, {Encoded: 1}, up, second, within_s=200)
                assert "scratch.swept" in second.log
                assert "encoder.kept" in second.log, "nothing is fetched twice on one host"
                assert second.end() == 0
            records = [json.loads(e.data) for e in await bus.latest("izumi.job.encoder.>")]
    assert sum(isinstance(fact, Encoded) for fact in found) == 1
    assert [(r["state"], r["attempt"], r["lost"]) for r in records] == [("done", 2, 1)]
    assert spring.files_below(tmp_path / "library" / "home") == {
        "Airing [Hardsub]/Izumi no Uta/Izumi no Uta - 01 [720p].mp4"
    }
    assert scratch_of(tmp_path / "b") == []
    assert not list((tmp_path / "b" / "state" / "scratch").glob("[!.]*/"))


def scratch_of(folder: Path) -> list[Path]:
    """What jobs left on a host."""
    scratch = folder / "state" / "scratch"
    return [path for path in scratch.rglob("*") if path.is_file() and path.name != ".lock"]


async def test_a_job_is_cancelled_and_ordered_again_from_the_command_line(tmp_path: Path) -> None:
    port, watch = free_port(), tmp_path / "watch"
    slow = ENCODER + '[profile.hardsub]\npreset = "veryslow"\n'
    a = configure(tmp_path / "a", port=port, extra=watching(watch) + slow)
    with izumi("up", "-c", a, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            await until_units(bus, 2)
            await release(watch, "[G] Izumi no Uta - 01 [720p].mkv", 20, 720)
            await until_encoding(bus, up)
            (job,) = await listed_jobs(a)
            assert (job["unit"], job["state"]) == ("encoder.main", "claimed")
            assert re.fullmatch(
                r"encoding \d+% .* pictures/s, .*x(, \d+:\d\d left)?", job["progress"]
            )
            below = spring.children_of(up.process.pid)
            done = await admin("jobs", "cancel", job["job"], "--by", "keeper", "-c", a)
            assert done.returncode == 0, done.stderr
            async with asyncio.timeout(20):
                while "job.ended" not in up.log or scratch_of(tmp_path / "a"):
                    await asyncio.sleep(0.05)
            assert {pid for pid in below if "ffmpeg" in program_of(pid)} == set()
            assert await listed_jobs(a) == []
            late = await admin("jobs", "cancel", job["job"], "-c", a)
            assert (late.returncode, "settled before" in late.stdout) == (1, True)
            again = await admin("jobs", "retry", job["job"], "-c", a)
            assert again.returncode == 0, again.stderr
            new = again.stdout.split()[-1]
            async with asyncio.timeout(60):
                while [one["job"] for one in await listed_jobs(a)] != [new]:
                    await asyncio.sleep(0.1)
            await admin("jobs", "cancel", new, "-c", a)
            records = [json.loads(e.data) for e in await bus.latest("izumi.job.encoder.>")]
    assert {(r["state"], r["reason"].split()[0]) for r in records} == {("cancelled", "cancelled")}
    assert not spring.files_below(tmp_path / "library" / "home")


async def admin(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(ended, *args, program="izumi-admin")


async def listed_jobs(config: Path) -> list[dict[str, str]]:
    """What is in work or waits."""
    listed = await admin("jobs", "list", "--open", "--json", "-c", config)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def program_of(pid: int) -> str:
    """The program that a process runs; empty: it is gone."""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])
    except OSError:
        return ""


async def test_the_job_of_a_killed_instance_is_handed_back_by_its_parent(tmp_path: Path) -> None:
    port, watch = free_port(), tmp_path / "watch"
    a = configure(tmp_path / "a", port=port, extra=watching(watch))
    b = configure(tmp_path / "b", port=port, embedded=False, extra=ENCODER)
    with (
        izumi("up", "-c", a, log=tmp_path / "a.log"),
        izumi("run", "encoder", "-c", b, log=tmp_path / "b.log") as parent,
    ):
        async with listener(port) as bus:
            await until_units(bus, 2)
            await release(watch, "[G] Izumi no Uta - 01 [720p].mkv", 30, 720)
            await until_encoding(bus, parent)
            (instance, *_) = spring.children_of(parent.process.pid)
            os.kill(instance, signal.SIGKILL)
            await until(bus, {Encoded: 1}, parent, within_s=200)
        assert "instance.leases_handed_back" in parent.log
        assert parent.end() == 0


async def test_the_first_signal_finishes_the_job_and_the_second_gives_it_back(
    tmp_path: Path,
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    a = configure(tmp_path / "a", port=port, extra=watching(watch))
    b = configure(tmp_path / "b", port=port, embedded=False, extra=ENCODER)
    with izumi("up", "-c", a, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            with izumi("run", "encoder", "-c", b, log=tmp_path / "1.log") as first:
                await until_units(bus, 2)
                await release(watch, "[G] Izumi no Uta - 01 [720p].mkv", 30, 720)
                owner = await until_encoding(bus, first)
                first.send(signal.SIGTERM)
                async with asyncio.timeout(30):
                    while "worker.draining" not in first.log:
                        await asyncio.sleep(0.05)
                assert first.end(signal.SIGTERM) == 0
            (entry,) = await bus.latest("izumi.job.encoder.>")
            assert json.loads(entry.data)["state"] == "waiting"
            with izumi("run", "encoder", "-c", b, log=tmp_path / "2.log") as second:
                await until_encoding(bus, second, not_by=owner)
                assert "encoder.kept" in second.log, "nothing is fetched twice on one host"
                second.send(signal.SIGTERM)
                assert second.process.wait(200) == 0
            await until(bus, {Encoded: 1}, up)
            (entry,) = await bus.latest("izumi.job.encoder.>")
    record = json.loads(entry.data)
    assert (record["state"], record.get("attempt", 1), record.get("lost", 0)) == ("done", 1, 0)


async def test_rubbish_in_the_watch_folder_is_listed_with_its_reason_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    a = configure(tmp_path / "a", port=port, extra=watching(watch))
    whole = (await release(watch, "[G] Izumi no Uta - 01 [720p].mkv")).read_bytes()
    secret = tmp_path / "secret.mkv"
    secret.write_bytes(whole)
    (watch / "[G] Empty - 01.mkv").touch()
    (watch / "[G] Cut - 01.mkv").write_bytes(whole[: len(whole) // 2])
    (watch / "[G] Text - 01.mkv").write_text("this is no film")
    (watch / "[G] Link - 01.mkv").symlink_to(secret)
    os.mkfifo(watch / "[G] Pipe - 01.mkv")
    (watch / "[G] Folder - 01.mkv").mkdir()
    bytes_name = os.fsencode(watch) + b"/[G] \xff\xfe - 01.mkv"
    Path(os.fsdecode(bytes_name)).write_bytes(whole)
    before = spring.files_below(watch)
    with izumi("up", "-c", a, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            await until(bus, {Acquired: 1}, up)
            listed = await listing(a, {"Empty", "Cut", "Text", "Link", "Pipe"})
            found = await spring.facts(bus)
        assert up.end() == 0
    assert sum(isinstance(fact, Acquired) for fact in found) == 1
    assert spring.files_below(watch) == before
    reasons = {row["path"]: row["why"] for row in listed if row["state"] != "done"}
    assert all(reasons.values()), reasons
    assert spring.files_below(tmp_path / "library" / "seedbox") == {
        "Airing/Izumi no Uta/Izumi no Uta - 01 [720p].mkv"
    }


async def listing(config: Path, words: set[str]) -> list[dict[str, str]]:
    """`izumi-admin acquisition list`, once every one of these has a reason."""
    async with asyncio.timeout(60):
        while True:
            done = await asyncio.to_thread(
                ended, "acquisition", "list", "--json", "-c", config, program="izumi-admin"
            )
            assert done.returncode == 0, done.stderr
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            told = {word for word in words for row in rows if word in row["path"] and row["why"]}
            if told == words:
                return rows
            await asyncio.sleep(0.5)


async def test_a_message_that_does_not_decode_is_a_dead_letter_with_its_bytes(
    tmp_path: Path,
) -> None:
    port = free_port()
    a = configure(tmp_path / "a", port=port, extra=QUICK)
    with izumi("up", "-c", a, log=tmp_path / "a.log"):
        async with listener(port) as bus:
            await until_units(bus, 1)
            subject = "izumi.file.acquired.softsub.normal.bad"
            await bus.publish(Outgoing(subject, b'{"type": rubbish'))
            async with asyncio.timeout(60):
                while not (letters := await dead_letters(a)):
                    await asyncio.sleep(0.3)
    assert letters[0]["data"] == '{"type": rubbish'
    assert "not a fact" in letters[0]["reason"]


async def dead_letters(config: Path) -> list[dict[str, str]]:
    done = await asyncio.to_thread(
        ended, "dlq", "list", "--json", "-c", config, program="izumi-admin"
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_wrong_configuration_starts_nothing(tmp_path: Path) -> None:
    path = configure(
        tmp_path / "a", port=free_port(), extra='[encoder.main]\ndestination = ["x"]\n'
    )
    done = ended("up", "-c", path)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert "[encoder.main] unknown key `destination`; did you mean `destinations`?" in done.stderr
    assert not (tmp_path / "a" / "state").exists()


def test_the_demo_shows_what_was_made_and_does_it_no_second_time(tmp_path: Path) -> None:
    first = ended("demo", "--folder", tmp_path / "demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert (tmp_path / "demo" / "frame.png").read_bytes().startswith(b"\x89PNG")
    assert "24 facts on the bus, 24 of them new" in first.stdout
    library = tmp_path / "demo" / "storage"
    before = {path: path.stat().st_mtime_ns for path in library.rglob("*") if path.is_file()}
    second = ended("demo", "--folder", tmp_path / "demo")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "24 facts on the bus, 0 of them new" in second.stdout
    after = {path: path.stat().st_mtime_ns for path in library.rglob("*") if path.is_file()}
    assert after == before


def test_a_demo_that_cannot_work_says_why_and_fails(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("IZUMI__RCLONE__PATH", "/nonexistent/rclone")
    done = ended("demo", "--folder", tmp_path / "demo")
    assert done.returncode != 0
    assert "/nonexistent/rclone" in done.stdout + done.stderr


async def test_the_keeper_sees_what_lives_what_was_done_and_what_the_host_lacks(
    tmp_path: Path,
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    config = configure(
        tmp_path / "a",
        port=port,
        extra=watching(watch) + QUICK + "[notifier.main]\nlog = true\n",
    )
    before = await asyncio.to_thread(ended, "doctor", "-c", config)
    assert before.returncode == 0, before.stdout + before.stderr
    assert "`izumi up` starts it" in before.stdout
    with izumi("up", "-c", config, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            await until_units(bus, 3)
            made = await release(watch, "[G] Izumi no Uta - 01 [720p].mkv")
            taken = await asyncio.to_thread(ended, "acquire", made, "-c", config)
            assert taken.returncode == 0, taken.stdout + taken.stderr
            assert taken.stdout.startswith("published: ")
            await until(bus, {Encoded: 1, Notified: 2}, up)

        def admin(*args: str) -> str:
            done = ended(*args, "-c", config, program="izumi-admin")
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        assert {"encoder.main", "acquisition", "notifier.main"} <= set(
            (await asyncio.to_thread(admin, "nodes", "--here")).split()
        )
        assert "done" in await asyncio.to_thread(admin, "jobs", "list")
        plan = await asyncio.to_thread(admin, "bus", "plan")
        assert {line.split()[0] for line in plan.splitlines()} == {"keep"}
        assert await asyncio.to_thread(admin, "bus", "apply") == plan
        assert "nothing" in await asyncio.to_thread(admin, "hold", "list")
        drained = await asyncio.to_thread(admin, "drain", "encoder")
        assert drained.startswith("asked encoder main ")
        async with asyncio.timeout(60):
            while "worker.stopped" not in up.log:
                await asyncio.sleep(0.1)
        after = await asyncio.to_thread(ended, "doctor", "-c", config)
        assert after.returncode == 0, after.stdout + after.stderr
        assert {line.split()[0] for line in after.stdout.splitlines()} <= {"ok", "warn"}
    gone = await asyncio.to_thread(ended, "nodes", "-c", config, program="izumi-admin")
    assert gone.returncode == 1


def test_doctor_fails_for_what_is_missing_and_names_it(tmp_path: Path) -> None:
    config = configure(tmp_path / "a", port=free_port(), extra=watching(tmp_path / "watch"))
    (tmp_path / "watch").rmdir()
    (tmp_path / "library" / "seedbox").rmdir()
    done = ended("doctor", "-c", config)
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert any("watch" in line for line in lines)
    assert any("storage.seedbox" in line for line in lines)
