"""A request and the listings of a location into its plan. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from izumi.tools import naming, shelves
from izumi.tools.arrange import Arranged, Ways, arrange, discards
from izumi.tools.plan import BRING, Conflict, Left, PlacePlan, Step, Wish, makings, removals, tidied
from izumi.tools.requests import DATE, Request, Work, trash, works
from izumi.tools.shelves import Item, Place, beneath

_DATE_LETTERS: Final = len("20260131-235959")

Listings = Mapping[str, Sequence[Item]]
"""What lies in each folder that `works` names, at any depth; no entry: no such folder."""


class _Part(NamedTuple):
    """What is done in one folder."""

    steps: Sequence[Step] = ()
    left: Sequence[Left] = ()
    notices: Sequence[str] = ()


def plan(request: Request, place: Place, listings: Listings, operation: str) -> PlacePlan:
    """Decide what is done at one location.

    Args:
        request: What is asked.
        place: The location.
        listings: What lies there.
        operation: Its name, part of the trash and of temporary names.
    """
    ways = Ways(operation, trash(operation), request.policy, place.name_bytes)
    steps: list[Step] = []
    left: list[Left] = []
    notices: list[str] = []
    missing: list[str] = []
    conflicts: list[Conflict] = []
    refused = False
    for work in works(request, place):
        there = listings.get(work.source)
        if there is None:
            missing.append(work.source)
            continue
        if problem := _refusal(request, place, work, there):
            notices.append(problem)
            refused = True
            continue
        if request.verb in {"delete", "rmdir"}:
            part = _removed(request, place, work, there, ways)
            steps += part.steps
            notices += part.notices
            continue
        known = [*there, *(listings.get(work.target, ()) if work.target != work.source else ())]
        wished = _wishes(request, place, work, there)
        arranged = arrange(wished.wishes, known, ways)
        steps += _with_folders(request, work, there, arranged)
        left += [*wished.left, *arranged.left]
        conflicts += arranged.conflicts
        if not arranged.steps and not wished.left and not arranged.left:
            notices.append(f"{work.source}: nothing to do")
    if missing and request.show:
        notices.append(f"there is no {', no '.join(missing)}")
    return PlacePlan(
        place=place.name,
        steps=tuple(dict.fromkeys(steps)),
        left=tuple(left),
        conflicts=tuple(conflicts),
        notices=tuple(notices),
        refused=refused,
    )


def _refusal(request: Request, place: Place, work: Work, there: Sequence[Item]) -> str:
    """Why nothing is done in a folder; empty: it is one show."""
    for folder in (work.source, work.target) if request.show else ():
        if _is_own(folder, place.own):
            return f"{folder} is a folder of the location itself, and no show's"
    if request.verb == "rmdir" or not shelves.is_group(work.source, there):
        return ""
    files = [item.path[len(work.source) + 1 :] for item in there if not item.folder]
    inner = sorted({path.partition("/")[0] for path in files})
    return (
        f"{work.source} is no show: it holds other folders alone ({', '.join(inner[:3])}...); "
        f"name one of them, such as {request.show}/{inner[0]}"
    )


class _Wished(NamedTuple):
    wishes: Sequence[Wish]
    left: Sequence[Left] = ()


def _wishes(request: Request, place: Place, work: Work, there: Sequence[Item]) -> _Wished:
    files = [item for item in there if not item.folder]
    if request.verb == "season":
        return _Wished(tuple(_into_season(request.season, work.source, files)))
    if request.verb == "rename" and not request.name:
        named = naming.clean_names(work.source, request.show, files, limit_bytes=place.name_bytes)
        return _Wished(named.wishes, named.left)
    return _Wished([Wish(item, work.target + item.path[len(work.source) :]) for item in files])


def _into_season(season: str, root: str, files: Sequence[Item]) -> Iterator[Wish]:
    """Everything but what lies in a folder of a season, of specials or of extras already."""
    for item in files:
        inner = item.path[len(root) + 1 :]
        top, slash, _ = inner.partition("/")
        if not slash or not naming.is_part_of_show(top):
            yield Wish(item, f"{root}/{season}/{inner}")


def _with_folders(
    request: Request, work: Work, there: Sequence[Item], arranged: Arranged
) -> list[Step]:
    """The steps, and the folders that are empty after them."""
    moved_whole = request.verb in {"move", "rename"} and work.target != work.source
    steps = list(arranged.steps)
    if moved_whole or request.verb == "season":
        steps += tidied(work.source, there, steps)
    return steps


def _removed(
    request: Request, place: Place, work: Work, there: Sequence[Item], ways: Ways
) -> _Part:
    if request.verb == "rmdir":
        return _empty(request, place, work, there)
    files = [item for item in there if not item.folder]
    if request.purge:
        steps = [
            Step(phase=BRING, kind="purge", path=item.path, size=item.size, why="for good")
            for item in files
        ]
    else:
        steps = discards(files, ways)
        steps += makings([step.to for step in steps], ())
    return _Part([*steps, *tidied(work.source, there, steps)])


def waited(items: Sequence[Item], now: dt.datetime, days: float) -> list[Item]:
    """What has been in the trash for so many days; never what has no name of ours there."""
    long_ago = []
    for item in items:
        since = _since(item.path.split("/")[1])
        if since is not None and (now - since) / dt.timedelta(days=1) >= days:
            long_ago.append(item)
    return long_ago


def _since(name: str) -> dt.datetime | None:
    """Since when a folder of the trash is there; None: it is none of ours."""
    try:
        return dt.datetime.strptime(name[:_DATE_LETTERS], DATE).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def emptying(place: str, items: Sequence[Item]) -> PlacePlan:
    """What removes things from the trash for good, and their folders with them."""
    files = [item for item in items if not item.folder]
    gone = [Step(phase=BRING, kind="purge", path=item.path, size=item.size) for item in files]
    folders = removals([item.path for item in items if item.folder])
    return PlacePlan(place=place, steps=(*gone, *folders))


def _empty(request: Request, place: Place, work: Work, there: Sequence[Item]) -> _Part:
    """Folders without any file below them; a shelf, and what another one lies in, stay."""
    own = place.own
    root = work.source if request.show else ""
    steps = [step for step in tidied(root, there, ()) if not _is_own(step.path, own)]
    steps = [step for step in steps if request.show or step.path != work.shelf.folder]
    # Another shelf, or the trash, may lie within this one; it is looked at for itself.
    nested = [
        path for path in own if path != work.shelf.folder and beneath(path, work.shelf.folder)
    ]
    steps = [step for step in steps if not any(beneath(step.path, path) for path in nested)]
    if not steps:
        return _Part(notices=(f"{work.source or 'the root'}: no folder is empty",))
    return _Part(removals([step.path for step in steps]))


def _is_own(path: str, own: frozenset[str]) -> bool:
    return any(path == one or beneath(one, path) for one in own)
