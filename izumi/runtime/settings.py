"""`[log]` and `[worker]`."""

from typing import Literal

import msgspec


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[log]`: lines go to stderr.

    Attributes:
        level: Lowest level that is written.
        format: "auto" is columns on a terminal and JSON elsewhere.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[worker]`: how every consumer runs its jobs.

    Attributes:
        drain_s: Seconds that running jobs get to finish after the first request to stop.
        stall_s: A job that reports no progress for so long is given back.
        breaker_failures: Failures in a row because of this host that stop it from pulling.
        breaker_cooldown_s: Seconds until it tries one job again.
        keep_free_bytes: Free space that scratch reservations never touch.
    """

    drain_s: float = 30.0
    stall_s: float = 600.0
    breaker_failures: int = 5
    breaker_cooldown_s: float = 60.0
    keep_free_bytes: int = 1 << 30
