"""One webhook as a channel: in order, at Discord's own pace, off when Discord says so.

A request that was sent and not answered (a time-out, a 5xx) may have been carried out. It
is tried again all the same: told twice is better than never, and webhooks have no key by
which Discord would tell a repeat.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from izumi.clients.discord_address import WebhookAddress
from izumi.clients.discord_payload import body
from izumi.clients.discord_reply import (
    Failed,
    Off,
    Refused,
    Removed,
    Told,
    Verdict,
    Wait,
    exhausted_s,
    judge,
)
from izumi.clients.http import Http
from izumi.clients.ports import ChannelOff
from izumi.clients.rest import Rest
from izumi.domain.announce import Announcement
from izumi.domain.embed import embed
from izumi.domain.errors import Rejected, Unavailable
from izumi.domain.links import NO_LINKS, LinkBases
from izumi.domain.template import FULL, Template

log = structlog.get_logger()

_LIMITS_IN_A_ROW: Final = 20
"""Answers "too early" to one message before its job is given back."""

_MOST_WAITING: Final = 1000
"""Messages in line before a webhook; more would take the room of other webhooks' news."""


@dataclass
class Gate:
    """What all webhooks of a process wait for: a limit that is global, a ban."""

    open_at: float = float("-inf")

    def close(self, until: float) -> None:
        """Nobody before `until`, on the clock of the channels."""
        self.open_at = max(self.open_at, until)


@dataclass(kw_only=True)
class DiscordChannel:
    """A `Channel` that is a Discord webhook.

    Attributes:
        name: As the configuration calls it; the only thing that logs know it by.
        address: Where it is.
        http: Makes the requests.
        gate: Shared by all webhooks of the process.
        template: What a message looks like.
        bases: Where files can be had.
        timeout_s: For one answer.
        tries: Failures before the channel rests and the job is given back.
        patience_s: Longest wait inside a job; what takes longer is given back.
        clock: Monotonic seconds.
        sleep: Waits.
        spread: Random 0 to 1, for backoff.
    """

    name: str
    address: WebhookAddress
    http: Http
    gate: Gate = field(default_factory=Gate)
    template: Template = FULL
    bases: LinkBases = NO_LINKS
    timeout_s: float = 15.0
    tries: int = 5
    patience_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    spread: Callable[[], float] = random.random

    edits = True

    def __post_init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._open_at = float("-inf")
        self._rest = Rest(self.clock)
        self._off = ""

    async def send(self, news: Announcement, job: str) -> str:  # noqa: ARG002 - the port's; webhooks have no key for repeats
        """As `Channel.send`."""
        return await self._ask("POST", news, "")

    async def edit(self, message: str, news: Announcement, job: str) -> None:  # noqa: ARG002 - as in `send`
        """As `Channel.edit`."""
        if message:
            await self._ask("PATCH", news, message)

    async def _ask(self, method: str, news: Announcement, message: str) -> str:
        """The id of the message. One request at a time, in the order they came."""
        if self._waiting >= _MOST_WAITING:
            raise self._later(f"{self._waiting} messages go before", self.patience_s)
        self._waiting += 1
        try:
            async with self._turn:
                content = body(embed(news, self.template, self.bases))
                return await self._asked(method, content, message)
        finally:
            self._waiting -= 1

    async def _asked(self, method: str, content: bytes, message: str) -> str:
        failures = limits = 0
        while True:
            await self._wait_until_open()
            verdict = await self._try(method, content, message)
            match verdict:
                case Told(told):
                    self._rest.over()
                    return told or message
                case Removed():
                    return message
                case Wait(wait_s, everyone):
                    limits += 1
                    self._hold_off(wait_s, everyone=everyone)
                    if limits >= _LIMITS_IN_A_ROW:
                        raise self._later("it asks to wait again and again", wait_s)
                case Failed(reason, after_s):
                    failures += 1
                    self._hold_off(after_s, everyone=False)
                    if failures >= self.tries:
                        raise self._later(reason, max(self._rest.begin(), after_s))
                    await self.sleep(2.0**failures * (0.5 + self.spread() / 2))
                case Off() | Refused():
                    raise self._refused(verdict)

    async def _try(self, method: str, content: bytes, message: str) -> Verdict:
        url = self.address.message(message) if message else self.address.new_message()
        try:
            reply = await self.http.ask(
                f"webhook {self.name}", method, url, timeout_s=self.timeout_s, body=content
            )
        except Unavailable as exc:
            return Failed(str(exc))
        self._hold_off(exhausted_s(reply), everyone=False)
        return judge(reply)

    def _hold_off(self, wait_s: float, *, everyone: bool) -> None:
        until = self.clock() + wait_s
        if everyone:
            self.gate.close(until)
        else:
            self._open_at = max(self._open_at, until)

    async def _wait_until_open(self) -> None:
        """Until Discord may be asked.

        Raises:
            ChannelOff: It never may again.
            Unavailable: That is too far away.
        """
        if self._off:
            raise ChannelOff(self._off)
        if (rest_s := self._rest.left_s) > 0:
            raise self._later("it did not answer just now", rest_s)
        while (wait_s := max(self._open_at, self.gate.open_at) - self.clock()) > 0:
            if wait_s > self.patience_s:
                raise self._later(f"not to be used for another {wait_s:.0f} s", wait_s)
            await self.sleep(wait_s)

    def _later(self, reason: str, wait_s: float) -> Unavailable:
        return Unavailable(f"webhook {self.name}: {reason}", retry_after_s=wait_s)

    def _refused(self, verdict: Off | Refused) -> Rejected:
        text = f"webhook {self.name}: {self.address.redacted(verdict.reason)}"
        if isinstance(verdict, Refused):
            return Rejected(text)
        self._off = f"{text}; it is off until it is mended and this instance started anew"
        log.error("webhook.off", target=self.name, reason=self._off)
        return ChannelOff(self._off)
