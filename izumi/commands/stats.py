"""`izumi-admin stats`: what lies where, and what is missing where."""

import asyncio
import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from izumi import compose
from izumi.commands.console import Json
from izumi.commands.library_options import complete_shows
from izumi.commands.library_show import size_text
from izumi.commands.options import ConfigFile, load
from izumi.compose.stats import Looked, OnPlace, duties, look
from izumi.domain.errors import UserError
from izumi.runtime.telemetry import printable
from izumi.settings import Settings
from izumi.tools import typed
from izumi.tools.requests import KINDS
from izumi.tools.stats import Row

_COUNTS: Final = ("episodes", "softsubs", "hardsubs")
_RIGHT: Final = ("missing", "superseded")


def stats(
    *,
    show: Annotated[
        str,
        Parameter(
            help="Only this show, as `izumi-admin shows` lists it.",
            allow_leading_hyphen=True,
            completer=complete_shows,
        ),
    ] = "",
    at: Annotated[tuple[str, ...], Parameter(help="Only at these locations.")] = (),
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """Count every show at every location, and say what is missing where.

    What ought to be where, and the exit codes: `izumi-admin stats --help`.

    Args:
        show: See below.
        at: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    folder = typed.there(show) if show else ""
    with _progress() as on_place:
        looked = asyncio.run(_look(settings, at, folder, on_place))
    notes = duties(settings).notes
    if json:
        _as_json(looked, notes)
    elif sys.stdout.isatty():
        _as_tables(looked, notes)
    else:
        _as_lines(looked, notes)
    return int(bool(looked.failed))


async def _look(settings: Settings, at: tuple[str, ...], show: str, on_place: OnPlace) -> Looked:
    looked = await look(settings, at=at, show=show, on_place=on_place)
    if show and not looked.stats.rows and len(looked.failed) < len(at or settings.storage):
        async with compose.library(settings, at=at, by="") as library:
            # It says which names are near; a folder without any video is no fault.
            await library.find(show, KINDS)
        raise UserError(f"no video lies in {show!r}")
    return looked


@contextlib.contextmanager
def _progress() -> Iterator[OnPlace]:
    """A line for each location, where there is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _place, _words: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def on_place(place: str, words: str) -> None:
            text = f"{place} {words}"
            if place in tasks:
                shown.update(tasks[place], description=text)
            else:
                tasks[place] = shown.add_task(text, total=None)

        yield on_place


def _as_json(looked: Looked, notes: Iterable[str]) -> None:
    for kind, rows in (
        ("show", looked.stats.rows),
        ("total", looked.stats.totals),
        ("missing", looked.stats.missing),
    ):
        for row in rows:
            print(msgspec.json.encode({"kind": kind, **msgspec.to_builtins(row)}).decode())
    for place, reason in looked.failed.items():
        print(msgspec.json.encode({"kind": "away", "place": place, "reason": reason}).decode())
    for place, count in looked.strange.items():
        print(msgspec.json.encode({"kind": "strange", "place": place, "paths": count}).decode())
    for note in notes:
        print(msgspec.json.encode({"kind": "note", "text": note}).decode())


def _as_lines(looked: Looked, notes: Iterable[str]) -> None:
    """One line for each row, its columns between tabs."""
    print("\t".join(("show", "location", *_COUNTS, "bytes", "newest", *_RIGHT)))
    for row in (*looked.stats.rows, *looked.stats.totals):
        print("\t".join(printable(cell) for cell in _cells(row, str(row.bytes))))
    for one in looked.stats.missing:
        cells = ("missing", one.place, one.sub, one.key, one.by)
        print("\t".join(map(printable, cells)))
    for line in _rest(looked, notes):
        print(printable(line))


def _as_tables(looked: Looked, notes: Iterable[str]) -> None:
    console = Console(highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    for column in ("show", "location", *_COUNTS, "size", "newest", *_RIGHT):
        right = column not in {"show", "location", "newest"}
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    before = ""
    for row in looked.stats.rows:
        cells = _cells(row, size_text(row.bytes))
        # The name once for all its locations, so that shows are seen apart.
        cells[0], before = ("" if cells[0] == before else cells[0]), cells[0]
        table.add_row(*(Text(printable(cell)) for cell in cells), style=_style(row))
    table.add_section()
    for row in looked.stats.totals:
        table.add_row(
            *(printable(cell) for cell in _cells(row, size_text(row.bytes))), style="bold"
        )
    console.print(table)
    if looked.stats.missing:
        lacking = Table(
            "location", "kind", "file", "says", title="missing", box=None, pad_edge=False
        )
        for one in looked.stats.missing:
            lacking.add_row(
                *(Text(printable(cell)) for cell in (one.place, one.sub, one.key, one.by))
            )
        console.print(lacking)
    for line in _rest(looked, notes):
        console.print(printable(line))


def _style(row: Row) -> str:
    return "yellow" if row.missing else ""


def _cells(row: Row, size: str) -> list[str]:
    newest = f"{row.newest:%Y-%m-%d %H:%M}" if row.newest else "-"
    return [
        row.show or "all",
        row.place,
        *(str(getattr(row, name)) for name in _COUNTS),
        size,
        newest,
        *(str(getattr(row, name)) for name in _RIGHT),
    ]


def _rest(looked: Looked, notes: Iterable[str]) -> Iterator[str]:
    for place, reason in looked.failed.items():
        yield f"{place} is away, nothing of it is counted or judged: {reason}"
    for place, count in looked.strange.items():
        yield f"{place} lists {count} paths that lead nowhere; they are left out"
    yield from notes
