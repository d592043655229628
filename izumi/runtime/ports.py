"""What a unit sees of the runtime, and the runtime of a unit. Neither sees a message."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from izumi.domain.events import Fact
from izumi.domain.pace import Pace


class JobContext(Protocol):
    """One claimed job, as its handler sees it.

    Attributes:
        job: Its identity in the job log.
        attempt: Claims so far, this one included.
        token: Unique to this claim; part of every temporary name outside this host.
        scratch: An empty private folder, removed when the job ends.
        checkpoint: What an earlier attempt saved; JSON values.
    """

    unit: str
    group: str
    instance: str
    job: str
    scratch: Path

    @property
    def attempt(self) -> int:
        """See the class."""

    @property
    def token(self) -> str:
        """See the class."""

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """See the class."""

    @property
    def lost(self) -> bool:
        """Someone else has the job, or a person cancelled it: no attempt comes here again."""

    def report(
        self,
        step: str,
        fraction: float | None = None,
        detail: str = "",
        pace: Pace | None = None,
    ) -> None:
        """Tell how far it is. Keeps the lease: call it only when something was achieved."""

    async def save(self, checkpoint: Mapping[str, Any], facts: Sequence[Fact] = ()) -> None:
        """Record what a later attempt needs, and publish facts with it, atomically.

        Raises:
            Fenced: The job is not ours any more; nothing was stored.
        """

    async def still_ours(self) -> None:
        """Ask the log; call it right before an effect outside. Raises Fenced."""

    async def reserve(self, size_bytes: int) -> None:
        """Set scratch space aside until the job ends. Raises NoSpace."""


class Handler(Protocol):
    """The work of a unit."""

    async def __call__(self, fact: Fact, job: JobContext, /) -> Sequence[Fact]:
        """Do the work; the facts returned are published and the job is done, atomically.

        Must be cancellable at every await, and repeatable at every step.

        Raises:
            Unavailable: Try again later.
            Held: A person must decide.
            Rejected: It can never succeed.
        """
