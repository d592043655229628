"""Holds of announced files: something else lies where one is still to be brought."""

from dataclasses import dataclass
from typing import Final

from izumi.domain.errors import Held
from izumi.domain.events import Answered
from izumi.publishers.acquisition.holds import Holds, hold_of
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger

STEP: Final = "bring"


@dataclass(kw_only=True)
class Disputes:
    """Asks what is to become of a file at such locations.

    Every method raises `Unavailable` when bus or ledger do not answer, and may be called
    again.

    Attributes:
        ledger: Where it stands which hold people were told of.
        holds: Tells them.
    """

    ledger: Ledger
    holds: Holds

    async def ask(self, id_: int, reason: str) -> bool:
        """Tell people, once for each reason; whether they answered, and it is to be carried out."""
        item = await self.ledger.item(id_)
        if item is None:
            return False
        given = await self.holds.tell(item, STEP, Held(reason, {"key": item.key}))
        await self.ledger.asks(item, hold_of(item, STEP))
        return given is not None

    async def settled(self, item: Item, reason: str) -> None:
        """Nothing is in the way any more: nobody need answer."""
        if item.hold and item.hold == hold_of(item, STEP):
            await self.holds.close(item.hold, item, reason)
            await self.ledger.closed(item)

    async def carried_out(self, item: Item, seq: int) -> Item | None:
        """What people said was done; the file as it is now."""
        await self.ledger.heard(item, seq)
        return await self.ledger.item(item.id)


def rejected(said: Answered, name: str) -> str:
    """Why a file does not lie at a location, for people. Pure."""
    why = f": {said.reason}" if said.reason else ""
    return f"not at {name}: what lies there was left by {said.by or 'a person'}{why}"
