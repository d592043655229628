"""One tree of errors. A leaf says what the runtime does next.

IzumiError
├── Unavailable          may succeed later: redeliver with backoff
│   ├── Postponed            nothing failed: do it from a time on, and count nothing
│   ├── BusUnavailable       the bus did not answer or refused for now
│   ├── StorageUnavailable   a location did not answer
│   ├── NoSpace              this host is too full: another one may have room
│   └── ToolFailed           a child process ended badly or was stopped by a limit
├── Held                 a person must decide: publish `file.held`, the job is done
├── Rejected             can never succeed: terminate, dead-letter with evidence
│   ├── BadEvent             bytes on the bus that do not decode
│   └── BadKey               a path part that is not legal on every storage
├── Fenced               another instance owns the job now: touch nothing
│   └── Cancelled            a person wants the job no more: stop, it is settled
└── UserError            one line for the person at the terminal, exit code 2
    ├── ConfigError          file, path, value and the way out
    └── Declined             cannot be done to that hold, dead letter, job or episode
        ├── Unknown              there is none of that name
        └── TooLate              it was answered or settled before
"""

from collections.abc import Mapping


class IzumiError(Exception):
    """Root of everything Izumi raises on purpose."""


class Unavailable(IzumiError):
    """May succeed later: redeliver with backoff.

    Args:
        message: What did not work, with the value and the place.
        retry_after_s: Seconds the other side asked to wait, when it said so.
        host: The cause is this host (full disk, broken tool), not the job; such an
            attempt does not count against the job, and enough of them in a row stop
            the instance from pulling.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, host: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.host = host


class Postponed(Unavailable):
    """Nothing failed, but it is not to be done before a time; it counts as no attempt.

    Args:
        message: What waits, and for what.
        wait_s: Seconds until then.
    """

    def __init__(self, message: str, *, wait_s: float) -> None:
        super().__init__(message, retry_after_s=wait_s)
        self.wait_s = wait_s


class BusUnavailable(Unavailable):
    """The bus did not answer, or refused for now."""


class StorageUnavailable(Unavailable):
    """A storage location did not answer, or refused for now."""


class NoSpace(Unavailable):
    """This host has too little scratch space for the job."""

    def __init__(self, message: str) -> None:
        super().__init__(message, host=True)


class ToolFailed(Unavailable):
    """A child process ended badly, or was stopped by a deadline or a stall limit."""


class UnknownEvent(Unavailable):
    """A message whose tag this version does not know; a newer instance may."""


class Held(IzumiError):
    """A person must decide.

    Args:
        reason: One sentence that names the value and what would settle it.
        facts: What is known, for whoever answers; values are short texts.
    """

    def __init__(self, reason: str, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = dict(facts or {})


class Rejected(IzumiError):
    """Can never succeed: terminate the message, keep the evidence."""


class BadEvent(Rejected):
    """Bytes on the bus that do not decode into a known message."""


class BadKey(Rejected):
    """A path part that is not legal on every storage."""


class Fenced(IzumiError):
    """Another instance owns the job now, or the lease went stale: touch nothing."""


class Cancelled(Fenced):
    """A person cancelled the job; the log says so already, and nobody does it again."""


class UserError(IzumiError):
    """Something the person at the terminal must change; printed as one line."""


class ConfigError(UserError):
    """The configuration is wrong; the text names file, path, value and the way out."""


class Declined(UserError):
    """What a person asks of a hold, a dead letter, a job or an episode cannot be."""


class Unknown(Declined):
    """There is no hold, dead letter, job or episode of that name."""


class TooLate(Declined):
    """It was answered or settled before, or changed meanwhile."""
