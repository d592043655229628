"""The copy of the rules in a state folder: for when the bus is away, and for `izumi identify`."""

import os
from pathlib import Path
from typing import Final

import msgspec

from izumi.domain.errors import UserError
from izumi.domain.rules import Rule
from izumi.failpoints import failpoint

FILE: Final = "rules.json"

_decode: Final = msgspec.json.Decoder(tuple[Rule, ...]).decode


def load(folder: Path) -> tuple[Rule, ...]:
    """The rules as acquisition last read them on this host; none where it never did.

    Raises:
        UserError: The copy cannot be read, or is damaged.
    """
    return read(folder) or ()


def read(folder: Path) -> tuple[Rule, ...] | None:
    """As `load`; None where there is no copy."""
    path = folder / FILE
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UserError(f"{path} cannot be read: {exc.strerror}") from exc
    except msgspec.DecodeError as exc:
        msg = f"{path} is damaged ({exc}); delete it: acquisition reads the rules from the bus"
        raise UserError(msg) from exc


def save(folder: Path, rules: tuple[Rule, ...]) -> None:
    """Replace the copy: a reader sees the old one or the new one, also after a power cut.

    Raises:
        OSError: The folder cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(rules), indent=1)
    part = folder / f"{FILE}.part"
    with part.open("wb") as file:
        file.write(text + b"\n")
        file.flush()
        os.fsync(file.fileno())
    failpoint("acquisition.after_rules_written")
    part.replace(folder / FILE)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
