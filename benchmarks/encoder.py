"""What an encode job costs above the bare ffmpeg command, and how quick its preflight is.

    python -m benchmarks.encoder [SECONDS] [ROUNDS]

A file of SECONDS (120) of 1080p is encoded, ROUNDS (3) times each in turns, by the bare
ffmpeg with the job's own arguments, and as a whole job: fetched from storage by rclone,
hashed, probed, planned, preflighted, encoded, proved, stored and proved there. Bar: the
quickest job takes at most 1.10 times the quickest bare command. Processor time is told
beside it: on a machine that does other things it says more. Then the preflight of a
source of 1.4 GB in the page cache; bar: 2 s. Exit code 1 when one is missed.
"""

import asyncio
import datetime as dt
import hashlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from izumi.consumers.encoder import Encoder
from izumi.consumers.encoder_settings import EncoderSettings
from izumi.domain import encode_plan
from izumi.domain.encode_plan import SOURCE
from izumi.domain.events import Acquired, Encoded, Episode, Fact, File
from izumi.domain.profile import Profile
from izumi.media import binary, samples
from izumi.media.fonts import SHIPPED
from izumi.media.settings import FfmpegSettings
from izumi.media.transcoder import FfmpegTranscoder
from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from izumi.storage.store import RcloneStore

BAR_RATIO = 1.10
BAR_PREFLIGHT_S = 2.0
LARGE_BYTES = 1_400_000_000
KEY = "The Spring/The Spring - 01 [1080p].mkv"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Job:
    """A job context that keeps nothing and times its steps."""

    unit, group, instance, job = "encoder", "main", "benchmark", "benchmark"
    attempt = 1
    lost = False

    def __init__(self, scratch: Path, number: int) -> None:
        self.scratch = scratch
        self.token = f"benchmark-{number}"
        self.checkpoint: Mapping[str, Any] = {}
        self.began: dict[str, float] = {}

    def report(self, step: str, *_: object) -> None:
        """Note when a step began."""
        self.began.setdefault(step, time.monotonic())

    async def save(self, checkpoint: Mapping[str, Any], facts: Sequence[Fact] = ()) -> None:
        """Nothing outlives a benchmark."""

    async def still_ours(self) -> None:
        """Nobody else is there."""

    async def reserve(self, size_bytes: int) -> None:
        """There is room."""


class Took(NamedTuple):
    """Seconds on the clock, and of this process and its children on processors."""

    wall_s: float
    busy_s: float

    def since(self, began: "Took") -> "Took":
        """What passed."""
        return Took(self.wall_s - began.wall_s, self.busy_s - began.busy_s)


def now() -> Took:
    """Both clocks."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Took(time.monotonic(), sum(one.ru_utime + one.ru_stime for one in used))


class Bench(NamedTuple):
    """The tools, and the file."""

    base: Path
    source: Path
    fact: Acquired
    ffmpeg: Path
    media: FfmpegTranscoder
    encoder: Encoder

    async def job(self, number: int) -> tuple[Took, dict[str, float], Fact]:
        """What a whole job takes, seconds of its steps, and what came of it."""
        for name in ("out", f"job{number}"):
            shutil.rmtree(self.base / name, ignore_errors=True)
            (self.base / name).mkdir()
        job = Job(self.base / f"job{number}", number)
        began = now()
        (made,) = await self.encoder(self.fact, job)
        took = now().since(began)
        times = [*job.began.values(), time.monotonic()]
        steps = {name: times[n + 1] - times[n] for n, name in enumerate(job.began)}
        shutil.rmtree(job.scratch)
        return took, steps, made

    async def folder(self, source: Path, name: str) -> Path:
        """A job's folder with a source in it, outside of any job."""
        folder = self.base / name
        folder.mkdir()
        (folder / SOURCE).hardlink_to(source)
        return folder

    async def plan(self, folder: Path) -> encode_plan.Plan:
        """What the job would do."""
        probe = await self.media.examine(folder)
        return encode_plan.make_plan(
            probe, self.encoder.profiles["hardsub"], profile_name="hardsub", title="Title"
        )


async def bare(bench: Bench, plan: encode_plan.Plan, folder: Path) -> Took:
    """What ffmpeg alone takes, with the arguments of the job and its fonts."""
    argv: list[str | Path] = [bench.ffmpeg, *bench.media.argv(plan)]
    began = now()
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=folder,
        env={"FONTCONFIG_FILE": str(folder / "fonts.conf")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if await process.wait():
        raise SystemExit("the bare command failed")
    return now().since(began)


async def ratio(bench: Bench, rounds: int) -> float:
    """How many times the bare command a whole job takes: the quickest of each."""
    folder = await bench.folder(bench.source, "bare")
    plan = await bench.plan(folder)
    bares: list[Took] = []
    jobs: list[Took] = []
    for number in range(rounds):
        bares.append(await bare(bench, plan, folder))
        took, steps, made = await bench.job(number)
        jobs.append(took)
        shares = ", ".join(f"{name} {s:.1f}" for name, s in steps.items())
        alone = bares[-1]
        print(f"bare {alone.wall_s:6.1f} s   job {took.wall_s:6.1f} s   ({shares})", flush=True)
    if isinstance(made, Encoded):
        print(f"output {made.file.size / 1e6:.1f} MB")
    for number, words in enumerate(("clock", "processors")):
        pairs = [job[number] / alone[number] for job, alone in zip(jobs, bares, strict=True)]
        quickest = min(job[number] for job in jobs) / min(alone[number] for alone in bares)
        print(
            f"by the {words}: {min(pairs):.3f} to {max(pairs):.3f},"
            f" median {statistics.median(pairs):.3f}, quickest of each {quickest:.3f}"
        )
    return min(job.wall_s for job in jobs) / min(alone.wall_s for alone in bares)


async def preflight(bench: Bench) -> float:
    """Seconds from a source that lies there to the decision to encode it."""
    large = bench.base / "large.mkv"
    film_bytes = bench.source.stat().st_size - SHIPPED.stat().st_size
    times = int(LARGE_BYTES / film_bytes)
    making = await asyncio.create_subprocess_exec(
        *(bench.ffmpeg, "-v", "error", "-stream_loop", str(times), "-i", bench.source),
        *("-i", bench.source, "-map", "0:v", "-map", "0:a", "-map", "1:s", "-map", "1:t"),
        *("-c", "copy", large),
    )
    if await making.wait():
        raise SystemExit("no large file was made")
    folder = await bench.folder(large, "large")
    large.read_bytes()
    took = []
    for _ in range(3):
        began = time.monotonic()
        probe = await bench.media.examine(folder)
        plan = encode_plan.make_plan(
            probe, bench.encoder.profiles["hardsub"], profile_name="hardsub", title="Title"
        )
        await bench.media.preflight(plan, probe, folder)
        took.append(time.monotonic() - began)
    each = ", ".join(f"{one:.2f}" for one in took)
    print(f"preflight of {large.stat().st_size / 1e9:.2f} GB: {each} s", flush=True)
    return min(took)


async def make_bench(base: Path, seconds: float, rclone: Rclone) -> Bench:
    """Make the file and the tools."""
    (base / "near" / "Airing" / "The Spring").mkdir(parents=True)
    source = base / "near" / "Airing" / KEY
    episode = samples.episode(seconds=seconds, height=1080)
    # Grain and a bit rate as of a real release.
    grainy = msgspec.structs.replace(
        episode,
        filters="noise=alls=4:allf=t,format=yuv420p",
        video=("-c:v", "libx264", "-preset", "veryfast", "-b:v", "8M"),
    )
    await samples.make(grainy, source)
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name = File(key=KEY, size=source.stat().st_size, sha256=digest, sub="softsub")
    fact = Acquired(file=name, episode=Episode(show="The Spring"), sources=("near",), at=NOW)
    capabilities = await binary.examine(binary.locate(FfmpegSettings()))
    media = FfmpegTranscoder(capabilities, FfmpegSettings(), cache=base / "fontconfig")
    places = {place: Location(name=place, remote=str(base / place)) for place in ("near", "out")}
    encoder = Encoder(
        settings=EncoderSettings(destinations=("out",)),
        profiles={"hardsub": Profile()},
        locations=places,
        store=RcloneStore(rclone),
        transcoder=media,
        host="here",
        now=lambda: NOW,
    )
    print(f"source {seconds:g} s of 1080p, {name.size / 1e6:.1f} MB", flush=True)
    return Bench(base, source, fact, capabilities.path, media, encoder)


async def measure(base: Path, seconds: float, rounds: int) -> int:
    """Print the table; exit code."""
    async with Rclone(RcloneSettings(), state=base) as rclone:
        bench = await make_bench(base, seconds, rclone)
        preflight_s = await preflight(bench)
        costs = await ratio(bench, rounds)
    for name, value, bar in (
        ("job / bare ffmpeg", costs, BAR_RATIO),
        ("preflight, s", preflight_s, BAR_PREFLIGHT_S),
    ):
        print(f"{name:24} {value:6.3f}   bar {bar:.2f}   {'ok' if value <= bar else 'MISSED'}")
    return int(costs > BAR_RATIO or preflight_s > BAR_PREFLIGHT_S)


def main() -> int:
    """Run it in a folder of its own."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(prefix="izumi-bench-") as folder:
        return asyncio.run(measure(Path(folder), seconds, rounds))


if __name__ == "__main__":
    sys.exit(main())
