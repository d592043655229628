"""The gateway as a process of the spring: what is accepted is done, whoever dies."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from izumi.bus.jetstream import JetStreamBus
from izumi.domain.events import Acquired, Distributed, Encoded, Notified
from izumi.media import samples
from tests.support import spring
from tests.support.gateway import Client, Reply, make_key
from tests.support.nats import NatsServer
from tests.support.spring import configure, ended, free_port, izumi, listener, until

pytestmark = pytest.mark.timeout(300)

UNITS = (
    '[encoder.main]\ndestinations = ["home"]\nnice = 0\nprofiles = ["quick"]\n'
    '[profile.quick]\npreset = "ultrafast"\n'
    '[distributor.main]\ndestinations = ["public"]\n[notifier.main]\nlog = true\n'
)


def gate(port: int) -> str:
    return f'[gateway]\nlisten = "127.0.0.1:{port}"\n'


async def answered(ask: Client, path: str, body: Mapping[str, object]) -> Reply:
    """The first answer; a gateway that starts, or was killed, is asked again."""
    async with asyncio.timeout(90):
        while True:
            try:
                return await ask.post(path, body)
            except (aiohttp.ClientError, ConnectionError):
                await asyncio.sleep(0.05)  # between looks


async def test_files_named_by_size_alone_are_encoded_distributed_and_told_of(
    tmp_path: Path,
) -> None:
    port, http = free_port(), free_port()
    config = configure(tmp_path / "a", port=port, extra=UNITS + gate(http))
    name = "Izumi no Uta - 01 [720p].mkv"
    made = await samples.make_sample(tmp_path / "making", name, seconds=2.0, height=180)
    folder = tmp_path / "library/seedbox/Airing/Izumi no Uta"
    folder.mkdir(parents=True)
    lies = Path(shutil.move(made, folder / name))
    body = {
        "show": "Izumi no Uta",
        "episode": name,
        "filesize": str(lies.stat().st_size),
        "sub": "SOFTSUB",
    }
    key = ended("keys", "add", "seedbox", "-c", config, program="izumi-admin").stdout.strip()
    with izumi("up", "-c", config, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            ask = Client(http, key)
            for path in ("/encode", "/notify", "/distribute", "/encode-hp"):
                answer = await answered(ask, path, body)
                assert (answer.status, answer.text) == (200, "Request accepted"), up.log
            # The softsub by request, the hardsub because it was made; each told.
            await until(bus, {Encoded: 1, Distributed: 2, Notified: 2}, up)
        assert up.end() == 0
    public = spring.files_below(tmp_path / "library/public")
    assert public == {
        "Airing/Izumi no Uta/Izumi no Uta - 01 [720p].mkv",
        "Airing [Hardsub]/Izumi no Uta/Izumi no Uta - 01 [720p].mp4",
    }


async def orders(bus: JetStreamBus) -> list[str]:
    return [entry.subject for entry in await bus.latest("izumi.do.>")]


@pytest.mark.parametrize("place", ["gateway.before_store", "gateway.after_store"])
async def test_a_gateway_killed_while_it_answers_loses_nothing_and_doubles_nothing(
    place: str, tmp_path: Path, nats_server: NatsServer
) -> None:
    http = free_port()
    config = configure(tmp_path / "a", port=nats_server.port, extra=gate(http), embedded=False)
    key = make_key(tmp_path / "a/state")
    env = {"IZUMI_FAILPOINTS": f"{place}=kill@3"}
    accepted = 0
    with izumi("run", "gateway", "-c", config, log=tmp_path / "a.log", env=env) as program:
        ask = Client(http, key)
        for number in range(5):
            body = {"show": "S", "episode": f"S - {number}.mkv", "filesize": 1, "sub": "softsub"}
            accepted += (await answered(ask, "/encode", body)).status == 200
        async with listener(nats_server.port) as bus:
            entries = await bus.latest("izumi.do.>")
        log = program.log
        program.end()
    assert accepted == 5
    names = sorted(json.loads(entry.data)["file"]["key"] for entry in entries)
    assert names == [f"S/S - {number}.mkv" for number in range(5)]
    assert len(entries) == 5
    assert "exit" in log or "instance" in log


async def test_a_file_that_sonarr_tells_of_twice_is_acquired_once_and_at_once(
    tmp_path: Path,
) -> None:
    port, http, watch = free_port(), free_port(), tmp_path / "watch"
    config = configure(
        tmp_path / "a",
        port=port,
        # Nothing but the hook makes anybody look.
        extra="[acquisition]\nsweep_s = 3600\n"
        f'[[acquisition.watch]]\npath = "{watch}"\ndestinations = ["seedbox"]\nquiet_s = 3600\n'
        f'{gate(http)}[[gateway.paths]]\ntheirs = "/tv"\nours = "{watch}"\n',
    )
    watch.mkdir()
    name = "Izumi no Uta - S01E01 [720p].mkv"
    made = await samples.make_sample(tmp_path / "making", name, seconds=2.0, height=180)
    ask = Client(http, make_key(tmp_path / "a/state", scopes=("acquire",)))
    series = {"path": "/tv/Izumi no Uta", "type": "anime"}
    path = f"{series['path']}/{name}"
    one = {"eventType": "Download", "series": series, "episodeFile": {"relativePath": name}}
    all_ = {"eventType": "Download", "series": series, "episodeFiles": [{"path": path}]}
    with izumi("up", "-c", config, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            answer = await answered(ask, "/sonarr", {"eventType": "Test"})
            assert (answer.status, answer.text[:5]) == (200, "Test:")
            (watch / "Izumi no Uta").mkdir()
            made.rename(watch / "Izumi no Uta" / name)
            told = [await ask.post("/sonarr", body) for body in (one, all_)]
            assert [answer.status for answer in told] == [200, 200], told
            hook = await ask("POST", "/hook", data={"path": path})
            assert hook.status == 202
            beside = await ask("POST", "/hook", data={"path": "/etc/passwd"})
            assert beside.status == 400
            assert "[[gateway.paths]]" in beside.text
            found = await until(bus, {Acquired: 1}, up)
        assert up.end() == 0
    assert len(found) == 1


async def test_hostile_crowds_cost_no_memory(tmp_path: Path, nats_server: NatsServer) -> None:
    http = free_port()
    config = configure(tmp_path / "a", port=nats_server.port, extra=gate(http), embedded=False)
    key = make_key(tmp_path / "a/state")
    body = {"show": "S", "episode": "S - 1.mkv", "filesize": 1, "sub": "softsub"}
    with izumi("run", "gateway", "--no-supervise", "-c", config, log=tmp_path / "log") as program:
        ask = Client(http, key)
        assert (await answered(ask, "/encode", body)).status == 200
        crowd = [await asyncio.open_connection("127.0.0.1", http) for _ in range(400)]
        for number, (_, writer) in enumerate(crowd):
            length = (11_000_000, 65_000, 60_000)[number % 3]
            head = f"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
            # The last kind sends ten requests at once.
            times = 10 if length == 60_000 else 1
            writer.write((head.encode() + b"x" * min(length, 64_000)) * times)
        assert (await answered(ask, "/encode", body)).status == 200
        status = Path(f"/proc/{program.process.pid}/status")
        if not status.exists():
            pytest.skip("this system does not tell the memory of a process")
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        assert int(peak.split()[1]) < 150_000, peak
        for _, writer in crowd:
            writer.close()
        assert program.end() == 0
    print(peak)
