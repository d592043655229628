"""Which ffmpeg runs here, and whether it can do the work."""

import os
import re
from pathlib import Path

import imageio_ffmpeg
import msgspec

from izumi import children
from izumi.domain import video_codec
from izumi.domain.errors import ConfigError, ToolFailed
from izumi.domain.profile import Profile
from izumi.media.settings import FfmpegSettings

NEEDED_FILTERS = ("ass", "bwdif", "scale", "setparams", "tonemap", "zscale")
NEEDED_ENCODERS = ("libx264", "aac")


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an ffmpeg says of itself.

    Attributes:
        version: As it prints it; recorded with every file that it made.
        missing: Names of needed filters and encoders that it was built without.
        encoders: Names of all encoders that it was built with.
        vmaf: It can tell how good an encode is.
    """

    path: Path
    version: str
    missing: tuple[str, ...]
    encoders: frozenset[str] = frozenset()
    vmaf: bool = False


def locate(settings: FfmpegSettings) -> Path:
    """The configured ffmpeg, else the bundled one, else the one in PATH.

    Raises:
        ConfigError: There is none, or the configured path is no program.
    """
    if settings.path is None:
        # Not `get_ffmpeg_exe()`: that one starts the program to try it.
        folder = Path(imageio_ffmpeg.__file__).with_name("binaries")
        bundled = sorted(path for path in folder.glob("ffmpeg-*") if os.access(path, os.X_OK))
        if bundled:
            return bundled[-1]
    return children.locate("ffmpeg", settings.path, key="ffmpeg.path")


async def examine(path: Path) -> Capabilities:
    """Ask the program for its version and what it was built with; under a second.

    Raises:
        ToolFailed: It does not run on this host.
    """
    banner = await _ask(path, "-version")
    match = re.match(r"ffmpeg version (\S+)", banner)
    if match is None:
        raise ToolFailed(f"{path} is no ffmpeg: it says {banner[:80]!r}", host=True)
    filters = _names(await _ask(path, "-hide_banner", "-filters"))
    encoders = _names(await _ask(path, "-hide_banner", "-encoders"))
    missing = [name for name in NEEDED_FILTERS if name not in filters]
    missing += [name for name in NEEDED_ENCODERS if name not in encoders]
    return Capabilities(
        path=path,
        version=match[1],
        missing=tuple(missing),
        encoders=frozenset(encoders),
        vmaf="libvmaf" in filters,
    )


def able(capabilities: Capabilities, profile: Profile, name: str) -> None:
    """Return when the profile can be carried out.

    Raises:
        ConfigError: Names what is missing and the way out.
    """
    encoder = video_codec.software(profile)
    lacks = [] if encoder in capabilities.encoders else [encoder]
    if profile.vmaf is not None and not capabilities.vmaf:
        lacks.append("libvmaf")
    if lacks:
        raise ConfigError(
            f"[profile.{name}] needs {' and '.join(lacks)}, and {capabilities.path} was built "
            "without; leave ffmpeg.path out to use the bundled one, or change the profile"
        )


def usable(capabilities: Capabilities) -> Capabilities:
    """The same, when nothing is missing.

    Raises:
        ConfigError: Names what is missing and the way out.
    """
    if capabilities.missing:
        raise ConfigError(
            f"{capabilities.path} (version {capabilities.version}) was built without "
            f"{', '.join(capabilities.missing)}; leave ffmpeg.path out to use the bundled one"
        )
    return capabilities


def _names(listing: str) -> set[str]:
    """Second column of `-filters` and `-encoders`."""
    return {words[1] for line in listing.splitlines() if len(words := line.split()) > 2}


async def _ask(path: Path, *args: str) -> str:
    done = await children.run([path, *args], deadline_s=60)
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise ToolFailed(f"{path} {' '.join(args)} ended with {done.returncode}: {last}", host=True)
    return done.stdout.decode("utf-8", "replace")
