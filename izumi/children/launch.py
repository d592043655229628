"""Becomes the child: `python -I -S launch.py PARENT_PID OPTION=VALUE... -- ARGV...`.

A program of its own because what it sets (death signal, limits, network namespace)
must be set after the fork and before the exec, where a threaded parent may not run
Python. Standard library only, and as little of it as possible: it runs for every child.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_LIMITS = {
    "memory": resource.RLIMIT_AS,
    "data": resource.RLIMIT_DATA,
    "cpu": resource.RLIMIT_CPU,
    "file": resource.RLIMIT_FSIZE,
}


def main(argv: list[str]) -> None:
    """Set what was asked for, then exec. Exit 127 when the program is not there."""
    split = argv.index("--")
    parent, options, command = int(argv[1]), argv[2:split], argv[split + 1 :]
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # The parent died before the death signal was set: nobody would ever stop us.
        os._exit(125)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Python ignores these, and what is ignored stays so over an exec: a child would write
    # on after its reader went away or its file grew over the limit.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    for name, _, value in (option.partition("=") for option in options):
        if name in _LIMITS:
            _lower(_LIMITS[name], int(value))
        elif name == "nice":
            os.nice(int(value))
        elif name == "network" and sys.platform == "linux" and libc.unshare(_CLONE_NEWNET):
            # Only root may without a user namespace; where neither is allowed, the
            # white-lists of the program itself remain.
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    try:
        os.execvp(command[0], command)  # noqa: S606 - becoming the child is the purpose
    except OSError as exc:
        with contextlib.suppress(OSError):
            os.write(2, f"{command[0]}: {exc.strerror}\n".encode())
        os._exit(127)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    main(sys.argv)
