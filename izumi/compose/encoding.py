"""The transcoder of an encoder group, and of a single file without one."""

from collections.abc import Callable, Mapping

import msgspec

from izumi.consumers.encoder_settings import EncoderSettings
from izumi.domain import hours
from izumi.domain.profile import Profile
from izumi.media import binary
from izumi.media.transcoder import FfmpegTranscoder
from izumi.runtime.worker import utcnow
from izumi.settings import Settings


async def transcoder(
    settings: Settings,
    limits: EncoderSettings,
    profiles: Mapping[str, Profile],
    *,
    paused: Callable[[], bool] | None = None,
) -> FfmpegTranscoder:
    """An ffmpeg that can do what the profiles want, within the limits of a group.

    Args:
        settings: The configuration.
        limits: Of the group.
        profiles: By name.
        paused: While it says so, what runs is frozen; None where that never is.

    Raises:
        ConfigError: This ffmpeg lacks something; the text says what.
        ToolFailed: It does not run on this host.
    """
    found = binary.usable(await binary.examine(binary.locate(settings.ffmpeg)))
    for name, profile in profiles.items():
        binary.able(found, profile, name)
    ffmpeg = settings.ffmpeg
    if limits.memory_mb is not None:
        ffmpeg = msgspec.structs.replace(ffmpeg, memory_mb=limits.memory_mb)
    return FfmpegTranscoder(
        found,
        ffmpeg,
        cache=settings.state / "fontconfig",
        threads=limits.threads,
        nice=limits.nice,
        stall_s=limits.stall_s,
        limit_s=None if limits.limit_h is None else limits.limit_h * 3600,
        paused=paused if limits.hours else None,
    )


def may_work(said: str) -> Callable[[], bool]:
    """Whether now is within hours of a configuration, by this host's own clock and zone."""
    if not said:
        return lambda: True
    range_ = hours.parse(said)
    return lambda: range_.open_at(utcnow().astimezone())
