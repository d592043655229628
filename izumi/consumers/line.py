"""Jobs that get ready at different times, let through in the order in which they came."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable


class Line:
    """People are told in the order of the news, however long some are looked up."""

    def __init__(self) -> None:
        self._last: asyncio.Future[None] | None = None

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """A place in the line; what is yielded waits for everybody before it.

        Whoever is through lets the next one through, and so does whoever leaves.
        """
        before = self._last
        mine = self._last = asyncio.get_running_loop().create_future()

        def through() -> None:
            if not mine.done():
                mine.set_result(None)

        async def wait() -> None:
            if before is not None:
                await asyncio.shield(before)
            through()

        try:
            yield wait
        finally:
            if before is None or before.done():
                through()
            else:
                before.add_done_callback(lambda _: through())
