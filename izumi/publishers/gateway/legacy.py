"""The routes of the earlier system, answered as it answered.

200 `Request accepted`, 401 `Unauthorized request`, 400 `Error with request`, in plain text.
What the earlier system had no answer for: 429 for addresses that guess keys, and 503 while
the bus cannot store, both with Retry-After.
"""

from collections import Counter
from typing import Final

import structlog
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from izumi.domain import old_request
from izumi.domain.errors import BadEvent, IzumiError
from izumi.publishers.gateway.access import Refused
from izumi.publishers.gateway.asked import AnyRequest, Door
from izumi.publishers.gateway.orders import Orders, Route
from izumi.runtime.figures import Figure

log = structlog.get_logger()

LATER_S: Final = 5
"""When to come back to a gateway whose bus is away."""


class Legacy:
    """Answers requests of the earlier system.

    Args:
        door: Lets them in.
        orders: Stores what they ask for.

    Attributes:
        answered: How many requests by the status of the answer.
    """

    def __init__(self, door: Door, orders: Orders) -> None:
        self._door = door
        self._orders = orders
        self.answered: Counter[int] = Counter()

    async def figures(self) -> list[Figure]:
        """Counters of what was answered."""
        meaning = "Requests of the earlier kind by the status of the answer."
        return [
            Figure("requests", "counter", meaning, count, {"status": str(status)})
            for status, count in sorted(self.answered.items())
        ]

    def route(self, path: str, route: Route) -> HTTPRouteHandler:
        """A path whose requests are for a group."""

        @post(path, status_code=200, include_in_schema=False)
        async def accept(request: AnyRequest) -> Response[str]:
            answer = await self._answer(route, request)
            self.answered[answer.status_code or 200] += 1
            return answer

        return accept

    async def _answer(self, route: Route, request: AnyRequest) -> Response[str]:
        """Accept a request, or say why not. Says 200 only once the bus has stored it."""
        try:
            client = self._door.admit(request, "submit")
        except Refused as exc:
            later = None if exc.retry_after_s is None else int(exc.retry_after_s) + 1
            # Earlier requesters know no 403.
            return _text(429 if exc.status == 429 else 401, "Unauthorized request", later)
        try:
            file = old_request.parse(await request.body())
            order = await self._orders.place(route, file)
        except BadEvent as exc:
            log.warning("gateway.bad_request", client=client.name, reason=str(exc))
            return _text(400, "Error with request")
        except IzumiError as exc:
            log.warning("gateway.not_stored", client=client.name, reason=str(exc))
            return _text(503, "Try again later", LATER_S)
        log.info("gateway.accepted", client=client.name, key=file.key, **order._asdict())
        return _text(200, "Request accepted")


def _text(status: int, text: str, later_s: int | None = None) -> Response[str]:
    headers = {} if later_s is None else {"Retry-After": str(later_s)}
    return Response(text, status_code=status, media_type="text/plain", headers=headers)
