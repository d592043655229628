"""What the rest of Izumi knows of a bus. `jetstream.py` and `memory.py` both are one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from izumi.domain.errors import IzumiError
from izumi.domain.events import LetterAnswered


class Stored(NamedTuple):
    """A message that the bus keeps.

    `seq` is its place in the stream, from 1; `at` when the server stored it, in ISO 8601:
    one clock for all hosts. Empty where it was not read from a stream.
    """

    subject: str
    data: bytes
    seq: int
    headers: Mapping[str, str]
    at: str = ""


class Outgoing(NamedTuple):
    """A message to store.

    `msg_id`: a repeat within the duplicate window is stored once.
    `expect`: sequence that the subject's last message must have (0: none yet).
    `unless`: another subject; stored only while there is nothing on it. Not beside `expect`.
    """

    subject: str
    data: bytes
    msg_id: str | None = None
    expect: int | None = None
    unless: str | None = None


class Conflict(IzumiError):
    """An `expect` or `unless` did not hold: someone else wrote to the subject.

    Nothing was stored; where `unless` names what follows from the message itself, an earlier
    try of our own may have been.
    """


class Delivery(Protocol):
    """One message leased to us until `ack_wait_s` passes without `in_progress`."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    seq: int
    """Place in the stream."""
    attempt: int
    """Deliveries so far as the server counts them; can fall back after its crash."""
    reply: str
    """Where the answer goes; whoever may publish there can settle in our place."""
    received: float
    """`CLOCK_BOOTTIME` when it came: runs on while frozen or suspended."""

    async def ack(self) -> None:
        """Settle for good. Returns when the server confirmed. Raises BusUnavailable."""

    async def nak(self, delay_s: float = 0.0) -> None:
        """Give it back, to be delivered again after `delay_s`. Not confirmed."""

    async def term(self, reason: str) -> None:
        """Never deliver again; the reason goes to the dead letters. As `ack`."""

    async def in_progress(self) -> None:
        """Prolong the lease by `ack_wait_s`. Not confirmed."""


class Inbox(Protocol):
    """Membership of one instance in a queue group, strict priorities and tier included."""

    async def take(self) -> Delivery | None:
        """The next message, waited for; None after `stop()`. Safe from several tasks.

        Raises:
            UserError: The consumer does not exist or is configured otherwise.
        """

    def stop(self) -> None:
        """Hand out nothing more. May be called twice, and before any `take()`."""

    async def aclose(self) -> None:
        """Stop, and give back what slipped in. May be called twice."""


class Bus(Protocol):
    """The stream `IZUMI`, the rules, and the two that are told without a receipt.

    Every method raises UserError when the key of this process does not allow what is
    asked, and Rejected for a message that is too big for the bus.
    """

    async def publish(self, message: Outgoing) -> int:
        """Store; the sequence is the receipt. A known `msg_id` gives the first receipt.

        Raises:
            Conflict: `expect` or `unless` did not hold.
            BusUnavailable: No receipt came; it may have been stored all the same.
        """

    async def commit(self, batch: Sequence[Outgoing]) -> int:
        """Store all or nothing, in order; the receipt is the sequence of the last one.

        Raises:
            Conflict: An `expect` did not hold, or a `msg_id` was used within the window;
                nothing was stored.
            BusUnavailable: No receipt came; read the log to know.
        """

    async def last(self, subject: str) -> Stored | None:
        """The last message on exactly this subject. Raises BusUnavailable."""

    async def latest(self, pattern: str) -> list[Stored]:
        """The last message on every subject that matches, oldest first.

        Facts, orders and the job log; rules, progress and presence too. For dashboards
        and tools: other roles may not, but for the rules. Raises BusUnavailable.
        """

    async def tell(self, subject: str, data: bytes, *, ttl_s: int | None = None) -> None:
        """Progress and presence: sent once, no receipt, lost when the bus is away."""

    def listen(self, subject: str) -> AsyncIterator[Stored]:
        """Messages on a subject (wildcards allowed) from the first `anext` on; `seq` is 0.

        Ends when the bus is closed.
        """

    def inbox(self, unit: str, group: str, *, tier: int = 0) -> Inbox:
        """Join a queue group. Tier 1 gets work only while tier 0 is away or full."""


class History(Protocol):
    """What the streams remember. For dashboards, tools and gateways."""

    async def after(self, seq: int, pattern: str, *, most: int = 500) -> Sequence[Stored]:
        """Messages that match, after a place in their stream, oldest first; at most 500.

        Raises BusUnavailable.
        """


class DeadLetter(NamedTuple):
    """A message that one group gave up.

    `seq` is its place among the dead letters, and its number; `source` that of the message
    in the stream; `at` is when it was given up, in ISO 8601. `unit`, `group` and `priority`
    are empty where the consumer is none of Izumi's. `subject`, `data` and `headers` are the
    message's own, whether it decodes or not; None when the stream does not keep it any more.
    `stored` is when the stream took it. `answer` is what was said of it last, and
    `answer_seq` the place of that; 0: nothing yet.
    """

    seq: int
    consumer: str
    unit: str
    group: str
    priority: str
    kind: Literal["terminated", "max_deliveries", "unreadable"]
    reason: str
    deliveries: int
    source: int
    at: str
    subject: str | None
    data: bytes | None
    headers: Mapping[str, str] = {}
    stored: str = ""
    answer: LetterAnswered | None = None
    answer_seq: int = 0

    @property
    def who(self) -> str:
        """Unit and group, as people write them; a foreign consumer by its name."""
        return ".".join(filter(None, (self.unit, self.group))) or self.consumer


class DeadLetters(Protocol):
    """What was given up. For tools and gateways; `letters.py` answers them."""

    async def entries(self, *, everything: bool = False) -> list[DeadLetter]:
        """What was given up and not answered, oldest first; `everything`: answered ones too.

        Raises BusUnavailable.
        """

    async def entry(self, number: int) -> DeadLetter | None:
        """One letter, answered or not; None: there is none of that number.

        Raises BusUnavailable.
        """
