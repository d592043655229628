"""Everything that must hold, in one command: `make test`, or `python -m tests.checks`.

Style, types, layers and dependencies come first, since they are quick; then all tests
under coverage, and whether each failpoint was hit by one. Every check runs, whatever
the others say; the exit code is 1 when one of them failed.

Here the order and the examples of wild input are the same each time, so that a failure can
be repeated and a change is judged by what it changed. `make tests` tries others each time.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent

TRACE: Final = ".failpoints"

REPEATABLE: Final = ("--randomly-seed=1", "--hypothesis-profile=repeatable")

CHECKS: Final[dict[str, tuple[str, ...]]] = {
    "style": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "types": ("mypy",),
    "layers": ("lint-imports",),
    "dependencies": ("deptry", "."),
    "tests": ("coverage", "run", "-m", "pytest", "-q", "-n", "2", "--durations=15", *REPEATABLE),
    "failpoints": ("python", "-m", "tests.failpoints", TRACE),
    "coverage data": ("coverage", "combine", "--quiet"),
    "coverage": ("coverage", "report", "--fail-under=90", "--format=total"),
}


def main() -> int:
    """Run all; 1 when something failed."""
    os.chdir(HERE)
    for old in (HERE / TRACE, *HERE.glob(".coverage*")):
        old.unlink(missing_ok=True)
    environ = os.environ | {"IZUMI_FAILPOINTS_TRACE": str(HERE / TRACE)}
    failed = []
    for name, (program, *args) in CHECKS.items():
        print(f"== {name}: {program} {' '.join(args)}", flush=True)
        began = time.monotonic()
        done = subprocess.run([BIN / program, *args], check=False, env=environ)
        took = time.monotonic() - began
        print(
            f"== {name}: {'good' if done.returncode == 0 else 'FAILED'} in {took:.0f} s", flush=True
        )
        if done.returncode:
            failed.append(name)
    print(f"== failed: {', '.join(failed)}" if failed else "== everything holds", flush=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
