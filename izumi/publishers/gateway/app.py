"""The HTTP application: every route, and answers for everything else."""

from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Response
from litestar.exceptions import HTTPException

from izumi.publishers.gateway import hooks
from izumi.publishers.gateway.arrivals import Arrivals
from izumi.publishers.gateway.asked import AnyRequest, Door
from izumi.publishers.gateway.guard import App, Guard
from izumi.publishers.gateway.legacy import Legacy
from izumi.publishers.gateway.orders import Route
from izumi.publishers.gateway.settings import GatewaySettings


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the routes are made of.

    Attributes:
        settings: `[gateway]`.
        door: Lets requests in.
        legacy: Answers the routes of the earlier system.
        arrivals: Asks acquisition for files.
    """

    settings: GatewaySettings
    door: Door
    legacy: Legacy
    arrivals: Arrivals


def application(parts: Parts) -> App:
    """The whole, guarded."""
    settings = parts.settings
    app = Litestar(
        route_handlers=[
            *(
                parts.legacy.route(path, Route(one.unit, one.group, one.priority))
                for path, one in settings.routes.items()
            ),
            *hooks.routes(parts.door, parts.arrivals),
        ],
        openapi_config=None,
        exception_handlers={HTTPException: plain},
        request_max_body_size=settings.most_body_bytes,
        logging_config=None,
    )
    made: Any = app
    return Guard(made, most_bytes=settings.most_body_bytes, body_s=settings.body_s)


def plain(_request: AnyRequest, error: HTTPException) -> Response[str]:
    """What the framework refuses by itself: no such path, no such method."""
    return Response(
        error.detail,
        status_code=error.status_code,
        media_type="text/plain",
        headers=error.headers or {},
    )
