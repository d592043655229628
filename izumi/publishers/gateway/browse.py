"""What the bus remembers, as `/v1` shows it: jobs, files, holds, dead letters."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from litestar import get
from litestar.exceptions import HTTPException
from litestar.params import PathParameter, QueryParameter

from izumi.bus import holds as bus_holds
from izumi.bus import jobs as bus_jobs
from izumi.bus import letters
from izumi.bus.history import whole
from izumi.bus.ports import Bus, DeadLetters, History
from izumi.domain import holds, subjects
from izumi.domain.timeline import Timeline
from izumi.publishers.gateway import answer_views, views
from izumi.publishers.gateway.answer_views import DeadLetterView, HoldView, LetterEvidence
from izumi.publishers.gateway.events import FACTS
from izumi.publishers.gateway.problems import REFUSALS, later
from izumi.publishers.gateway.views import FileView, JobView, State

T = TypeVar("T")

_ANSWER_S: Final = 10.0

Limit = Annotated[int, QueryParameter(ge=1, le=views.MOST, description="Most entries.")]
Name = Annotated[str, PathParameter(max_length=255)]
InState = Annotated[State | None, QueryParameter(name="state", required=False)]
Number = Annotated[int, PathParameter(ge=1, le=(1 << 53), description="Of the dead letter.")]
Answered = Annotated[bool, QueryParameter(description="Answered ones too.")]
Wanted = Annotated[str | None, QueryParameter(max_length=500, required=False)]


def routes(bus: Bus, history: History, dead: DeadLetters) -> list[Any]:
    """Everything that only shows."""
    return [*_jobs(bus, history), *_files(bus), *_holds(bus), *_letters(bus, history, dead)]


def _jobs(bus: Bus, history: History) -> list[Any]:
    @get("/jobs", summary="Jobs, the youngest first", operation_id="jobs", responses=REFUSALS)
    async def jobs(
        unit: Wanted = None, group: Wanted = None, in_state: InState = None, limit: Limit = 100
    ) -> list[JobView]:
        pattern = ["izumi", "job", "*" if unit is None else subjects.token(unit)]
        pattern += [">"] if group is None else [subjects.token(group), "*"]
        entries = await patiently(bus.latest(".".join(pattern)))
        told = await patiently(bus_jobs.progress(bus, unit, group))
        return views.jobs_of(entries, told, state=in_state)[:limit]

    @get(
        "/jobs/{unit:str}/{group:str}/{job:str}",
        summary="One job, with everything that was noted of it",
        operation_id="job",
        responses=REFUSALS,
    )
    async def job(unit: Name, group: Name, job: Name) -> JobView:
        log = await patiently(whole(history, subjects.job(unit, group, job)))
        told = await patiently(bus_jobs.progress(bus, unit, group, job))
        found = views.job_of(unit, group, job, log, told)
        if found is None:
            raise HTTPException(status_code=404, detail=f"{unit}.{group} has no job of that name")
        return found

    return [jobs, job]


def _files(bus: Bus) -> list[Any]:
    @get("/files", summary="Files, the youngest first", operation_id="files", responses=REFUSALS)
    async def files(show: Wanted = None, key: Wanted = None, limit: Limit = 100) -> list[FileView]:
        facts = views.decoded(await patiently(bus.latest(FACTS)))
        return views.files_of(facts, show=show, key=key)[:limit]

    @get(
        "/files/{file:str}",
        summary="One file, and its history",
        operation_id="file",
        responses=REFUSALS,
    )
    async def file(file: Name) -> FileView:
        facts = views.decoded(await patiently(bus.latest(FACTS)))
        for found in views.files_of(facts):
            if found.id == file:
                return found
        raise HTTPException(status_code=404, detail="there is no file of that id")

    return [files, file]


def episodes(told: Callable[[str], Awaitable[Timeline]]) -> Any:
    """The whole life of an episode, as `izumi-admin jobs show` tells it."""
    # Much is read for each: whoever asks for many waits, and the memory does not grow.
    one_by_one = asyncio.Lock()

    async def alone(name: str) -> Timeline:
        async with one_by_one:
            return await told(name)

    @get(
        "/episodes",
        summary="The whole life of one episode",
        description="Called by the id of a file or a job or the beginning of it, a key, a path "
        "or a name of a file, or words of the show and the number. 404: there is none; 422: "
        "several are called so, and named.",
        operation_id="episode",
        responses=REFUSALS,
    )
    async def episode(
        name: Annotated[str, QueryParameter(min_length=1, max_length=500)],
    ) -> Timeline:
        return await patiently(alone(name))

    return episode


def _holds(bus: Bus) -> list[Any]:
    @get("/holds", summary="What a person must decide", operation_id="holds", responses=REFUSALS)
    async def held(
        answered: Answered = False,  # noqa: FBT002 - a query's field
        limit: Limit = 100,
    ) -> list[HoldView]:
        known = await patiently(bus_holds.known(bus))
        shown = [answer_views.hold_view(one) for one in known if answered or one.answer is None]
        return shown[::-1][:limit]

    @get(
        "/holds/{hold:str}",
        summary="One hold",
        description="Called by its id, or the beginning of it where it is alone.",
        operation_id="hold",
        responses=REFUSALS,
    )
    async def one(hold: Name) -> HoldView:
        return answer_views.hold_view(holds.find(hold, await patiently(bus_holds.known(bus))))

    return [held, one]


def _letters(bus: Bus, history: History, dead: DeadLetters) -> list[Any]:
    @get(
        "/dead-letters", summary="What was given up", operation_id="deadLetters", responses=REFUSALS
    )
    async def given_up(
        answered: Answered = False,  # noqa: FBT002 - a query's field
        limit: Limit = 100,
    ) -> list[DeadLetterView]:
        found = await patiently(dead.entries(everything=answered))
        return [answer_views.letter_view(letter) for letter in found][::-1][:limit]

    @get(
        "/dead-letters/{letter:int}",
        summary="One dead letter, with its evidence",
        operation_id="deadLetter",
        responses=REFUSALS,
    )
    async def one(letter: Number) -> LetterEvidence:
        found = await patiently(letters.find(dead, letter))
        return answer_views.evidence_view(await patiently(letters.evidence(bus, history, found)))

    return [given_up, one]


async def patiently(reading: Awaitable[T]) -> T:
    """What is read, or that it took too long.

    Raises:
        HTTPException: It did.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await reading
    except TimeoutError:
        raise later(503, "the bus does not answer") from None
