"""Options that most commands have, and what follows from them."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from izumi import settings as settings_
from izumi.runtime import telemetry
from izumi.settings import Settings

ConfigFile = Annotated[
    Path | None,
    Parameter(
        name=["--config", "-c"],
        help="Configuration file; else $IZUMI_CONFIG, ./izumi.toml, "
        "~/.config/izumi/izumi.toml, /etc/izumi/izumi.toml.",
    ),
]


def load_or_default(config: Path | None) -> Settings:
    """As `load`, where no file is no fault: what holds without one. Logs warnings alone.

    Raises:
        ConfigError: As `load`, for a file that was asked for or found.
    """
    path = settings_.find_or_none(config)
    settings = settings_.load(path) if path else settings_.unconfigured()
    telemetry.configure("warning", settings.log.format, secrets=settings_.secrets(settings))
    return settings


def load(config: Path | None, *, level: str | None = None) -> Settings:
    """Find, read and check the configuration, and log as it says.

    Args:
        config: The file asked for.
        level: Log from this level on instead of the configured one.

    Raises:
        ConfigError: One line with file, path, value and the way out.
    """
    settings = settings_.load(settings_.find(config))
    telemetry.configure(
        level or settings.log.level, settings.log.format, secrets=settings_.secrets(settings)
    )
    return settings
