"""Children: how they are started, watched and ended. Real processes, the system's own tools."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from izumi import children
from izumi.children import Limits
from izumi.domain.errors import ToolFailed

PYTHON = sys.executable
FOR_EVER = "import time\nwhile True: time.sleep(1)"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    f"print('up', flush=True)\n{FOR_EVER}"
)
# Prints its grandchild's pid; both would run on.
FAMILY = (
    "import subprocess, sys\n"
    f"other = subprocess.Popen([sys.executable, '-c', {FOR_EVER!r}])\n"
    "print(other.pid, flush=True)\n"
)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int, within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        while alive(pid):
            await asyncio.sleep(0.01)


_popen = subprocess.Popen  # starting is quick; tests wait on threads


async def started(*code: str, **more) -> tuple[children.Child, str]:
    """A Python child, and the first line that it printed."""
    line: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_line(stream: str, text: str) -> None:
        if stream == "stdout" and not line.done():
            line.set_result(text)

    child = await children.start([PYTHON, "-c", "\n".join(code)], on_line=on_line, **more)
    async with asyncio.timeout(30):
        return child, await line


# --- starting ----------------------------------------------------------------------------


async def test_what_a_child_wrote_and_its_exit_code_are_told():
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = await children.run([PYTHON, "-c", code])
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", "err")
    assert done.stopped is None
    assert done.took_s > 0


async def test_a_child_that_died_of_a_signal_says_so():
    done = await children.run([PYTHON, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert done.returncode == -signal.SIGKILL
    assert done.stopped is None


async def test_a_program_that_is_not_there_ends_with_127_and_its_name():
    done = await children.run(["no-such-program-anywhere"])
    assert done.returncode == 127
    assert "no-such-program-anywhere: No such file" in done.stderr


async def test_a_folder_that_is_not_there_is_this_hosts_fault(tmp_path: Path):
    with pytest.raises(ToolFailed, match="cannot start") as caught:
        await children.run(["true"], cwd=tmp_path / "none")
    assert caught.value.host


async def test_arguments_reach_the_child_as_they_are_and_no_shell_reads_them():
    hostile = ["$(touch x)", "; rm -rf .", "--", "-n", "a b", "\n", "'\"", "*", "", "é\udcff"]
    code = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    done = await children.run([PYTHON, "-c", code, *hostile])
    assert done.stdout == b"\0".join(map(os.fsencode, hostile))


async def test_a_text_that_no_argument_can_hold_is_told_plainly():
    with pytest.raises(ToolFailed, match="cannot start true"):
        await children.run(["true", "a\0b"])


async def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RCLONE_CONFIG_X_TYPE", "local")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("TZ", "UTC")
    done = await children.run(["env"], env={"EXTRA": "yes"})
    names = {line.partition("=")[0] for line in done.stdout.decode().splitlines()}
    assert {"PATH", "TZ", "EXTRA"} <= names
    assert names <= {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "EXTRA"}


async def test_stdin_is_empty_and_no_other_file_is_open(tmp_path: Path):
    code = (
        "import os, sys\n"
        "print(sys.stdin.read() == '', sorted(map(int, os.listdir('/proc/self/fd'))))"
    )
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - its only form
        done = await children.run([PYTHON, "-c", code])
    # The fourth is the folder that is being listed.
    assert done.stdout == b"True [0, 1, 2, 3]\n"


async def test_a_file_that_is_passed_stays_open(tmp_path: Path):
    with (tmp_path / "passed").open("w") as file:
        code = f"import os; os.write({file.fileno()}, b'hello')"
        child = await children.start([PYTHON, "-c", code], pass_fds=[file.fileno()])
        assert await child.wait() == 0
        await child.stop()
    assert (tmp_path / "passed").read_text() == "hello"


async def test_a_child_leads_a_session_of_its_own_and_leaves_no_core():
    code = (
        "import os, resource as r\n"
        "print(os.getpid(), os.getpgid(0), os.getsid(0), r.getrlimit(r.RLIMIT_CORE))"
    )
    child, line = await started(code)
    assert line == f"{child.pid} {child.pid} {child.pid} (0, 0)"
    assert os.getsid(0) != child.pid
    await child.stop()


# --- output ------------------------------------------------------------------------------


async def test_output_is_bounded_and_the_child_is_not_held_up():
    code = (
        "import sys\n"
        "for i in range(40_000): print('x' * 80); print(i, file=sys.stderr)\n"
        "sys.stderr.write('y' * 3_000_000)"
    )
    done = await children.run([PYTHON, "-c", code], keep_bytes=1000)
    assert done.returncode == 0
    assert done.stdout == (b"x" * 80 + b"\n") * 12 + b"x" * 28
    assert len(done.stderr) < 20_000
    assert "39999" in done.stderr
    assert "100\n" not in done.stderr


async def test_lines_are_told_as_they_come_however_they_end():
    told: list[tuple[str, str]] = []
    code = (
        "import sys; sys.stdout.write('a\\nb\\rc\\r\\nd'); sys.stdout.flush()\n"
        "sys.stderr.buffer.write(b'\\xff\\n')"
    )
    await children.run([PYTHON, "-c", code], on_line=lambda *line: told.append(line))
    assert [text for stream, text in told if stream == "stdout" and text] == ["a", "b", "c", "d"]
    assert ("stderr", "\ufffd") in told


async def test_a_fault_in_what_watches_the_output_ends_the_child_and_is_raised():
    def on_line(stream: str, text: str) -> None:
        raise LookupError(text)

    child = await children.start(
        [PYTHON, "-c", f"print('up', flush=True)\n{FOR_EVER}"], on_line=on_line
    )
    async with asyncio.timeout(30):
        with pytest.raises(LookupError, match="up"):
            await child.finish(None, None)
    assert not alive(child.pid)


# --- ending ------------------------------------------------------------------------------


async def test_at_the_deadline_it_is_ended_even_if_it_makes_progress():
    code = "import time\nwhile True: print('on', flush=True); time.sleep(0.01)"
    done = await children.run(
        [PYTHON, "-c", code], on_line=lambda *_: True, deadline_s=0.7, stall_s=60
    )
    assert done.stopped == "deadline"
    assert done.returncode == -signal.SIGTERM


async def test_without_progress_it_is_ended_however_much_it_says():
    code = "import time\nwhile True: print('busy', flush=True); time.sleep(0.01)"
    done = await children.run(
        [PYTHON, "-c", code], on_line=lambda *_: None, deadline_s=60, stall_s=0.5
    )
    assert done.stopped == "stall"


async def test_progress_keeps_it_alive():
    code = "import time\nfor _ in range(15): print('on', flush=True); time.sleep(0.1)"
    done = await children.run([PYTHON, "-c", code], on_line=lambda *_: True, stall_s=1.2)
    assert (done.stopped, done.returncode) == (None, 0)


async def test_one_that_ignores_the_signal_is_killed_after_the_grace():
    child, _ = await started(STUBBORN)
    assert await child.stop(grace_s=0.2) == -signal.SIGKILL
    assert not alive(child.pid)


async def test_one_that_heeds_the_signal_may_end_its_own_way():
    child, _ = await started(
        "import signal, sys",
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))",
        "print('up', flush=True)",
        FOR_EVER,
    )
    assert await child.stop(grace_s=30) == 7


async def test_grandchildren_are_ended_with_it():
    child, pid = await started(FAMILY, FOR_EVER)
    assert alive(int(pid))
    await child.stop()
    await gone(int(pid))


async def test_grandchildren_that_outlive_it_are_ended_too():
    done = await asyncio.wait_for(children.run([PYTHON, "-c", FAMILY]), 30)
    assert done.returncode == 0
    await gone(int(done.stdout))


async def test_stopping_twice_at_once_and_after_the_end_is_safe():
    child, _ = await started("print('up', flush=True)", FOR_EVER)
    codes = await asyncio.gather(child.stop(), child.stop())
    assert set(codes) == {-signal.SIGTERM}
    assert await child.stop() == -signal.SIGTERM
    assert await child.wait() == -signal.SIGTERM


async def test_nobody_else_is_hit_when_the_number_is_used_again(monkeypatch: pytest.MonkeyPatch):
    child, _ = await started("print('up', flush=True)", FOR_EVER)
    await child.stop()
    stranger = _popen([PYTHON, "-c", FOR_EVER], start_new_session=True)
    try:
        # As if the system had given the number away again.
        monkeypatch.setattr(type(child), "pid", property(lambda _: stranger.pid))
        child.signal(signal.SIGKILL)
        await child.stop()
        with pytest.raises(subprocess.TimeoutExpired):
            stranger.wait(0.3)
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_cancelled_run_is_over_only_when_the_group_is_gone():
    pids: list[int] = []
    up = asyncio.Event()

    def on_line(stream: str, text: str) -> None:
        pids.append(int(text))
        up.set()

    running = asyncio.create_task(
        children.run([PYTHON, "-c", f"{FAMILY}\n{FOR_EVER}"], on_line=on_line)
    )
    await asyncio.wait_for(up.wait(), 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone(pids[0])


async def test_cancelled_again_while_it_stops_it_is_killed_and_then_cancelled():
    child, _ = await started(STUBBORN)
    stopping = asyncio.create_task(child.stop(grace_s=60))
    await asyncio.sleep(0)  # let it begin
    for _ in range(3):
        stopping.cancel()
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await stopping
    assert not alive(child.pid)
    assert child.returncode == -signal.SIGKILL


async def test_a_process_that_is_killed_takes_its_children_with_it():
    code = (
        "import asyncio, sys\n"
        "from izumi import children\n"
        "from izumi.children import Limits\n"
        "async def main():\n"
        "    one = await children.start(['sleep', '1000'])\n"
        "    two = await children.start(['sleep', '1000'], limits=Limits(network=False))\n"
        "    print(one.pid, two.pid, flush=True)\n"
        "    await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    parent = _popen([PYTHON, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    line = await asyncio.to_thread(parent.stdout.readline)
    pids = [int(pid) for pid in line.split()]
    for pid in pids:
        await _became(pid, b"sleep")
    parent.kill()
    await asyncio.to_thread(parent.communicate)
    for pid in pids:
        await gone(pid)


async def _became(pid: int, name: bytes) -> None:
    """Wait until the launcher has become the program."""
    async with asyncio.timeout(30):
        while name not in Path(f"/proc/{pid}/comm").read_bytes():
            await asyncio.sleep(0.01)


async def test_a_launcher_whose_parent_is_gone_already_starts_nothing(tmp_path: Path):
    launcher = Path(children.__file__).with_name("launch.py")
    command: list[str | Path] = [PYTHON, "-I", "-S", launcher, "1", "--", "touch"]
    command.append(tmp_path / "started")
    done = await asyncio.to_thread(lambda: subprocess.run(command, check=False))
    assert done.returncode == 125
    assert not (tmp_path / "started").exists()


# --- limits ------------------------------------------------------------------------------


async def test_memory_is_limited():
    code = "bytearray(1 << 30); print('had it')"
    free = await children.run([PYTHON, "-c", code])
    assert free.stdout == b"had it\n"
    limited = await children.run([PYTHON, "-c", code], limits=Limits(memory_bytes=256 << 20))
    assert limited.returncode == 1
    assert "MemoryError" in limited.stderr


async def test_processor_time_is_limited():
    done = await children.run(
        [PYTHON, "-c", "while True: pass"], limits=Limits(cpu_s=1), deadline_s=60
    )
    assert done.stopped is None
    assert done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}


async def test_the_size_of_a_file_is_limited(tmp_path: Path):
    code = "file = open('large', 'wb', 0)\nwhile True: file.write(bytes(10_000))"
    done = await children.run([PYTHON, "-c", code], cwd=tmp_path, limits=Limits(file_bytes=50_000))
    assert done.returncode != 0
    assert (tmp_path / "large").stat().st_size <= 50_000


async def test_a_limit_above_the_hosts_own_is_the_hosts_own():
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 10_000_000))\n"
        "import asyncio\n"
        "from izumi import children\n"
        "print(asyncio.run(children.run(['sh', '-c', 'ulimit -f'],"
        " limits=children.Limits(file_bytes=10**12))))\n"
    )
    done = await asyncio.to_thread(
        subprocess.run, [PYTHON, "-c", code], capture_output=True, check=True
    )
    assert b"stdout=b'19531\\n'" in done.stdout  # in blocks of 512 bytes


async def test_it_is_nicer_by_what_was_asked():
    code = "import os; print(os.nice(0))"
    mine = os.nice(0)
    done = await children.run([PYTHON, "-c", code], limits=Limits(nice=3))
    assert int(done.stdout) == min(mine + 3, 19)


async def test_without_network_there_is_nobody_to_talk_to():
    code = (
        "import socket, sys\n"
        "try:\n"
        "    socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\n"
        "except OSError:\n"
        "    print('alone')\n"
        "else:\n"
        "    print('reached')\n"
    )
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    async with server:
        reached = await children.run([PYTHON, "-c", code, port])
        alone = await children.run([PYTHON, "-c", code, port], limits=Limits(network=False))
    assert reached.stdout == b"reached\n"
    if alone.stdout == b"reached\n":
        pytest.skip("this host lets nobody leave its network")
    assert alone.stdout == b"alone\n"


async def test_a_paused_child_does_nothing_and_no_limit_counts_until_it_goes_on():
    asked: list[bool] = []
    heard: list[str] = []

    def paused() -> bool:
        # Frozen from its start, for longer than both limits.
        asked.append(True)
        return len(asked) < 8

    def on_line(_stream: str, line: str) -> bool:
        heard.append(line)
        assert len(asked) >= 8
        return True

    program = "for n in range(3): print(n)"
    done = await children.run(
        [PYTHON, "-c", program], on_line=on_line, deadline_s=6, stall_s=6, paused=paused
    )
    assert (done.returncode, done.stopped) == (0, None)
    assert heard == ["0", "1", "2"]


async def test_a_paused_child_hears_the_request_to_end(tmp_path):
    up, polite = tmp_path / "up", tmp_path / "polite"
    program = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        f"    pathlib.Path({str(polite)!r}).touch()\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"pathlib.Path({str(up)!r}).touch()\n"
        f"{FOR_EVER}"
    )
    frozen = asyncio.Event()

    def paused() -> bool:
        if up.exists():
            frozen.set()
        return frozen.is_set()

    running = asyncio.create_task(children.run([PYTHON, "-c", program], paused=paused))
    await frozen.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert polite.exists()
