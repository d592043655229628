"""Jobs a second of the bus against bare nats-py and FastStream, side by side.

    python benchmarks/bus.py [--rounds 15] [--jobs 800] [--slots 1 4]

All contenders share one embedded nats-server that syncs every message to the disk. Each
has a consumer of its own; in every round each empties a backlog of as many messages of
300 bytes (of an eighth where every job is written to the disk), in an order that turns
round from round to round. The table shows medians, and the median of the rounds' ratios:
what else the machine does disturbs both sides of a pair alike. Exit code 1 when a bar is
missed.
"""

import argparse
import asyncio
import datetime as dt
import json
import logging
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import nats
import structlog
from faststream.nats import JStream, NatsBroker, PullSub
from nats.aio.client import Client

from izumi.bus import jetstream, provision
from izumi.bus.lease import Lease
from izumi.bus.ports import Delivery, Inbox, Outgoing
from izumi.bus.server import EmbeddedServer
from izumi.bus.settings import BusSettings, EmbeddedSettings
from izumi.bus.topology import STREAM, Membership
from izumi.domain.events import Acquired, Encoded, Episode, File, JobRecord, encode, subject_of

NOW: Final = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
Run = Callable[[int, int], Awaitable[None]]
"""Empties a backlog of so many messages with so many slots."""


class Contender(NamedTuple):
    """`subject`: where its backlog goes, without the last token."""

    name: str
    subject: str
    run: Run


class Bar(NamedTuple):
    """`ours` must reach `least` times the rate of `theirs`."""

    ours: str
    theirs: str
    least: float


PULL: Final = "pull loop, plain ack"
THREE: Final = "pull loop, three priorities, all normal"
FETCH: Final = "nats-py fetch(1), plain ack"
FAST: Final = "FastStream pull, batch 1"
WHOLE: Final = "claim, commit, confirmed ack"
WRITES: Final = "nats-py, same durable writes"
BARS: Final = (Bar(PULL, FETCH, 1.0), Bar(PULL, FAST, 2.0), Bar(WHOLE, WRITES, 0.9))


def fact(number: int) -> Acquired:
    """A message of about 300 bytes."""
    file = File(key=f"Show/Show - {number:05}.mkv", size=1, sha256="0" * 64, sub="softsub")
    return Acquired(file=file, episode=Episode(show="Show"), sources=("library",), at=NOW)


def result(number: int) -> Encoded:
    """What a job makes."""
    file = File(key=f"Show/Show - {number:05}.mp4", size=1, sha256="1" * 64, sub="hardsub")
    return Encoded(
        file=file,
        episode=Episode(show="Show"),
        sources=("library",),
        origin=fact(number).file,
        profile="hardsub",
        at=NOW,
    )


async def taken(inbox: Inbox) -> Delivery:
    """The next message; there is always one here."""
    job = await inbox.take()
    if job is None:
        raise RuntimeError("the inbox was stopped")
    return job


class Ours:
    """The pull loop of Izumi, bare and with everything that makes a job safe."""

    def __init__(self, bus: jetstream.JetStreamBus) -> None:
        self._bus = bus

    def plain(self, unit: str, group: str) -> Run:
        """Take and acknowledge without waiting for the server."""

        async def run(jobs: int, slots: int) -> None:
            inbox = self._bus.inbox(unit, group)

            async def slot(count: int) -> None:
                for _ in range(count):
                    job = await taken(inbox)
                    await self._bus.connection.send(job.reply, b"+ACK")

            await asyncio.gather(*(slot(jobs // slots) for _ in range(slots)))
            await self._bus.connection.nc.flush()
            await inbox.aclose()

        return run

    def durable(self, unit: str, group: str) -> Run:
        """Claim, commit the result with the end of the job, confirmed acknowledgement."""

        async def run(jobs: int, slots: int) -> None:
            inbox = self._bus.inbox(unit, group)

            async def slot(count: int) -> None:
                for number in range(count):
                    job = await taken(inbox)
                    lease = Lease(self._bus, job, unit=unit, group=group, owner="bench")
                    await lease.claim()
                    await lease.commit([result(number)])
                    await job.ack()

            await asyncio.gather(*(slot(jobs // slots) for _ in range(slots)))
            await inbox.aclose()

        return run


class Bare:
    """nats-py as its documentation shows it, one fetch a slot."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._js = client.jetstream()

    async def prepare(self, *names: str) -> None:
        """Make the consumers."""
        for name in names:
            await self._js.add_consumer(
                STREAM,
                name=name,
                durable_name=name,
                filter_subject=f"izumi.do.bare.{name}.>",
                max_ack_pending=10_000,
            )

    def plain(self, name: str) -> Run:
        """Fetch and acknowledge without waiting for the server."""

        async def run(jobs: int, slots: int) -> None:
            async def slot(count: int) -> None:
                pull = await self._js.pull_subscribe_bind(consumer=name, stream=STREAM)
                for _ in range(count):
                    (msg,) = await pull.fetch(1)
                    await msg.ack()
                await pull.unsubscribe()

            await asyncio.gather(*(slot(jobs // slots) for _ in range(slots)))
            await self._client.flush()

        return run

    def durable(self, name: str) -> Run:
        """The same writes as ours, fencing left out: entry, atomic batch, confirmed ack."""

        async def run(jobs: int, slots: int) -> None:
            async def slot(count: int) -> None:
                pull = await self._js.pull_subscribe_bind(consumer=name, stream=STREAM)
                for number in range(count):
                    (msg,) = await pull.fetch(1)
                    await self._job(number, msg.metadata.sequence.stream)
                    await msg.ack_sync()
                await pull.unsubscribe()

            await asyncio.gather(*(slot(jobs // slots) for _ in range(slots)))

        return run

    async def _job(self, number: int, source: int) -> None:
        log = f"izumi.job.bare.bench.{source}"
        record = JobRecord(state="claimed", owner="bench", source=source, since=NOW, at=NOW)
        claim = await self._js.publish(
            log, encode(record), headers={"Nats-Expected-Last-Subject-Sequence": "0"}
        )
        batch = uuid.uuid4().hex
        made = result(number)
        await self._client.publish(
            subject_of(made),
            encode(made),
            headers={"Nats-Msg-Id": batch, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": "1"},
        )
        done = await self._client.request(
            log,
            encode(record),
            timeout=5,
            headers={
                "Nats-Expected-Last-Subject-Sequence": str(claim.seq),
                "Nats-Batch-Id": batch,
                "Nats-Batch-Sequence": "2",
                "Nats-Batch-Commit": "1",
            },
        )
        if "error" in json.loads(done.data):
            raise RuntimeError(done.data)


def fast_stream(url: str, subject: str) -> Run:
    """FastStream's pull consumer, one message a request, one subscriber a slot."""

    async def run(jobs: int, slots: int) -> None:
        broker = NatsBroker(url, logger=None)
        left = jobs
        done = asyncio.Event()

        async def handle(_body: dict[str, object]) -> None:
            nonlocal left
            left -= 1
            if not left:
                done.set()

        for _ in range(slots):
            broker.subscriber(
                f"{subject}.>",
                durable="faststream",
                stream=JStream(STREAM, declare=False),
                pull_sub=PullSub(batch_size=1),
            )(handle)
        await broker.start()
        await done.wait()
        await broker.stop()

    return run


async def fill(bus: jetstream.JetStreamBus, subject: str, jobs: int) -> None:
    """A backlog of new work."""
    for start in range(0, jobs, 100):
        count = min(100, jobs - start)
        await bus.commit(
            [
                Outgoing(f"{subject}.{uuid.uuid4().hex}", encode(fact(start + number)))
                for number in range(count)
            ]
        )


async def measure(
    bus: jetstream.JetStreamBus, contenders: Sequence[Contender], rounds: int, jobs: int, slots: int
) -> dict[str, list[float]]:
    """Jobs a second of each contender, round by round."""
    rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds + 1):
        for contender in contenders if turn % 2 else reversed(contenders):
            await fill(bus, contender.subject, jobs)
            began = time.perf_counter()
            await contender.run(jobs, slots)
            took = time.perf_counter() - began
            if turn:  # the first round warms up
                rates[contender.name].append(jobs / took)
    return rates


def report(slots: int, rates: dict[str, list[float]]) -> bool:
    """Print the table; whether every bar is held."""
    print(f"\n{slots} slot(s)" + " " * 33 + "jobs/s   (lowest .. highest)")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"  {name:40} {middle:8.0f}   ({min(values):.0f} .. {max(values):.0f})")
    held = True
    for bar in BARS:
        pairs = zip(rates[bar.ours], rates[bar.theirs], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        good = ratio >= bar.least
        held &= good
        word = "held" if good else "MISSED"
        print(f"  {bar.ours} / {bar.theirs}: {ratio:.2f} (bar {bar.least:g}) {word}")
    return held


async def bench(rounds: int, jobs: int, slots: Sequence[int], folder: Path) -> bool:
    """Everything on one server."""
    server = EmbeddedServer(EmbeddedSettings(port=0), folder)
    await server.start()
    bus = await jetstream.connect(BusSettings(servers=(server.url,)), name="bench")
    client = await nats.connect(server.url)
    try:
        groups = [
            Membership(unit="plain", group="one", wants=()),
            Membership(unit="encoder", group="plain", wants=()),
            Membership(unit="durable", group="one", wants=()),
        ]
        await provision.apply(bus.connection, groups)
        ours, bare = Ours(bus), Bare(client)
        await bare.prepare("plain", "durable")
        plain = (
            Contender(PULL, "izumi.do.plain.one.normal", ours.plain("plain", "one")),
            Contender(FETCH, "izumi.do.bare.plain", bare.plain("plain")),
            Contender(FAST, "izumi.do.fast", fast_stream(server.url, "izumi.do.fast")),
            Contender(THREE, "izumi.do.encoder.plain.normal", ours.plain("encoder", "plain")),
        )
        durable = (
            Contender(WHOLE, "izumi.do.durable.one.normal", ours.durable("durable", "one")),
            Contender(WRITES, "izumi.do.bare.durable", bare.durable("durable")),
        )
        held = True
        for count in slots:
            rates = await measure(bus, plain, rounds, jobs, count)
            rates |= await measure(bus, durable, rounds, jobs // 8, count)
            held &= report(count, rates)
        return held
    finally:
        await client.close()
        await bus.aclose()
        await server.aclose()


def main() -> int:
    """Read the arguments, run, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--jobs", type=int, default=800)
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 4])
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        held = asyncio.run(bench(args.rounds, args.jobs, args.slots, Path(folder)))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
