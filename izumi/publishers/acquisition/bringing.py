"""What is known of one announced file that is being brought to more locations."""

import asyncio
import contextlib

from izumi.domain.events import File
from izumi.publishers.acquisition.uploads import Telling
from izumi.storage.items import Item


class Bringing:
    """The uploads of one file.

    Attributes:
        announced: Set once the file is; `owed` are the locations that it was not announced as
            lying at.
        troubles: Why locations do not hold it, by their names.
        disputed: Those where something else lies in its place.
    """

    def __init__(self, item: Item, file: File, telling: Telling) -> None:
        self.item = item
        self.file = file
        self.telling = telling
        self.announced = asyncio.Event()
        self.owed: frozenset[str] = frozenset()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.troubles: dict[str, str] = {}
        self.disputed: set[str] = set()
        self._again = asyncio.Event()

    @property
    def trouble(self) -> str:
        """What stands in the way, for people."""
        return "; ".join(text for _, text in sorted(self.troubles.items()))

    async def rest(self, seconds: float) -> None:
        """Wait so long, or until somebody says that it is to be tried again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._again.wait()

    def again(self) -> None:
        """Whoever rests tries again now."""
        self._again.set()
        self._again = asyncio.Event()
