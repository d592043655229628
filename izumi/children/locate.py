"""Where a program is: as configured, as installed beside us, or in PATH."""

import contextlib
import importlib.metadata
import os
import shutil
from pathlib import Path

from izumi.domain.errors import ConfigError


def locate(name: str, configured: Path | None, *, key: str, package: str | None = None) -> Path:
    """The configured program, else the one of an installed package, else the one in PATH.

    Args:
        name: Of the program.
        configured: Its path in the configuration.
        key: The key that configures it, for errors.
        package: Distribution that brings it as one of its files.

    Raises:
        ConfigError: There is none, or the configured path is no program.
    """
    if configured is not None:
        if not _runs(configured):
            raise ConfigError(f"{key}: {configured} is no program")
        return configured.absolute()
    if package is not None:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            for file in importlib.metadata.files(package) or ():
                path = Path(str(file.locate()))
                if path.name == name and _runs(path):
                    return path.resolve()
    found = shutil.which(name)
    if found is None:
        raise ConfigError(f"{key}: no {name} is installed and none is in PATH; name one")
    return Path(found).absolute()


def _runs(path: Path) -> bool:
    return os.access(path, os.X_OK) and not path.is_dir()
