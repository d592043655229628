"""How far a long command is: a bar on a terminal, plain lines elsewhere. On stderr."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from izumi.domain.pace import Pace
from izumi.media.ports import OnEncoded
from izumi.runtime.telemetry import printable

Tellers = Callable[[str], OnEncoded]
"""Begins a step; what it gives is called with the fraction done and words about it."""


@contextlib.contextmanager
def progress(name: str) -> Iterator[Tellers]:
    """Show how far work on something of that name is, until the block is left."""
    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal:
        yield _lines
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(printable(name), total=1.0, words="")

        def begin(step: str) -> OnEncoded:
            shown.reset(task, description=step)

            def tell(fraction: float, words: str, _pace: Pace | None = None, /) -> None:
                shown.update(task, completed=fraction, words=printable(words))

            return tell

        yield begin


def _lines(step: str) -> OnEncoded:
    """One line when a step begins, and one for each tenth of it."""
    print(step, file=sys.stderr, flush=True)
    told = 0

    def tell(fraction: float, words: str, _pace: Pace | None = None, /) -> None:
        nonlocal told
        if (tenth := int(fraction * 10)) > told:
            told = tenth
            line = " ".join(filter(None, (step, f"{fraction:.0%}", printable(words))))
            print(line, file=sys.stderr, flush=True)

    return tell
