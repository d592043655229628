"""Acquisition on real folders, ready to run: with a bus in memory unless given another."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from izumi.bus.memory import MemoryBus
from izumi.bus.ports import Bus
from izumi.domain.events import Acquired, Episode, HeldFile, decode_fact
from izumi.domain.fix import Fix
from izumi.domain.release import Filing
from izumi.domain.retry import RetryPolicy
from izumi.domain.rules import Rule
from izumi.domain.subjects import Sub
from izumi.publishers.acquisition import Acquisition, AcquisitionSettings, WatchSettings
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Location
from tests.support.containers import matroska
from tests.support.slow_store import SlowStore

QUIET_S = 0.1


class Named(NamedTuple):
    """What `PlainNames` makes of a file."""

    episode: Episode
    key: str
    sub: Sub
    held: str | None
    facts: dict[str, str]
    ignored: str | None = None
    title: str = ""
    season: int | None = None


class PlainNames:
    """An identifier for tests: the key is the last folder, or the stem, and the name.

    Names in `unsure` are held.
    """

    def __init__(self) -> None:
        self.unsure: set[str] = set()
        self.asked: list[tuple[str, Sequence[str]]] = []

    async def identify(
        self,
        name: str,
        folders: Sequence[str],
        *,
        rules: Sequence[Rule] = (),
        fix: Fix | None = None,
        filing: Filing | None = None,
    ) -> Named:
        self.asked.append((name, folders))
        show = folders[-1] if folders else name.rpartition(".")[0]
        held = "which show is this?" if name in self.unsure and fix is None else None
        show = fix.show if fix and fix.show else show
        return Named(
            Episode(show=show), f"{show}/{name}", "softsub", held, {"title": show}, title=show
        )


class Prober:
    """Says of each file what it was told to say: nothing is missing, unless in `broken`."""

    def __init__(self) -> None:
        self.broken: dict[str, str | Exception] = {}
        self.asked: list[str] = []

    async def __call__(self, path: Path) -> str | None:
        self.asked.append(path.name)
        answer = self.broken.get(path.name)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Place:
    """A host with one watch folder and two locations, below one temporary folder.

    `made`: its folders are there already, or are not to be.
    """

    def __init__(
        self, base: Path, *, bus: Bus | None = None, made: bool = False, **watch: Any
    ) -> None:
        self.base = base
        self.root = base / "watch"
        self.state = base / "state"
        for folder in () if made else (self.root, base / "a", base / "b"):
            folder.mkdir(parents=True, exist_ok=True)
        self.bus: Any = bus or MemoryBus()
        self.store: Any = SlowStore(base)
        self.names: Any = PlainNames()
        self.prober: Any = Prober()
        self.locations = {name: Location(name=name, remote=str(base / name)) for name in ("a", "b")}
        self.watch: dict[str, Any] = {"path": self.root, "destinations": ("a", "b")}
        self.watch |= {"quiet_s": QUIET_S} | watch
        self.host: dict[str, Any] = {"sweep_s": 0.5, "polled_sweep_s": 0.5, "held_again_s": 0.3}
        self.policy = RetryPolicy(first_s=0.1, longest_s=0.5)
        self.others: list[dict[str, Any]] = []
        self.options: dict[str, Any] = {}

    def unit(self, ledger: Ledger) -> Acquisition:
        """The unit; not running yet."""
        return Acquisition(
            settings=AcquisitionSettings(
                watch=tuple(WatchSettings(**one) for one in (self.watch, *self.others)),
                **self.host,
            ),
            ledger=ledger,
            bus=self.bus,
            store=self.store,
            locations=self.locations,
            identifier=self.names,
            prove_whole=self.prober,
            state=self.state,
            instance="test",
            host="here",
            policy=self.policy,
            **self.options,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Ledger]:
        """Run it for the length of the block; its ledger."""
        async with await Ledger.own(self.state) as ledger:
            unit = self.unit(ledger)
            stopping, hurry = asyncio.Event(), asyncio.Event()
            run = asyncio.create_task(unit.run(stopping, hurry))
            self.health = unit.health
            self.figures = unit.figures
            self.trouble = unit.trouble
            try:
                yield ledger
            finally:
                stopping.set()
                hurry.set()
                await run

    def put(self, name: str = "Show/a.mkv", data: bytes | None = None) -> Path:
        """Put a file into the watch folder, whole from the first moment."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        making = (
            self.base
            / f"making-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()}"
        )
        making.write_bytes(matroska(seed=len(name)) if data is None else data)
        return making.rename(path)

    def stored(self, name: str = "a") -> dict[str, bytes]:
        """Everything at a location, by its path."""
        base = Path(self.locations[name].remote)
        found = (path for path in base.rglob("*") if path.is_file())
        return {str(path.relative_to(base)): path.read_bytes() for path in found}

    async def facts(self) -> list[Acquired]:
        """What was announced so far."""
        stored = await self.bus.latest("izumi.file.acquired.>")
        return [fact for one in stored if isinstance(fact := decode_fact(one.data), Acquired)]

    async def holds(self) -> list[HeldFile]:
        """What a person was told to decide."""
        stored = await self.bus.latest("izumi.file.held.>")
        return [fact for one in stored if isinstance(fact := decode_fact(one.data), HeldFile)]


async def until(fact: Callable[[], Awaitable[Any]], *, within_s: float = 60) -> Any:
    """Wait until something is so; what it is."""
    async with asyncio.timeout(within_s):
        while not (result := await fact()):
            await asyncio.sleep(0.01)
    return result


async def states(ledger: Ledger) -> dict[str, str]:
    """The state of every file, by its path; of the newest where several had it."""
    return {item.name: item.label for item in sorted(await ledger.list(), key=lambda one: one.id)}


def in_states(ledger: Ledger, **wanted: str) -> Callable[[], Awaitable[bool]]:
    """Whether files (by stem) are in these states."""

    async def so() -> bool:
        now = {Path(name).stem: state for name, state in (await states(ledger)).items()}
        return all(now.get(stem) == state for stem, state in wanted.items())

    return so
