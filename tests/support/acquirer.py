"""Acquisition as a process of its own: `python -m tests.support.acquirer BASE STATE URL`."""

import asyncio
import sys
from pathlib import Path

from izumi.runtime.shutdown import Shutdown
from izumi.storage.ledger import Ledger
from tests.support.acquiring import Place
from tests.support.bus import connected


async def main(base: Path, state: Path, url: str) -> None:
    shutdown = Shutdown()
    shutdown.install()
    async with connected(url, name=state.name) as bus:
        place = Place(base, bus=bus)
        place.state = state
        place.host |= {"claim_s": 1.0, "jobs": 3}
        async with await Ledger.own(state) as ledger:
            await place.unit(ledger).run(shutdown.stopping, shutdown.hurry)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
