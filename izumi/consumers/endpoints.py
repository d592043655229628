"""Endpoints: units of the earlier system elsewhere are told over HTTP, as each other they were.

Of `always`, every one is told; of each list of `sequential`, the first that takes it. None
stands in the way of another: each is called by itself, for at most five seconds, and what it
answered is recorded. Whoever did not take it is tried again until the job is given up. An
instance that is killed between an answer and its record tells that endpoint once more.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import structlog

from izumi.domain import old_request
from izumi.domain.announce import Kind, kind
from izumi.domain.errors import Held, Rejected, Unavailable
from izumi.domain.events import Acquired, Distributed, Encoded, Fact
from izumi.domain.secret import Secret
from izumi.failpoints import failpoint
from izumi.runtime.ports import JobContext

log = structlog.get_logger()

LIMIT_S: Final = 5.0
"""How long earlier units wait for each other."""

_NEVER: Final = frozenset({400, 404, 405, 410, 413, 415, 422})
"""Answers that the same request would get again."""


class Reply(Protocol):
    """An answer."""

    @property
    def status(self) -> int:
        """Of HTTP."""


class Caller(Protocol):
    """Sends requests."""

    async def ask(
        self,
        service: str,
        method: str,
        url: Secret | str,
        *,
        timeout_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request, answered whatever the status is. Raises Unavailable."""


class Endpoint(NamedTuple):
    """One endpoint: what records call it, its address, and its key."""

    name: str
    url: Secret
    auth: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The handler of one group of endpoints.

    Attributes:
        lines: Of each, the first that takes it is told.
        after: Which facts they are told of.
        http: Calls, and only addresses that may be called.
        now: The clock.
        limit_s: How long one call may take.
    """

    lines: Sequence[Sequence[Endpoint]]
    after: Sequence[Kind]
    http: Caller
    now: Callable[[], dt.datetime]
    limit_s: float = LIMIT_S

    async def __call__(self, fact: Fact, job: JobContext) -> Sequence[Fact]:
        """Tell the endpoints of `fact`'s file.

        Raises:
            Unavailable: Some did not take it yet; the others did.
            Held: Some never will.
            Rejected: The fact is about no file.
        """
        if not isinstance(fact, Acquired | Encoded | Distributed):
            raise Rejected(f"endpoints have nothing to do with {type(fact).__name__}")
        if kind(fact) not in self.after:
            return []
        await job.still_ours()
        telling = _Telling(self, job, old_request.request_of(fact.file))
        outcomes = await asyncio.gather(*(telling.tell(line) for line in self.lines))
        later = [why for outcome in outcomes for why in outcome.later]
        never = [why for outcome in outcomes for why in outcome.never]
        if later:
            raise Unavailable("; ".join(later + never))
        if never:
            raise Held(f"not taken, and never will be: {'; '.join(never)}")
        return []


@dataclass(frozen=True)
class _Outcome:
    """Why nobody of a line took it: for now, or ever."""

    later: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class _Telling:
    """One file being told of; keeps the record of who took it."""

    def __init__(self, unit: Endpoints, job: JobContext, body: bytes) -> None:
        self._unit = unit
        self._job = job
        self._body = body
        self._recording = asyncio.Lock()
        self._taken: dict[str, Any] = dict(job.checkpoint.get("taken", {}))

    async def tell(self, line: Sequence[Endpoint]) -> _Outcome:
        """Call one after the other until one takes it."""
        if any(one.name in self._taken for one in line):
            return _Outcome()
        later: list[str] = []
        never: list[str] = []
        for endpoint in line:
            try:
                status = await self._call(endpoint)
            except Unavailable as exc:
                later.append(str(exc))
                log.warning("endpoint.failed", endpoint=endpoint.name, reason=str(exc))
                continue
            if 200 <= status < 300:
                await self._record(endpoint.name, status)
                return _Outcome()
            log.warning("endpoint.refused", endpoint=endpoint.name, status=status)
            (never if status in _NEVER else later).append(f"{endpoint.name}: answered {status}")
        # While one may still take it, nothing is decided.
        return _Outcome(tuple(later + never)) if later else _Outcome(never=tuple(never))

    async def _call(self, endpoint: Endpoint) -> int:
        headers = {} if endpoint.auth is None else {"Authorization": endpoint.auth.reveal()}
        reply = await self._unit.http.ask(
            endpoint.name,
            "POST",
            endpoint.url,
            timeout_s=self._unit.limit_s,
            body=self._body,
            headers=headers,
        )
        failpoint("endpoints.after_call")
        return reply.status

    async def _record(self, name: str, status: int) -> None:
        # One at a time: the record is one entry that carries all endpoints.
        async with self._recording:
            said = {"status": status, "at": self._unit.now().isoformat()}
            taken = self._taken | {name: said}
            await self._job.save({"taken": taken})
            self._taken = taken
        log.info("endpoint.told", endpoint=name, status=status)
