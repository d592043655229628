"""How every change of the library goes: planned, shown, asked for, done, told."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from izumi import compose
from izumi.commands.console import answer, person
from izumi.commands.library_facts import tell
from izumi.commands.library_options import Ask, keep
from izumi.commands.library_show import show_draft, show_outcome
from izumi.commands.options import load
from izumi.domain.errors import UserError
from izumi.runtime.telemetry import printable
from izumi.settings import Settings
from izumi.tools import typed
from izumi.tools.carrying import OnSteps
from izumi.tools.journal import Journal, Journals
from izumi.tools.library import Draft, Library
from izumi.tools.requests import Request
from izumi.tools.shelves import Kind

_MOST_SHOWN = 40

Make = Callable[[Library, Settings], Awaitable[Request]]


def change(ask: Ask, make: Make, *, confirm: Callable[[Request], None] | None = None) -> int:
    """Plan what `make` asks for, show it, and do it when somebody says yes.

    Args:
        ask: Where, and how.
        make: The request, of what was typed and what is there.
        confirm: Asks in its own way, and raises UserError for a no.

    Returns:
        The exit code: 0 when everything is done, or there was nothing to do; 1 when a
        location failed, something is left to do, or the answer was no; 2 when a folder is
        no show.
    """
    settings = load(ask.config, level="warning")

    async def run() -> int:
        by = person(ask.by, settings)
        async with compose.library(settings, at=ask.at, by=by) as library:
            request = await make(library, settings)
            if confirm is None:
                ask.expect_an_answer()
            with _alone(settings, ask):
                draft = await library.draft(request)
                return await carry_out(library, settings, ask, draft, confirm=confirm)

    return asyncio.run(run())


def _alone(settings: Settings, ask: Ask) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if ask.dry_run else Journals(settings.state).alone()


async def carry_out(
    library: Library,
    settings: Settings,
    ask: Ask,
    draft: Draft,
    *,
    confirm: Callable[[Request], None] | None = None,
) -> int:
    """Show a plan, ask, do it, tell of it; as `change` answers."""
    seen = _printed(lambda: show_draft(draft, json=ask.json, pretty=ask.talks))
    failed = int(bool(draft.failed))
    if draft.is_empty:
        if not ask.json:
            print("nothing to do")
        return 2 if draft.is_refused else failed
    if not (seen or ask.dry_run):
        raise UserError("nobody reads the plan to its end; nothing was changed")
    if ask.dry_run:
        return failed
    if confirm is not None:
        confirm(draft.request)
    elif not agreed(ask):
        print("nothing was changed")
        return 1
    return await go_on(library, settings, ask, library.begin(draft))


def _printed(show: Callable[[], None]) -> bool:
    """Print something; whether it was read. Once it is not, nothing more is printed."""
    try:
        show()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def agreed(ask: Ask) -> bool:
    """Whether somebody says yes."""
    return ask.yes or answer("Do it? [y/N] ").strip().lower() in {"y", "yes"}


async def go_on(library: Library, settings: Settings, ask: Ask, journal: Journal) -> int:
    """Do what is left of an operation; 1 when something still is."""
    with _progress(ask, journal) as on_steps:
        whole = await library.carry(journal, on_steps)
    await tell(settings)
    _printed(lambda: show_outcome(journal.operation, json=ask.json))
    return int(not whole)


@contextlib.contextmanager
def _progress(ask: Ask, journal: Journal) -> Iterator[OnSteps | None]:
    """A bar for each location, where there is a terminal."""
    if not ask.talks:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {
            name: bars.add_task(name, total=len(one.plan.steps) if one.plan else 0)
            for name, one in journal.operation.places.items()
        }
        yield lambda name, done, total: bars.update(tasks[name], completed=done, total=total)


async def chosen(
    library: Library, settings: Settings, ask: Ask, text: str, kinds: tuple[Kind, ...]
) -> str:
    """The show that was typed, or picked from a list where none was.

    Raises:
        UserError: It is not there; the nearest names are told. None was given, and nobody
            can be asked.
    """
    if text:
        return await library.find(text, kinds)
    if not ask.talks:
        raise UserError("name a show; see izumi-admin shows")
    known = await library.shows(kinds)
    keep(settings, known.all)
    return pick(known.all, answer)


def pick(names: list[str], read: Callable[[str], str]) -> str:
    """Ask for one of several names: by its number, by a part of it, or nearly.

    Raises:
        UserError: There is none to choose from, or nothing was chosen.
    """
    if not names:
        raise UserError("there is no show")
    some = names
    while True:
        for number, name in enumerate(some[:_MOST_SHOWN], 1):
            print(printable(f"{number:4}  {name}"))
        if len(some) > _MOST_SHOWN:
            print(f"      and {len(some) - _MOST_SHOWN} more; type a part of the name")
        said = read("Which show? ").strip()
        if not said:
            raise UserError("no show was chosen")
        if said.isdecimal() and 1 <= int(said) <= min(len(some), _MOST_SHOWN):
            return some[int(said) - 1]
        if said in names:
            return said
        parts = [name for name in names if said.casefold() in name.casefold()]
        some = parts or typed.near(said, names) or names
        if len(some) == 1:
            return some[0]
