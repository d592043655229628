"""A worker as a process: `python -m tests.support.bus_worker URL NAME ACK_WAIT_S WORK_S SLOTS`.

It takes encoder jobs, claims, works (sleeps), commits one result and acknowledges. What
it does is told as one line of JSON each.
"""

import asyncio
import contextlib
import json
import logging
import sys

import structlog

from izumi.bus.jetstream import JetStreamBus
from izumi.bus.lease import AlreadyDone, Lease
from izumi.bus.ports import Delivery, Inbox
from izumi.domain.errors import Fenced, Unavailable
from izumi.domain.events import Encoded, File, decode_fact
from tests.support.bus import NOON, QUICK, connected


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def result_of(delivery: Delivery) -> Encoded:
    fact = decode_fact(delivery.data)
    file = File(key=f"{fact.file.key}.mp4", size=1, sha256="1" * 64, sub="hardsub")  # type: ignore[union-attr]  # tests send acquired files
    return Encoded(
        file=file,
        episode=fact.episode,  # type: ignore[union-attr]  # as above
        sources=("library",),
        origin=fact.file,  # type: ignore[union-attr]  # as above
        profile="hardsub",
        at=NOON,
    )


async def do(bus: JetStreamBus, delivery: Delivery, name: str, ack_wait_s: float, work_s: float):
    lease = Lease(bus, delivery, unit="encoder", group="main", owner=name, ack_wait_s=ack_wait_s)
    try:
        record = await lease.claim()
    except AlreadyDone:
        await delivery.ack()
        tell(already_done=lease.job)
        return
    tell(claimed=lease.job, attempt=record.attempt, lost=record.lost)
    keeping = asyncio.create_task(lease.keep())
    losing = asyncio.create_task(lease.lost.wait())
    try:
        await asyncio.wait({losing}, timeout=work_s)
        if lease.lost.is_set():
            tell(lost=lease.job)
            return
        await lease.commit([result_of(delivery)])
        tell(done=lease.job)
        await delivery.ack()
    finally:
        keeping.cancel()
        losing.cancel()


async def slot(bus: JetStreamBus, inbox: Inbox, name: str, ack_wait_s: float, work_s: float):
    while (delivery := await inbox.take()) is not None:
        try:
            await do(bus, delivery, name, ack_wait_s, work_s)
        except Fenced:
            tell(fenced=delivery.subject)
        except Unavailable as exc:
            tell(unavailable=str(exc))
            with contextlib.suppress(Unavailable):
                await delivery.nak(0.2)


async def main(url: str, name: str, *numbers: str) -> None:
    ack_wait_s, work_s, slots = (float(number) for number in numbers)
    async with connected(url, name=name, pulling=QUICK) as bus:
        inbox = bus.inbox("encoder", "main")
        tell(ready=name)
        await asyncio.gather(
            *(slot(bus, inbox, name, ack_wait_s, work_s) for _ in range(int(slots)))
        )


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(main(*sys.argv[1:]))
