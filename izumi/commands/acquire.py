"""`izumi acquire`: take files now, from a completion hook or by hand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from izumi.commands.options import ConfigFile, load
from izumi.domain.errors import UserError
from izumi.publishers.acquisition import Acquisition, Outcome, exit_code
from izumi.publishers.acquisition import acquire as acquire_
from izumi.settings import Settings
from izumi.storage.ledger import Ledger


def acquire(
    *paths: Path,
    config: ConfigFile = None,
    maps: Annotated[
        tuple[str, ...],
        Parameter(
            name="--map",
            negative="",
            help="FROM=TO: what whoever gives the paths sees as FROM is TO here, as where a "
            "torrent client runs in a container; may be repeated.",
        ),
    ] = (),
    wait: Annotated[bool, Parameter(help="Wait for the outcome.")] = True,
    wait_s: Annotated[float, Parameter(help="Wait at most so long; 0: for ever.")] = 0.0,
) -> int:
    """Acquire files or folders below a watch folder now: no quiet time, every proof.

    Where acquisition runs on this host it does the work; else it is done here. Exit code 1: a
    file failed, is held, or was not published in the time that it was waited for.

    Args:
        paths: Files or folders.
        config: See below.
        maps: See below.
        wait: See below.
        wait_s: See below.
    """
    if not paths:
        raise UserError("name at least one file or folder")
    here = [mapped(path, maps) for path in paths]
    settings = load(config, level="warning")
    if settings.acquisition is None:
        raise UserError("the configuration has no [acquisition]; nothing can be acquired here")
    limit_s = (wait_s or None) if wait else 0.0
    outcomes = asyncio.run(_acquire(settings, here, limit_s))
    for outcome in outcomes:
        print(" ".join(filter(None, [f"{outcome.state}: {outcome.name}", _because(outcome)])))
    return exit_code(outcomes, waited=wait)


def mapped(path: Path, maps: Sequence[str]) -> Path:
    """A path as this host sees it. Pure.

    Args:
        path: As whoever gives it sees it.
        maps: `FROM=TO` each; of those that fit, the longest FROM counts.

    Raises:
        UserError: One is no `FROM=TO` of absolute paths.
    """
    best, length = path, 0
    for text in maps:
        from_, sign, to = text.partition("=")
        source, target = Path(from_), Path(to)
        if not (sign and source.is_absolute() and target.is_absolute()):
            raise UserError(f"--map {text}: give two absolute paths as FROM=TO")
        if path.is_relative_to(source) and len(source.parts) > length:
            best, length = target / path.relative_to(source), len(source.parts)
    return best


def _because(outcome: Outcome) -> str:
    return f"({outcome.reason})" if outcome.reason else ""


async def _acquire(settings: Settings, paths: list[Path], wait_s: float | None) -> list[Outcome]:
    @contextlib.asynccontextmanager
    async def unit(ledger: Ledger) -> AsyncIterator[Acquisition]:
        from izumi import compose  # noqa: PLC0415 - takes longer than the hook of a torrent client should; needed only where no acquisition runs

        await compose.prepare(settings)
        name = compose.instance_name(settings)
        async with (
            compose.instance(settings, name) as parts,
            compose.bus(settings, name=f"izumi acquire {name}", role="acquisition") as connected,
        ):
            yield await parts.acquisition_of(ledger, connected)

    return await acquire_(paths, settings.acquisition_state, wait_s=wait_s, make_unit=unit)
