"""An identifier whose reading of names can be killed.

Names come from strangers and go through two parsers that are not ours. What they are
given is bounded so that they always end; this process is for the day when that is wrong.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

from izumi import children
from izumi.children import Child, Limits
from izumi.domain.errors import ToolFailed
from izumi.domain.fix import Fix
from izumi.domain.release import Filing
from izumi.domain.rules import Rule
from izumi.naming.answer import Answer, Question, unread
from izumi.naming.child import READY

LIMIT_S: Final = 2.0
"""What one name may take; a usual one takes a thousandth of a second."""

_START_S: Final = 60.0
_MEMORY_BYTES: Final = 1 << 30
_LINE_BYTES: Final = 1 << 20
_decode: Final = msgspec.json.Decoder(Answer).decode


class _Reader(NamedTuple):
    """A running child and the connection to it."""

    child: Child
    lines: asyncio.StreamReader
    writer: asyncio.StreamWriter


class NamingProcess:
    """Identifies one name after the other in a child, which it replaces when it hangs.

    Args:
        limit_s: Seconds that one name may take.
        argv: The child; the number of its socket is put behind. Ours when None.
    """

    def __init__(self, *, limit_s: float = LIMIT_S, argv: Sequence[str] | None = None) -> None:
        self._limit_s = limit_s
        self._argv = tuple(argv or (sys.executable, "-I", "-m", "izumi.naming.child"))
        self._reader: _Reader | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._drop()

    async def identify(
        self,
        name: str,
        folders: Sequence[str],
        *,
        rules: Sequence[Rule] = (),
        fix: Fix | None = None,
        filing: Filing | None = None,
    ) -> Answer:
        """Identify; a name that the child cannot answer in time is held, never guessed.

        Args:
            name: File name with its extension.
            folders: Names of the folders that it lies in, the outermost first.
            rules: What was learnt of other files.
            fix: What a person said of this one.
            filing: How it is filed; by default an extra is held, and parts have 255 bytes.

        Raises:
            ToolFailed: This host cannot start the child.
        """
        question = Question(
            _text(name), tuple(map(_text, folders)), tuple(rules), fix, filing or Filing()
        )
        if (question.name, *question.folders) != (name, *folders):
            return unread(question, "the name is not UTF-8; rename the file")
        async with self._turn:
            try:
                return await self._ask(question)
            except TimeoutError:
                reason = f"reading the name took longer than {self._limit_s:g} s"
            except (OSError, EOFError, msgspec.DecodeError, ValueError):
                # The child ended: by this name, or before it came.
                try:
                    return await self._ask(question)
                except (TimeoutError, OSError, EOFError, msgspec.DecodeError, ValueError):
                    reason = "reading the name made its reader end, twice"
        return unread(question, f"{reason}; give the file another name")

    async def _ask(self, question: Question) -> Answer:
        reader = self._reader or await self._start()
        self._reader = reader
        try:
            async with asyncio.timeout(self._limit_s):
                reader.writer.write(msgspec.json.encode(question) + b"\n")
                await reader.writer.drain()
                return _decode(await reader.lines.readuntil(b"\n"))
        except BaseException:
            # Whatever interrupted it, the next question must not get this one's answer.
            await self._drop()
            raise

    async def _start(self) -> _Reader:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child = await children.start(
                    [*self._argv, str(theirs.fileno())],
                    limits=Limits(memory_bytes=_MEMORY_BYTES, network=False),
                    pass_fds=[theirs.fileno()],
                )
        except BaseException:
            ours.close()
            raise
        lines, writer = await asyncio.open_connection(sock=ours, limit=_LINE_BYTES)
        reader = _Reader(child, lines, writer)
        try:
            async with asyncio.timeout(_START_S):
                said = await lines.readline()
        except BaseException:
            await _ended(reader)
            raise
        if said != READY:
            await _ended(reader)
            raise ToolFailed(f"the reader of names does not start: {child.stderr}", host=True)
        return reader

    async def _drop(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await _ended(reader)


def _text(name: str) -> str:
    """A name that can be sent: bytes of it that were no UTF-8 are replaced."""
    return name.encode("utf-8", "replace").decode()


async def _ended(reader: _Reader) -> None:
    reader.writer.close()
    with contextlib.suppress(OSError):
        await reader.writer.wait_closed()
    await reader.child.stop(grace_s=0.0)
