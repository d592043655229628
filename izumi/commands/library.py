"""`izumi-admin move|rename|season|delete|rmdir`: the library changed, everywhere at once."""

import sys
from typing import Annotated

from cyclopts import Parameter

from izumi import compose
from izumi.commands.console import answer
from izumi.commands.library_flow import change, chosen
from izumi.commands.library_options import Ask, Conflicts, In, Show, kinds
from izumi.domain.errors import UserError
from izumi.domain.identify import identify
from izumi.domain.matching.wanted import wanted
from izumi.runtime.telemetry import printable
from izumi.settings import Settings
from izumi.tools import typed
from izumi.tools.library import Library
from izumi.tools.naming import native_title, with_native
from izumi.tools.requests import Request


def move(
    show: Show = "",
    *,
    into: Annotated[str, Parameter(help="Folders between the shelf and the show.")] = "",
    name: Annotated[str, Parameter(help="What its folder is to be called.")] = "",
    native: Annotated[
        bool, Parameter(negative="", help="Put ` ~ <native title>` behind it, from AniList.")
    ] = False,
    conflicts: Conflicts = "skip",
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """Bring a show that has ended from the airing shelves to the premiered ones.

    Args:
        show: See below.
        into: See below.
        name: See below.
        native: See below.
        conflicts: See below.
        ask: Where, and how.
    """
    between = typed.new_path(into, "--into")
    called = typed.new_name(name, "--name") if name else ""

    async def make(library: Library, settings: Settings) -> Request:
        path = await chosen(library, settings, ask, show, ("airing",))
        own = called or path.rpartition("/")[2]
        if native:
            own = await _with_native(settings, own)
        given = own if own != path.rpartition("/")[2] else ""
        return Request(
            verb="move", show=path, kinds=("airing",), into=between, name=given, policy=conflicts
        )

    return change(ask, make)


async def _with_native(settings: Settings, show: str) -> str:
    """The name and the native title behind it.

    Raises:
        UserError: AniList knows no such show, or cannot be asked.
    """
    question = wanted(identify(f"{show} - 01.mkv", folders=[show]))
    async with compose.catalogue_for_once(settings, offline=False) as catalogue:
        (match,) = await catalogue.match([question])
    if match.entry is None:
        raise UserError(
            f"--native: AniList does not tell which show {show!r} is, or cannot be asked; "
            "give --name"
        )
    least = min(one.name_bytes for one in settings.storage.values())
    title = native_title(match.entry.titles)
    whole = with_native(show, title, limit_bytes=least)
    if whole == show:
        why = "it is there" if title else "AniList has none in letters of its own"
        if title and title not in show:
            why = f"{title!r} would be longer than {least} bytes"
        print(printable(f"--native: no title goes behind {show!r}: {why}"), file=sys.stderr)
    return typed.new_name(whole, "--native")


def rename(
    show: Show = "",
    *,
    to: Annotated[str, Parameter(help="Rename the folder to this; without it, its episodes.")] = "",
    in_: In = "both",
    conflicts: Conflicts = "skip",
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """Give the episodes of a show their clean names, or its folder another one.

    Args:
        show: See below.
        to: See below.
        in_: See below.
        conflicts: See below.
        ask: Where, and how.
    """
    name = typed.new_name(to, "--to") if to else ""

    async def make(library: Library, settings: Settings) -> Request:
        path = await chosen(library, settings, ask, show, kinds(in_))
        if name and name == path.rpartition("/")[2]:
            raise UserError(f"--to {name!r} is what it is called already")
        return Request(verb="rename", show=path, kinds=kinds(in_), name=name, policy=conflicts)

    return change(ask, make)


def season(
    show: Show = "",
    *,
    number: Annotated[int, Parameter(name=["--number", "-n"], help="Of the season.")] = 1,
    name: Annotated[str, Parameter(help="Folder instead of `Season <number>`.")] = "",
    in_: In = "both",
    conflicts: Conflicts = "skip",
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """Bring everything in a show's folder into a folder of its season.

    Folders of seasons, specials and extras that are there stay where they are.

    Args:
        show: See below.
        number: See below.
        name: See below.
        in_: See below.
        conflicts: See below.
        ask: Where, and how.
    """
    if number < 0:
        raise UserError(f"--number {number} is below 0; season 0 are the specials")
    folder = typed.new_name(name or f"Season {number}", "the season's folder")

    async def make(library: Library, settings: Settings) -> Request:
        path = await chosen(library, settings, ask, show, kinds(in_))
        return Request(verb="season", show=path, kinds=kinds(in_), season=folder, policy=conflicts)

    return change(ask, make)


def delete(
    show: Show = "",
    *,
    in_: In = "both",
    purge: Annotated[
        bool, Parameter(negative="", help="Remove it for good; its name has to be typed again.")
    ] = False,
    confirm: Annotated[
        str,
        Parameter(
            help="The name typed again, where nobody can be asked.", allow_leading_hyphen=True
        ),
    ] = "",
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """Send a show to the trash of every location; `undo` brings it back.

    Args:
        show: See below.
        in_: See below.
        purge: See below.
        confirm: See below.
        ask: Where, and how.
    """
    if purge and not (confirm or ask.talks or ask.dry_run):
        raise UserError("--purge wants the show's name typed again: give --confirm NAME")

    async def make(library: Library, settings: Settings) -> Request:
        path = await chosen(library, settings, ask, show, kinds(in_))
        return Request(verb="delete", show=path, kinds=kinds(in_), purge=purge)

    def typed_again(request: Request) -> None:
        said = confirm or answer("Type the name of the show to remove it for good: ")
        if said != request.show:
            raise UserError(f"{said!r} is not {request.show!r}; nothing was changed")

    return change(ask, make, confirm=typed_again if purge else None)


def rmdir(
    show: Show = "",
    *,
    in_: In = "both",
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """Remove folders without any file in them; the shelves themselves stay.

    Args:
        show: Only in this show; everywhere when left out.
        in_: See below.
        ask: Where, and how.
    """

    async def make(library: Library, settings: Settings) -> Request:
        path = await chosen(library, settings, ask, show, kinds(in_)) if show else ""
        return Request(verb="rmdir", show=path, kinds=kinds(in_))

    return change(ask, make)
