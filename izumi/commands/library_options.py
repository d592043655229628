"""Options of every command that changes the library."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from izumi import compose
from izumi import settings as settings_
from izumi.commands.options import ConfigFile
from izumi.domain.errors import IzumiError, UserError
from izumi.tools.journal import FOLDER
from izumi.tools.plan import Policy
from izumi.tools.requests import KINDS
from izumi.tools.shelves import Kind

_NAMES: Final = "shows.txt"
_FRESH_S: Final = 300.0
_PATIENCE_S: Final = 5.0

In = Annotated[
    Literal["airing", "premiered", "both"],
    Parameter(name="--in", help="Which shelves to look at."),
]
Conflicts = Annotated[
    Policy,
    Parameter(
        help="Of files that would have one name: skip leaves them, rename gives the older a "
        "number, newest sends the older to the trash."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Ask:
    """Where to work, and how to ask."""

    at: Annotated[
        tuple[str, ...], Parameter(help="Only at these locations; at all when left out.")
    ] = ()
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="Do not ask.")] = False
    dry_run: Annotated[bool, Parameter(negative="", help="Show the plan, change nothing.")] = False
    json: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False
    by: Annotated[str, Parameter(help="Who says so; you, when left out.")] = ""
    config: ConfigFile = None

    @property
    def talks(self) -> bool:
        """Whether a person sits in front of it."""
        return sys.stdin.isatty() and sys.stdout.isatty() and not self.json

    def expect_an_answer(self) -> None:
        """See that somebody can say yes.

        Raises:
            UserError: Nobody is there.
        """
        if not (self.yes or self.dry_run or self.talks):
            raise UserError("nobody is there to be asked; give --yes, or --dry-run to see the plan")


def kinds(text: str) -> tuple[Kind, ...]:
    """The shelves that `--in` names."""
    return KINDS if text == "both" else tuple(kind for kind in KINDS if kind == text)


def complete_shows(context: Any) -> Sequence[str]:
    """The names of shows for a shell that completes; few seconds old ones where they are kept."""
    given = context["config"].raw
    try:
        settings = settings_.load(settings_.find(Path(given) if given else None))
        kept = settings.state / FOLDER / _NAMES
        if kept.is_file() and time.time() - kept.stat().st_mtime < _FRESH_S:
            return kept.read_text("utf-8").splitlines()
        return asyncio.run(asyncio.wait_for(_list(settings), _PATIENCE_S))
    except (IzumiError, OSError, TimeoutError):
        return ()


async def _list(settings: settings_.Settings) -> list[str]:
    async with compose.library(settings, by="") as library:
        names = (await library.shows(KINDS)).all
    keep(settings, names)
    return names


def keep(settings: settings_.Settings, names: Sequence[str]) -> None:
    """Have the names of shows at hand for the next completion."""
    folder = settings.state / FOLDER
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [name for name in names if name.isprintable()]
        (folder / _NAMES).write_text("".join(f"{name}\n" for name in lines), "utf-8")


Show = Annotated[
    str,
    Parameter(
        help="The show's folder, as `izumi-admin shows` lists it; left out, it is asked for.",
        allow_leading_hyphen=True,
        completer=complete_shows,
    ),
]
