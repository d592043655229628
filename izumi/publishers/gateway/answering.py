"""Holds, dead letters and jobs answered over `/v1`, as `izumi-admin` answers them.

Each kind takes a scope of its own. Whoever hears no answer may ask again: what was said
already is told once more, and nothing is done twice.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import post
from litestar.openapi.spec import Operation
from litestar.openapi.spec.request_body import RequestBody
from litestar.params import JSONBody

from izumi.bus import holds, jobs, letters
from izumi.bus.holds import Saying
from izumi.bus.jobs import Job
from izumi.bus.letters import Remark
from izumi.bus.ports import Bus, DeadLetters, History, Stored
from izumi.domain import fixes, subjects
from izumi.domain.errors import Declined, TooLate, Unknown
from izumi.domain.holds import find
from izumi.publishers.gateway import answer_views, views
from izumi.publishers.gateway.answer_views import (
    Approval,
    FixWish,
    HoldAnswer,
    LetterAnswer,
    Rejection,
    Remarks,
)
from izumi.publishers.gateway.asked import AnyRequest, client_of
from izumi.publishers.gateway.browse import Name, Number, patiently
from izumi.publishers.gateway.problems import ANSWER_REFUSALS
from izumi.publishers.gateway.views import JobView, Ordered

Now = Callable[[], dt.datetime]

_LONGEST: Final = 3000


@dataclass
class _BodyOptional(Operation):
    """Says what is so of these: a body may be left away."""

    def __post_init__(self) -> None:
        if isinstance(self.request_body, RequestBody):
            self.request_body.required = False


_ANSWERS: Final[dict[str, Any]] = {
    "status_code": 200,
    "responses": ANSWER_REFUSALS,
    "operation_class": _BodyOptional,
}


def on_holds(bus: Bus, now: Now) -> list[Any]:
    """Routes that answer holds."""

    async def say(request: AnyRequest, hold: str, saying: Saying) -> HoldAnswer:
        said = saying._replace(by=client_of(request).name)
        try:
            (one,) = await patiently(holds.say(bus, [hold], said))
        except TooLate:
            known = find(hold, await patiently(holds.known(bus)))
            if known.answer is None or not holds.same(known, said):
                raise
            return answer_views.hold_answer(known, known.answer)
        return answer_views.hold_answer(one.hold, one.answer)

    @post(
        "/holds/{hold:str}/approve",
        summary="Take it as it was read, or do the work again",
        operation_id="approveHold",
        **_ANSWERS,
    )
    async def approve(
        request: AnyRequest, hold: Name, data: JSONBody[Approval | None] = None
    ) -> HoldAnswer:
        data = data or Approval()
        return await say(request, hold, Saying("approve", "", now(), seq=data.seq))

    @post(
        "/holds/{hold:str}/reject",
        summary="Leave it, and ask no more",
        operation_id="rejectHold",
        **_ANSWERS,
    )
    async def reject(
        request: AnyRequest, hold: Name, data: JSONBody[Rejection | None] = None
    ) -> HoldAnswer:
        data = data or Rejection()
        said = Saying("reject", "", now(), reason=data.reason, seq=data.seq)
        return await say(request, hold, said)

    @post(
        "/holds/{hold:str}/fix",
        summary="Say what the file is, once or as a rule",
        operation_id="fixHold",
        status_code=200,
        responses=ANSWER_REFUSALS,
    )
    async def fix(request: AnyRequest, hold: Name, data: JSONBody[FixWish]) -> HoldAnswer:
        meant = fixes.fix_of(data.said())
        said = Saying("fix", "", now(), fix=meant, as_rule=data.rule, seq=data.seq)
        return await say(request, hold, said)

    return [approve, reject, fix]


def on_letters(bus: Bus, dead: DeadLetters, now: Now) -> list[Any]:
    """Routes that answer dead letters."""

    async def answer(
        request: AnyRequest, number: int, remarks: Remarks | None, act: Any
    ) -> LetterAnswer:
        remark = Remark(client_of(request).name, now(), remarks.reason if remarks else "")
        letter = await patiently(letters.find(dead, number))
        return answer_views.letter_answer(await patiently(act(bus, letter, remark)))

    @post(
        "/dead-letters/{letter:int}/retry",
        summary="Order its work again",
        operation_id="retryDeadLetter",
        **_ANSWERS,
    )
    async def retry(
        request: AnyRequest, letter: Number, data: JSONBody[Remarks | None] = None
    ) -> LetterAnswer:
        return await answer(request, letter, data, letters.retry)

    @post(
        "/dead-letters/{letter:int}/drop",
        summary="Take it off the list",
        operation_id="dropDeadLetter",
        **_ANSWERS,
    )
    async def drop(
        request: AnyRequest, letter: Number, data: JSONBody[Remarks | None] = None
    ) -> LetterAnswer:
        return await answer(request, letter, data, letters.drop)

    return [retry, drop]


def on_jobs(bus: Bus, history: History, now: Now) -> list[Any]:
    """Routes that cancel jobs, and order them again."""

    async def found(unit: str, group: str, job: str) -> Job:
        subject = subjects.job(unit, group, job)
        missing = Unknown(f"{unit}.{group} has no job of that name")
        if len(subject) > _LONGEST:
            # The server ends a connection that names a subject over its limit.
            raise missing
        entry = await patiently(bus.last(subject))
        if entry is None:
            known = await patiently(jobs.ordered(bus, unit, group, job))
            if known is None:
                raise missing
            return known
        try:
            return jobs.job_of(entry)
        except (msgspec.DecodeError, ValueError):
            raise Declined(f"{job}: a newer version wrote its log") from None

    @post(
        "/jobs/{unit:str}/{group:str}/{job:str}/cancel",
        summary="Nobody does it any more; whoever is at it stops",
        operation_id="cancelJob",
        status_code=200,
        responses=ANSWER_REFUSALS,
    )
    async def cancel(request: AnyRequest, unit: Name, group: Name, job: Name) -> JobView:
        by = client_of(request).name
        await patiently(jobs.cancel(bus, await found(unit, group, job), by=by, now=now))
        ended = await found(unit, group, job)
        if ended.record.state != "cancelled":
            raise TooLate(f"{ended.who} {job} is {ended.record.state}: nothing to cancel")
        return views.job_view(ended)

    @post(
        "/jobs/{unit:str}/{group:str}/{job:str}/retry",
        summary="Order a settled job again, from its group alone",
        operation_id="retryJob",
        status_code=202,
        responses=ANSWER_REFUSALS,
    )
    async def retry(request: AnyRequest, unit: Name, group: Name, job: Name) -> Ordered:
        by = client_of(request).name
        settled = await found(unit, group, job)
        source = await patiently(_message(history, settled.record.source))
        new = await patiently(jobs.retry(bus, settled, source, now=now, by=by))
        return Ordered(unit=unit, group=group, job=new)

    return [cancel, retry]


async def _message(history: History, seq: int) -> Stored | None:
    """The message at a place in the stream; None: it is not kept any more."""
    if seq < 1:
        return None
    found = await history.after(seq - 1, "izumi.>", most=1)
    return next((one for one in found if one.seq == seq), None)
