"""What came of every key: the report of a conversion. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from izumi.moving.document import Trail
from izumi.runtime.telemetry import printable

Kind = Literal["complete", "decided", "none", "unknown", "empty", "taken"]

_HEADINGS: Final[dict[Kind, str]] = {
    "complete": "For you to complete",
    "decided": "Decided for you",
    "none": "Without a counterpart",
    "unknown": "Unknown keys",
    "empty": "Keys that say nothing",
    "taken": "Taken over",
}
_NAMED: Final = frozenset(
    {"acquisition", "bus", "storage", "encoder", "distributor", "notifier", "list", "endpoints"}
)
"""Tables with tables below."""


class Row(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What came of one key, or one decision. No value of a key that may be secret is in it.

    Attributes:
        kind: "complete": a person must do something; "decided": it could have been done
            otherwise; "none": there is no counterpart; "unknown": the unit has no such key;
            "empty": the key says nothing; "taken": it is in the result as it was.
        file: The file that it comes of; empty: none of them.
        line: Where in the file.
        key: The old key.
        where: The place in the result.
        text: What was done, and why.
    """

    kind: Kind
    file: str = ""
    line: int | None = None
    key: Trail = ()
    where: Trail = ()
    text: str = ""


def dotted(trail: Trail) -> str:
    """A trail as people write it: `endpoints.always[0].url`."""
    text = ""
    for step in trail:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def place(where: Trail) -> str:
    """A place of the result as TOML heads it: `[encoder.main] jobs`."""
    steps = [step for step in where if not isinstance(step, int)]
    is_table = steps[:1] != ["state"] and (
        len(steps) == 1
        or (len(steps) == 2 and steps[0] in _NAMED)
        or (len(steps) == 3 and steps[2] in {"discord", "apprise", "filter"})
    )
    tables, keys = (steps, []) if is_table else (steps[:-1], steps[-1:])
    return " ".join([f"[{'.'.join(tables)}]"] * bool(tables) + keys)


def told(rows: Sequence[Row], sources: Iterable[str]) -> str:
    """The report for people, what they must do first."""
    lines = [f"Read: {source}" for source in sources]
    for kind, heading in _HEADINGS.items():
        found = [row for row in rows if row.kind == kind]
        if found:
            lines += ["", f"{heading} ({len(found)}):"]
            lines += [f"  - {line(row)}" for row in found]
    return "\n".join(map(printable, lines)) + "\n"


def line(row: Row) -> str:
    """A row on one line."""
    at = f"{row.file}:{row.line}" if row.line else row.file
    head = " ".join(filter(None, [at, dotted(row.key)]))
    target = place(row.where) if row.where else ""
    return ": ".join(filter(None, [" -> ".join(filter(None, [head, target])), row.text]))


def as_json(row: Row) -> dict[str, object]:
    """A row for programs: its places as people write them."""
    return {
        "kind": row.kind,
        "file": row.file,
        "line": row.line,
        "key": dotted(row.key),
        "where": place(row.where) if row.where else "",
        "text": row.text,
    }
