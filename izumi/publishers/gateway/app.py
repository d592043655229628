"""The HTTP application: every route, and answers for everything else."""

from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from izumi import __version__
from izumi.domain.errors import IzumiError
from izumi.publishers.gateway import hooks, v1
from izumi.publishers.gateway.access import Refused
from izumi.publishers.gateway.arrivals import Arrivals
from izumi.publishers.gateway.asked import Door
from izumi.publishers.gateway.guard import App, Guard, Message, Receive, Scope, Send, say
from izumi.publishers.gateway.legacy import Legacy
from izumi.publishers.gateway.problems import problem
from izumi.publishers.gateway.settings import GatewaySettings


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the routes are made of.

    Attributes:
        settings: `[gateway]`.
        door: Lets requests in.
        legacy: Answers the routes of the earlier system.
        arrivals: Asks acquisition for files.
        sources: What `/v1` asks.
    """

    settings: GatewaySettings
    door: Door
    legacy: Legacy
    arrivals: Arrivals
    sources: v1.Sources


def application(parts: Parts) -> App:
    """The whole, guarded."""
    settings = parts.settings
    app = Litestar(
        route_handlers=[*hooks.routes(parts.door, parts.arrivals), v1.router(parts.sources)],
        openapi_config=_openapi(),
        exception_handlers={
            HTTPException: problem,
            IzumiError: problem,
            Refused: problem,
        },
        request_max_body_size=settings.most_body_bytes,
        logging_config=None,
    )
    routed = _routed(parts, app)
    return Guard(routed, most_bytes=settings.most_body_bytes, body_s=settings.body_s)


def _routed(parts: Parts, others: Any) -> App:
    """The routes of the earlier system by themselves, which halves their cost, and the rest."""
    old = parts.settings.routes

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        route = old.get(scope["path"].removesuffix("/"))
        if route is None and scope["method"] == "HEAD":
            await others({**scope, "method": "GET"}, receive, _without_body(send))
        elif route is None:
            await others(scope, receive, send)
        elif scope["method"] == "POST":
            await parts.legacy(route, scope, receive, send)
        else:
            await say(send, 405, b"Method not allowed", [(b"allow", b"POST")])

    return serve


def _without_body(send: Send) -> Send:
    """The head of an answer, and its end; a stream ends there too, as for a client that left."""
    ended = False

    async def head(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return head


def _openapi() -> OpenAPIConfig:
    """The description of `/v1`, as JSON alone: pages for it would load scripts from elsewhere."""
    return OpenAPIConfig(
        title="Izumi gateway",
        version=__version__,
        path="/v1",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="apiKey",
                    name="Authorization",
                    security_scheme_in="header",
                    description="The key, as izumi-admin keys add printed it.",
                )
            }
        ),
        use_handler_docstrings=False,
    )
