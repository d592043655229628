"""The routes of the earlier system, answered as it answered.

200 `Request accepted`, 401 `Unauthorized request`, 400 `Error with request`, in plain text.
What the earlier system had no answer for: 429 for addresses that guess keys, and 503 while
the bus cannot store, both with Retry-After.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import structlog

from izumi.domain import old_request
from izumi.domain.errors import BadEvent, IzumiError
from izumi.publishers.gateway.access import Access, Refused
from izumi.publishers.gateway.orders import Orders, Route

log = structlog.get_logger()

LATER_S: Final = 5
"""When to come back to a gateway whose bus is away."""


class Answer(NamedTuple):
    """An answer in plain text."""

    status: int
    text: str
    retry_after_s: int | None = None


class Legacy:
    """Answers requests of the earlier system.

    Args:
        access: Lets them in.
        orders: Stores what they ask for.

    Attributes:
        answered: How many requests by the status of the answer.
    """

    def __init__(self, access: Access, orders: Orders) -> None:
        self._access = access
        self._orders = orders
        self.answered: Counter[int] = Counter()

    async def answer(
        self, route: Route, presented: Sequence[bytes], address: str, body: bytes
    ) -> Answer:
        """Accept a request, or say why not. Says 200 only once the bus has stored it."""
        answer = await self._answer(route, presented, address, body)
        self.answered[answer.status] += 1
        return answer

    async def _answer(
        self, route: Route, presented: Sequence[bytes], address: str, body: bytes
    ) -> Answer:
        try:
            client = self._access.admit(presented, address, "submit")
        except Refused as exc:
            log.warning("gateway.refused", address=address, status=exc.status, reason=exc.reason)
            later = None if exc.retry_after_s is None else int(exc.retry_after_s) + 1
            # Earlier requesters know no 403.
            status = 429 if exc.status == 429 else 401
            return Answer(status, "Unauthorized request", later)
        try:
            file = old_request.parse(body)
            order = await self._orders.place(route, file)
        except BadEvent as exc:
            log.warning("gateway.bad_request", client=client.name, reason=str(exc))
            return Answer(400, "Error with request")
        except IzumiError as exc:
            log.warning("gateway.not_stored", client=client.name, reason=str(exc))
            return Answer(503, "Try again later", LATER_S)
        log.info("gateway.accepted", client=client.name, key=file.key, **order._asdict())
        return Answer(200, "Request accepted")
