"""Requests of the earlier system: the gateway beside what that system was.

    python -m benchmarks.gateway [SECONDS]

The peer is a Flask development server that puts each request into a queue in memory, as the
earlier system did; one process each, the same client, a connection for each request, as old
requesters make them. The gateway answers only when the bus has it on disk (`sync_interval:
always`). Bars: at least as many accepts a second as the peer, and a p99 below 50 ms at 200
requests a second. Exit code 1 when one is missed.
"""

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp

CLIENTS: Final = 16
RATE: Final = 200
ROUNDS: Final = 3
BAR_RATIO: Final = 1.0
BAR_P99_S: Final = 0.050
KEY: Final = "benchmark-key"

PEER = """
import queue, sys
from flask import Flask, request
app, jobs = Flask(__name__), queue.Queue()
@app.route("/encode", methods=["POST"])
def encode():
    if request.headers.get("Authorization") != sys.argv[2]:
        return "Unauthorized request", 401
    body = request.get_json()
    jobs.put((body["show"], body["episode"], int(body["filesize"]), body["sub"]))
    return "Request accepted"
import logging; logging.getLogger("werkzeug").setLevel(logging.ERROR)
app.run(port=int(sys.argv[1]), threaded=True)
"""


class Run(NamedTuple):
    """Seconds that each answer took, and the time in which all came."""

    latencies_s: list[float]
    took_s: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.took_s

    @property
    def p99_s(self) -> float:
        """Only one in a hundred took longer."""
        return statistics.quantiles(self.latencies_s, n=100)[98]


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def process(*argv: str) -> Iterator[None]:
    """A program while the block runs."""
    running = subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(60)


class Client:
    """Sends requests that are all different."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/encode"
        self._number = 0
        self._session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Use it; returns when the server answers."""
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with aiohttp.ClientSession(connector=connector) as self._session:
            async with asyncio.timeout(60):
                while True:
                    with contextlib.suppress(aiohttp.ClientError):
                        await self.ask()
                        break
                    await asyncio.sleep(0.1)
            yield

    async def ask(self) -> float:
        """Seconds until a request was accepted."""
        assert self._session is not None  # noqa: S101 - `open` made it
        self._number += 1
        body = {
            "show": "Show",
            "episode": f"Show - {self._number:05} [1080p].mkv",
            "filesize": 1400000000,
            "sub": "softsub",
        }
        began = time.perf_counter()
        async with self._session.post(
            self._url, data=json.dumps(body), headers={"Authorization": KEY, **JSON}
        ) as response:
            text = await response.text()
            if (response.status, text) != (200, "Request accepted"):
                raise RuntimeError(f"{response.status} {text}")
        return time.perf_counter() - began


JSON: Final = {"Content-Type": "application/json"}


async def flat_out(client: Client, seconds: float) -> Run:
    """As many as `CLIENTS` at once get through."""
    began = time.perf_counter()
    latencies: list[float] = []

    async def one() -> None:
        while time.perf_counter() - began < seconds:
            latencies.append(await client.ask())

    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return Run(latencies, time.perf_counter() - began)


async def at_rate(client: Client, seconds: float) -> Run:
    """`RATE` a second, whatever the answers take; counted from when each was due."""
    began = time.perf_counter()

    async def one(due: float) -> float:
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        await client.ask()
        return time.perf_counter() - began - due

    dues = [number / RATE for number in range(round(RATE * seconds))]
    return Run(await asyncio.gather(*map(one, dues)), time.perf_counter() - began)


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[int]:
    """`izumi up` with a bus and a gateway; its port."""
    port = free_port()
    (folder / "auth.yml").write_text(f"bench: {KEY}\n")
    (folder / "izumi.toml").write_text(
        f'state = "state"\n[log]\nlevel = "warning"\n'
        f"[bus.embedded]\nport = {free_port()}\n"
        f'[gateway]\nlisten = "127.0.0.1:{port}"\nold_keys = "auth.yml"\n'
    )
    with process(sys.executable, "-m", "izumi", "up", "-c", str(folder / "izumi.toml")):
        yield port


@contextlib.contextmanager
def peer(_folder: Path) -> Iterator[int]:
    """A Flask development server; its port."""
    port = free_port()
    with process(sys.executable, "-c", PEER, str(port), KEY):
        yield port


async def measure(seconds: float) -> tuple[dict[str, list[float]], list[float], Run]:
    """Accepts a second of both, in turn; latencies at a rate, and the gateway's at that rate."""
    rates: dict[str, list[float]] = {"gateway": [], "flask": []}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with gateway(folder) as ours, peer(folder) as theirs:
            clients = {"gateway": Client(ours), "flask": Client(theirs)}
            async with clients["gateway"].open(), clients["flask"].open():
                for _ in range(ROUNDS):
                    for name, client in clients.items():
                        rates[name].append((await flat_out(client, seconds)).rate)
                paced = await at_rate(clients["gateway"], seconds * 2)
                other = await at_rate(clients["flask"], seconds * 2)
    return rates, [other.p99_s], paced


def main() -> int:
    """Measure, print, judge."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    rates, others, paced = asyncio.run(measure(seconds))
    ours, theirs = (statistics.median(rates[name]) for name in ("gateway", "flask"))
    print(f"accepts a second: gateway {ours:.0f} (on disk), Flask {theirs:.0f} (in memory)")
    print(f"ratio {ours / theirs:.2f}, bar {BAR_RATIO:.2f}")
    print(
        f"at {RATE} a second: gateway p99 {paced.p99_s * 1e3:.1f} ms "
        f"(bar {BAR_P99_S * 1e3:.0f}), Flask {others[0] * 1e3:.1f} ms"
    )
    return int(ours / theirs < BAR_RATIO or paced.p99_s > BAR_P99_S)


if __name__ == "__main__":
    sys.exit(main())
