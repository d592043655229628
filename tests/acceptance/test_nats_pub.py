"""Orders as `nats pub` sends them, from the docs: bytes on a subject, and nothing else."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import DeadLetter
from izumi.domain.events import JobRecord
from izumi.domain.subjects import job
from izumi.media import samples
from tests.support.spring import configure, ended, free_port, izumi, listener
from tests.support.working import record_of

pytestmark = pytest.mark.timeout(300)

PAGE = Path(__file__).parents[2] / "docs/gateway.md"
SHOWN = re.search(r"nats pub (\S+) '(\{.*?\})'", PAGE.read_text("utf-8"), re.DOTALL)
UNITS = ("encoder", "distributor", "notifier", "endpoints")
TABLES = (
    '[encoder.main]\ndestinations = ["home"]\nnice = 0\nprofiles = ["quick"]\n'
    '[profile.quick]\npreset = "ultrafast"\n[notifier.main]\nlog = true\n'
    '[distributor.main]\ndestinations = ["public"]\n'
    '[endpoints.main]\nafter = ["encoded"]\n'
    '[[endpoints.main.always]]\nname = "x"\nurl = "https://old.example/notify"\n'
)

HELD = {
    "type": "file.held/1",
    "unit": "encoder",
    "job": "1",
    "name": "a.mkv",
    "reason": "b",
    "at": "2026-01-02T12:00:00Z",
}
"""A fact, but none that any of them works on."""


def wrong(good: dict[str, Any]) -> dict[str, tuple[bytes, str]]:
    """Bodies that are none, and a part of the reason."""

    def changed(**fields: Any) -> bytes:
        return json.dumps(good | fields).encode()

    file = good["file"]
    return {
        "empty": (b"", "not a fact"),
        "words": (b"encode this, please", "JSON is malformed"),
        "list": (b"[]", "Expected `object`"),
        "nested": (b"[" * 50_000, "not a fact"),
        "bytes": (b'{"type": "file.acquired/1", "file": {"key": "\xff"}}', "can't decode byte"),
        "bare": (b"{}", "missing required field `type`"),
        "no-file": (changed(file=None), "`$.file`"),
        "up": (changed(file=file | {"key": "../x.mkv"}), "part 1, '..'"),
        "absolute": (changed(file=file | {"key": "/etc/passwd"}), "the key '/etc/passwd'"),
        "negative": (changed(file=file | {"size": -1}), "is -1"),
        "text": (changed(file=file | {"size": "12"}), "`$.file.size`"),
        "sum": (changed(file=file | {"sha256": "AB"}), "sha256"),
        "kind": (changed(file=file | {"sub": "SOFTSUB"}), "`$.file.sub`"),
        "when": (changed(at="yesterday"), "`$.at`"),
        "held": (json.dumps(HELD).encode(), "HeldFile"),
    }


async def settled(bus: JetStreamBus, unit: str, name: str) -> JobRecord:
    async with asyncio.timeout(120):
        while True:
            record = await record_of(bus, job(unit, "main", f"do-{name}"))
            if record is not None and record.state in {"done", "held", "failed"}:
                return record
            await asyncio.sleep(0.1)  # between looks


async def buried(bus: JetStreamBus, count: int) -> dict[str | None, DeadLetter]:
    async with asyncio.timeout(60):
        while len(found := await JetStreamDeadLetters(bus).entries()) < count:
            await asyncio.sleep(0.1)
    return {letter.subject: letter for letter in found}


async def test_what_is_right_is_done_and_what_is_wrong_is_a_dead_letter_with_its_reason(
    tmp_path: Path,
) -> None:
    assert SHOWN is not None
    subject, good = SHOWN[1], json.loads(SHOWN[2])
    lies = tmp_path / "library/seedbox/Airing" / good["file"]["key"]
    lies.parent.mkdir(parents=True)
    made = await samples.make_sample(tmp_path / "making", "a.mkv", seconds=2.0, height=180)
    shutil.move(made, lies)
    good["file"]["size"] = lies.stat().st_size
    bodies = wrong(good)
    port = free_port()
    config = configure(tmp_path / "a", port=port, extra=TABLES)
    with izumi("up", "-c", config, log=tmp_path / "a.log") as up:
        async with listener(port) as bus:
            nats = bus.connection.nc
            async with asyncio.timeout(60):
                while not await bus.latest("izumi.node.>"):
                    await asyncio.sleep(0.1)
            for unit in UNITS:
                for name, (body, _) in bodies.items():
                    await nats.publish(f"izumi.do.{unit}.main.normal.{name}", body)
                await nats.publish(f"izumi.do.{unit}.main.high.two.names", SHOWN[2].encode())
                order = subject.replace("encoder", unit)
                await nats.publish(order, json.dumps(good).encode())
            name = subject.rpartition(".")[2]
            states = {unit: (await settled(bus, unit, name)).state for unit in UNITS}
            assert states == dict.fromkeys(UNITS, "done"), up.log
            dead = await buried(bus, len(UNITS) * (len(bodies) + 1))
            for unit in UNITS:
                for name, (_, reason) in bodies.items():
                    letter = dead[f"izumi.do.{unit}.main.normal.{name}"]
                    assert reason in letter.reason
                    assert letter.who == f"{unit}.main"
                    record = await settled(bus, unit, name)
                    assert (record.state, record.reason) == ("failed", letter.reason)
                stray = dead[f"izumi.do.{unit}.main.high.two.names"]
                assert "a name has letters, digits, - and _" in stray.reason
            shown = ended("jobs", "show", good["file"]["key"], "-c", config, program="izumi-admin")
            assert shown.returncode == 0, shown.stderr
            assert "by request" in shown.stdout
        assert "instance.died" not in up.log
        assert up.end() == 0
