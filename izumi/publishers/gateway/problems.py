"""Errors of `/v1` as problem+json (RFC 9457), and how its description tells of them."""

from typing import Final

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec

from izumi.domain.errors import BadEvent, Declined, Rejected, TooLate, Unknown
from izumi.publishers.gateway.access import Refused
from izumi.publishers.gateway.asked import AnyRequest
from izumi.publishers.gateway.views import Problem

PROBLEM: Final = "application/problem+json"
LATER_S: Final = 5
"""When to come back while the bus is away."""

REFUSALS: Final = {
    status: ResponseSpec(Problem, media_type=PROBLEM, generate_examples=False, description=why)
    for status, why in (
        (400, "The request is not as it has to be."),
        (401, "No key that is known here."),
        (403, "The key has not the scope."),
        (404, "There is no such thing."),
        (422, "It is well written, and cannot be done."),
        (429, "Too many wrong keys, or too many streams; Retry-After says when to come back."),
        (503, "The bus is away; Retry-After says when to come back."),
    )
}


ANSWER_REFUSALS: Final = REFUSALS | {
    409: ResponseSpec(
        Problem,
        media_type=PROBLEM,
        generate_examples=False,
        description="It was answered or settled before, or changed since it was seen.",
    )
}
"""Of what answers a hold, a dead letter or a job."""


def problem(_request: AnyRequest, error: Exception) -> Response[Problem]:
    """Any error as problem+json."""
    headers: dict[str, str] = {}
    match error:
        case Refused():
            status, detail = error.status, error.reason
            if error.retry_after_s is not None:
                headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        case HTTPException():
            status, detail = error.status_code, _detail(error)
            headers |= error.headers or {}
        case Unknown():
            status, detail = 404, str(error)
        case TooLate():
            status, detail = 409, str(error)
        case BadEvent() | Rejected() | Declined():
            status, detail = 422, str(error)
        case _:
            status, detail = 503, "the bus cannot be asked now"
            headers["Retry-After"] = str(LATER_S)
    plain = detail.encode("utf-8", "backslashreplace").decode()
    body = Problem(title=_TITLES.get(status, "Error"), status=status, detail=plain)
    return Response(body, status_code=status, media_type=PROBLEM, headers=headers)


def _detail(error: HTTPException) -> str:
    """What the framework found wrong, with the field."""
    if not isinstance(error.extra, list):
        return error.detail
    said = [msgspec.to_builtins(one) for one in error.extra if isinstance(one, dict)]
    fields = [f"{one.get('key', 'body')}: {one.get('message', '')}" for one in said]
    return "; ".join([error.detail.partition(" for ")[0], *fields])


_TITLES: Final = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Too late",
    413: "Too large",
    422: "Cannot be done",
    429: "Too many requests",
    503: "Try again later",
}


def later(status: int, detail: str) -> HTTPException:
    """An error that passes."""
    headers = {"Retry-After": str(LATER_S)}
    return HTTPException(status_code=status, detail=detail, headers=headers)
