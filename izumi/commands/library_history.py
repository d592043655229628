"""`izumi-admin shows|history|undo|resume|trash`: what is there, and what was done to it."""

import asyncio
import datetime as dt
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

import msgspec
from cyclopts import Parameter

from izumi import compose
from izumi.commands.console import Json, on_bus, person, show_rows
from izumi.commands.library_facts import tell
from izumi.commands.library_flow import agreed, carry_out, go_on
from izumi.commands.library_options import Ask, In, keep, kinds
from izumi.commands.library_show import show_draft, show_outcome, size_text
from izumi.commands.options import ConfigFile, load
from izumi.domain import subjects
from izumi.domain.errors import UserError
from izumi.domain.events import LibraryChanged
from izumi.runtime.telemetry import printable
from izumi.settings import Settings
from izumi.tools.journal import Journals
from izumi.tools.library import Library, write
from izumi.tools.operation import Operation

_facts = msgspec.json.Decoder(LibraryChanged)


def shows(
    *,
    in_: In = "both",
    at: Annotated[tuple[str, ...], Parameter(help="Only at these locations.")] = (),
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """List every show, and the locations and shelves that have it.

    Args:
        in_: See below.
        at: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")

    async def look() -> int:
        async with compose.library(settings, at=at, by="") as library:
            known = await library.shows(kinds(in_))
        if not at and not known.failed:
            keep(settings, known.all)
        where: dict[str, list[str]] = defaultdict(list)
        for place, by_shelf in known.names.items():
            for folder, names in by_shelf.items():
                for name in names:
                    where[name].append(f"{place}:{folder}")
        rows = [{"show": name, "at": ", ".join(where[name])} for name in known.all]
        show_rows([dict(row) for row in rows], ("show", "at"), json=json)
        return _away(known.failed)

    return asyncio.run(look())


def _away(failed: Mapping[str, str]) -> int:
    """The exit code, and a line for each location that could not be listed."""
    for place, reason in failed.items():
        print(printable(f"{place}: cannot be looked at: {reason}"), file=sys.stderr)
    return int(bool(failed))


def history(
    *,
    everywhere: Annotated[
        bool, Parameter(negative="", help="What was done on any host, as the bus knows it.")
    ] = False,
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """List who did what to the library, and when.

    Args:
        everywhere: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    columns = ("operation", "at", "by", "what", "files", "state", "places")
    if everywhere:
        rows = _of_the_bus(settings)
    else:
        rows = [_row(one) for one in Journals(settings.state).operations()]
    show_rows(rows, columns, json=json)
    return 0


def _row(operation: Operation) -> dict[str, object]:
    opened = operation.opened
    return {
        "operation": operation.id,
        "at": opened.at,
        "by": opened.by,
        "what": opened.request.text,
        "files": operation.files,
        "state": operation.state,
        "places": ", ".join(opened.places),
    }


def _of_the_bus(settings: Settings) -> list[dict[str, object]]:
    stored = on_bus(settings, lambda bus: bus.latest(subjects.LIBRARY))
    rows: list[dict[str, object]] = []
    for message in stored:
        try:
            one = _facts.decode(message.data)
        except msgspec.DecodeError:
            continue  # of a newer version
        rows.append(
            {
                "operation": one.operation,
                "at": one.at.isoformat(timespec="seconds"),
                "by": one.by,
                "what": " ".join(filter(None, (one.verb, one.show, one.undoes))),
                "files": sum(place.files for place in one.places),
                "state": "done" if all(place.done for place in one.places) else "open",
                "places": ", ".join(place.name for place in one.places),
                "host": one.host,
            }
        )
    return rows


def undo(
    operation: Annotated[str, Parameter(help="As `history` lists it; the last one else.")] = "",
    *,
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """Take back what an operation did, at every location of it.

    Args:
        operation: See below.
        ask: How; `--at` is not heeded.
    """
    settings = load(ask.config, level="warning")
    ask.expect_an_answer()

    async def run() -> int:
        journals, by = Journals(settings.state), person(ask.by, settings)
        with journals.alone():
            meant = journals.find(operation) if operation else _last(journals)
            async with compose.library(settings, by=by) as library:
                draft = await library.draft_undo(meant)
                if draft.is_empty and not ask.dry_run:
                    # It was interrupted before it did anything.
                    journals.again(meant).close("undone", _now(), by)
                return await carry_out(library, settings, ask, draft)

    return asyncio.run(run())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _last(journals: Journals) -> Operation:
    """The last operation that is not undone."""
    known = [
        one for one in journals.operations() if one.state != "undone" and not one.opened.request.of
    ]
    if not known:
        raise UserError("there is nothing to undo")
    return known[-1]


def resume(
    operation: Annotated[str, Parameter(help="As `history` lists it; all open ones else.")] = "",
    *,
    forget: Annotated[
        bool, Parameter(negative="", help="Leave it as it is, and ask no more.")
    ] = False,
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """Go on with what was interrupted, or what a location failed at.

    What was planned before goes on without a question; locations that could not be looked
    at then are planned and shown now.

    Args:
        operation: See below.
        forget: See below.
        ask: How; `--at` is not heeded.
    """
    settings = load(ask.config, level="warning")

    async def run() -> int:
        journals = Journals(settings.state)
        with journals.alone():
            known = [journals.find(operation)] if operation else journals.operations()
            meant = [one for one in known if one.state == "open"]
            if not meant and not ask.json:
                print("nothing is open")
            if forget:
                for one in meant:
                    journals.again(one).close("left", _now(), person(ask.by, settings))
                    if not ask.json:
                        print(f"{one.id}: left as it is")
                return 0
            # One whose undo was interrupted goes back, and not on.
            going = [one for one in meant if not journals.taken_back_by(one)]
            if operation and meant and not going:
                back = journals.taken_back_by(meant[0])
                raise UserError(f"{meant[0].id} is being taken back by {back}; resume that one")
            if not going:
                await tell(settings)
                return 0
            async with compose.library(settings, by=person(ask.by, settings)) as library:
                codes = [await _go_on(library, settings, ask, journals, one) for one in going]
        return max(codes, default=0)

    return asyncio.run(run())


async def _go_on(
    library: Library, settings: Settings, ask: Ask, journals: Journals, operation: Operation
) -> int:
    journal = journals.again(operation)
    if any(progress.plan is None for progress in operation.places.values()):
        rest = await library.draft_rest(operation)
        show_draft(rest, json=ask.json, pretty=ask.talks)
        if not rest.is_empty and not ask.dry_run:
            ask.expect_an_answer()
            if not agreed(ask):
                print("nothing was changed")
                return 1
        if not ask.dry_run:
            write(journal, rest)
    if ask.dry_run:
        show_outcome(operation, json=ask.json)
        return 0
    return await go_on(library, settings, ask, journal)


def trash(
    *,
    empty: Annotated[
        bool, Parameter(negative="", help="Remove for good what has waited long enough.")
    ] = False,
    days: Annotated[
        float | None, Parameter(help="How long that is; [library] trash_days when left out.")
    ] = None,
    ask: Ask = Ask(),  # noqa: B008 - it is frozen
) -> int:
    """List what waits in the trash of every location, or remove what has waited long enough.

    Args:
        empty: See below.
        days: See below.
        ask: Where, and how.
    """
    settings = load(ask.config, level="warning")
    waits = settings.library.trash_days if days is None else days
    if not waits >= 0:
        raise UserError(f"--days {waits:g} is not 0 or more")
    if empty:
        ask.expect_an_answer()

    async def run() -> int:
        async with compose.library(settings, at=ask.at, by=person(ask.by, settings)) as library:
            if not empty:
                return await _list_trash(library, settings, ask)
            with Journals(settings.state).alone():
                draft = await library.draft_empty(waits)
                return await carry_out(library, settings, ask, draft)

    return asyncio.run(run())


async def _list_trash(library: Library, settings: Settings, ask: Ask) -> int:
    known = {one.id: one.opened for one in Journals(settings.state).operations()}
    rows: list[dict[str, object]] = []
    waiting, failed = await library.trash()
    for place, items in waiting.items():
        by_operation: dict[str, list[int]] = defaultdict(list)
        for item in items:
            if not item.folder:
                by_operation[item.path.split("/")[1]].append(item.size)
        for operation, sizes in sorted(by_operation.items()):
            opened = known.get(operation)
            rows.append(
                {
                    "operation": operation,
                    "at": place,
                    "what": opened.request.text if opened else "of another host",
                    "by": opened.by if opened else "",
                    "files": len(sizes),
                    "bytes": sum(sizes) if ask.json else size_text(sum(sizes)),
                }
            )
    show_rows(rows, ("operation", "at", "what", "by", "files", "bytes"), json=ask.json)
    return _away(failed)
