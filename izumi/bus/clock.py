"""The clock of leases."""

import time


def boottime() -> float:
    """Seconds that run on while this process is frozen and this host suspended.

    Where there is no such clock (macOS), the monotonic one, which stops in suspension.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
