"""The channel of people without a webhook: a line is whole, on disk, and there once."""

import asyncio
import fcntl
import json
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from izumi.clients.journal import Journal, _write_all
from izumi.domain.announce import announce
from izumi.domain.errors import Unavailable
from tests.support.news import BOOKS, HOSTILE, acquired, distributed, file

JOB = "a" * 32
NEWS = announce([acquired()], BOOKS)


async def test_a_line_tells_everything_and_is_logged(tmp_path):
    path = tmp_path / "state" / "announcements.jsonl"
    with capture_logs() as logs:
        assert await Journal(path).send(announce([distributed()], BOOKS), JOB) == JOB
    line = json.loads(path.read_text())
    assert line == {
        "job": JOB,
        "at": "2026-11-03T17:30:00Z",
        "kind": "distributed",
        "show": "Hon no Mori",
        "name": "Hon no Mori - 07 [1080p].mp4",
        "sub": "hardsub",
        "size": 368258123,
        "destinations": ["mirror"],
        "text": line["text"],
    }
    assert "24 mins, 351.2 MiB [Hardsub] | Stats: Score: 84/100" in line["text"]
    assert "| Mirrors: mirror |" in line["text"]
    assert [(one["event"], one["text"]) for one in logs] == [("announcement", line["text"])]


async def test_a_repeat_of_a_job_adds_no_line_whoever_it_comes_from(tmp_path):
    path = tmp_path / "announcements.jsonl"
    with capture_logs() as logs:
        for facts in (None, BOOKS):
            await Journal(path).send(announce([acquired()], facts), JOB)
    assert len(path.read_text().splitlines()) == 1
    assert len(logs) == 1


async def test_many_writers_make_whole_lines(tmp_path):
    path = tmp_path / "announcements.jsonl"
    journals = [Journal(path) for _ in range(4)]
    jobs = [f"{number:032x}" for number in range(30)]
    await asyncio.gather(*(one.send(NEWS, job) for one in journals for job in jobs))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["job"] for line in lines) == jobs


async def test_looking_and_appending_are_one_step_among_processes(tmp_path):
    path = tmp_path / "announcements.jsonl"
    with path.open("ab", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        sending = asyncio.create_task(Journal(path).send(NEWS, JOB))
        # Long enough for a sender that does not wait for the lock to append its line.
        await asyncio.sleep(0.1)
        other.write(f'{{"job":"{JOB}","at":""}}\n'.encode())
    await sending
    assert len(path.read_text().splitlines()) == 1


async def test_half_a_line_of_a_power_cut_tells_nothing(tmp_path):
    path = tmp_path / "announcements.jsonl"
    journal = Journal(path)
    await journal.send(NEWS, "b" * 32)
    whole = path.read_bytes()
    path.write_bytes(whole + f'{{"job":"{JOB}","at":"20'.encode())
    await journal.send(NEWS, JOB)
    lines = path.read_text().splitlines()
    assert [json.loads(lines[place])["job"] for place in (0, 2)] == ["b" * 32, JOB]
    await journal.send(NEWS, JOB)
    assert len(path.read_text().splitlines()) == 3


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_cannot_break_a_line_or_pose_as_a_job(tmp_path, name):
    path = tmp_path / "announcements.jsonl"
    other = "c" * 32
    await Journal(path).send(announce([acquired(file(f'{name} "job":"{other}",'))], None), JOB)
    await Journal(path).send(NEWS, other)
    data = path.read_bytes()
    assert len(data.splitlines()) == 2
    assert b"\x1b" not in data
    assert [json.loads(line)["job"] for line in data.splitlines()] == [JOB, other]


async def test_a_file_that_cannot_be_written_is_this_hosts_fault(tmp_path):
    with pytest.raises(Unavailable, match="cannot be written: Is a directory") as caught:
        await Journal(tmp_path).send(NEWS, JOB)
    assert caught.value.host


def test_a_full_disk_leaves_whole_lines(tmp_path):
    """With a limit on the size of files, which the kernel enforces as it does a full disk."""
    program = (
        "import resource, signal, sys\n"
        "from izumi.clients.journal import _write_all\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "with open(sys.argv[1], 'ab', buffering=0) as file:\n"
        "    _write_all(file.fileno(), b'whole\\n')\n"
        "    try:\n"
        "        _write_all(file.fileno(), b'too long\\n')\n"
        "    except OSError as exc:\n"
        "        print(exc.strerror)\n"
    )
    path = tmp_path / "file"
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "No space left on device\n"
    assert path.read_bytes() == b"whole\n"
    with path.open("ab", buffering=0) as file:
        _write_all(file.fileno(), b"after\n")
    assert path.read_bytes() == b"whole\nafter\n"
