"""The routes of the earlier system, answered as it answered.

200 `Request accepted`, 401 `Unauthorized request`, 400 `Error with request`, in plain text.
What the earlier system had no answer for: 429 for addresses that guess keys, and 503 while
the bus cannot store, both with Retry-After.
"""

from collections import Counter
from typing import Final, NamedTuple

import msgspec
import structlog

from izumi.domain import old_request
from izumi.domain.errors import BadEvent, IzumiError
from izumi.publishers.gateway.access import Refused
from izumi.publishers.gateway.asked import Door
from izumi.publishers.gateway.guard import Receive, Scope, Send, say
from izumi.publishers.gateway.orders import Orders, Route
from izumi.publishers.gateway.settings import RouteSettings
from izumi.runtime.figures import Figure

log = structlog.get_logger()

LATER_S: Final = 5
"""When to come back to a gateway whose bus is away."""


class _Answer(NamedTuple):
    status: int
    text: str
    later_s: int | None = None


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

    async def __call__(
        self, route: RouteSettings, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one request on a route; its body is there already."""
        body = (await receive()).get("body", b"")
        answer = await self._answer(route, scope, body)
        self.answered[answer.status] += 1
        later = answer.later_s
        more = [] if later is None else [(b"retry-after", b"%d" % later)]
        await say(send, answer.status, answer.text.encode(), more)

    async def _answer(self, route: RouteSettings, scope: Scope, body: bytes) -> _Answer:
        """Accept a request, or say why not. Says 200 only once the bus has stored it."""
        try:
            client = self._door.admit(scope, "submit")
        except Refused as exc:
            later = None if exc.retry_after_s is None else int(exc.retry_after_s) + 1
            # Earlier requesters know no 403.
            return _Answer(429 if exc.status == 429 else 401, "Unauthorized request", later)
        try:
            file = old_request.parse(body)
            if route.unit == "encoder":
                # The earlier encoder looked below its softsub folder, whatever `sub` said.
                file = msgspec.structs.replace(file, sub="softsub")
            who = Route(route.unit, route.group_of(file.sub), route.priority)
            order = await self._orders.place(who, file)
        except BadEvent as exc:
            log.warning("gateway.bad_request", client=client.name, reason=str(exc))
            return _Answer(400, "Error with request")
        except IzumiError as exc:
            log.warning("gateway.not_stored", client=client.name, reason=str(exc))
            return _Answer(503, "Try again later", LATER_S)
        log.info("gateway.accepted", client=client.name, key=file.key, **order._asdict())
        return _Answer(200, "Request accepted")
