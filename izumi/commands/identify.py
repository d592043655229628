"""`izumi identify`: what would these files be called, and how sure is that."""

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from izumi import compose
from izumi import settings as settings_
from izumi.commands.lines import chunks
from izumi.commands.options import ConfigFile
from izumi.domain import rules as rules_
from izumi.domain.errors import Unavailable, UserError
from izumi.domain.identify import identify as identified
from izumi.domain.reading.folders import parted
from izumi.domain.release import Identification
from izumi.domain.rules import Rule
from izumi.naming.report import as_explanation, as_line, as_object
from izumi.naming.shows import Placed, Shows, asked, place
from izumi.runtime import telemetry
from izumi.storage import learnt


def identify(
    # Names of strangers may begin with a hyphen; `--` ends the options, as everywhere.
    names: Annotated[list[str], Parameter(allow_leading_hyphen=True, negative="")],
    /,
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    explain: Annotated[bool, Parameter(negative="")] = False,
    offline: Annotated[bool, Parameter(negative="")] = False,
    config: ConfigFile = None,
) -> int:
    """Say of each name what it is, one line each, in the same order.

    Shows are looked up at AniList, and kept in the state folder; without a configuration
    file that is $XDG_STATE_HOME/izumi, else ~/.local/state/izumi. While AniList is away,
    shows that are known here are found all the same, and others are left open.

    Args:
        names: File names, paths or release titles; `-` reads them from standard input,
            one a line, and answers whatever lines are there.
        json: One JSON object a line instead of a line for people.
        explain: Say how each decision was made, in several lines; `--json` has it anyway.
        offline: Do not ask AniList; shows that are known here are found.
        config: See below.

    Returns:
        The exit code: 0, also when names are held.
    """
    if sys.stdout is None or ("-" in names and sys.stdin is None):
        raise UserError("standard input or output is closed; nothing can be read or answered")
    path = settings_.find_or_none(config)
    settings = settings_.load(path) if path else settings_.unconfigured()
    telemetry.configure("warning", settings.log.format, secrets=settings_.secrets(settings))
    # Where nothing is configured nothing was acquired, and nothing learnt.
    rules = learnt.load(settings.acquisition_state) if path else ()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        opened = compose.catalogue_for_once(settings, offline=offline)
        shows = runner.run(stack.enter_async_context(opened))
        try:
            # Reading waits outside the loop, so that an interrupt ends it at once.
            for some in _together(names):
                found = [_read(name, rules) for name in some]
                _write(found, runner.run(_placed(shows, found)), json=json, explain=explain)
        finally:
            runner.run(stack.aclose())
    return 0


def _read(name: str, rules: Sequence[Rule]) -> Identification:
    folders, file = parted(name)
    return rules_.apply(identified(file, folders=folders), rules)


async def _placed(shows: Shows, found: Iterable[Identification]) -> list[Placed]:
    return await place(shows, [asked(one) for one in found])


_BREAKS: Final = (("\u0085", b"\\u0085"), ("\u2028", b"\\u2028"), ("\u2029", b"\\u2029"))
"""What some readers of lines take for the end of one, and JSON need not escape."""


def _as_json(value: object) -> bytes:
    """A value as JSON that is one line to whoever reads it."""
    line = msgspec.json.encode(value)
    for char, escaped in _BREAKS:
        line = line.replace(char.encode(), escaped)
    return line


def _write(
    found: Sequence[Identification], placed: Sequence[Placed], *, json: bool, explain: bool
) -> None:
    lines = []
    for one, at in zip(found, placed, strict=True):
        if json:
            lines.append(_as_json(as_object(one, at)))
        else:
            text = as_explanation(one, at) if explain else as_line(one, at)
            lines.append(text.encode("utf-8", "replace"))
    try:
        sys.stdout.buffer.write(b"".join(line + b"\n" for line in lines))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        # What is left in its buffer must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Unavailable(f"standard output cannot be written: {exc.strerror}") from exc


def _together(names: Iterable[str]) -> Iterator[list[str]]:
    """The names in parts that are answered together."""
    given: list[str] = []
    for name in names:
        # Bytes that are no UTF-8 make a name too: a replaced one, and never the end.
        if name != "-":
            given.append(name.encode("utf-8", "replace").decode())
            continue
        if given:
            yield given
            given = []
        for lines in chunks(sys.stdin.buffer):
            yield [line.decode("utf-8", "replace") for line in lines]
    if given:
        yield given
