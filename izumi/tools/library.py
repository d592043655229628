"""The library: every location side by side, from a request to what was done."""

import asyncio
import datetime as dt
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeVar

from izumi.domain.errors import StorageUnavailable, Unavailable, UserError
from izumi.storage.ports import Location
from izumi.storage.trees import Trees
from izumi.tools import typed, undoing
from izumi.tools.carrying import GROUP, Carrier, OnSteps
from izumi.tools.journal import Journal, Journals
from izumi.tools.operation import Opened, Operation
from izumi.tools.plan import PlacePlan
from izumi.tools.planning import Listings, emptying, plan, waited
from izumi.tools.requests import DATE, Request, works
from izumi.tools.shelves import TRASH, Item, Kind, Place, is_sound, shows

T = TypeVar("T")

_ID_BYTES: Final = 2


class Holding(NamedTuple):
    """A location: as storage knows it, and its shelves."""

    at: Location
    place: Place


class Draft(NamedTuple):
    """What would be done; nothing is written yet.

    Attributes:
        id: What the operation is going to be called.
        request: What was asked.
        plans: By location.
        failed: Locations that could not be listed, and why.
    """

    id: str
    request: Request
    plans: Mapping[str, PlacePlan]
    failed: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do anywhere."""
        return not any(one.steps for one in self.plans.values())

    @property
    def is_refused(self) -> bool:
        """Whether a folder was named that is no show."""
        return any(one.refused for one in self.plans.values())


class Known(NamedTuple):
    """The shows of every location.

    Attributes:
        names: By location and folder of the shelf.
        failed: Locations that could not be listed, and why.
    """

    names: Mapping[str, Mapping[str, Sequence[str]]]
    failed: Mapping[str, str]

    @property
    def all(self) -> list[str]:
        """Every show once."""
        found = (
            name for shelves in self.names.values() for some in shelves.values() for name in some
        )
        return sorted({*found})


class Library:
    """See the module.

    Args:
        trees: The storage.
        holdings: The locations to work on.
        journals: What was done before, and is to be written down.
        by: Who asks.
        now: The time in UTC.
        group: As a `Carrier` has it.
    """

    def __init__(
        self,
        trees: Trees,
        holdings: Sequence[Holding],
        journals: Journals,
        *,
        by: str,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        group: int = GROUP,
    ) -> None:
        self._group = group
        self._trees = trees
        self._holdings = {one.place.name: one for one in holdings}
        self._journals = journals
        self._by = by
        self._now = now

    async def shows(self, kinds: Collection[Kind], above: str = "") -> Known:
        """The shows of every location.

        Args:
            kinds: The shelves to look at.
            above: Folder below the shelves whose folders are listed instead.
        """

        async def of(one: Holding) -> dict[str, list[str]]:
            return {
                shelf.folder: await self._folders(
                    one, shelf.folder, shelf.path(above) if above else ""
                )
                for shelf in one.place.of(kinds)
            }

        names, failed = await self._everywhere(of)
        if not above:
            names = {
                name: {
                    shelf.folder: shows(self._holdings[name].place, shelf, found[shelf.folder])
                    for shelf in self._holdings[name].place.of(kinds)
                }
                for name, found in names.items()
            }
        return Known(names, failed)

    async def _folders(self, one: Holding, folder: str, above: str) -> list[str]:
        listed = await self._trees.below(one.at, above or folder, deep=False)
        return [item.path.rpartition("/")[2] for item in listed or () if item.folder]

    async def find(self, text: str, kinds: Collection[Kind]) -> str:
        """The show that is called so at one location at least.

        Raises:
            UserError: None is; the nearest names are told.
            StorageUnavailable: No location could be listed.
        """
        path = typed.there(text)
        above = ""
        for part in path.split("/"):
            known = await self.shows(kinds, above)
            if not known.names:
                raise StorageUnavailable("; ".join(known.failed.values()))
            if part not in known.all:
                inside = f"{above}/" if above else ""
                raise UserError(typed.unknown(text, [f"{inside}{name}" for name in known.all]))
            above = f"{above}/{part}" if above else part
        return path

    async def draft(self, request: Request) -> Draft:
        """What a request comes to, at every location."""
        return await self._draft(request, self._new_id())

    def _new_id(self) -> str:
        now = self._now()
        return f"{now:{DATE}}{now.microsecond // 1000:03}-{secrets.token_hex(_ID_BYTES)}"

    async def _draft(
        self, request: Request, operation: str, only: Collection[str] | None = None
    ) -> Draft:
        async def of(one: Holding) -> PlacePlan:
            return plan(request, one.place, await self._listings(request, one), operation)

        plans, failed = await self._everywhere(of, only)
        return Draft(operation, request, plans, failed)

    async def _listings(self, request: Request, one: Holding) -> Listings:
        found: dict[str, list[Item]] = {}
        for folder in {path for work in works(request, one.place) for path in work[1:]}:
            listed = await self._trees.below(one.at, folder)
            if listed is None:
                continue
            items = [Item(*item) for item in listed]
            strange = next((item.path for item in items if not is_sound(item.path)), None)
            if strange is not None:
                raise StorageUnavailable(f"{one.place.name} lists {strange!r}, which is no path")
            found[folder] = [*([Item(folder, folder=True)] if folder else []), *items]
        return found

    async def draft_undo(self, operation: Operation) -> Draft:
        """What takes an operation back.

        Raises:
            UserError: It was undone, or cannot be, or a location of it is not configured.
        """
        if operation.opened.request.purge:
            raise UserError(
                f"{operation.id} removed files for good; nothing brings them back. "
                "Earlier ones are in izumi-admin history"
            )
        if operation.state == "undone":
            raise UserError(f"{operation.id} was undone already; see izumi-admin history")
        if back := self._journals.taken_back_by(operation):
            raise UserError(
                f"{operation.id} is being taken back already; izumi-admin resume {back} goes on"
            )
        self._expect(operation)
        request = Request(verb="undo", show=operation.opened.request.show, of=operation.id)
        plans = {
            name: undoing.undo(name, progress.touched())
            for name, progress in operation.places.items()
            if progress.plan is not None
        }
        return Draft(self._new_id(), request, plans, {})

    async def draft_empty(self, days: float) -> Draft:
        """What removes for good everything that has waited in the trash for so long."""
        now = self._now()

        async def of(one: Holding) -> PlacePlan:
            listed = await self._trees.below(one.at, TRASH)
            items = [Item(*item) for item in listed or ()]
            return emptying(one.place.name, waited(items, now, days))

        plans, failed = await self._everywhere(of)
        return Draft(self._new_id(), Request(verb="empty", purge=True), plans, failed)

    async def trash(self) -> tuple[dict[str, list[Item]], dict[str, str]]:
        """What lies in the trash of every location; which could not be listed, and why."""

        async def of(one: Holding) -> list[Item]:
            return [Item(*item) for item in await self._trees.below(one.at, TRASH) or ()]

        return await self._everywhere(of)

    async def draft_rest(self, operation: Operation) -> Draft:
        """Plans for the locations that could not be listed when an operation began."""
        self._expect(operation)
        missing = [name for name, progress in operation.places.items() if progress.plan is None]
        return await self._draft(operation.opened.request, operation.id, missing)

    def _expect(self, operation: Operation) -> None:
        for name in operation.places:
            if name not in self._holdings:
                raise UserError(
                    f"{operation.id} is about the location {name}, and there is no "
                    f"[storage.{name}] any more"
                )

    def begin(self, draft: Draft) -> Journal:
        """Write a draft down; from now on it can be resumed, and undone."""
        places = (*draft.plans, *draft.failed)
        opened = Opened(
            id=draft.id, request=draft.request, by=self._by, at=self._time(), places=places
        )
        journal = self._journals.open(opened)
        write(journal, draft)
        return journal

    async def carry(self, journal: Journal, on_steps: OnSteps | None = None) -> bool:
        """Do what is planned and not done, at all locations side by side.

        Returns:
            Whether nothing is left to do.
        """
        operation = journal.operation
        self._journals.owe(operation)
        await asyncio.gather(
            *(
                self._carrier(name, journal, on_steps).run()
                for name, progress in operation.places.items()
                if progress.plan is not None
            )
        )
        whole = all(progress.is_whole for progress in operation.places.values())
        if whole:
            self._close_undone(operation.opened.request.of)
            journal.close("done", self._time(), self._by)
        return whole

    def _carrier(self, name: str, journal: Journal, on_steps: OnSteps | None) -> Carrier:
        at = self._holdings[name].at
        return Carrier(self._trees, at, journal, on_steps, group=self._group)

    def _close_undone(self, of: str) -> None:
        """An operation was taken back; one that took back another one brings that back."""
        if of:
            undone = self._journals.find(of)
            self._journals.again(undone).close("undone", self._time(), self._by)
            if again := undone.opened.request.of:
                first = self._journals.find(again)
                whole = all(progress.is_whole for progress in first.places.values())
                state: Literal["done", "left"] = "done" if whole else "left"
                self._journals.again(first).close(state, self._time(), self._by)

    def _time(self) -> str:
        return self._now().isoformat(timespec="seconds")

    async def _everywhere(
        self,
        work: Callable[[Holding], Awaitable[T]],
        only: Collection[str] | None = None,
    ) -> tuple[dict[str, T], dict[str, str]]:
        """Something at every location at once; what a location cannot do stops no other."""
        holdings = [one for name, one in self._holdings.items() if only is None or name in only]
        found = await asyncio.gather(*(_caught(work(one)) for one in holdings))
        done: dict[str, T] = {}
        failed: dict[str, str] = {}
        for one, result in zip(holdings, found, strict=True):
            if isinstance(result, Unavailable):
                failed[one.place.name] = str(result)
            else:
                done[one.place.name] = result
        return done, failed


def write(journal: Journal, draft: Draft) -> None:
    """Write the plans of a draft into the file of its operation."""
    for name, reason in draft.failed.items():
        journal.failed(name, reason)
    for one in draft.plans.values():
        journal.planned(one)


async def _caught(work: Awaitable[T]) -> T | Unavailable:
    try:
        return await work
    except Unavailable as exc:
        return exc
