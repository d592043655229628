"""How commands end."""

import subprocess
import sys
from pathlib import Path

import pytest

from izumi import main
from izumi.domain.errors import BusUnavailable, ConfigError, Held, UserError


def ended(error: BaseException) -> tuple[int, list[str]]:
    def command() -> None:
        raise error

    said: list[str] = []
    return main.outcome(command, said.append), said


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("no such file"), 2),
        (ConfigError("wrong key"), 2),
        (BusUnavailable("no bus"), 1),
        (Held("two tracks"), 1),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(error: Exception, code: int) -> None:
    assert ended(error) == (code, [str(error)])


def test_errors_in_a_group_are_a_line_each_and_the_worst_code() -> None:
    group = ExceptionGroup("several", [BusUnavailable("no bus"), UserError("wrong")])
    assert ended(group) == (2, ["no bus", "wrong"])


def test_a_fault_in_a_group_is_no_success() -> None:
    assert ended(ExceptionGroup("several", [ZeroDivisionError()]))[0] == 1


def test_an_interrupt_has_the_code_that_shells_expect() -> None:
    assert ended(KeyboardInterrupt())[0] == 130


def test_what_a_command_returns_is_its_exit_code() -> None:
    assert main.outcome(lambda: 1, print) == 1
    assert main.outcome(lambda: None, print) == 0


@pytest.mark.parametrize("program", ["izumi", "izumi-admin"])
def test_every_command_has_help_and_a_wrong_one_is_usage(program: str) -> None:
    path = Path(sys.executable).with_name(program)

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([path, *args], capture_output=True, text=True, check=False)

    assert "Exit codes" in run("--help").stdout
    wrong = run("frobnicate")
    assert wrong.returncode == 2
    assert "frobnicate" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    for command in {"izumi": ("up", "run", "config"), "izumi-admin": ("hold", "bus")}[program]:
        assert run(command, "--help").returncode == 0
