"""The HTTP application: routes of the earlier system, and answers for everything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request, Response, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from izumi.publishers.gateway.access import Seen, address_of
from izumi.publishers.gateway.guard import App, Guard
from izumi.publishers.gateway.legacy import Legacy
from izumi.publishers.gateway.orders import Route
from izumi.publishers.gateway.settings import GatewaySettings, Network

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the routes are made of.

    Attributes:
        settings: `[gateway]`.
        legacy: Answers the routes of the earlier system.
    """

    settings: GatewaySettings
    legacy: Legacy


def application(parts: Parts) -> App:
    """The whole, guarded."""
    settings = parts.settings
    trusted = settings.networks()
    routes: list[HTTPRouteHandler] = [
        _old(path, Route(one.unit, one.group, one.priority), parts.legacy, trusted)
        for path, one in settings.routes.items()
    ]
    app = Litestar(
        route_handlers=routes,
        openapi_config=None,
        exception_handlers={HTTPException: plain},
        request_max_body_size=settings.most_body_bytes,
        logging_config=None,
    )
    made: Any = app
    return Guard(made, most_bytes=settings.most_body_bytes, body_s=settings.body_s)


def _old(path: str, route: Route, legacy: Legacy, trusted: Sequence[Network]) -> HTTPRouteHandler:
    @post(path, status_code=200, include_in_schema=False)
    async def accept(request: AnyRequest) -> Response[str]:
        answer = await legacy.answer(
            route, keys_of(request), client_of(request, trusted), await request.body()
        )
        later = answer.retry_after_s
        return Response(
            answer.text,
            status_code=answer.status,
            media_type="text/plain",
            headers={} if later is None else {"Retry-After": str(later)},
        )

    return accept


def keys_of(request: AnyRequest) -> list[bytes]:
    """Every key that the request presents, as its bytes."""
    names: Mapping[bytes, None] = {b"authorization": None}
    return [value for name, value in request.scope["headers"] if name.lower() in names]


def client_of(request: AnyRequest, trusted: Sequence[Network]) -> str:
    """The address that the request comes from."""
    peer = request.client.host if request.client else ""
    forwarded = [
        value.decode("latin-1")
        for name, value in request.scope["headers"]
        if name.lower() == b"x-forwarded-for"
    ]
    return address_of(Seen(peer, forwarded), trusted)


def plain(_request: AnyRequest, error: HTTPException) -> Response[str]:
    """What the framework refuses by itself: no such path, no such method."""
    return Response(
        error.detail,
        status_code=error.status_code,
        media_type="text/plain",
        headers=error.headers or {},
    )
