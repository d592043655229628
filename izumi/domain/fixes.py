"""A fix as a person says it: checked, and its show a folder that can be. Pure."""

from collections.abc import Mapping
from typing import Any

from izumi.domain import keys, names
from izumi.domain.errors import Declined
from izumi.domain.fix import Fix
from izumi.domain.release import Identification


def fix_of(said: Mapping[str, Any]) -> Fix:
    """What somebody says of a file, by the names of a fix's fields.

    Raises:
        Declined: Nothing, or something that cannot be.
    """
    show = said.get("show")
    if show is not None:
        show = " ".join(show.split())
    try:
        fix = Fix(**{**said, "show": show})
    except ValueError as exc:
        raise Declined(str(exc)) from exc
    if show is not None and (reason := keys.fault(folder_of(show))):
        raise Declined(f"the show {show!r} cannot be a folder: it {reason}")
    return fix


def folder_of(show: str) -> str:
    """What the folder of a show is called."""
    return names.show_folder(Identification(name="", title=show)) or ""
