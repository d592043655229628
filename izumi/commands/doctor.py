"""`izumi doctor`: is this host fit for its configuration? One line a fact, and an exit code."""

import asyncio
import os
import platform
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from izumi import __version__, compose
from izumi.bus import binary as nats_server
from izumi.bus import provision
from izumi.commands.options import ConfigFile, load
from izumi.domain import render_log, video_codec
from izumi.domain.errors import ConfigError, IzumiError
from izumi.domain.probe import FontUse
from izumi.domain.profile import Profile
from izumi.media import binary as ffmpeg
from izumi.media import fonts, trials
from izumi.media.binary import Capabilities
from izumi.media.ffmpeg import Ffmpeg
from izumi.runtime.scratch import free_bytes
from izumi.runtime.telemetry import printable
from izumi.settings import Settings
from izumi.storage import roots
from izumi.storage.probe import probe
from izumi.storage.rclone import Rclone
from izumi.storage.rclone_binary import locate

Level = Literal["ok", "warn", "fail"]
_LOW_BYTES: Final = 10 << 30
_LETTERS: Final = "Aé泉いずみ门臺한"


class Finding(NamedTuple):
    """One line: how it is, what was looked at, what was seen."""

    level: Level
    topic: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:4}  {self.topic:24} {printable(self.text)}"


Check = Callable[[Settings], AsyncIterator[Finding]]


def doctor(*, config: ConfigFile = None) -> int:
    """Look at this host: versions, capabilities, locations, bus, space.

    One line for each fact; exit code 1 when one of them fails, 0 with warnings alone.

    Args:
        config: See below.
    """
    settings = load(config, level="error")
    return asyncio.run(_doctor(settings))


async def _doctor(settings: Settings) -> int:
    failed = False
    for check in (
        _python,
        _nats_server,
        _rclone,
        _ffmpeg,
        _profiles,
        _space,
        _watch,
        _secrets,
        _bus,
    ):
        try:
            async for finding in check(settings):
                print(finding, flush=True)
                failed = failed or finding.level == "fail"
        except (IzumiError, OSError) as exc:
            print(Finding("fail", check.__name__.strip("_").replace("_", "-"), str(exc)))
            failed = True
    return int(failed)


async def _python(_settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("ok", "izumi", f"{__version__} on Python {platform.python_version()}")


async def _nats_server(settings: Settings) -> AsyncIterator[Finding]:
    if settings.bus.embedded is None:
        return
    path = nats_server.locate(settings.bus.embedded)
    yield Finding("ok", "nats-server", f"{await nats_server.check_version(path)} at {path}")


async def _ffmpeg(settings: Settings) -> AsyncIterator[Finding]:
    found = await ffmpeg.examine(ffmpeg.locate(settings.ffmpeg))
    if found.missing:
        lacks = ", ".join(found.missing)
        level: Level = "fail" if settings.encoder else "warn"
        yield Finding(level, "ffmpeg", f"{found.version} at {found.path} lacks {lacks}")
    else:
        yield Finding("ok", "ffmpeg", f"{found.version} at {found.path}, libass and libx264 in it")


async def _profiles(settings: Settings) -> AsyncIterator[Finding]:
    """Every profile is tried on one frame, with each encoder that it names."""
    used = {name for group in settings.encoder.values() for name in group.profiles}
    names = sorted(used | settings.profile.keys())
    if not names:
        return
    found = await ffmpeg.examine(ffmpeg.locate(settings.ffmpeg))
    runner = Ffmpeg(found.path, settings.ffmpeg)
    with tempfile.TemporaryDirectory(prefix="izumi-doctor-") as folder:
        for name in names:
            async for finding in _profile(settings.encoding(name), name, found, runner, folder):
                yield finding
        for finding in await _fonts(settings, runner, Path(folder)):
            yield finding


async def _profile(
    profile: Profile, name: str, found: Capabilities, runner: Ffmpeg, folder: str
) -> AsyncIterator[Finding]:
    topic = f"profile.{name}"
    try:
        ffmpeg.able(found, profile, name)
    except ConfigError as exc:
        yield Finding("fail", topic, str(exc))
        return
    for encoder in video_codec.hardware(profile):
        why: str | None = "this ffmpeg was built without it"
        if encoder in found.encoders:
            why = await trials.refusal(runner, profile, encoder, Path(folder))
        if why is None:
            yield Finding("ok", topic, f"{encoder} encodes a frame here, and is used")
            return
        yield Finding("warn", topic, f"{encoder} is not used here: {why}")
    software = video_codec.software(profile)
    why = await trials.refusal(runner, profile, software, Path(folder))
    if why is not None:
        yield Finding("fail", topic, f"{software} encodes no frame here: {why}")
        return
    target = "" if profile.vmaf is None else f", libvmaf is there for vmaf = {profile.vmaf:g}"
    yield Finding("ok", topic, f"{software} encodes a frame here{target}")


async def _fonts(settings: Settings, runner: Ffmpeg, folder: Path) -> list[Finding]:
    """Letters of every script that subtitles of this house are in, drawn by libass."""
    uses = [FontUse(family="sans-serif", characters=_LETTERS)]
    env = fonts.prepare(folder, settings.state / "fontconfig")
    missing = render_log.missing(uses, await trials.glyph_sheet(runner, uses, folder, env=env))
    if missing:
        return [Finding("fail", "fonts", f"no font has a shape for {' '.join(missing.values())}")]
    return [Finding("ok", "fonts", "Latin, Japanese, Chinese and Korean are drawn")]


async def _rclone(settings: Settings) -> AsyncIterator[Finding]:
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with Rclone(settings.rclone, state=settings.state) as rclone:
        yield Finding("ok", "rclone", f"{rclone.version} at {locate(settings.rclone)}")
        for name, location in compose.locations(settings).items():
            for finding in await probe(rclone, location):
                yield Finding(finding.level, f"storage.{name}", finding.text)


async def _space(settings: Settings) -> AsyncIterator[Finding]:
    for topic, path in (("state", settings.state), ("scratch", compose.scratch_root(settings))):
        there = next(folder for folder in (path, *path.parents) if folder.is_dir())
        free = free_bytes(there)
        level: Level = "ok" if os.access(there, os.W_OK) else "fail"
        if level == "ok" and free < _LOW_BYTES and topic == "scratch" and settings.encoder:
            level = "warn"
        writable = "" if level != "fail" else ", not writable"
        yield Finding(level, topic, f"{free / 1e9:.1f} GB free at {there}{writable}")


async def _watch(settings: Settings) -> AsyncIterator[Finding]:
    for watch in settings.acquisition.watch if settings.acquisition else ():
        seen = roots.look(watch.path)
        if isinstance(seen, roots.Offline):
            yield Finding("fail", "watch", f"{watch.path}: {seen.reason}")
            continue
        kind = roots.kind_at(watch.path)
        how = "polled, since changes there are not told" if roots.polled(kind) else "watched"
        yield Finding("ok", "watch", f"{watch.path} ({kind or 'unknown file system'}, {how})")
        if watch.source != "keep" and not os.access(watch.path, os.W_OK):
            reason = f'not writable, which source = "{watch.source}" needs'
            yield Finding("fail", "watch", f"{watch.path}: {reason}")
        if watch.move_to is not None:
            fit = watch.move_to.is_dir() and os.access(watch.move_to, os.W_OK)
            reason = "files are moved there" if fit else "not there, or not writable"
            yield Finding("ok" if fit else "fail", "watch", f"{watch.move_to}: {reason}")


async def _secrets(settings: Settings) -> AsyncIterator[Finding]:
    for group, notifier in settings.notifier.items():
        for target in notifier.targets:
            topic = f"notifier.{group}"
            try:
                compose.check_target(settings, group, target)
            except IzumiError as exc:
                yield Finding("fail", topic, str(exc))
            else:
                yield Finding("ok", topic, f"target {target.name} is configured (not called)")
    for group, endpoints in settings.endpoints.items():
        for one in endpoints.everyone():
            topic = f"endpoints.{group}"
            try:
                compose.check_endpoint(group, one)
            except IzumiError as exc:
                yield Finding("fail", topic, str(exc))
            else:
                yield Finding("ok", topic, f"endpoint {one.name} is configured (not called)")


async def _bus(settings: Settings) -> AsyncIterator[Finding]:
    where = ", ".join(settings.bus.servers)
    if settings.bus.embedded is not None:
        where = f"the embedded server on port {settings.bus.embedded.port}"
    try:
        async with compose.bus(settings, name="izumi doctor", role="admin") as connected:
            changes = await provision.preview(
                connected.connection,
                compose.memberships(settings),
                replicas=settings.bus.replicas,
                ack_wait_s=settings.bus.ack_wait_s,
            )
    except IzumiError as exc:
        # An embedded server that is not up yet is no fault of the host.
        level: Level = "warn" if settings.bus.embedded else "fail"
        hint = "; `izumi up` starts it" if settings.bus.embedded else ""
        yield Finding(level, "bus", f"{where}: {exc}{hint}")
        return
    yield Finding("ok", "bus", f"{where} answers")
    for change in changes:
        if change.action == "impossible":
            yield Finding("fail", "bus", f"{change.kind} {change.name}: {change.reason}")
        elif change.action != "keep":
            text = f"{change.kind} {change.name}: to {change.action} (izumi-admin bus apply)"
            yield Finding("warn", "bus", text)
