"""The largest part of a draft that is a good configuration; what is not is left out and told.

The same code judges that judges a configuration file.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from izumi import settings as settings_
from izumi.domain.errors import ConfigError
from izumi.moving.document import Trail
from izumi.moving.draft import Draft
from izumi.moving.finish import settled
from izumi.moving.rows import place

_OPTIONAL: Final = ("jobs", "threads", "bwlimit", "transfers", "level", "config", "dev", "listen")
"""Keys that a table can do without, and be no other table for that."""

_FIRST: Final = (
    "acquisition",
    "notifier",
    "endpoints",
    "distributor",
    "encoder",
    "gateway",
    "list",
    "storage",
    "rclone",
    "log",
)
"""What is left out rather than what comes after it."""


def prune(draft: Draft, base: Path) -> None:
    """Leave out what cannot be, until the draft can.

    Args:
        draft: Loses tables, and gains rows that tell of them.
        base: Folder that relative paths count from.
    """
    for entry in list(_entries(draft.settings)):
        alone = {"state": "/", **_only(draft.settings, entry)}
        if (reason := _fault(alone, base)) and not _without_key(draft, entry, base):
            _drop(draft, entry, reason)
    while problems := _problems(draft.settings, base):
        entries = list(_entries(draft.settings))
        ways = [(one, _problems(_less(draft.settings, one), base)) for one in entries]
        entry, left = min(ways, key=lambda way: len(way[1]), default=((), problems))
        if len(left) >= len(problems):
            return
        _drop(draft, entry, next(text for text in problems if text not in left))


def _entries(settings: dict[str, Any]) -> Iterator[Trail]:
    """Tables that can be left out by themselves."""
    for table in _FIRST:
        found = settings.get(table)
        if found is None:
            continue
        if table == "acquisition":
            yield from [(table, "watch", number) for number in found.get("watch", {})]
        elif table in {"gateway", "rclone", "log"}:
            yield (table,)
        else:
            yield from [(table, name) for name in found]


def _at(settings: dict[str, Any], entry: Trail) -> Any:
    here: Any = settings
    for step in entry:
        here = here[step]
    return here


def _only(settings: dict[str, Any], entry: Trail) -> dict[str, Any]:
    made: Any = deepcopy(_at(settings, entry))
    for step in reversed(entry[1:]):
        made = {step: made}
    return {str(entry[0]): made}


def _less(settings: dict[str, Any], entry: Trail) -> dict[str, Any]:
    copy = deepcopy(settings)
    del _at(copy, entry[:-1])[entry[-1]]
    return copy


def _fault(settings: dict[str, Any], base: Path) -> str | None:
    try:
        settings_.structured(settled(settings), base)
    except ConfigError as exc:
        return str(exc)
    return None


def _problems(settings: dict[str, Any], base: Path) -> list[str]:
    try:
        return list(settings_.cross_check(settings_.structured(settled(settings), base)))
    except ConfigError as exc:
        return [str(exc)]


def _without_key(draft: Draft, entry: Trail, base: Path) -> bool:
    """Leave out one key, where that is enough."""
    table = _at(draft.settings, entry)
    for key in _OPTIONAL:
        if key in table:
            alone = {"state": "/", **_only(draft.settings, entry)}
            del _at(alone, entry)[key]
            if _fault(alone, base) is None:
                reason = _fault({"state": "/", **_only(draft.settings, entry)}, base) or ""
                _drop(draft, (*entry, key), reason)
                return True
    return False


def _drop(draft: Draft, where: Trail, reason: str) -> None:
    """Leave out a table or a key, and turn what was said of it."""
    del _at(draft.settings, where[:-1])[where[-1]]
    draft.say("complete", f"left out: {reason}", where=where)
    for row in draft.rows[:-1]:
        if row.where[: len(where)] == where and row.kind in {"taken", "decided"}:
            row.kind = "complete"
            row.text = f"left out with {place(where)}"
