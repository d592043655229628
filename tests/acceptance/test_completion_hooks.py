"""The lines for torrent clients that the documentation gives, run as the clients run them."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from izumi.bus.jetstream import JetStreamBus
from izumi.domain.events import Acquired
from izumi.media import samples
from tests.support.published import published
from tests.support.spring import (
    Running,
    configure,
    ended,
    facts,
    free_port,
    izumi,
    listener,
    until,
    watching,
)

pytestmark = pytest.mark.timeout(180)

PAGE = (Path(__file__).resolve().parents[2] / "docs/acquisition.md").read_text("utf-8")
PROGRAM = "/opt/izumi/.venv/bin/izumi"
OURS = str(Path(sys.executable).with_name("izumi"))
HOSTILE = 'It\'s "all" fine, %N $(touch owned) 100% 泉の歌'


class Torrent(NamedTuple):
    """What a client has finished: `path` is its file, or its folder."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name


def block(heading: str) -> str:
    """The first block of code below a heading of the page."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n##")[0]
    (code,) = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)
    return str(code).replace(PROGRAM, OURS)


def by_qbittorrent(torrent: Torrent, _folder: Path) -> tuple[list[str], Mapping[str, str]]:
    """Split first, at spaces outside of quotes; then quotes go, then parameters are put in."""
    words = re.findall(r'(?:"[^"]*"|[^ "])+', block("qBittorrent").strip())
    many = torrent.path.is_dir()
    values = {
        "%N": torrent.name,
        "%F": str(torrent.path),
        "%R": str(torrent.path) if many else "",
        "%D": str(torrent.path.parent),
        "%C": "2" if many else "1",
    }
    plain = [w[1:-1] if w.startswith('"') and w.endswith('"') else w for w in words]
    put_in = [re.sub("%[NFRDC]", lambda found: values[found[0]], word) for word in plain]
    return put_in, {}


def by_rtorrent(torrent: Torrent, _folder: Path) -> tuple[list[str], Mapping[str, str]]:
    """What is expanded inside of braces is one argument, whatever is in it."""
    line = block("rTorrent and ruTorrent").strip()
    event = re.fullmatch(r'method\.set_key = ([\w.]+),(\w+),"execute\.nothrow\.bg={(.*)}"', line)
    assert event is not None
    assert event[1] == "event.download.finished"
    words = event[3].split(",")
    return [str(torrent.path) if word == "$d.base_path=" else word for word in words], {}


def by_transmission(torrent: Torrent, folder: Path) -> tuple[list[str], Mapping[str, str]]:
    """A script without arguments; everything is in the environment."""
    script = folder / "torrent-done.sh"
    script.write_text(block("Transmission"), "utf-8")
    script.chmod(0o755)
    return [str(script)], {
        "TR_APP_VERSION": "4.0.6",
        "TR_TIME_LOCALTIME": "Tue Nov 24 21:55:47 2026",
        "TR_TORRENT_BYTES_DOWNLOADED": "104857600",
        "TR_TORRENT_DIR": str(torrent.path.parent),
        "TR_TORRENT_HASH": "0" * 40,
        "TR_TORRENT_ID": "7",
        "TR_TORRENT_LABELS": "",
        "TR_TORRENT_NAME": torrent.name,
        "TR_TORRENT_PRIORITY": "0",
        "TR_TORRENT_TRACKERS": "",
    }


CLIENTS = {"qb": by_qbittorrent, "rt": by_rtorrent, "tr": by_transmission}


async def finish(client: str, torrent: Torrent, config: Path) -> subprocess.CompletedProcess[str]:
    """A client has finished a torrent, and runs its line."""
    argv, more = CLIENTS[client](torrent, config.parent)
    return await asyncio.to_thread(
        subprocess.run,
        argv,
        env={**os.environ, "IZUMI_CONFIG": str(config), **more},
        cwd=config.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
async def episode(tmp_path: Path) -> bytes:
    made = await samples.make_sample(tmp_path / "making", "e.mkv", seconds=1.0, height=90)
    return made.read_bytes()


def put(folder: Path, client: str, episode: bytes) -> list[Torrent]:
    """A torrent of one file, and one of several videos in a folder."""
    many = folder / f"{client} {HOSTILE}"
    many.mkdir(parents=True)
    alone = folder / f"[G] Izumi no {client} {HOSTILE} - 01 [720p].mkv"
    for path in (alone, *(many / f"[G] Many no {client} - 0{n} [720p].mkv" for n in (1, 2))):
        path.write_bytes(episode)
    return [Torrent(alone), Torrent(many)]


def slow(watch: Path) -> str:
    """A watch folder in which nothing is found but by a hook."""
    return watching(watch).replace("sweep_s = 1", "sweep_s = 3600").replace("0.3", "3600")


async def acquired(bus: JetStreamBus, count: int, program: Running) -> set[str]:
    found = await until(bus, {Acquired: count}, program)
    return {fact.release for fact in found if isinstance(fact, Acquired)}


async def test_every_line_has_what_was_finished_acquired_while_acquisition_runs(
    tmp_path: Path, episode: bytes
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    metrics = free_port()
    config = configure(
        tmp_path / "host",
        port=port,
        extra=slow(watch) + f'[metrics]\nlisten = "127.0.0.1:{metrics}"\n',
    )
    with izumi("up", "-c", config, log=tmp_path / "log") as up:
        async with listener(port) as bus:
            async with asyncio.timeout(60):
                while not await bus.latest("izumi.node.acquisition.>"):
                    await asyncio.sleep(0.1)  # between looks
            torrents = {client: put(watch, client, episode) for client in CLIENTS}
            for client, finished in torrents.items():
                for torrent in finished:
                    done = await finish(client, torrent, config)
                    assert done.returncode == 0, f"{client}: {done.stdout}{done.stderr}"
                    assert done.stdout.startswith("pending: ")
            released = await acquired(bus, 9, up)
        page = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", _FETCH, f"http://127.0.0.1:{metrics}/metrics"],
            capture_output=True,
            text=True,
            check=True,
        )
        listed = ended("acquisition", "list", "--json", "-c", config, program="izumi-admin")
        nothing = ended(
            "acquisition", "list", "--state", "held", "-c", config, program="izumi-admin"
        )
    files = {path.name for path in watch.rglob("*.mkv")}
    assert released == files
    assert not list(tmp_path.rglob("owned"))
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {Path(row["path"]).name for row in rows} == files
    assert nothing.stdout.strip() == "nothing"
    assert f'izumi_acquisition_published_total{{folder="{watch}"}} 9.0' in page.stdout


_FETCH = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"


async def test_every_line_does_the_work_itself_where_acquisition_does_not_run(
    tmp_path: Path, episode: bytes
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    bus_only = configure(tmp_path / "bus", port=port, extra="")
    config = configure(tmp_path / "host", port=port, embedded=False, extra=slow(watch))
    with izumi("up", "-c", bus_only, log=tmp_path / "log"):
        async with listener(port) as bus:
            torrents = {client: put(watch, client, episode) for client in CLIENTS}
            for client, (alone, _) in torrents.items():
                done = await finish(client, alone, config)
                assert done.returncode == 0, f"{client}: {done.stdout}{done.stderr}"
                assert done.stdout.startswith("published: ")
            found = [fact for fact in await facts(bus) if isinstance(fact, Acquired)]
    assert {fact.release for fact in found} == {alone.name for alone, _ in torrents.values()}


async def test_a_path_as_a_container_sees_it_is_mapped_and_one_elsewhere_fails(
    tmp_path: Path, episode: bytes
) -> None:
    port, watch = free_port(), tmp_path / "watch"
    bus_only = configure(tmp_path / "bus", port=port, extra="")
    config = configure(tmp_path / "host", port=port, embedded=False, extra=slow(watch))
    (watch / "[G] Izumi no Uta - 01 [720p].mkv").write_bytes(episode)
    elsewhere = tmp_path / "[G] Izumi no Uta - 02 [720p].mkv"
    elsewhere.write_bytes(episode)
    with izumi("up", "-c", bus_only, log=tmp_path / "log"):
        async with listener(port):
            command = ["acquire", "-c", str(config), "--map", f"/downloads={watch}"]
            inside = "/downloads/[G] Izumi no Uta - 01 [720p].mkv"
            done = await asyncio.to_thread(ended, *command, inside)
            failed = await asyncio.to_thread(ended, *command, str(elsewhere))
            gone = await asyncio.to_thread(ended, *command, "/downloads/gone.mkv")
    assert (done.returncode, done.stdout.partition(":")[0]) == (0, "published")
    assert failed.returncode == 1
    assert "is in none of the watch folders" in failed.stdout
    assert gone.returncode == 2
    assert f"{watch}/gone.mkv does not exist" in gone.stderr


def test_the_parameters_are_those_that_the_clients_know() -> None:
    known = json.loads(
        published("webhooks/qbittorrent/run_external_program.json").read_text("utf-8")
    )
    used = re.findall("%([A-Z])", block("qBittorrent"))
    assert used == ["F"]
    assert set(used) <= set(known["handled_in_code"])


def test_our_key_comes_after_the_one_that_moves_files() -> None:
    handlers = published("webhooks/rutorrent/autotools_setHandlers.php.txt").read_text()
    moving = set(re.findall(r"getOnFinishedCommand\(array\('(\w+)'", handlers))
    assert moving == {"automove"}
    key = re.search(r"event\.download\.finished,(\w+),", block("rTorrent and ruTorrent"))
    assert key is not None
    assert key[1] > f"{max(moving)}z"


def test_a_hook_loads_no_more_than_it_needs() -> None:
    code = (
        "import sys, izumi.main, izumi.commands.acquire;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"nats", "aiohttp", "av", "apprise", "prometheus_client"} & set(done)
