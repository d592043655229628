"""A process that does one thing to a library: `python -m tests.support.librarian JSON`."""

import asyncio
import sys
from pathlib import Path

import msgspec

from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from izumi.storage.trees import Trees
from izumi.tools.journal import Journals
from izumi.tools.library import Library
from izumi.tools.requests import Request
from tests.support.library import holding
from tests.support.remotes import Place


class Order(msgspec.Struct):
    """What to do; `config` is an rclone.conf."""

    request: Request
    locations: tuple[Location, ...]
    config: Path
    state: Path
    group: int = 2
    undo: str = ""


async def main(order: Order) -> None:
    settings = RcloneSettings(config=order.config)
    async with Rclone(settings, state=order.state) as rclone:
        places = [holding(Place(at, Path())) for at in order.locations]
        journals = Journals(order.state)
        library = Library(Trees(rclone), places, journals, by="a test", group=order.group)
        if order.undo:
            draft = await library.draft_undo(journals.find(order.undo))
        else:
            draft = await library.draft(order.request)
        await library.carry(library.begin(draft))


if __name__ == "__main__":
    asyncio.run(
        main(msgspec.json.decode(sys.argv[1], type=Order, dec_hook=lambda _, text: Path(text)))
    )
