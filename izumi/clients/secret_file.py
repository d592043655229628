"""Secrets from files, so that a configuration can be shown to anyone."""

from pathlib import Path
from typing import Final

from izumi.domain.errors import ConfigError
from izumi.domain.secret import Secret

_LONGEST_BYTES: Final = 8192


def secret(inline: Secret | None, file: Path | None, place: str) -> Secret:
    """The secret given inline, or the one line of the file.

    Args:
        inline: Value of a key such as `url`.
        file: Value of `url_file` beside it: a systemd credential, a Docker secret.
        place: Where both would stand, for the error: "notifier.public.discord 1: url".

    Raises:
        ConfigError: Both or none are given, or the file has no such line.
    """
    if inline is not None and file is None:
        return inline
    if file is None or inline is not None:
        raise ConfigError(f"{place}: give it or the same with _file, and only one of them")
    try:
        with file.open("rb") as stream:
            text = stream.read(_LONGEST_BYTES + 1).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        # The decoder's own text would show bytes of the secret.
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise ConfigError(f"{place}_file: {file} cannot be read: {reason}") from None
    if not text or len(text.splitlines()) > 1 or len(text) > _LONGEST_BYTES:
        raise ConfigError(f"{place}_file: {file} must hold the secret alone, on one line")
    return Secret(text)
