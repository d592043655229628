"""Any service of Apprise as a channel: in order, at Apprise's own pace, bounded in time.

A message cannot be changed there. One that was sent and not answered in time may have
arrived; it is tried again all the same: told twice is better than never.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from izumi.clients.apprise_service import Delivery
from izumi.clients.ports import ChannelOff
from izumi.clients.rest import Rest
from izumi.domain.announce import Announcement
from izumi.domain.errors import Rejected, Unavailable
from izumi.domain.links import NO_LINKS, LinkBases
from izumi.domain.plain import Format, text
from izumi.domain.template import FULL, Template

log = structlog.get_logger()

_GONE: Final = frozenset({401, 403, 404, 410})
_REFUSED: Final = frozenset({400, 413, 414, 415, 422})


class Service(Protocol):
    """Takes messages, and blocks meanwhile."""

    pause_s: float

    def deliver(self, title: str, body: str, format_: Format) -> Delivery:
        """Send one message."""


@dataclass(kw_only=True)
class AppriseChannel:
    """A `Channel` that is a service of Apprise.

    Attributes:
        name: As the configuration calls it; the only thing that logs know it by.
        service: Takes the messages.
        template: What they look like.
        bases: Where files can be had.
        format: What they are written in.
        timeout_s: For one message.
        patience_s: Longest wait behind other messages; what takes longer is given back.
        clock: Monotonic seconds.
    """

    name: str
    service: Service
    template: Template = FULL
    bases: LinkBases = NO_LINKS
    format: Format = "text"
    timeout_s: float = 60.0
    patience_s: float = 30.0
    clock: Callable[[], float] = time.monotonic

    edits = False

    def __post_init__(self) -> None:
        self._turn = asyncio.Lock()
        self._rest = Rest(self.clock)
        self._queued = 0
        self._off = ""
        self._sending: asyncio.Future[Delivery] | None = None
        # A thread of its own: a service that hangs holds no other.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"apprise-{self.name}")

    async def send(self, news: Announcement, job: str) -> str:  # noqa: ARG002 - the port's; services have no key for repeats
        """As `Channel.send`; there is no message to edit."""
        message = text(news, self.template, self.bases, self.format)
        wait_s = self._queued * self.service.pause_s
        if wait_s > self.patience_s:
            raise self._later(f"{self._queued} messages go before", wait_s)
        self._queued += 1
        try:
            async with self._turn:
                self._check()
                outcome = await self._delivered(message.title, message.body)
        finally:
            self._queued -= 1
        self._settle(outcome)
        return ""

    async def edit(self, message: str, news: Announcement, job: str) -> None:
        """As `Channel.edit`: what was sent stays as it is."""

    async def aclose(self) -> None:
        """Take no more messages; one on its way is not waited for. May be called twice."""
        self._thread.shutdown(wait=False)

    def _check(self) -> None:
        """Whether the service may be asked.

        Raises:
            ChannelOff: It never may again.
            Unavailable: Not now.
        """
        if self._off:
            raise ChannelOff(self._off)
        if (rest_s := self._rest.left_s) > 0:
            raise self._later("it did not answer just now", rest_s)
        if self._sending is not None and not self._sending.done():
            raise self._later("it is still at the message before", self._rest.begin())

    async def _delivered(self, title: str, body: str) -> Delivery:
        loop = asyncio.get_running_loop()
        self._sending = loop.run_in_executor(
            self._thread, self.service.deliver, title, body, self.format
        )
        done, _ = await asyncio.wait({self._sending}, timeout=self.timeout_s)
        if not done:
            raise self._later(f"no answer within {self.timeout_s:g} s", self._rest.begin())
        return self._sending.result()

    def _settle(self, outcome: Delivery) -> None:
        """Nothing, or the error that a failure is.

        Raises:
            ChannelOff: The service is not to be asked again.
            Rejected: It refuses this message.
            Unavailable: It may take it later.
        """
        if outcome.done:
            self._rest.over()
            return
        said = "failed" if outcome.status is None else f"answered {outcome.status}"
        reason = f"its service {said}"
        if outcome.status in _GONE:
            self._off = (
                f"target {self.name}: {reason}; it is off until it is mended and this instance "
                "started anew"
            )
            log.error("apprise.off", target=self.name, reason=self._off)
            raise ChannelOff(self._off)
        if outcome.status in _REFUSED:
            raise Rejected(f"target {self.name}: {reason}")
        raise self._later(reason, self._rest.begin())

    def _later(self, reason: str, wait_s: float) -> Unavailable:
        return Unavailable(f"target {self.name}: {reason}", retry_after_s=wait_s)
