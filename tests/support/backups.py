"""A bus with a history, and everything that is on it."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from izumi.bus import provision
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Delivery, Outgoing
from izumi.bus.topology import STREAM, streams
from izumi.domain import subjects
from izumi.failpoints import VARIABLE
from tests.support.bus import MEMBERSHIPS, acquired, announcement, taken

ADMIN = Path(sys.executable).with_name("izumi-admin")
ACK_WAIT_S = 2.0
UNITS = """
[storage.nas]
remote = "/nas"
[encoder.main]
destinations = ["nas"]
"""


async def call(bus: JetStreamBus, name: str, request: dict[str, Any] | None = None) -> Any:
    data = json.dumps(request).encode() if request else b""
    return json.loads((await bus.connection.request(f"$JS.API.{name}", data, timeout_s=20)).data)


async def live(bus: JetStreamBus, count: int = 30) -> None:
    """Streams, facts and orders, some of them worked on, and records of other kinds."""
    await provision.apply(bus.connection, MEMBERSHIPS, ack_wait_s=ACK_WAIT_S)
    await publish(bus, range(count))
    order = subjects.order("encoder", "main", "low", "job-1")
    noise = hashlib.sha256(b"noise").digest() * 1000
    await bus.connection.request(order, noise, headers={"Izumi-By": "a person", "X": "1"})
    await bus.publish(Outgoing("izumi.told.main.a", b"{}"))
    await bus.publish(Outgoing("izumi.told.main.a", b'{"again":1}'))
    await bus.publish(Outgoing("izumi.rule.x", b"{}"))
    await bus.publish(Outgoing("izumi.library.move.x", b"{}"))


async def publish(bus: JetStreamBus, numbers: range) -> None:
    await asyncio.gather(
        *(bus.publish(announcement(acquired(f"Show - {number}.mkv"))) for number in numbers)
    )


async def work(bus: JetStreamBus, count: int, settle: set[int]) -> list[Delivery]:
    """Take work of the encoder, and settle that of these numbers; what it took, in order."""
    inbox = bus.inbox("encoder", "main")
    got = [await taken(inbox) for _ in range(count)]
    for number in settle:
        await got[number].ack()
    await bus.connection.nc.flush()
    return got


async def messages(bus: JetStreamBus) -> dict[str, list[dict[str, Any]]]:
    """Every message of every stream of Izumi: subject, headers, data, sequence and time."""
    found = {}
    for stream in streams():
        info = await call(bus, f"STREAM.INFO.{stream.name}")
        state = info["state"]
        asked = [
            call(bus, f"STREAM.MSG.GET.{stream.name}", {"seq": seq})
            for seq in range(state["first_seq"], state["last_seq"] + 1)
        ]
        said = [await one for one in asked]
        found[stream.name] = [one["message"] for one in said if "message" in one]
    return found


async def positions(bus: JetStreamBus) -> dict[str, Any]:
    """Where every consumer is."""
    listed = (await call(bus, f"CONSUMER.LIST.{STREAM}"))["consumers"]
    return {
        one["name"]: (
            one["config"]["filter_subjects"],
            one["delivered"]["consumer_seq"],
            one["delivered"]["stream_seq"],
            one["ack_floor"]["consumer_seq"],
            one["ack_floor"]["stream_seq"],
            one["num_ack_pending"],
            one["num_pending"],
        )
        for one in listed
    }


def admin(config: Path, *args: object, failpoints: str = "") -> "subprocess.Popen[str]":
    """`izumi-admin bus ...` in a process of its own."""
    return subprocess.Popen(
        [ADMIN, "bus", *map(str, args), "-c", config],
        env=os.environ | {VARIABLE: failpoints},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code, and what it said."""
    out, err = await asyncio.to_thread(process.communicate, timeout=100)
    return process.returncode, out + err


def configured(folder: Path, url: str, more: str = UNITS) -> Path:
    """A configuration for the server at `url`."""
    path = folder / "izumi.toml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'state = "{folder / "state"}"\nhost = "desk"\n[bus]\nservers = ["{url}"]\n'
        f"ack_wait_s = {ACK_WAIT_S}\n{more}"
    )
    return path
