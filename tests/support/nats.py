"""Real nats-servers for tests: each on a free port of loopback, with a store of its own.

A server starts in some twenty milliseconds, so every test gets one: nothing leaks from
test to test, and a test may kill, freeze and restart it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BINARY = Path(sys.executable).with_name("nats-server")
START_S = 20.0


class NatsServer:
    """One nats-server process. `url` stays the same over restarts."""

    def __init__(
        self, folder: Path, *, config: str = "", name: str = "test", max_file: str = "8G"
    ) -> None:
        self._folder = folder
        self._config = config
        self.name = name
        self._max_file = max_file
        self._process: subprocess.Popen[bytes] | None = None
        self._port = -1
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def start(self) -> None:
        """Start it, and return when it takes connections and JetStream is ready."""
        assert self._process is None
        path = self._folder / "nats.conf"
        path.write_text(
            f"server_name: {self.name}\n"
            f"listen: 127.0.0.1:{self._port}\n"
            f"ports_file_dir: {json.dumps(str(self._folder))}\n"
            f"jetstream {{ store_dir: {json.dumps(str(self._folder / 'store'))}\n"
            f"  max_mem: 256M, max_file: {self._max_file}, sync_interval: always }}\n"
            f"{self._config}\n"
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([BINARY, "-c", path], stdout=log, stderr=log)
        self._port = self._ready(self._process)

    def _ready(self, process: subprocess.Popen[bytes]) -> int:
        ports = self._folder / f"{BINARY.name}_{process.pid}.ports"
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert process.poll() is None, f"nats-server ended:\n{self.log()}"
            with contextlib.suppress(OSError, ValueError):
                found = json.loads(ports.read_bytes())
                return int(found["nats"][0].rsplit(":", 1)[1])
            time.sleep(0.005)
        raise AssertionError(f"nats-server was not ready in {START_S} s:\n{self.log()}")

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """Stop it where it stands; returns when it does."""
        self.send(signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and wait; nothing happens when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def kill(self) -> None:
        """End it as a crash would."""
        self.stop(signal.SIGKILL)


@contextlib.contextmanager
def running(folder: Path, *, config: str = "", max_file: str = "8G") -> Iterator[NatsServer]:
    """A server while the block runs; `config` is added to its configuration file."""
    server = NatsServer(folder, config=config, max_file=max_file)
    server.start()
    try:
        yield server
    finally:
        server.kill()  # a tenth of a second faster than asking


@contextlib.contextmanager
def clustered(folder: Path, count: int = 3) -> Iterator[list[NatsServer]]:
    """Servers of one cluster while the block runs. It has no leader yet at first."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        ports = [listener.getsockname()[1] for listener in sockets]
    routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in ports)
    servers = [
        NatsServer(
            folder / f"n{number}",
            name=f"n{number}",
            config=f"cluster {{ name: test, listen: 127.0.0.1:{port}, routes: [{routes}] }}",
        )
        for number, port in enumerate(ports)
    ]
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.kill()


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A real server of this test's own, without streams."""
    with running(tmp_path / "nats") as server:
        yield server
