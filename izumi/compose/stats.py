"""What a configuration promises of its library, and a look at all of its locations."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from izumi.compose.library import holdings
from izumi.consumers.encoder_output import hardsub_key
from izumi.domain.errors import Unavailable
from izumi.domain.filters import Filter
from izumi.settings import Settings
from izumi.storage.rclone import Rclone
from izumi.storage.trees import Trees
from izumi.tools import stats, videos
from izumi.tools.library import Holding
from izumi.tools.shelves import Item, Sub, is_sound
from izumi.tools.stats import Duties, Duty, Making, Stats

_SUBS: Final[tuple[Sub, ...]] = ("softsub", "hardsub")

OnPlace = Callable[[str, str], object]
"""Is told of a location, and what is known of it now."""


class Looked(NamedTuple):
    """What came of it.

    Attributes:
        stats: Of the locations that answered.
        failed: The others, and why.
        strange: How many paths a location lists that lead nowhere.
    """

    stats: Stats
    failed: dict[str, str]
    strange: dict[str, int]


def duties(settings: Settings) -> Duties:
    """What ought to lie where, as far as this configuration alone decides it."""
    keeps: list[Duty] = []
    notes: list[str] = []
    watches = settings.acquisition.watch if settings.acquisition else ()
    if watches:
        common = [
            name
            for name in watches[0].destinations
            if all(name in watch.destinations for watch in watches)
        ]
        if common:
            keeps.append(Duty(by="acquisition", sub="softsub", at=tuple(common)))
        some = sorted({name for watch in watches for name in watch.destinations} - {*common})
        if some:
            notes.append(
                f"acquisition: {', '.join(some)} not judged, which not every watch folder goes to"
            )
    for group, ours in settings.distributor.items():
        name = f"distributor.{group}"
        if msgspec.structs.replace(ours.filter, subs=(), quiet="", zone="") != Filter():
            notes.append(f"{name}: not judged, its filter decides what it gets")
        elif ours.deliver == "new":
            notes.append(f"{name}: not judged, it gets only what came after it")
        else:
            kinds = {*ours.subs} & {*(ours.filter.subs or ours.subs)}
            keeps += [Duty(by=name, sub=sub, at=ours.destinations) for sub in _SUBS if sub in kinds]
    makes = [
        Making(
            by=f"encoder.{group}", suffix=settings.encoding(profile).suffix, at=ours.destinations
        )
        for group, ours in settings.encoder.items()
        for profile in ours.profiles
    ]
    return Duties(keeps=tuple(keeps), makes=tuple(makes), notes=tuple(notes))


async def look(settings: Settings, *, at: Collection[str], show: str, on_place: OnPlace) -> Looked:
    """List every location, side by side, and say what is there and what is missing.

    Args:
        settings: The configuration.
        at: Names of locations; all when empty.
        show: Only what lies in this folder below the shelves; "" is everything.
        on_place: Progress.

    Raises:
        UserError: A location is not configured, or none is; or no rclone.
    """
    ours = holdings(settings, at)
    async with Rclone(settings.rclone, state=settings.state) as rclone:
        trees = Trees(rclone)
        listed = await asyncio.gather(*(_caught(_list(trees, one, show, on_place)) for one in ours))
    failed: dict[str, str] = {}
    found: dict[str, list[videos.Found]] = {}
    strange: dict[str, int] = {}
    for one, items in zip(ours, listed, strict=True):
        name = one.place.name
        if isinstance(items, Unavailable):
            failed[name] = str(items)
            on_place(name, "away")
            continue
        found[name] = list(videos.files(one.place, items))
        if odd := sum(not is_sound(item.path) for item in items):
            strange[name] = odd
    computed = await asyncio.to_thread(stats.compute, found, duties(settings), hardsub_key)
    return Looked(computed, failed, strange)


async def _list(trees: Trees, one: Holding, show: str, on_place: OnPlace) -> Sequence[Item]:
    on_place(one.place.name, "is listed")
    if show:
        folders = sorted({shelf.path(show) for shelf in one.place.shelves})
    else:
        folders = videos.roots(one.place)
    items: list[Item] = []
    for folder in folders:
        items += [Item(*item) for item in await trees.below(one.at, folder) or ()]
    on_place(one.place.name, f"{sum(not item.folder for item in items)} files")
    return items


async def _caught(work: Awaitable[Sequence[Item]]) -> Sequence[Item] | Unavailable:
    try:
        return await work
    except Unavailable as exc:
        return exc
