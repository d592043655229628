"""`izumi encode`: one file, without a bus, by the encoder's own code."""

import asyncio
import os
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import Parameter

from izumi import compose
from izumi.commands.options import ConfigFile, load_or_default
from izumi.commands.progress import progress
from izumi.consumers.encoder_settings import EncoderSettings
from izumi.domain import encode_plan, sidecars
from izumi.domain.encode_plan import OUTPUT, SOURCE, Plan
from izumi.domain.errors import Held, UserError
from izumi.domain.profile import Profile
from izumi.domain.sidecars import Sidecar
from izumi.media.ports import OnEncoded
from izumi.media.transcoder import FfmpegTranscoder
from izumi.runtime.telemetry import printable
from izumi.settings import Settings

_MAKING = ".izumi-encode-"
_CLOCK = re.compile(r"(?:(?:(?P<h>\d{1,2}):)?(?P<m>[0-5]?\d):)?(?P<s>[0-5]?\d(?:\.\d+)?)", re.ASCII)
_SECONDS = re.compile(r"(?P<s>\d{1,6}(?:\.\d+)?)", re.ASCII)

ProfileName = Annotated[
    str, Parameter(name=["--profile", "-p"], help="A [profile.NAME] of the configuration.")
]
Out = Annotated[
    Path | None,
    Parameter(name=["--out", "-o"], help="Where to; beside the file when left out."),
]
ShowPlan = Annotated[
    bool, Parameter(name="--plan", negative="", help="Explain what would be done, and stop.")
]
Preview = Annotated[
    bool, Parameter(name="--preview", negative="", help="Make a PNG of one picture instead.")
]
At = Annotated[str, Parameter(name="--at", help="Moment of the preview, as 00:03:10 or 190.")]


def encode(
    file: Path,
    *,
    profile: ProfileName = "hardsub",
    out: Out = None,
    plan: ShowPlan = False,
    preview: Preview = False,
    at: At = "",
    threads: int = 0,
    nice: int = 0,
    config: ConfigFile = None,
) -> int:
    """Encode one file as the encoder would, every proof included; no bus is needed.

    Nothing is ever overwritten. A file that a person has to decide about is not encoded:
    the reason is printed, and the exit code is 1.

    Args:
        file: What to encode.
        profile: See below.
        out: See below.
        plan: See below.
        preview: See below.
        at: See below.
        threads: Of decoder, filters and encoder each; 0: as many as there are cores.
        nice: Added to the niceness, 0 to 19.
        config: See below; without a file the defaults hold.
    """
    if plan and preview:
        raise UserError("--plan and --preview are asked for at once; leave one out")
    if at and not preview:
        raise UserError("--at names the moment of a preview; add --preview, or leave it out")
    settings = load_or_default(config)
    asked = _Asked(file.absolute(), profile, _profile(settings, profile), out, at)
    asked.check(".png" if preview else None if plan else ".mp4")
    try:
        limits = EncoderSettings(destinations=("here",), threads=threads, nice=nice)
    except ValueError as exc:
        raise UserError(str(exc)) from exc
    work = _plan if plan else _preview if preview else _encode
    return asyncio.run(_interruptible(_run(settings, limits, asked, work)))


class _Asked(NamedTuple):
    """What the command line says."""

    file: Path
    name: str
    profile: Profile
    out: Path | None
    at: str

    def check(self, suffix: str | None) -> None:
        """Raise UserError for what cannot be done; None: nothing will be made."""
        if not self.file.is_file():
            raise UserError(f"{self.file} is no file")
        seconds(self.at)
        if suffix is None:
            return
        target = self.target(suffix)
        if os.path.lexists(target):
            raise UserError(f"{target} is there already, and nothing is overwritten; see --out")
        if not target.parent.is_dir():
            raise UserError(f"{target.parent} is no folder; make it first")

    def target(self, suffix: str) -> Path:
        """Where the result goes."""
        if self.out is not None:
            return self.out.absolute()
        if suffix == ".png":
            moment = self.at.replace(":", ".") or "0"
            return self.file.with_name(f"{self.file.stem} {moment}{suffix}")
        made = self.file.with_name(f"{self.file.stem}{self.profile.suffix}{suffix}")
        # An MP4 would be its own hardsub.
        return made if made != self.file else made.with_name(f"{made.stem} [Hardsub]{suffix}")


class _Bench(NamedTuple):
    """Everything for one file; its folder lies beside the result, on one file system."""

    asked: _Asked
    media: FfmpegTranscoder
    folder: Path

    async def plan(self, told: OnEncoded) -> Plan:
        """The plan as this host carries it out; what spoils it is found now."""
        told(0.0, "")
        beside = _link_source(self.asked.file, self.folder)
        probe = await self.media.examine(self.folder, beside)
        plan = encode_plan.make_plan(
            probe,
            self.asked.profile,
            profile_name=self.asked.name,
            title=self.asked.target(".mp4").stem,
            show=self.asked.file.parent.name,
        )
        found = await self.media.preflight(plan, probe, self.folder)
        plan.recipe.update(found)
        return plan


async def _encode(bench: _Bench) -> int:
    target = bench.asked.target(".mp4")
    with progress(bench.asked.file.name) as told:
        plan = await bench.plan(told("examining"))
        plan = await bench.media.settle(plan, bench.folder, told("choosing"))
        await bench.media.encode(plan, bench.folder, told("encoding"))
        await bench.media.prove(plan, bench.folder, told("proving"))
    place(bench.folder / OUTPUT, target)
    print(target)
    return 0


async def _plan(bench: _Bench) -> int:
    with progress(bench.asked.file.name) as told:
        plan = await bench.plan(told("examining"))
        plan = await bench.media.settle(plan, bench.folder, told("choosing"))
    for line in encode_plan.explain(plan):
        print(line)
    for one in plan.recipe.get("substituted_fonts", []):
        print(f"fonts: {one['wanted']} is not there; {one['used']} stands for it")
    for encoder, why in plan.recipe["video"].get("refused", {}).items():
        print(f"picture: not {encoder}: {why}")
    print(f"output: {bench.asked.target('.mp4')}")
    print(f"command: {shlex.join(['ffmpeg', *bench.media.argv(plan)])}")
    return 0


async def _preview(bench: _Bench) -> int:
    target = bench.asked.target(".png")
    at_s = seconds(bench.asked.at)
    with progress(bench.asked.file.name) as told:
        plan = await bench.plan(told("examining"))
        if at_s > plan.duration_s:
            raise UserError(f"--at {bench.asked.at} is after the end, {plan.duration_s:.1f} s")
        picture = await bench.media.preview(plan, bench.folder, at_s)
    place(picture, target)
    print(target)
    return 0


async def _run(
    settings: Settings,
    limits: EncoderSettings,
    asked: _Asked,
    work: Callable[[_Bench], Awaitable[int]],
) -> int:
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    media = await compose.transcoder(settings, limits, {asked.name: asked.profile})
    with _folder(asked.target(".mp4").parent) as folder:
        try:
            return await work(_Bench(asked, media, Path(folder)))
        except Held as exc:
            for name, fact in exc.facts.items():
                print(f"{name}: {printable(fact)}", file=sys.stderr)
            raise


def _folder(beside: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder to work in, gone when it is left.

    Raises:
        UserError: Nothing can be written there.
    """
    try:
        return tempfile.TemporaryDirectory(prefix=_MAKING, dir=beside)
    except OSError as exc:
        raise UserError(
            f"{beside} cannot be written to ({exc.strerror}); name another place with --out"
        ) from exc


async def _interruptible(work: Coroutine[Any, Any, int]) -> int:
    """SIGTERM ends it as Ctrl-C does: children first, then what they wrote."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _link_source(file: Path, folder: Path) -> list[Sidecar]:
    """Put the file, and the subtitles beside it, into the folder under names of our own."""
    beside = sidecars.beside(file.name, [path.name for path in file.parent.iterdir()])
    read = [sidecar for sidecar in beside if sidecar.read]
    names = {sidecars.own_name(number, one): one.name for number, one in enumerate(read)}
    for own, name in {SOURCE: file.name, **names}.items():
        source, link = file.with_name(name).resolve(), folder / own
        try:
            os.link(source, link)
        except OSError:  # another file system, or one without hard links
            link.symlink_to(source)
    return beside


def place(made: Path, target: Path) -> None:
    """Give a finished file its name; what lies there already is never touched.

    Raises:
        UserError: Something came to lie there meanwhile.
    """
    try:
        try:
            os.link(made, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            with target.open("xb"):
                pass
            made.replace(target)
    except FileExistsError:
        raise UserError(f"{target} came to be meanwhile, and nothing is overwritten") from None


def seconds(text: str) -> float:
    """A moment of a film, written as 190, 190.5, 3:10 or 00:03:10.

    Raises:
        UserError: It is none.
    """
    match = _CLOCK.fullmatch(text or "0") or _SECONDS.fullmatch(text)
    if match is None:
        raise UserError(f"--at {text!r} is no moment; write it like 00:03:10, or in seconds")
    said = match.groupdict(default="0")
    return int(said.get("h", 0)) * 3600 + int(said.get("m", 0)) * 60 + float(said["s"])


def _profile(settings: Settings, name: str) -> Profile:
    known = sorted({*settings.profile, "hardsub"})
    if name not in known:
        raise UserError(f"there is no [profile.{name}]; known are {', '.join(known)}")
    return settings.encoding(name)
