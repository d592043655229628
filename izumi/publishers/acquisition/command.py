"""`izumi acquire PATH...`: take these files now, and say what came of it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from izumi.domain.errors import UserError
from izumi.publishers.acquisition.unit import Acquisition
from izumi.storage.entries import shown
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.mailbox import Answer

_LOOK_S: Final = 0.05

MakeUnit = Callable[[Ledger], AbstractAsyncContextManager[Acquisition]]
"""Builds the unit for one run, with bus and storage, where no other process runs it."""


class Outcome(NamedTuple):
    """What came of one file. `pending`: nobody waited for it, or not for long enough."""

    name: str
    state: Literal["published", "pending", "failed"]
    reason: str


async def acquire(
    paths: Sequence[Path],
    folder: Path,
    *,
    wait_s: float | None,
    make_unit: MakeUnit,
    clock: Callable[[], float] = time.monotonic,
) -> list[Outcome]:
    """Have files acquired now: without their quiet time, not without proof.

    Where acquisition runs on this host, it does the work; else it is done here, and
    waited for.

    Args:
        paths: Files or folders below watch folders.
        folder: State folder of acquisition, where its ledger lies.
        wait_s: How long to wait for the outcome; 0 does not wait, None waits for ever.
        make_unit: See there.
        clock: Seconds, monotonic.

    Returns:
        One outcome for each file.

    Raises:
        UserError: A path does not exist, or the ledger is not usable.
    """
    wanted = [_absolute(path) for path in paths]
    async with _ledger(folder) as (ledger, ours):
        if not ours:
            numbers = await ledger.mailbox.ask(wanted)
            return await _outcomes(ledger, wanted, numbers, wait_s, clock)
        async with make_unit(ledger) as unit:
            stopping = asyncio.Event()
            running = asyncio.create_task(unit.run(stopping, requests_only=True))
            numbers = await ledger.mailbox.ask(wanted)
            waiting = asyncio.create_task(_outcomes(ledger, wanted, numbers, wait_s or None, clock))
            try:
                await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    running.result()
                return await waiting
            finally:
                stopping.set()
                waiting.cancel()
                await asyncio.wait({running, waiting})


def _absolute(path: Path) -> str:
    if not os.path.lexists(path):
        raise UserError(f"{shown(str(path))} does not exist")
    # Links stay as they are: one in the path is for acquisition to refuse.
    return os.path.abspath(path)  # noqa: PTH100 - `resolve` would follow them


def exit_code(outcomes: Sequence[Outcome], *, waited: bool = True) -> int:
    """0: all published; 1: one failed, is held, or is still pending although it was waited for."""
    bad = {"failed", "pending"} if waited else {"failed"}
    return 1 if any(outcome.state in bad for outcome in outcomes) else 0


@asynccontextmanager
async def _ledger(folder: Path) -> AsyncIterator[tuple[Ledger, bool]]:
    """The ledger, and whether it is ours because nobody else runs acquisition here."""
    try:
        ledger, ours = await Ledger.own(folder), True
    except UserError:
        if not Ledger.owned(folder):
            raise
        ledger, ours = await Ledger.visit(folder), False
    async with ledger:
        yield ledger, ours


async def _outcomes(
    ledger: Ledger,
    paths: Sequence[str],
    numbers: Sequence[int],
    wait_s: float | None,
    clock: Callable[[], float],
) -> list[Outcome]:
    end = None if wait_s is None else clock() + wait_s
    outcomes: list[Outcome] = []
    while True:
        outcomes = []
        for path, number in zip(paths, numbers, strict=True):
            outcomes += _outcome(path, await ledger.mailbox.answer(number))
        waits = any(outcome.state == "pending" for outcome in outcomes)
        if not waits or (end is not None and clock() >= end):
            return outcomes
        await asyncio.sleep(_LOOK_S)


def _outcome(path: str, answer: Answer) -> list[Outcome]:
    name = shown(path)
    if answer.problem:
        return [Outcome(name, "failed", answer.problem)]
    if not answer.taken:
        return [Outcome(name, "pending", "not taken yet")]
    return [_of(item) for item in answer.items] or [Outcome(name, "failed", "is gone")]


def _of(item: Item) -> Outcome:
    if item.state in {"published", "done"}:
        return Outcome(item.name, "published", item.reason or item.key)
    if item.gone and item.state not in {"staged", "stored"}:
        return Outcome(item.name, "failed", "is gone")
    if item.state in {"held", "ignored"} or item.judged:
        return Outcome(item.name, "failed", item.reason)
    return Outcome(item.name, "pending", item.reason or item.state)
