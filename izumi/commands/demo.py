"""`izumi demo`: three releases through the whole spring, on this machine, from nothing.

Everything lies below one folder (`.demo`): the watch folder, four storage locations, the
state. A repeat finds the work done and does it no second time.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from rich.console import Console
from rich.tree import Tree

from izumi import children, compose
from izumi import settings as settings_
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.children import Child
from izumi.domain import events
from izumi.domain.errors import BusUnavailable, IzumiError, ToolFailed
from izumi.domain.events import (
    Acquired,
    Answered,
    Distributed,
    Encoded,
    Fact,
    HeldFile,
    Notified,
    Progress,
)
from izumi.media import binary, samples
from izumi.media.settings import FfmpegSettings
from izumi.runtime import telemetry
from izumi.runtime.telemetry import printable
from izumi.settings import Settings


class Release(NamedTuple):
    """One file as strangers name them; `folder` is below the watch folder."""

    name: str
    folder: str = ""
    signs: bool = False
    cjk: bool = False


RELEASES: Final = (
    Release("[Seseragi] Izumi no Uta - 07v2 (720p) [1F2E3D4C].mkv"),
    Release("[泉水字幕组] 月之泉 - 03 [720p][简日双语].mkv", cjk=True),
    Release("Shizukana.Mizuumi.S02E05.720p.WEB-DL.AAC2.0.H.264-Yoake.mkv", signs=True),
)
GROUPS: Final = ("public", "private")
LOCATIONS: Final = ("seedbox", "home", "public-mirror", "private-vault")
UNITS: Final = 5
_DIALOGUE_AT_S: Final = "1.2"
_VISIBLE: Final = 100  # of 255: what white letters on a picture differ by
_STOP_GRACE_S: Final = 60.0

_CONFIG: Final = """\
# Written by `izumi demo`; everything on one machine, nothing leaves it.
state = "state"
host = "demo"

[log]
format = "console"

[bus.embedded]
port = {port}

[worker]
keep_free_bytes = 0

[storage.seedbox]
remote = "{base}/storage/seedbox"

[storage.home]
remote = "{base}/storage/home"

[storage.public-mirror]
remote = "{base}/storage/public-mirror"

[storage.private-vault]
remote = "{base}/storage/private-vault"

[acquisition]
sweep_s = 5

[[acquisition.watch]]
path = "watch"
destinations = ["seedbox"]
quiet_s = 1

[encoder.main]
destinations = ["home"]
nice = 0

[distributor.public]
destinations = ["public-mirror"]

[distributor.private]
destinations = ["private-vault"]

[notifier.main]
log = true
announce = ["acquired", "encoded"]

[anilist]
# No network is needed: news go out with plain names.
enabled = false
"""


def demo(
    *,
    folder: Path = Path(".demo"),
    timeout_s: float = 110.0,
) -> int:
    """Take three episodes through acquisition, encoder, distributors and notifier.

    Args:
        folder: Where everything lies; a repeat goes on from what is there.
        timeout_s: Give up when the work is not done by then.
    """
    telemetry.configure("error", "console")
    console = Console(highlight=False, soft_wrap=True)
    return asyncio.run(_demo(folder.absolute(), timeout_s, console))


async def _demo(base: Path, timeout_s: float, console: Console) -> int:
    began = time.monotonic()
    settings = _configure(base)
    await _make_releases(base / "watch", console)
    async with _spring(base, settings) as (up, bus):
        facts = await _work(bus, up, base, console, timeout_s)
        await _show(facts, base, console)
    console.print(f"\nDone in {time.monotonic() - began:.0f} s. Log: {base / 'izumi.log'}")
    return 0


def _configure(base: Path) -> Settings:
    base.mkdir(parents=True, exist_ok=True)
    (base / "watch").mkdir(exist_ok=True)
    for name in LOCATIONS:
        (base / "storage" / name).mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = base / "izumi.toml"
    path.write_text(_CONFIG.format(port=port, base=base), "utf-8")
    return settings_.load(path, environ={})


async def _make_releases(watch: Path, console: Console) -> None:
    for release in RELEASES:
        path = watch / release.folder / release.name
        if path.exists():
            console.print(f"release  {release.name} (there already)")
            continue
        await samples.make_sample(
            path.parent, release.name, signs_track=release.signs, cjk=release.cjk, height=720
        )
        console.print(f"release  {release.name}")


@contextlib.asynccontextmanager
async def _spring(base: Path, settings: Settings) -> AsyncIterator[tuple[Child, JetStreamBus]]:
    """`izumi up` as a process of its own, and a listener on its bus."""
    argv = [sys.executable, "-m", "izumi", "up", "--config", str(base / "izumi.toml")]
    with (base / "izumi.log").open("a", encoding="utf-8") as log:

        def keep(_stream: str, line: str) -> None:
            log.write(line + "\n")
            log.flush()

        up = await children.start(argv, env=dict(os.environ), on_line=keep, keep_bytes=0)
        try:
            async with _connected(settings, up) as bus:
                yield up, bus
        finally:
            await up.stop(_STOP_GRACE_S)


@contextlib.asynccontextmanager
async def _connected(settings: Settings, up: Child) -> AsyncIterator[JetStreamBus]:
    """The bus, once the server that `up` starts is there."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(60):
            _check_alive(up)
            try:
                bus = compose.bus(settings, name="izumi demo", role="admin")
                connected = await stack.enter_async_context(bus)
            except BusUnavailable:
                await asyncio.sleep(0.5)
                continue
            yield connected
            return
        raise BusUnavailable("the embedded bus did not come up")


def _check_alive(up: Child) -> None:
    if up.returncode is not None:
        last = up.stderr.strip().rpartition("\n")[2]
        raise ToolFailed(f"`izumi up` ended with {up.returncode}: {last}")


async def _work(
    bus: JetStreamBus, up: Child, base: Path, console: Console, timeout_s: float
) -> Sequence[Fact]:
    """Wait for every fact, with progress; fails on the first file that is held or given up."""
    there = len(await _facts(bus))
    listening = asyncio.create_task(_follow(bus, console))
    try:
        async with asyncio.timeout(timeout_s):
            # Also in a repeat: only units that run can show that they leave it alone.
            while missing := _missing(facts := await _facts(bus)) or await _absent(bus):
                _check_alive(up)
                await _check_trouble(bus, facts)
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise ToolFailed(f"after {timeout_s:.0f} s still missing: {missing}; see {base}") from None
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    done = len(facts)
    console.print(f"\n{done} facts on the bus, {done - there} of them new in this run.")
    return facts


async def _facts(bus: JetStreamBus) -> list[Fact]:
    try:
        return [events.decode_fact(entry.data) for entry in await bus.latest("izumi.file.>")]
    except IzumiError:
        # The streams are being made.
        return []


def _missing(facts: Sequence[Fact]) -> str:
    """What is still to come, in words; empty when everything is there."""
    files = len(RELEASES)
    wanted: dict[str, tuple[type[Fact], int]] = {
        "acquired": (Acquired, files),
        "encoded": (Encoded, files),
        "distributed": (Distributed, 2 * files * len(GROUPS)),
        "announced": (Notified, 2 * files),
    }
    have = {word: sum(isinstance(f, kind) for f in facts) for word, (kind, _) in wanted.items()}
    short = {word: count - have[word] for word, (_, count) in wanted.items()}
    return ", ".join(f"{count} {word}" for word, count in short.items() if count > 0)


async def _absent(bus: JetStreamBus) -> str:
    try:
        living = len(await bus.latest("izumi.node.>"))
    except BusUnavailable:
        living = 0
    return f"{UNITS - living} units" if living < UNITS else ""


async def _check_trouble(bus: JetStreamBus, facts: Sequence[Fact]) -> None:
    for fact in facts:
        if isinstance(fact, HeldFile):
            raise ToolFailed(f"{fact.unit} holds {fact.name}: {fact.reason}")
    with contextlib.suppress(BusUnavailable):
        for letter in await JetStreamDeadLetters(bus).entries():
            raise ToolFailed(f"{letter.unit}.{letter.group} gave up: {letter.reason}")


async def _follow(bus: JetStreamBus, console: Console) -> None:
    """Print facts as they come, and one line of progress that changes on a terminal."""
    with console.status("waiting for acquisition") as status:
        async for stored in bus.listen("izumi.>"):
            if stored.subject.startswith("izumi.file."):
                console.print(_line(events.decode_fact(stored.data)), markup=False)
            elif stored.subject.startswith("izumi.progress."):
                told = msgspec.json.decode(stored.data, type=Progress)
                share = "" if told.fraction is None else f" {told.fraction:4.0%}"
                status.update(printable(f"{told.unit} {told.step}{share} {told.detail}"))
                if not console.is_terminal and told.fraction is not None:
                    console.print(f"  {told.unit:12} {told.step}{share}", markup=False)


def _line(fact: Fact) -> str:
    match fact:
        case Acquired():
            return f"acquired     {fact.file.key}\n             from {printable(fact.release)}"
        case Encoded():
            return f"encoded      {fact.file.key}"
        case Distributed():
            return f"distributed  {fact.file.key} -> {fact.destination}"
        case Notified():
            return f"announced    {fact.file.key} ({', '.join(fact.targets)})"
        case HeldFile():
            return f"held         {fact.name}: {fact.reason}"
        case Answered():
            return f"{fact.answer:12} {fact.name} (by {fact.by})"


async def _show(facts: Sequence[Fact], base: Path, console: Console) -> None:
    console.print(_tree(base / "storage"))
    frame = base / "frame.png"
    hardsub = next(fact for fact in facts if isinstance(fact, Encoded))
    await _frame(base / "storage", hardsub, frame)
    console.print(f"\nA frame of {hardsub.file.key}, its text burnt in: {frame}", markup=False)
    announced = (base / "state" / "announcements.jsonl").read_text("utf-8").splitlines()
    console.print(f"\nThe {len(announced)} announcements, the last of them:")
    for line in msgspec.json.decode(announced[-1])["text"].split(" | "):
        console.print(f"  {line}", markup=False)


def _tree(folder: Path) -> Tree:
    tree = Tree(printable(folder.name) + "/", highlight=False)
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            tree.add(_tree(path))
        else:
            tree.add(
                f"{printable(path.name)}  {path.stat().st_size / 1e6:.1f} MB".replace("[", r"\[")
            )
    return tree


async def _frame(storage: Path, made: Encoded, png: Path) -> None:
    """Take a frame where someone speaks, and see that it differs from the source's.

    Raises:
        ToolFailed: ffmpeg refused, or no text can be seen.
    """
    ffmpeg = binary.locate(FfmpegSettings())
    hardsub = storage / "home" / "Airing [Hardsub]" / made.file.key
    softsub = storage / "seedbox" / "Airing" / made.origin.key
    argv: list[str | Path] = [ffmpeg, "-hide_banner", "-nostdin", "-y"]
    argv += ["-ss", _DIALOGUE_AT_S, "-i", f"file:{hardsub}"]
    argv += ["-ss", _DIALOGUE_AT_S, "-i", f"file:{softsub}"]
    graph = (
        "[0:v]format=yuv420p,split[shown][a];[1:v]format=yuv420p[b];[a][b]blend=all_mode=difference,"
        "signalstats,metadata=print:key=lavfi.signalstats.YMAX:file=-[difference]"
    )
    argv += ["-filter_complex", graph, "-map", "[shown]", "-frames:v", "1", str(png)]
    argv += ["-map", "[difference]", "-frames:v", "1", "-f", "null", "-"]
    done = await children.run(argv, deadline_s=60)
    if done.returncode != 0:
        raise ToolFailed(f"no frame of {made.file.key}: {done.stderr[-500:]}")
    brightest = max((int(n) for n in done.stdout.decode().split("YMAX=")[1:]), default=0)
    if brightest < _VISIBLE:
        raise ToolFailed(f"no text can be seen in {made.file.key}: {brightest} of 255 differs")
