"""`izumi-admin jobs show`: the whole life of an episode, across hosts, as one timeline."""

import datetime as dt
import re
import sys
from collections.abc import Iterator
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from izumi.commands.console import Json, on_bus
from izumi.commands.options import ConfigFile, load
from izumi.compose import episode
from izumi.domain.job_log import Moment, Run
from izumi.domain.timeline import Timeline, described
from izumi.runtime.telemetry import printable

_HASH = re.compile(r"-([0-9a-f]{8})[0-9a-f]{24}$")

Name = Annotated[
    str,
    Parameter(
        help="Words of the show and the number, a file's name, key or path, or the id of a job or "
        "a file; the beginning of an id is enough.",
    ),
]


def jobs_show(*name: Name, config: ConfigFile = None, json: Json = False) -> int:
    """Tell the whole life of an episode: files, jobs, holds, messages, what took how long.

    Times are those of the bus, in the zone of this host; as ISO 8601 in JSON.

    Args:
        name: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    text = " ".join(name).encode("utf-8", "replace").decode()
    now = dt.datetime.now(dt.UTC)
    told = on_bus(settings, lambda bus: episode.told(bus, text, now=now))
    if json:
        for row in rows(told):
            print(msgspec.json.encode(row).decode())
    elif sys.stdout.isatty():
        _show(told)
    else:
        for line in lines(told):
            print(printable(line))
    return 0


def rows(told: Timeline) -> Iterator[dict[str, object]]:
    """One object for the episode, each file, each moment and each job."""
    yield {"is": "episode", "show": told.show, "name": told.name}
    for file in told.files:
        yield {"is": "file", **msgspec.to_builtins(file)}
    for moment in told.moments:
        yield {"is": "moment", **msgspec.to_builtins(moment)}
    for run in told.runs:
        yield {"is": "job", **msgspec.to_builtins(run)}


def lines(told: Timeline) -> Iterator[str]:
    """The same for people, a line each, whatever its length."""
    yield told.name
    for file in told.files:
        yield f"  {file.sub}: {described(file)}"
    for moment in told.moments:
        yield "  ".join(_cells(moment))
    for run in told.runs:
        yield f"{run.unit} {short(run.job)}: {_in_words(run)}"


def _show(told: Timeline) -> None:
    """A tree of the episode and its files, a table of what happened, one of what took how long."""
    console = Console(highlight=False, markup=False)
    tree = Tree(Text(printable(told.name), style="bold"))
    for file in told.files:
        tree.add(Text(printable(f"{file.sub}: {described(file)}")))
    console.print(tree)
    for heads, body in (
        (("when", "what", "unit", "host", "took", "job", ""), map(_cells, told.moments)),
        (("job", "unit", "how it went"), ((short(r.job), r.unit, _in_words(r)) for r in told.runs)),
    ):
        table = Table(box=None, pad_edge=False)
        for head in heads:
            table.add_column(head, overflow="fold")
        for cells in body:
            table.add_row(*(Text(printable(cell)) for cell in cells))
        console.print()
        console.print(table)


def _cells(moment: Moment) -> tuple[str, ...]:
    return (
        local(moment.at),
        moment.kind,
        moment.unit or "-",
        moment.host or "-",
        "-" if moment.took_s is None else duration(moment.took_s),
        short(moment.job) or "-",
        moment.text or "-",
    )


def _in_words(run: Run) -> str:
    """State, attempts, hosts, and how long it waited and was in hands."""
    parts = [run.state, f"{run.attempts} attempt{'' if run.attempts == 1 else 's'}"]
    if run.hosts:
        parts.append(f"on {', '.join(run.hosts)}")
    if run.waited_s is not None:
        parts.append(f"waited {duration(run.waited_s)}")
    return ", ".join([*parts, f"in work {duration(run.worked_s)}"])


def short(job: str) -> str:
    """A job's id for people; commands take this beginning of it."""
    return _HASH.sub(r"-\1", job)


def local(at: dt.datetime) -> str:
    """A time in the zone of this host."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S%z")


def duration(seconds: float) -> str:
    """`850 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    named = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(place for place, (value, _) in enumerate(named) if value)
    return " ".join(f"{value} {unit}" for value, unit in named[first : first + 2] if value)
