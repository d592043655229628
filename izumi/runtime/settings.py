"""`[log]`, `[metrics]` and `[worker]`."""

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


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[metrics]`: counters and gauges for Prometheus, at `/metrics`.

    Attributes:
        listen: Address and port, such as "127.0.0.1:9797"; nothing is served when not set.
            Each process of a host needs a port of its own; port 0 takes any that is free.
            Whoever reaches it may read it.
    """

    listen: str | None = None

    def __post_init__(self) -> None:
        """Check what the table alone can tell."""
        if self.listen is not None:
            try:
                parsed(self.listen)
            except ValueError as exc:
                msg = f'listen: {self.listen!r} is no address and port such as "127.0.0.1:9797"'
                raise ValueError(msg) from exc


def parsed(listen: str) -> tuple[str, int]:
    """Address and port of `ADDRESS:PORT`, of IPv6 in brackets.

    Raises:
        ValueError: It is none.
    """
    address, _, port = listen.rpartition(":")
    number = int(port)
    if not port.isdecimal() or number > 65535:
        raise ValueError(port)
    host = address.removeprefix("[").removesuffix("]")
    if not host or (":" in host) != address.startswith("["):
        raise ValueError(address)
    return host, number


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
