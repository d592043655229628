"""How soon a whole file is on the bus, and what a sweep over many files takes.

    python -m benchmarks.acquisition [--rounds 7] [--files 50000] [--sweeps 100]

1. A completion hook, `izumi acquire`, is started as soon as a file of 100 MB is closed, with
   acquisition running; until `file.acquired` is stored on the bus. Local storage. Beside
   it, the least that anyone could do: `sha256sum` and `rclone copyto` of the same file.
   Bar: 1.5 times that, and 100 ms.
2. A hundred sweeps over 50,000 unchanged files, ledger included; beside it, a bare `os.walk`
   with `lstat`. Bars: 2 s each; no more objects alive at the end than at the beginning, up
   to one in a hundred; and no more than a tenth more of memory in the second half. (In the
   first half the allocator takes what it keeps.)

Exit code 1 when a bar is missed.
"""

import argparse
import asyncio
import contextlib
import gc
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import nats
import structlog
from nats.js.client import JetStreamContext

from izumi.media import binary
from izumi.media.settings import FfmpegSettings
from izumi.publishers.acquisition import AcquisitionSettings, WatchSettings
from izumi.publishers.acquisition.folder import Folder
from izumi.storage import rclone_binary
from izumi.storage.ledger import Ledger
from izumi.storage.settings import RcloneSettings

MB: Final = 1 << 20
BAR_TIMES: Final = 1.5
BAR_MORE_S: Final = 0.1
BAR_SWEEP_S: Final = 2.0
BAR_GROWTH: Final = 0.1
BAR_ALIVE: Final = 0.01
START_S: Final = 60.0
CONFIG: Final = """
state = "{base}/state"
[bus.embedded]
port = {port}
[anilist]
enabled = false
[acquisition]
sweep_s = 3600
[[acquisition.watch]]
path = "{base}/watch"
destinations = ["home"]
quiet_s = 3600
[storage.home]
remote = "{base}/home"
"""


class Sweep(NamedTuple):
    """Seconds, and afterwards: bytes of memory, and objects that are alive."""

    took_s: float
    memory: int
    alive: int


class Round(NamedTuple):
    """Seconds of one file."""

    ours: float
    theirs: float


def make_video(path: Path) -> None:
    """An episode of about 100 MB, with as many packets as one has."""
    ffmpeg = str(binary.locate(FfmpegSettings()))
    picture = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=24:d=34"]
    sound = ["-f", "lavfi", "-i", "sine=d=34"]
    rate = ["-b:v", "24M", "-minrate", "24M", "-maxrate", "24M", "-bufsize", "4M"]
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "nal-hrd=cbr", *rate]
    argv = [ffmpeg, "-v", "error", "-nostdin", *picture, *sound, *video, "-c:a", "aac", str(path)]
    subprocess.run(argv, check=True)


def put(video: bytes, number: int, watch: Path) -> Path:
    """Another content each time: an element of Matroska that says nothing is appended."""
    making = watch / ".making"
    making.write_bytes(video + b"\xec\x88" + f"{number:08}".encode())
    with making.open("rb") as file:
        os.fsync(file.fileno())
    path = watch / f"[Bench] Izumi no Uta - {number:02} [1080p].mkv"
    making.rename(path)
    return path


def theirs_s(path: Path, to: Path) -> float:
    """`sha256sum`, then `rclone copyto`."""
    rclone = str(rclone_binary.locate(RcloneSettings()))
    began = time.perf_counter()
    subprocess.run(["sha256sum", str(path)], check=True, stdout=subprocess.DEVNULL)
    argv = [rclone, "--config", "", "copyto", str(path), str(to / path.name)]
    subprocess.run(argv, check=True)
    return time.perf_counter() - began


async def ours_s(config: Path, path: Path, told: JetStreamContext.PushSubscription) -> float:
    """The hook, until the fact is stored."""
    argv = [sys.executable, "-m", "izumi", "acquire", "--no-wait", "-c", str(config), str(path)]
    began = time.perf_counter()
    hook = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.DEVNULL)
    await told.next_msg(timeout=START_S)
    took = time.perf_counter() - began
    if await hook.wait():
        raise RuntimeError("the hook failed")
    return took


@contextlib.contextmanager
def running(base: Path, port: int) -> Iterator[Path]:
    """`izumi up` with one watch folder; its configuration."""
    for name in ("watch", "home", "theirs"):
        (base / name).mkdir()
    config = base / "izumi.toml"
    config.write_text(CONFIG.format(base=base, port=port))
    argv = [sys.executable, "-m", "izumi", "up", "-c", str(config)]
    with (base / "log").open("wb") as log, subprocess.Popen(argv, stderr=log) as up:
        try:
            yield config
        finally:
            up.terminate()


async def listening(url: str) -> JetStreamContext.PushSubscription:
    """A subscription to what is acquired, once acquisition runs."""
    end = time.monotonic() + START_S
    while True:
        try:
            js = (await nats.connect(url, allow_reconnect=False, error_cb=_not_yet)).jetstream()
            await js.get_last_msg("IZUMI_NODES", "izumi.node.acquisition.*")
            return await js.subscribe("izumi.file.acquired.>", ordered_consumer=True)
        except (OSError, nats.errors.Error):
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)


async def _not_yet(_error: Exception) -> None:
    """The server is starting; without this, nats-py prints every refusal."""


async def hooks(base: Path, rounds: int) -> list[Round]:
    """The first round warms up, and does not count."""
    video = base / "video.mkv"
    make_video(video)
    data = video.read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    times = []
    with running(base, port) as config:
        told = await listening(f"nats://127.0.0.1:{port}")
        for number in range(rounds + 1):
            path = put(data, number, base / "watch")
            ours = await ours_s(config, path, told)
            os.sync()
            theirs = theirs_s(path, base / "theirs")
            os.sync()
            for done in (path, base / "theirs" / path.name):
                done.unlink()
            times.append(Round(ours, theirs))
    return times[1:]


def report_hooks(times: list[Round]) -> bool:
    """Print the table; whether the bar is held."""
    print("100 MB, completion hook to file.acquired   median s   (lowest .. highest)")
    for name, values in (
        ("izumi acquire", [one.ours for one in times]),
        ("sha256sum + rclone copyto", [one.theirs for one in times]),
    ):
        middle = statistics.median(values)
        print(f"  {name:40} {middle:8.2f}   ({min(values):.2f} .. {max(values):.2f})")
    ratio = statistics.median((one.ours - BAR_MORE_S) / one.theirs for one in times)
    held = ratio <= BAR_TIMES
    word = "held" if held else "MISSED"
    print(f"  (ours - {BAR_MORE_S:g} s) / theirs: {ratio:.2f} (bar {BAR_TIMES:g}) {word}")
    return held


def fill(root: Path, files: int) -> None:
    """Shows of a hundred episodes each."""
    for number in range(files):
        show = root / f"Show {number // 100}"
        show.mkdir(exist_ok=True)
        (show / f"[Bench] Show {number // 100} - {number % 100:02} [1080p].mkv").touch()


def bare_s(root: Path) -> float:
    """A look at every file, and nothing else."""
    began = time.perf_counter()
    for folder, _, names in os.walk(root):
        for name in names:
            os.lstat(f"{folder}/{name}")
    return time.perf_counter() - began


def memory_bytes() -> int:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def sweeps(base: Path, count: int) -> list[Sweep]:
    """Sweep so often; the first one, which is not counted, fills the ledger."""
    done: list[Sweep] = []
    async with await Ledger.own(base / "state") as ledger:
        folder = Folder(
            WatchSettings(path=base / "watch", destinations=("home",)),
            AcquisitionSettings(sweep_s=0.01),
            ledger,
            on_taken=lambda _: None,
            is_watched=lambda _root, _path: False,
        )
        running = asyncio.create_task(folder.run())
        seen = None
        while len(done) < count + 1:
            await asyncio.sleep(0.005)
            if running.done():
                running.result()
            if folder.health.swept_at != seen:
                seen = folder.health.swept_at
                gc.collect()
                done.append(Sweep(folder.health.sweep_s, memory_bytes(), sys.getallocatedblocks()))
        running.cancel()
        await asyncio.wait({running})
    return done[1:]


def report_sweeps(files: int, done: list[Sweep], bare: float) -> bool:
    """Print the table; whether the bars are held."""
    times = [sweep.took_s for sweep in done]
    middle = statistics.median(times)
    half, tenth = len(done) // 2, max(1, len(done) // 10)
    memory, before = done[-tenth:], done[half : half + tenth]
    growth = (
        statistics.median(s.memory for s in memory) / statistics.median(s.memory for s in before)
        - 1
    )
    alive = memory[-1].alive / done[0].alive - 1
    print(f"\n{files} unchanged files, {len(times)} sweeps")
    print(f"  {'a sweep':40} {middle:8.2f} s ({min(times):.2f} .. {max(times):.2f})")
    print(f"  {'os.walk and lstat':40} {bare:8.2f} s   ratio {middle / bare:.2f}")
    print(f"  {'memory; more in the second half':40} {memory[-1].memory / MB:8.1f} MB", end="")
    print(f"   {growth:+.2%}")
    print(f"  {'objects alive; more since the first':40} {memory[-1].alive:8}   {alive:+.2%}")
    held = middle <= BAR_SWEEP_S and growth <= BAR_GROWTH and alive <= BAR_ALIVE
    bars = f"{BAR_SWEEP_S:g} s, {BAR_GROWTH:.0%}, {BAR_ALIVE:.0%}"
    print(f"  bars {bars}: {'held' if held else 'MISSED'}")
    return held


def main() -> int:
    """Read the arguments, run, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--sweeps", type=int, default=100)
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    held = True
    if args.rounds:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            held &= report_hooks(asyncio.run(hooks(Path(folder), args.rounds)))
    if args.sweeps:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "watch"
            root.mkdir()
            fill(root, args.files)
            bare_s(root)
            bare = statistics.median(bare_s(root) for _ in range(5))
            done = asyncio.run(sweeps(Path(folder), args.sweeps))
            held &= report_sweeps(args.files, done, bare)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
