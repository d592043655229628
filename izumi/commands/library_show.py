"""Plans and outcomes of the library for people at a terminal, for scripts, and as JSON."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from izumi.runtime.telemetry import printable
from izumi.tools.library import Draft
from izumi.tools.operation import Operation
from izumi.tools.plan import PlacePlan, Step, journeys

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size_text(size: int) -> str:
    """Bytes for people."""
    value, unit = float(max(size, 0)), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def show_draft(draft: Draft, *, json: bool, pretty: bool) -> None:
    """Print all of a plan: every path, and what is left alone and why."""
    if json:
        for row in _objects(draft):
            print(msgspec.json.encode(row).decode())
        return
    for name, reason in draft.failed.items():
        print(printable(f"{name}: cannot be looked at: {reason}"))
    for plan in draft.plans.values():
        if pretty and plan.steps:
            _table(plan)
        else:
            for line in _lines(plan):
                print(printable(line))
    files = sum(plan.files for plan in draft.plans.values())
    size = sum(plan.size for plan in draft.plans.values())
    places = sum(bool(plan.steps) for plan in draft.plans.values())
    print(
        printable(
            f"{draft.request.text}: {files} files, {size_text(size)}, at {places} of "
            f"{len(draft.plans) + len(draft.failed)} locations"
        )
    )


def _told(plan: PlacePlan) -> list[Step]:
    """What people want to see: a file's way from its first place to its last, and folders."""
    rest = [step for step in plan.steps if step.kind in {"make", "rmdir"}]
    return [*journeys(plan.steps), *sorted(rest, key=lambda step: (step.kind, step.path))]


def _lines(plan: PlacePlan) -> Iterator[str]:
    for notice in plan.notices:
        yield f"{plan.place}: {notice}"
    for step in _told(plan):
        match step.kind:
            case "move":
                yield f"{plan.place}: {step.path} -> {step.to} ({size_text(step.size)})"
            case "purge":
                yield f"{plan.place}: remove for good {step.path} ({size_text(step.size)})"
            case "rmdir":
                yield f"{plan.place}: remove the empty folder {step.path}"
            case "make":
                yield f"{plan.place}: make the folder {step.path}"
    for conflict in plan.conflicts:
        yield f"{plan.place}: conflict: {', '.join(conflict.paths)}: {conflict.decided}"
    for left in plan.left:
        yield f"{plan.place}: stays: {left.path}: {left.why}"


def _table(plan: PlacePlan) -> None:
    """A table of one location, for a terminal."""
    table = Table(
        title=Text(f"{plan.place}: {plan.files} files, {size_text(plan.size)}"),
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in ("", "from", "to", "size"):
        table.add_column(column, overflow="fold")
    signs = {"move": "->", "purge": "gone", "rmdir": "- folder", "make": "+ folder"}
    for step in _told(plan):
        size = size_text(step.size) if step.kind in {"move", "purge"} else ""
        cells = (signs[step.kind], step.path, step.to or step.why, size)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console = Console(highlight=False, markup=False)
    console.print(table)
    for line in _lines(msgspec.structs.replace(plan, steps=())):
        console.print(printable(line))


def _objects(draft: Draft) -> Iterator[dict[str, object]]:
    for name, reason in draft.failed.items():
        yield {"is": "failed", "place": name, "reason": reason}
    for plan in draft.plans.values():
        of = {"place": plan.place}
        for notice in plan.notices:
            yield {"is": "notice", **of, "text": notice}
        for step in _told(plan):
            to = {"to": step.to} if step.to else {}
            why = {"why": step.why} if step.why else {}
            yield {"is": step.kind, **of, "path": step.path, **to, "size": step.size, **why}
        for conflict in plan.conflicts:
            yield {"is": "conflict", **of, **msgspec.structs.asdict(conflict)}
        for left in plan.left:
            yield {"is": "left", **of, **msgspec.structs.asdict(left)}


def show_outcome(operation: Operation, *, json: bool) -> None:
    """Print what became of an operation, location by location."""
    if json:
        print(msgspec.json.encode({"is": "outcome", **outcome(operation)}).decode())
        return
    for line in _outcome_lines(operation):
        print(printable(line))


def outcome(operation: Operation) -> dict[str, object]:
    """The same as an object."""
    places: dict[str, Mapping[str, object]] = {}
    for name, progress in operation.places.items():
        counts = {"done": 0, "skipped": 0, "failed": 0}
        for ended in progress.ended.values():
            counts[ended] += 1
        failed = {"failed_because": progress.failed} if progress.failed else {}
        places[name] = {**counts, "left": len(progress.open), **failed}
    return {"operation": operation.id, "state": operation.state, "places": places}


def _outcome_lines(operation: Operation) -> Iterable[str]:
    for name, progress in operation.places.items():
        if progress.plan is None or progress.failed:
            yield f"{name}: {progress.failed or 'not planned yet'}"
        for number in progress.open if progress.plan else ():
            if progress.plan and number in progress.reasons:
                yield f"{name}: {progress.plan.steps[number].path}: {progress.reasons[number]}"
        for number, ended in sorted(progress.ended.items()):
            if ended == "skipped" and progress.plan:
                step = progress.plan.steps[number]
                yield f"{name}: {step.path} stays: {progress.reasons.get(number, '')}"
    if operation.state == "open":
        yield (
            f"{operation.id}: not all of it is done; `izumi-admin resume {operation.id}` goes on, "
            f"`izumi-admin undo {operation.id}` takes it back"
        )
    else:
        back = f"`izumi-admin undo {operation.id}` takes it back"
        yield f"{operation.id}: done; {'it is gone' if operation.opened.request.purge else back}"
