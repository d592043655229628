"""The program as its users run it: processes, configuration files, and a look at their bus."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from izumi.bus import jetstream
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.settings import BusSettings
from izumi.domain import events
from izumi.domain.errors import BusUnavailable
from izumi.domain.events import Fact

LOCATIONS = ("seedbox", "home", "public", "private")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def configure(folder: Path, *, port: int, extra: str, embedded: bool = True) -> Path:
    """A configuration below `folder`, with four local locations beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder.parent / "library"
    bus = (
        f"[bus]\nack_wait_s = 2\n[bus.embedded]\nport = {port}\n"
        if embedded
        else f'[bus]\nack_wait_s = 2\nservers = ["nats://127.0.0.1:{port}"]\n'
    )
    storage = ""
    for name in LOCATIONS:
        (library / name).mkdir(parents=True, exist_ok=True)
        storage += f'[storage.{name}]\nremote = "{library / name}"\n'
    text = (
        f'state = "state"\nhost = "{folder.name}"\n{bus}'
        "[worker]\nkeep_free_bytes = 0\ndrain_s = 150\n"
        f"[anilist]\nenabled = false\n{storage}{extra}"
    )
    path = folder / "izumi.toml"
    path.write_text(text, "utf-8")
    return path


def watching(folder: Path, destination: str = "seedbox") -> str:
    """The table of a watch folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        "[acquisition]\nsweep_s = 1\n"
        f'[[acquisition.watch]]\npath = "{folder}"\ndestinations = ["{destination}"]\n'
        "quiet_s = 0.3\n"
    )


class Running:
    """One `izumi` process in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(90)


@contextlib.contextmanager
def izumi(*args: str | Path, log: Path, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """`izumi ARGS`, killed with everything below it when the block is left."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "izumi", *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=os.environ | dict(env or {}),
            start_new_session=True,
        )
    try:
        yield Running(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait(30)


def ended(*args: str | Path, program: str = "izumi") -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    module = (
        ["-m", "izumi"] if program == "izumi" else ["-c", "import izumi.main as m; m.run_admin()"]
    )
    return subprocess.run(
        [sys.executable, *module, *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextlib.asynccontextmanager
async def listener(port: int) -> AsyncIterator[JetStreamBus]:
    """A connection to the bus, once it is there."""
    settings = BusSettings(servers=(f"nats://127.0.0.1:{port}",))
    async with asyncio.timeout(60):
        while True:
            try:
                bus = await jetstream.connect(settings, name="test", wait_s=2)
                break
            except BusUnavailable:
                await asyncio.sleep(0.2)
    try:
        yield bus
    finally:
        await bus.aclose()


async def facts(bus: JetStreamBus) -> list[Fact]:
    """Every fact on the bus."""
    with contextlib.suppress(BusUnavailable):
        return [events.decode_fact(entry.data) for entry in await bus.latest("izumi.file.>")]
    return []


async def until(
    bus: JetStreamBus, wanted: Mapping[Any, int], *running: Running, within_s: float = 100
) -> Sequence[Fact]:
    """Wait for so many facts of each kind; a process that ends meanwhile is the failure."""
    found: list[Fact] = []
    try:
        async with asyncio.timeout(within_s):
            while True:
                found = await facts(bus)
                if all(sum(isinstance(f, k) for f in found) >= n for k, n in wanted.items()):
                    return found
                for program in running:
                    assert program.process.poll() is None, program.log[-3000:]
                await asyncio.sleep(0.1)
    except TimeoutError:
        logs = "\n".join(program.log[-3000:] for program in running)
        have = [type(fact).__name__ for fact in found]
        raise AssertionError(f"wanted {wanted}, have {have}\n{logs}") from None


def children_of(pid: int) -> list[int]:
    """Every process below `pid`, itself left out."""
    below = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in below.splitlines()]
    found, edge = [], [pid]
    while edge:
        parent = edge.pop()
        born = [child for child, of in pairs if of == parent]
        found += born
        edge += born
    return found


def is_gone(pid: int) -> bool:
    """Ended, or a zombie that nobody has asked about yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return status in {"Z", "X"}


def files_below(folder: Path) -> set[str]:
    """Every file below a folder, hidden ones too."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
