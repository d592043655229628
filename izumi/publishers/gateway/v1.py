"""`/v1`: orders, and what the bus remembers, for programs. Errors are problem+json."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from litestar import HttpMethod, Response, Router, get, post, route
from litestar.connection import ASGIConnection
from litestar.datastructures import ResponseHeader
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from izumi.bus.ports import Bus, DeadLetters, History
from izumi.domain import old_request
from izumi.domain.errors import IzumiError
from izumi.domain.events import File
from izumi.domain.timeline import Timeline
from izumi.publishers.gateway import answering, browse
from izumi.publishers.gateway.asked import CLIENT, Door
from izumi.publishers.gateway.events import Events, Full
from izumi.publishers.gateway.keys import Scope
from izumi.publishers.gateway.orders import Orders, Route
from izumi.publishers.gateway.problems import LATER_S, REFUSALS, later
from izumi.publishers.gateway.views import Health, Ordered, Wish
from izumi.runtime import metrics
from izumi.runtime.figures import Look
from izumi.runtime.worker import utcnow

_HEALTH_S: Final = 1.0

Progress = Annotated[bool, QueryParameter(description="How far jobs are, too.")]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What `/v1` asks.

    Attributes:
        door: Lets requests in.
        orders: Stores wishes.
        bus: Tells the last message of each subject.
        history: Tells messages in order.
        letters: Tells what was given up.
        episode: Tells the whole life of the one that a text means.
        events: Streams of facts.
        figures: Counters of this unit.
        now: Wall clock.
    """

    door: Door
    orders: Orders
    bus: Bus
    history: History
    letters: DeadLetters
    episode: Callable[[str], Awaitable[Timeline]]
    events: Events
    figures: Look
    now: Callable[[], dt.datetime] = utcnow


def router(sources: Sources) -> Router:
    """Everything below `/v1`."""
    bus, history, letters, now = sources.bus, sources.history, sources.letters, sources.now
    reading = [
        *browse.routes(bus, history, letters),
        browse.episodes(sources.episode),
        _follow(sources),
        _figures(sources),
    ]
    scoped: dict[Scope, list[Any]] = {
        "read": reading,
        "submit": [_submit(sources)],
        "answer": answering.on_holds(bus, now),
        "letters": answering.on_letters(bus, letters, now),
        "jobs": answering.on_jobs(bus, history, now),
    }
    routers = [
        Router(
            "/",
            route_handlers=handlers,
            guards=[_needs(sources.door, scope)],
            security=[{"key": []}],
        )
        for scope, handlers in scoped.items()
    ]
    return Router("/v1", route_handlers=[_allowed, *routers, _health(sources)])


@route("/jobs", http_method=HttpMethod.OPTIONS, status_code=204, include_in_schema=False)
async def _allowed() -> Response[None]:
    """What the framework would tell wrongly: it knows the first handler of a path alone."""
    return Response(None, headers={"Allow": "GET, OPTIONS, POST"})


def _needs(door: Door, scope: Scope) -> Callable[[Any, BaseRouteHandler], None]:
    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        connection.scope["state"][CLIENT] = door.admit({**connection.scope}, scope)

    return guard


def _submit(sources: Sources) -> Any:
    @post("/jobs", status_code=202, summary="Order work", operation_id="order", responses=REFUSALS)
    async def order(
        data: JSONBody[Wish],
        once: Annotated[
            str | None,
            HeaderParameter(
                name="Idempotency-Key",
                required=False,
                max_length=200,
                description="Two wishes of one key are one, whatever they say.",
            ),
        ] = None,
    ) -> Ordered:
        file = File(
            key=old_request.key(data.show, data.episode),
            size=data.size,
            sha256=data.sha256,
            sub=data.sub,
        )
        route = Route(data.unit, data.group, data.priority)
        placed = await sources.orders.place(route, file, name=once or "")
        return Ordered(unit=placed.unit, group=placed.group, job=placed.job)

    return order


def _follow(sources: Sources) -> Any:
    @get(
        "/events",
        summary="Facts as server-sent events",
        description="The id of an event is its place in the stream. `Last-Event-ID` or `after` "
        "goes on behind one; without it everything that the bus keeps is told. With `progress` "
        "events of the type `progress/1` come between them; they have no id.",
        operation_id="events",
        responses=REFUSALS,
        media_type="text/event-stream",
    )
    async def events(
        after: Annotated[int, QueryParameter(ge=0, le=(1 << 53))] = 0,
        last: Annotated[
            int | None,
            HeaderParameter(name="Last-Event-ID", ge=0, le=(1 << 53), required=False),
        ] = None,
        progress: Progress = False,  # noqa: FBT002 - a query's field
    ) -> Stream:
        try:
            stream = sources.events.follow(max(after, last or 0), progress=progress)
        except Full:
            raise later(429, "too many clients follow already") from None
        return Stream(stream, media_type="text/event-stream")

    return events


def _figures(sources: Sources) -> Any:
    @get(
        "/metrics",
        summary="Counters",
        operation_id="metrics",
        responses=REFUSALS,
        media_type="text/plain",
    )
    async def figures() -> Response[bytes]:
        text = metrics.text(await sources.figures())
        return Response(text, media_type=metrics.CONTENT_TYPE)

    return figures


def _health(sources: Sources) -> Any:
    @get(
        "/health",
        summary="Whether requests can be stored now",
        operation_id="health",
        responses={503: ResponseSpec(Health, generate_examples=False, description="They cannot.")},
        response_headers=[
            ResponseHeader(name="Retry-After", required=False, documentation_only=True)
        ],
    )
    async def health() -> Response[Health]:
        try:
            async with asyncio.timeout(_HEALTH_S):
                await sources.bus.last("izumi.do.gateway.health.normal.none")
        except (IzumiError, TimeoutError):
            later = {"Retry-After": str(LATER_S)}
            return Response(Health(status="bus away"), status_code=503, headers=later)
        return Response(Health(status="ok"))

    return health
