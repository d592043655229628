"""Files that are announced once one location holds them, brought to the others all the same.

Each upload is on its own: it is tried until it succeeds, over restarts, and neither waits
for another one nor holds it up. What is still owed stands in the ledger.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from izumi.bus.ports import Bus, Conflict, Outgoing
from izumi.domain import events
from izumi.domain.errors import Held, StorageUnavailable, Unavailable
from izumi.domain.events import Answered, Distributed, Episode, File
from izumi.domain.retry import RetryPolicy, backoff_s
from izumi.failpoints import failpoint
from izumi.publishers.acquisition.bringing import Bringing
from izumi.publishers.acquisition.claims import UNIT
from izumi.publishers.acquisition.disputes import Disputes, rejected
from izumi.publishers.acquisition.lane import Lane
from izumi.publishers.acquisition.tally import Tally
from izumi.publishers.acquisition.tasks import end
from izumi.publishers.acquisition.threads import on_own_files
from izumi.publishers.acquisition.uploads import Telling
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.ports import Location, Store
from izumi.storage.settle import Changed
from izumi.storage.staging import Staging

log = structlog.get_logger()

T = TypeVar("T")

_DAY_S: Final = 86400.0

Failure = Held | Unavailable | Changed
First = asyncio.Future[Failure | None]
"""How the first attempt at a location ended; None: it holds the file."""


@dataclass(kw_only=True)
class Owed:
    """Runs the uploads. See the module.

    Attributes:
        ledger: Where it stands what is proved to be where, and what is owed.
        bus: Where it is told that one more location holds a file.
        store: Moves files.
        locations: By the names that watch folders use.
        staging: Where files in hand are held.
        tally: Uploads are counted there.
        policy: When what failed is tried again.
        held_again_s: When it is tried again where something else lies in a file's place.
        width: So many uploads run to a location at once, see `Lane`.
        instance: Name of this instance, for people.
        host: Name of this host, for people.
        disputes: Asks people where something else lies in a file's place.
        put: Called with the id of a file that a worker should take: it is owed to nobody any
            more, or people said something of it.
        now: Wall clock, for facts.
        clock: Seconds, monotonic.
        spread: Random, 0 to 1, for backoff.
    """

    ledger: Ledger
    bus: Bus
    store: Store
    locations: Mapping[str, Location]
    staging: Staging
    tally: Tally
    policy: RetryPolicy
    held_again_s: float
    width: int
    instance: str
    host: str
    disputes: Disputes
    put: Callable[[int], None]
    now: Callable[[], dt.datetime]
    clock: Callable[[], float]
    spread: Callable[[], float]
    _files: dict[int, Bringing] = field(default_factory=dict)
    _lanes: dict[str, Lane] = field(default_factory=dict)

    def begin(
        self, item: Item, file: File, to: Iterable[str], *, after_s: float = 0.0
    ) -> list[First]:
        """Bring a staged file to locations, unless it is on its way there already.

        Args:
            item: The file in the ledger.
            file: The same in storage.
            to: Names of locations.
            after_s: Begin then: somebody else is at it.

        Returns:
            How the first attempt at each ends. More are made once the file is announced.
        """
        one = self._files.get(item.id)
        if one is None:
            telling = Telling(self.bus, file, instance=self.instance, now=self.now)
            one = self._files[item.id] = Bringing(item, file, telling)
        firsts = []
        for name in to:
            if name in one.tasks:
                continue
            first: First = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._bring(one, name, first, after_s))
            one.tasks[name] = task
            task.add_done_callback(functools.partial(self._ended, one, name))
            firsts.append(first)
        return firsts

    def announced(self, item: Item, file: File, owed: Collection[str]) -> None:
        """It is announced: go on until each of `owed` holds it, then call `put`."""
        self.begin(item, file, owed)
        one = self._files[item.id]
        one.owed = frozenset(owed)
        one.announced.set()

    def disputed(self, id_: int) -> bool:
        """Whether something else lies where a file is to be brought."""
        one = self._files.get(id_)
        return one is not None and bool(one.disputed)

    async def answered(self, item: Item, said: Answered) -> Item | None:
        """Do what people said of such a file: try again, or leave what lies there.

        Args:
            item: The file, with the place of the answer in the stream.
            said: Their answer.

        Returns:
            The file as it is then.

        Raises:
            Unavailable: The ledger cannot be written; call again.
        """
        one = self._files[item.id]
        names = sorted(one.disputed)
        if said.answer != "reject":
            one.disputed.clear()
            now = await self.disputes.carried_out(item, item.answered)
            one.again()
            return now
        await end([one.tasks[name] for name in names if name in one.tasks])
        for name in names:
            one.troubles[name] = rejected(said, name)
            await self.ledger.paid(item, name, one.trouble)
            log.info("file.left_out", name=item.name, location=name, by=said.by)
        one.owed -= one.disputed
        one.disputed.clear()
        failpoint("acquisition.after_left_out")
        return await self.disputes.carried_out(item, item.answered)

    @contextlib.asynccontextmanager
    async def unless_it_fails(self, id_: int) -> AsyncIterator[None]:
        """End the uploads of a file when the block does not succeed: it may be another soon."""
        try:
            yield
        except BaseException:
            one = self._files.pop(id_, None)
            if one is not None:
                await end(one.tasks.values())
            raise

    async def aclose(self) -> None:
        """End all; the next life goes on with them."""
        await end([task for one in self._files.values() for task in one.tasks.values()])
        self._files.clear()

    def counts(self) -> Counter[str]:
        """How many files are owed to each location."""
        files = self._files.values()
        return Counter(name for one in files for name in one.owed & one.tasks.keys())

    async def _bring(self, one: Bringing, name: str, first: First, after_s: float) -> None:
        """One task: attempts until the location holds the file, then tells so."""
        try:
            await asyncio.sleep(after_s)
            await self._succeed(one, name, first)
        finally:
            if not first.done():
                first.set_result(StorageUnavailable(f"{name}: the upload was ended"))
        await one.announced.wait()
        if name in one.owed:
            await self._pay(one, name)

    async def _succeed(self, one: Bringing, name: str, first: First) -> None:
        failures, tokens = 0, [uuid.uuid4().hex]
        while True:
            attempt = functools.partial(self._attempt, one, name, tuple(tokens))
            failure: Failure | None = None
            try:
                await self._lane(name).run(attempt, patient=one.announced.is_set())
            except (Unavailable, Held, Changed) as exc:
                failure = exc
            if not first.done():
                first.set_result(failure)
            if failure is None:
                return
            failures += 1
            tokens.append(uuid.uuid4().hex)
            await one.announced.wait()
            await self._note(one, name, failure)
            await one.rest(self._pause_s(failure, failures))

    async def _attempt(self, one: Bringing, name: str, tokens: tuple[str, ...]) -> None:
        """One attempt, under the last of the tokens; the others are of earlier ones."""
        await self.ledger.uploading(one.item, tokens[-1])
        with self.tally.uploading(name):
            async with one.telling.running():
                await self._put(one, self.locations[name], tokens[-1])
        failpoint("acquisition.after_brought")
        await self.ledger.brought(one.item, name)
        # What earlier attempts left beside the file is gone now that it lies there.
        await self.ledger.swept(tokens)
        failpoint("acquisition.after_brought_noted")

    async def _put(self, one: Bringing, to: Location, token: str) -> None:
        """From the staging; from a location, where the staged file is not what it was."""
        item, progress = one.item, one.telling.of(to)
        intact = await asyncio.to_thread(
            self.staging.intact, item.id, item.size, item.inode, item.mtime_ns
        )
        if intact:
            try:
                await self.store.put(
                    self.staging.path(item.id), one.file, to, token=token, progress=progress
                )
            except Held:
                # Times can be set back; only the content says whose fault it is.
                if await on_own_files(lambda stop: self.staging.holds(item.id, item.sha256, stop)):
                    raise
            else:
                return
        if not one.announced.is_set():
            raise Changed
        source = await self._source(one, to)
        await self.store.copy(one.file, source, to, token=token, progress=progress)

    async def _source(self, one: Bringing, to: Location) -> Location:
        item = await self.ledger.item(one.item.id)
        for name in item.proved if item is not None else ():
            if name != to.name and name in self.locations:
                return self.locations[name]
        raise StorageUnavailable(
            f"{one.file.key} cannot be brought to {to.name}: it is not staged here any more, "
            "and lies at no other location that this host knows"
        )

    async def _note(self, one: Bringing, name: str, failure: Failure) -> None:
        text = str(failure) or "the staged file is not what it was"
        if one.troubles.get(name) != text:
            one.troubles[name] = text
            log.warning("file.owed", name=one.item.name, location=name, reason=text)
            await self._patiently(lambda: self.ledger.owing(one.item, one.trouble))
        if not isinstance(failure, Held):
            one.disputed.discard(name)
            return
        one.disputed.add(name)
        reason = "; ".join(one.troubles[each] for each in sorted(one.disputed))
        if await self._patiently(lambda: self.disputes.ask(one.item.id, reason)):
            self.put(one.item.id)

    async def _pay(self, one: Bringing, name: str) -> None:
        """Tell that one more location holds the file, then write down that it is not owed."""
        told = Distributed(
            file=one.file,
            episode=one.item.episode or Episode(show=one.file.key.partition("/")[0]),
            group=UNIT,
            destination=name,
            at=self.now(),
            host=self.host,
        )
        await self._patiently(lambda: self._tell(told))
        failpoint("acquisition.after_brought_told")
        one.troubles.pop(name, None)
        one.disputed.discard(name)
        item = await self._patiently(lambda: self.ledger.paid(one.item, name, one.trouble))
        log.info("file.brought", name=one.item.name, key=one.file.key, to=name)
        if item is None:
            return
        if not one.disputed:
            await self._patiently(lambda: self.disputes.settled(item, f"it lies at {name} now"))
        if not item.owed:
            self.put(item.id)

    async def _tell(self, told: Distributed) -> None:
        subject = events.subject_of(told)
        try:
            await self.bus.publish(Outgoing(subject, events.encode(told), expect=0))
        except Conflict:
            log.debug("file.brought_before", key=told.file.key, to=told.destination)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Until bus or ledger take it."""
        failures = 0
        while True:
            try:
                return await work()
            except Unavailable as exc:
                failures += 1
                log.info("file.owed_not_noted", error=str(exc))
                await asyncio.sleep(self._pause_s(exc, failures))

    def _pause_s(self, failure: Failure, failures: int) -> float:
        if isinstance(failure, Held):
            return float(min(self.held_again_s * 2 ** min(failures - 1, 16), _DAY_S))
        asked_s = failure.retry_after_s if isinstance(failure, Unavailable) else None
        return max(backoff_s(self.policy, failures, self.spread()), asked_s or 0.0)

    def _lane(self, name: str) -> Lane:
        if name not in self._lanes:
            self._lanes[name] = Lane(
                name=name,
                width=self.width,
                policy=self.policy,
                clock=self.clock,
                spread=self.spread,
            )
        return self._lanes[name]

    def _ended(self, one: Bringing, name: str, task: "asyncio.Task[None]") -> None:
        one.tasks.pop(name, None)
        if not one.tasks and self._files.get(one.item.id) is one and one.announced.is_set():
            del self._files[one.item.id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("upload.crashed", name=one.item.name, location=name, exc_info=error)
            # A worker finds that it is still owed, and begins anew.
            loop = asyncio.get_running_loop()
            loop.call_later(self.policy.longest_s, self.put, one.item.id)
