"""The pull loop: one message at a time for whoever takes, strict priorities, no prefetch.

`fetch` of nats-py is not used: it knows no priority groups, and after a change of leader
or a restart it stalls until its whole time-out is over.

A taker first looks, most urgent consumer first, without waiting. When all are empty it
leaves a waiting pull with each, takes the first message that comes, and withdraws the
others by leaving the mailbox; what slipped in meanwhile goes back to its queue.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NoReturn

import msgspec
import structlog

from izumi.bus.connection import Connection
from izumi.bus.delivery import JetStreamDelivery
from izumi.bus.mailbox import NEXT, Answer, Mailbox
from izumi.bus.topology import TIER_GROUP
from izumi.domain.errors import BusUnavailable, UserError

log = structlog.get_logger("izumi.bus")

_MISSING: Final = (10014, 10059)


class Pulling(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the pull loop.

    Attributes:
        expires_s: How long the server keeps one waiting pull.
        heartbeat_s: How often it says that it still does. Two missed: the consumer's
            leader or our own connection is gone.
        answer_s: How long any other answer may take.
        pause_s: First pause after a refusal; doubled up to `longest_pause_s`.
    """

    expires_s: float = 30.0
    heartbeat_s: float = 2.0
    answer_s: float = 2.0
    pause_s: float = 0.1
    longest_pause_s: float = 5.0


def verdict(status: str, why: str) -> Literal["alive", "empty", "again", "broken"]:
    """What an answer without a message means.

    "alive": a heartbeat. "empty": nothing there, or the pull ran out. "again": not now
    (no leader, a server stops, too many pulls). "broken": the consumer is not as it
    should be.
    """
    match status:
        case "100":
            return "alive"
        case "404" | "408":
            return "empty"
        case "400":
            return "broken"
        case "409" if "Deleted" in why or "push" in why:
            return "broken"
    return "again"


class JetStreamInbox:
    """See `ports.Inbox`."""

    def __init__(
        self,
        connection: Connection,
        stream: str,
        consumers: Sequence[str],
        *,
        tier: int = 0,
        pulling: Pulling | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._consumers = tuple(consumers)
        self._pulling = pulling or Pulling()
        self._clock = clock
        ask = {"batch": 1, "group": TIER_GROUP, "priority": tier}
        self._look_pull = _json(ask | {"no_wait": True})
        self._wait_pull = _json(
            ask
            | {
                "expires": round(self._pulling.expires_s * 1e9),
                "idle_heartbeat": round(self._pulling.heartbeat_s * 1e9),
            }
        )
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._checked = False
        self._free: list[Mailbox] = []
        self._used: set[Mailbox] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._unwatch = connection.watch(self._wake)

    async def take(self) -> JetStreamDelivery | None:
        """The next message, waited for; None after `stop()`.

        Raises:
            UserError: The consumer does not exist, is configured otherwise, or our role
                may not pull from it.
        """
        pause_s = self._pulling.pause_s
        while not self._stopping.is_set() and not self._connection.closed:
            if not self._connection.connected:
                self._changed.clear()
                await self._changed.wait()
                continue
            began = self._clock()
            with contextlib.suppress(BusUnavailable):
                job = await self._cycle()
                if job is not None:
                    return job
            # A refusal comes at once; a cycle that lasted was none.
            lasted = self._clock() - began >= self._pulling.answer_s
            pause_s = self._pulling.pause_s if lasted else pause_s
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, self._pulling.longest_pause_s)
        return None

    def stop(self) -> None:
        """Hand out nothing more."""
        self._stopping.set()
        self._wake()

    async def aclose(self) -> None:
        """Stop, and give back what slipped in."""
        self.stop()
        self._unwatch()
        await asyncio.gather(*(box.leave() for box in (*self._free, *self._used)))
        await asyncio.gather(*self._leaving)

    def _wake(self) -> None:
        self._changed.set()
        for box in self._used:
            box.wake()

    async def _cycle(self) -> JetStreamDelivery | None:
        """One look and one wait. None: start over, after a pause."""
        if not self._checked:
            await self._check()
        box = await self._open()
        try:
            return await self._look(box) or await self._wait(box)
        finally:
            self._put_back(box)

    async def _open(self) -> Mailbox:
        if self._free:
            box = self._free.pop()
        else:
            box = await Mailbox.open_(
                self._connection, self._stream, self._consumers, self._pulling.answer_s
            )
        self._used.add(box)
        return box

    def _put_back(self, box: Mailbox) -> None:
        self._used.discard(box)
        if box.clean and not self._stopping.is_set():
            self._free.append(box)
            return
        leaving = asyncio.create_task(box.leave())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _look(self, box: Mailbox) -> JetStreamDelivery | None:
        for consumer in range(len(self._consumers)):
            await box.ask(consumer, self._look_pull)
            answer = await box.answer(self._pulling.answer_s)
            if answer is None:
                self._check_refused()
                raise BusUnavailable(f"no answer from consumer {self._consumers[consumer]}")
            if answer.job is not None:
                return answer.job
            if verdict(answer.status, answer.why) != "empty":
                self._refusal(answer)
        return None

    async def _wait(self, box: Mailbox) -> JetStreamDelivery | None:
        heard = {}
        epoch = self._connection.epoch
        for consumer in range(len(self._consumers)):
            await box.ask(consumer, self._wait_pull)
            heard[consumer] = self._clock()
        while not self._stopping.is_set() and self._connection.epoch == epoch:
            silent_at = min(heard.values()) + 2 * self._pulling.heartbeat_s
            left_s = silent_at - self._clock()
            answer = await box.answer(max(left_s, 0.0))
            if answer is None:
                self._check_refused()
                if left_s <= 0 or self._clock() >= silent_at:
                    await self._connection.probe()
                return None
            if answer.job is not None:
                return await self._most_urgent(box, answer)
            heard[answer.consumer] = self._clock()
            match verdict(answer.status, answer.why):
                case "alive":
                    pass
                case "empty":
                    await box.ask(answer.consumer, self._wait_pull)
                case _:
                    self._refusal(answer)
        return None

    async def _most_urgent(self, box: Mailbox, first: Answer) -> JetStreamDelivery | None:
        """Of what came at the same time; the rest goes back."""
        best, *others = sorted(
            (answer for answer in (first, *box.answers()) if answer.job is not None),
            key=lambda answer: answer.consumer,
        )
        for other in others:
            if other.job is not None:
                await box.give_back(other.job)
        return best.job

    def _refusal(self, answer: Answer) -> NoReturn:
        """Raise UserError for what will not mend itself, else BusUnavailable."""
        name = self._consumers[answer.consumer]
        told = f"{answer.status} {answer.why}".strip()
        if verdict(answer.status, answer.why) == "broken":
            raise UserError(f"consumer {name} is not as it should be ({told}): {_WAY_OUT}")
        # Nobody answers (503): it has no leader for the moment, or it does not exist.
        self._checked = False
        log.warning("bus.pull_refused", consumer=name, reason=told)
        raise BusUnavailable(f"consumer {name}: {told}")

    async def _check(self) -> None:
        """Look at the consumers once: a wrong one would only be silent."""
        for name in self._consumers:
            answer = await self._connection.request(
                f"$JS.API.CONSUMER.INFO.{self._stream}.{name}", timeout_s=self._pulling.answer_s
            )
            info = msgspec.json.decode(answer.data)
            error = info.get("error")
            if error is None:
                if TIER_GROUP not in info["config"].get("priority_groups", ()):
                    raise UserError(f"consumer {name} knows no tiers: {_WAY_OUT}")
            elif error.get("err_code") in _MISSING:
                raise UserError(f"consumer {name} does not exist: {_WAY_OUT}")
            else:
                raise BusUnavailable(f"consumer {name}: {error.get('description')}")
        self._checked = True

    def _check_refused(self) -> None:
        for name in self._consumers:
            self._connection.check_allowed(f"{NEXT}.{self._stream}.{name}")

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()


_WAY_OUT: Final = "run `izumi-admin bus apply` with the settings of this host"


def _json(request: dict[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()
