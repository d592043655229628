"""Places where a test makes the process die, fail or wait.

`IZUMI_FAILPOINTS="encoder.after_upload=kill"` kills the process with SIGKILL when it
comes to that line. Several are separated by commas; actions are `kill`, `raise`,
`sleep:<seconds>` and `off`; `kill@3` acts the third time the place is reached.
Without the variable a failpoint is one dictionary look-up. Each one that acts is written
to the file that `IZUMI_FAILPOINTS_TRACE` names, so that a run of all tests can tell which
were never hit.
"""

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

from izumi.domain.errors import UserError

VARIABLE = "IZUMI_FAILPOINTS"
TRACE = "IZUMI_FAILPOINTS_TRACE"


_ACTION = re.compile(r"kill|raise|off|sleep:\d+(\.\d+)?")
_NTH = re.compile(r"([1-9]\d*)?")


class FailpointHit(RuntimeError):
    """Raised by the action `raise`."""


def parse(text: str) -> dict[str, tuple[str, int]]:
    """`name=action[@nth]`, comma separated -> name -> (action, nth)."""
    wanted: dict[str, tuple[str, int]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, action = entry.partition("=")
        action, _, nth = action.partition("@")
        if not name or not _ACTION.fullmatch(action) or not _NTH.fullmatch(nth):
            msg = f"{VARIABLE}: {entry!r} is not name=kill|raise|sleep:SECONDS|off[@nth]"
            raise UserError(msg)
        wanted[name] = (action, int(nth or 1))
    return wanted


_wanted = parse(os.environ.get(VARIABLE, ""))
_reached: Counter[str] = Counter()


def arm(text: str) -> None:
    """Replace what the environment asked for (tests that run in one process)."""
    _wanted.clear()
    _reached.clear()
    _wanted.update(parse(text))


def failpoint(name: str) -> None:
    """Die, raise or wait here when this place is armed; else do nothing."""
    wanted = _wanted.get(name)
    if wanted is None:
        return
    action, nth = wanted
    _reached[name] += 1
    if _reached[name] != nth:
        return
    if trace := os.environ.get(TRACE):
        with Path(trace).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise FailpointHit(name)
    elif action.startswith("sleep:"):
        # A frozen process is the point: the event loop must stand still as well.
        time.sleep(float(action.removeprefix("sleep:")))
