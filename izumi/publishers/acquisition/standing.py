"""Whether a watch folder is what it was: while it is not, what is missing below it says nothing."""

import asyncio
from pathlib import Path

from izumi.storage import roots
from izumi.storage.ledger import Ledger


async def stands(ledger: Ledger, root: str) -> bool:
    """Whether the folder is the one that was swept last, or was never swept.

    Raises:
        Unavailable: The ledger cannot be read.
    """
    before = await ledger.root(root)
    return before is None or await asyncio.to_thread(roots.look, Path(root)) == before
