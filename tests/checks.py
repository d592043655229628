"""Everything that must hold, in one command: `make test`, or `python -m tests.checks`.

Style, types, layers and dependencies come first, since they are quick; then all tests
under coverage, and whether each failpoint was hit by one. Every check runs, whatever
the others say; the exit code is 1 when one of them failed.

Here the order and the examples of wild input are the same each time, so that a failure can
be repeated and a change is judged by what it changed. `make tests` tries others each time.

The tests start hundreds of servers on a machine that may be busy. One or two that fail
beside the others are run once more, alone: what holds then is named at the end, to be mended, and
what fails again has failed.
"""

import json
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

PYTEST: Final = ("coverage", "run", "-m", "pytest", "-q", *REPEATABLE)
LAST_FAILED: Final = HERE / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST_UNSTEADY: Final = 2

CHECKS: Final[dict[str, tuple[str, ...]]] = {
    "style": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "types": ("mypy",),
    "layers": ("lint-imports",),
    "dependencies": ("deptry", "."),
    "tests": (*PYTEST, "-n", "2", "--durations=15"),
    "failpoints": ("python", "-m", "tests.failpoints", TRACE),
    "coverage data": ("coverage", "combine", "--quiet"),
    "coverage": ("coverage", "report", "--fail-under=90", "--format=total"),
}


def main() -> int:
    """Run all; 1 when something failed."""
    os.chdir(HERE)
    for old in (HERE / TRACE, LAST_FAILED, *HERE.glob(".coverage*")):
        old.unlink(missing_ok=True)
    failed, unsteady = [], []
    for name, command in CHECKS.items():
        good = run(name, command)
        if name == "tests" and not good and 0 < len(failed_tests()) <= MOST_UNSTEADY:
            unsteady = failed_tests()
            good = run("tests that failed, alone", (*PYTEST, "-n", "0", "--last-failed"))
        if not good:
            failed.append(name)
    if unsteady:
        print(f"== failed beside others: {', '.join(unsteady)}", flush=True)
    print(f"== failed: {', '.join(failed)}" if failed else "== everything holds", flush=True)
    return int(bool(failed))


def run(name: str, command: tuple[str, ...]) -> bool:
    """Run one; whether it is good."""
    program, *args = command
    print(f"== {name}: {' '.join(command)}", flush=True)
    began = time.monotonic()
    environ = os.environ | {"IZUMI_FAILPOINTS_TRACE": str(HERE / TRACE)}
    good = subprocess.run([BIN / program, *args], check=False, env=environ).returncode == 0
    took = time.monotonic() - began
    print(f"== {name}: {'good' if good else 'FAILED'} in {took:.0f} s", flush=True)
    return good


def failed_tests() -> list[str]:
    """The tests that failed last, as pytest notes them."""
    return list(json.loads(LAST_FAILED.read_text("utf-8"))) if LAST_FAILED.exists() else []


if __name__ == "__main__":
    sys.exit(main())
