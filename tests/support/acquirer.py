"""Acquisition as a process of its own, with the real bus, rclone, prober and names.

`python -m tests.support.acquirer BASE STATE URL WATCH`, where WATCH is JSON: settings of
the watch folder.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from izumi.media.probe import ChildProber
from izumi.media.settings import FfmpegSettings
from izumi.naming.process import NamingProcess
from izumi.runtime.shutdown import Shutdown
from izumi.storage.ledger import Ledger
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from izumi.storage.store import RcloneStore
from tests.support.acquiring import Place
from tests.support.bus import connected


async def main(base: Path, state: Path, url: str, watch: dict[str, Any]) -> None:
    shutdown = Shutdown()
    shutdown.install()
    async with (
        connected(url, name=state.name) as bus,
        Rclone(RcloneSettings(), state=state) as rclone,
        NamingProcess() as names,
        await Ledger.own(state) as ledger,
    ):
        place = Place(base, bus=bus, made=True, **watch)
        place.state, place.store, place.names = state, RcloneStore(rclone), names
        place.prober = ChildProber(FfmpegSettings()).prove_whole
        place.host |= {"claim_s": 1.0, "jobs": 3}
        await place.unit(ledger).run(shutdown.stopping, shutdown.hurry)


if __name__ == "__main__":
    settings = json.loads(sys.argv[4])
    if "move_to" in settings:
        settings["move_to"] = Path(settings["move_to"])
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], settings))
