"""Failpoints: what they are told, and what they then do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from izumi import failpoints
from izumi.domain.errors import UserError
from izumi.failpoints import FailpointHit, failpoint


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        (" , ", {}),
        ("a.b=kill", {"a.b": ("kill", 1)}),
        ("a.b=raise@3", {"a.b": ("raise", 3)}),
        ("a.b=sleep:0.5", {"a.b": ("sleep:0.5", 1)}),
        ("a.b=off, c.d=kill@2", {"a.b": ("off", 1), "c.d": ("kill", 2)}),
    ],
)
def test_what_the_variable_says_is_understood(text: str, wanted: dict[str, tuple[str, int]]):
    assert failpoints.parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "a.b",
        "=kill",
        "a.b=",
        "a.b=explode",
        "a.b=kill@x",
        "a.b=kill@0",
        "a.b=sleep:",
        "a.b=sleep:x",
    ],
)
def test_what_it_cannot_mean_is_refused_by_name(text: str):
    with pytest.raises(UserError, match="IZUMI_FAILPOINTS"):
        failpoints.parse(text)


def test_one_that_nobody_armed_does_nothing():
    failpoints.arm("other.place=raise")
    failpoint("here.step")


def test_one_that_is_armed_raises_once_when_its_turn_comes():
    failpoints.arm("here.step=raise@2")
    failpoint("here.step")
    with pytest.raises(FailpointHit, match=r"here\.step"):
        failpoint("here.step")
    failpoint("here.step")


def test_one_that_is_off_does_nothing():
    failpoints.arm("here.step=off")
    failpoint("here.step")


def test_arming_again_forgets_what_was():
    failpoints.arm("here.step=raise@2")
    failpoint("here.step")
    failpoints.arm("here.step=raise@2")
    failpoint("here.step")


def test_one_that_sleeps_holds_everything_up():
    failpoints.arm("here.step=sleep:0.05")
    began = time.monotonic()
    failpoint("here.step")
    assert time.monotonic() - began >= 0.05


def test_each_that_acts_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trace = tmp_path / "trace"
    monkeypatch.setenv(failpoints.TRACE, str(trace))
    failpoints.arm("here.step=sleep:0,there.step=raise@2")
    failpoint("here.step")
    failpoint("there.step")
    assert trace.read_text() == "here.step\n"


@pytest.mark.parametrize(
    ("armed", "code", "said"), [("a.b=kill@2", -signal.SIGKILL, "1\n"), ("", 0, "1\n2\n")]
)
def test_the_environment_arms_a_process_and_kill_is_the_end_of_it(armed: str, code: int, said: str):
    program = (
        "from izumi.failpoints import failpoint\n"
        "for n in (1, 2):\n"
        "    failpoint('a.b')\n"
        "    print(n, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {failpoints.VARIABLE: armed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, said)
