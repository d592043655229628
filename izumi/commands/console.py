"""What the commands of `izumi-admin` share: the bus of the configuration, and tables."""

import asyncio
import getpass
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, TypeVar

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from izumi import compose
from izumi.bus.jetstream import JetStreamBus
from izumi.domain.errors import UserError
from izumi.runtime.telemetry import printable
from izumi.settings import Settings

T = TypeVar("T")
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object a line.")]
By = Annotated[str, Parameter(help="Who says so; you, when left out.")]


def on_bus(settings: Settings, work: Callable[[JetStreamBus], Awaitable[T]]) -> T:
    """Do something on the bus of a configuration, as its admin."""

    async def run() -> T:
        async with compose.bus(settings, name="izumi-admin", role="admin") as connected:
            return await work(connected)

    return asyncio.run(run())


def show_rows(rows: Sequence[dict[str, object]], columns: Iterable[str], *, json: bool) -> None:
    """Print a table of some columns, or everything as JSON.

    A terminal gets a table that fits it, everything else one line a row with tabs between the
    columns.
    """
    if json:
        for row in rows:
            print(msgspec.json.encode(row).decode())
        return
    columns = [*columns]
    if rows and not sys.stdout.isatty():
        print("\t".join(columns))
        for row in rows:
            print("\t".join(printable(str(row.get(column, ""))) for column in columns))
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(printable(str(row.get(column, ""))) for column in columns))
    console = Console(highlight=False, markup=False)
    console.print(table if rows else "nothing")


def answer(question: str) -> str:
    """What somebody at the terminal says to a question; Ctrl-C ends the command at once.

    Raises:
        UserError: The terminal was closed instead (Ctrl-D).
    """
    # The loop's own way with Ctrl-C ends its work, which waits for the answer.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(question)
    except EOFError as exc:
        raise UserError("no answer was given; nothing was changed") from exc
    finally:
        signal.signal(signal.SIGINT, before)


def text(argument: str) -> str:
    """An argument that can be sent: bytes of it that were no UTF-8 are replaced."""
    return argument.encode("utf-8", "replace").decode()


def person(by: str, settings: Settings) -> str:
    """Who says something: as they call themselves, else by account and host."""
    if by:
        return text(by)
    try:
        return f"{getpass.getuser()}@{settings.host}"
    except (KeyError, OSError):  # an account without a name, as in a container
        return settings.host
