"""What the bus remembers, as `/v1` shows it: jobs, files, holds, dead letters."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Annotated, Any, Final, TypeVar

from litestar import get
from litestar.exceptions import HTTPException
from litestar.params import PathParameter, QueryParameter

from izumi.bus.ports import Bus, DeadLetters, History, Stored
from izumi.domain import holds, subjects
from izumi.publishers.gateway import views
from izumi.publishers.gateway.events import FACTS
from izumi.publishers.gateway.problems import REFUSALS, later
from izumi.publishers.gateway.views import DeadLetterView, FileView, HoldView, JobView, State

T = TypeVar("T")

_ANSWER_S: Final = 10.0
_MOST_ENTRIES: Final = 5000

Limit = Annotated[int, QueryParameter(ge=1, le=views.MOST, description="Most entries.")]
Name = Annotated[str, PathParameter(max_length=255)]
InState = Annotated[State | None, QueryParameter(name="state", required=False)]
Wanted = Annotated[str | None, QueryParameter(max_length=1000, required=False)]


def routes(bus: Bus, history: History, letters: DeadLetters) -> list[Any]:
    """Everything that only shows."""
    return [*_jobs(bus, history), *_files(bus), *_open(bus, letters)]


def _jobs(bus: Bus, history: History) -> list[Any]:
    @get("/jobs", summary="Jobs, the youngest first", operation_id="jobs", responses=REFUSALS)
    async def jobs(
        unit: Wanted = None, group: Wanted = None, in_state: InState = None, limit: Limit = 100
    ) -> list[JobView]:
        pattern = ["izumi", "job", "*" if unit is None else subjects.token(unit)]
        pattern += [">"] if group is None else [subjects.token(group), "*"]
        entries = await _patiently(bus.latest(".".join(pattern)))
        return views.jobs_of(entries, state=in_state)[:limit]

    @get(
        "/jobs/{unit:str}/{group:str}/{job:str}",
        summary="One job, with everything that was noted of it",
        operation_id="job",
        responses=REFUSALS,
    )
    async def job(unit: Name, group: Name, job: Name) -> JobView:
        log = await _all(history, subjects.job(unit, group, job))
        found = views.job_of(unit, group, job, log)
        if found is None:
            raise HTTPException(status_code=404, detail=f"{unit}.{group} has no job of that name")
        return found

    return [jobs, job]


def _files(bus: Bus) -> list[Any]:
    @get("/files", summary="Files, the youngest first", operation_id="files", responses=REFUSALS)
    async def files(show: Wanted = None, key: Wanted = None, limit: Limit = 100) -> list[FileView]:
        facts = views.decoded(await _patiently(bus.latest(FACTS)))
        return views.files_of(facts, show=show, key=key)[:limit]

    @get(
        "/files/{file:str}",
        summary="One file, and its history",
        operation_id="file",
        responses=REFUSALS,
    )
    async def file(file: Name) -> FileView:
        facts = views.decoded(await _patiently(bus.latest(FACTS)))
        for found in views.files_of(facts):
            if found.id == file:
                return found
        raise HTTPException(status_code=404, detail="there is no file of that id")

    return [files, file]


def _open(bus: Bus, letters: DeadLetters) -> list[Any]:
    @get("/holds", summary="What a person must decide", operation_id="holds", responses=REFUSALS)
    async def held(
        answered: Annotated[bool, QueryParameter(description="Answered ones too.")] = False,  # noqa: FBT002 - a query's field
        limit: Limit = 100,
    ) -> list[HoldView]:
        entries: list[Stored] = []
        for kind in ("held", "answered"):
            entries += await _patiently(bus.latest(f"izumi.file.{kind}.>"))
        known = holds.holds(views.decoded(entries))
        shown = [views.hold_view(one) for one in known if answered or one.answer is None]
        return shown[::-1][:limit]

    @get(
        "/dead-letters", summary="What was given up", operation_id="deadLetters", responses=REFUSALS
    )
    async def given_up(limit: Limit = 100) -> list[DeadLetterView]:
        found = await _patiently(letters.entries())
        return [views.letter_view(letter) for letter in found][::-1][:limit]

    return [held, given_up]


async def _all(history: History, subject: str) -> Sequence[Stored]:
    """Every message of one subject; of very many, the first ones."""
    found: list[Stored] = []
    while len(found) < _MOST_ENTRIES:
        page = await _patiently(history.after(found[-1].seq if found else 0, subject))
        if not page:
            break
        found += page
    return found


async def _patiently(reading: Awaitable[T]) -> T:
    """What is read, or that it took too long.

    Raises:
        HTTPException: It did.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await reading
    except TimeoutError:
        raise later(503, "the bus does not answer") from None
