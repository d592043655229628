"""The rclone of a process: how it is started, asked, stopped and started again."""

import asyncio
import importlib.metadata
import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from izumi.domain.errors import ConfigError, ToolFailed
from izumi.storage import rclone as module
from izumi.storage.rclone import Rclone
from izumi.storage.rclone_binary import locate
from izumi.storage.rclone_faults import RcloneFault
from izumi.storage.run_folder import SOCKET_BYTES, run_folder
from izumi.storage.settings import RcloneSettings
from tests.support.putter import freeze, wait_until_gone
from tests.support.remotes import RCLONE, write_config


def running(tmp_path: Path, **more: object) -> Rclone:
    settings = RcloneSettings(**more)  # type: ignore[arg-type]  # a test names fields
    return Rclone(settings, state=tmp_path / "state")


async def copy(rclone: Rclone, folder: Path, source: str, to: str, **more) -> None:
    params = {
        "srcFs": str(folder),
        "srcRemote": source,
        "dstFs": str(folder),
        "dstRemote": to,
        "_config": {"Inplace": True},
    }
    await rclone.job("operations/copyfile", params, place="here", **more)


async def until(fact) -> None:
    async with asyncio.timeout(30):
        while not fact():
            await asyncio.sleep(0.01)


# --- starting ----------------------------------------------------------------------------


def test_the_installed_rclone_is_found():
    assert locate(RcloneSettings()) == RCLONE.resolve()
    assert locate(RcloneSettings(path=RCLONE)) == RCLONE.absolute()


def test_without_the_installed_one_that_in_the_path_is_used_and_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def files(_package: str) -> None:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "files", files)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="no rclone is installed"):
        locate(RcloneSettings())
    (tmp_path / "rclone").symlink_to(RCLONE)
    assert locate(RcloneSettings()) == tmp_path / "rclone"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's, however tests are spread."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


async def test_nobody_else_can_reach_it_and_its_command_line_tells_nothing(tmp_path: Path):
    config = tmp_path / "rclone.conf"
    write_config(config, "[x]\ntype = webdav\nurl = http://127.0.0.1:9\npass = hush-hush\n")
    async with running(tmp_path, config=config) as rclone:
        [socket] = (tmp_path / "state" / "run").glob("*/*.sock")
        for folder in (socket.parent, socket.parent.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        line = Path(f"/proc/{rclone.pid}/cmdline").read_bytes()
        assert b"hush" not in line
        assert b"tcp" not in line
        assert b"127.0.0.1" not in line
    assert not socket.exists()


async def test_it_knows_the_remotes_of_its_file_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    (home / ".config" / "rclone").mkdir(parents=True)
    write_config(home / ".config" / "rclone" / "rclone.conf", "[mine]\ntype = local\n")
    write_config(tmp_path / "ours.conf", "[ours]\ntype = local\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("RCLONE_CONFIG", str(home / ".config" / "rclone" / "rclone.conf"))
    monkeypatch.setenv("RCLONE_CONFIG_ENVS_TYPE", "local")
    async with running(tmp_path, config=tmp_path / "ours.conf") as rclone:
        assert (await rclone.call("config/listremotes", {}))["remotes"] == ["ours"]
    async with running(tmp_path) as rclone:
        assert not (await rclone.call("config/listremotes", {})).get("remotes")


@pytest.mark.parametrize(
    ("mode", "reason"), [(0o604, "chmod 600"), (0o644, "chmod 600"), (None, "cannot be read")]
)
async def test_a_config_that_others_read_or_nobody_can_is_refused(
    tmp_path: Path, mode: int | None, reason: str
):
    config = tmp_path / "rclone.conf"
    if mode is not None:
        config.write_text("")
        config.chmod(mode)
    with pytest.raises(ConfigError, match=reason):
        await running(tmp_path, config=config).__aenter__()
    assert list((tmp_path / "state" / "run").glob("rclone-*")) == []


async def test_a_program_that_is_no_rclone_is_told_and_nothing_is_left(tmp_path: Path):
    with pytest.raises(ConfigError, match="is no program"):
        await running(tmp_path, path=tmp_path).__aenter__()
    with pytest.raises(ToolFailed, match="ended at its start"):
        await running(tmp_path, path=Path("/bin/false")).__aenter__()
    assert list((tmp_path / "state" / "run").glob("rclone-*")) == []


async def test_an_rclone_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("izumi.storage.rclone_binary.OLDEST", (99, 0, 0))
    with pytest.raises(ConfigError, match=r"is version 1\.\d+\.\d+, and 99\.0\.0 is the oldest"):
        await running(tmp_path).__aenter__()


async def test_a_state_folder_with_a_long_path_is_no_hindrance(tmp_path: Path):
    async with running(tmp_path / ("long" * 40)) as rclone:
        assert await rclone.call("core/pid", {}) == {"pid": rclone.pid}


# --- asked and stopped -------------------------------------------------------------------


async def test_it_is_started_again_when_it_died(tmp_path: Path):
    async with running(tmp_path) as rclone:
        first = rclone.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until_gone(first)
        await asyncio.gather(rclone.call("core/pid", {}), return_exceptions=True)
        assert await rclone.call("core/pid", {}) == {"pid": rclone.pid}
        assert rclone.pid != first


async def test_what_keeps_it_from_starting_again_is_this_hosts_fault(tmp_path: Path):
    config = tmp_path / "rclone.conf"
    write_config(config)
    async with running(tmp_path, config=config) as rclone:
        assert rclone.pid is not None
        config.unlink()
        os.kill(rclone.pid, signal.SIGKILL)
        wait_until_gone(rclone.pid)
        await asyncio.gather(rclone.call("core/pid", {}), return_exceptions=True)
        with pytest.raises(ToolFailed, match="cannot be read") as caught:
            await rclone.call("core/pid", {})
        assert caught.value.host
        write_config(config)
        assert await rclone.call("core/pid", {}) == {"pid": rclone.pid}


async def test_calls_at_once_after_its_death_start_one(tmp_path: Path):
    async with running(tmp_path) as rclone:
        assert rclone.pid is not None
        os.kill(rclone.pid, signal.SIGKILL)
        await asyncio.gather(
            *(rclone.call("core/pid", {}) for _ in range(5)), return_exceptions=True
        )
        pids = await asyncio.gather(*(rclone.call("core/pid", {}) for _ in range(5)))
        assert pids == [{"pid": rclone.pid}] * 5


async def test_when_it_hangs_a_question_ends_at_its_limit(tmp_path: Path):
    async with running(tmp_path, call_s=0.5) as rclone:
        assert rclone.pid is not None
        freeze(rclone.pid)
        with pytest.raises(RcloneFault, match="no answer within"):
            await rclone.call("core/pid", {})
        os.kill(rclone.pid, signal.SIGCONT)
        assert await rclone.call("core/pid", {}) == {"pid": rclone.pid}


async def test_what_rclone_says_no_to_is_raised_with_the_place(tmp_path: Path):
    async with running(tmp_path) as rclone:
        with pytest.raises(RcloneFault, match=r"^here: .*not found") as caught:
            await copy(rclone, tmp_path, "missing", "x")
        assert caught.value.kind == "missing"
        with pytest.raises(RcloneFault, match=r"^shelf: "):
            await rclone.call("operations/list", {"fs": "nosuch:", "remote": ""}, place="shelf")


async def test_a_command_that_it_does_not_know_is_no_reason_to_wait(tmp_path: Path):
    async with running(tmp_path) as rclone:
        with pytest.raises(RcloneFault):
            await rclone.job("no/such", {}, place="here")
        with pytest.raises(RcloneFault):
            await rclone.call("no/such", {})


async def test_bytes_are_told_while_they_move(tmp_path: Path):
    (tmp_path / "from").write_bytes(bytes(3_000_000))
    async with running(tmp_path, bwlimit="2M") as rclone:
        told: list[int] = []
        await copy(rclone, tmp_path, "from", "to", on_bytes=told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert (tmp_path / "to").read_bytes() == bytes(3_000_000)


async def test_a_job_that_does_not_move_or_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "_STOP_S", 0.3)  # at so low a rate rclone stops late
    (tmp_path / "from").write_bytes(bytes(3_000_000))
    async with running(tmp_path, bwlimit="100k") as rclone:
        with pytest.raises(RcloneFault, match=r"not done within 0\.5 s") as caught:
            await copy(rclone, tmp_path, "from", "to", within_s=0.5)
        assert caught.value.kind == "stalled"
        await rclone.call("core/bwlimit", {"rate": "1b"})
        with pytest.raises(RcloneFault, match=r"nothing moved for 0\.7 s"):
            await copy(rclone, tmp_path, "from", "to", stall_s=0.7)
        assert "transferring" not in await rclone.call("core/stats", {})


async def test_only_so_many_transfers_run_at_once(tmp_path: Path):
    for n in range(5):
        (tmp_path / f"from-{n}").write_bytes(bytes(300_000))
    async with running(tmp_path, transfers=2, bwlimit="1M") as rclone:
        most = 0
        done = asyncio.Event()

        async def look() -> None:
            nonlocal most
            while not done.is_set():
                stats = await rclone.call("core/stats", {})
                most = max(most, len(stats.get("transferring", ())))

        async def transfer(n: int) -> None:
            fs = str(tmp_path)
            params = {"srcFs": fs, "srcRemote": f"from-{n}", "dstFs": fs, "dstRemote": f"to-{n}"}
            await rclone.transfer("operations/copyfile", params, place="here")

        looking = asyncio.create_task(look())
        await asyncio.gather(*map(transfer, range(5)))
        done.set()
        await looking
    assert most == 2


async def test_a_job_that_cannot_be_stopped_ends_with_all_of_rclone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "_STOP_S", 0.3)
    (tmp_path / "from").write_bytes(bytes(3_000_000))
    async with running(tmp_path, bwlimit="100k") as rclone:
        first = rclone.pid
        assert first is not None
        copying = asyncio.create_task(copy(rclone, tmp_path, "from", "to"))
        await until((tmp_path / "to").exists)
        freeze(first)
        copying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await copying
        assert rclone.pid != first
        wait_until_gone(first)
        assert await rclone.call("core/pid", {}) == {"pid": rclone.pid}


async def test_cancelled_twice_and_before_the_job_has_a_number_it_still_ends(tmp_path: Path):
    (tmp_path / "from").write_bytes(bytes(3_000_000))
    async with running(tmp_path, bwlimit="100k") as rclone:
        for turns in range(6):
            copying = asyncio.create_task(copy(rclone, tmp_path, "from", f"to-{turns}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            copying.cancel()
            await asyncio.sleep(0)
            copying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await copying
        assert "transferring" not in await rclone.call("core/stats", {})
        assert [path.name for path in tmp_path.glob("to-*")] == []


async def test_left_with_work_under_way_nothing_of_it_goes_on(tmp_path: Path):
    (tmp_path / "from").write_bytes(bytes(3_000_000))
    async with running(tmp_path, bwlimit="100k") as rclone:
        pid = rclone.pid
        assert pid is not None
        copying = asyncio.create_task(copy(rclone, tmp_path, "from", "to"))
        await until((tmp_path / "to").exists)
    with pytest.raises((RcloneFault, ToolFailed)):
        await copying
    wait_until_gone(pid)
    with pytest.raises(ToolFailed):
        await rclone.call("core/pid", {})


# --- the folder of the socket ------------------------------------------------------------


def test_folders_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path: Path):
    dead = tmp_path / "run" / "rclone-dead0000"
    dead.mkdir(parents=True)
    (dead / "1.sock").touch()
    (dead / "lock").touch()
    with run_folder(tmp_path) as one:
        assert not dead.exists()
        with run_folder(tmp_path) as other:
            assert one.exists()
            assert one != other
        assert one.exists()
        assert not other.exists()
    assert not one.exists()


def test_the_folder_leaves_room_for_a_socket_however_long_the_state_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for length in (1, 30, 60, 100, 200):
        with run_folder(tmp_path / ("x" * length)) as folder:
            assert len(os.fsencode(folder / "12345.sock")) <= SOCKET_BYTES


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path):
    (tmp_path / "run").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="belongs to somebody else"), run_folder(tmp_path):
        pass


def test_a_state_folder_that_cannot_be_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="no folder for rclone"), run_folder(tmp_path / "file"):
        pass
