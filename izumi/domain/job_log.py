"""What a job's log says of its life: who had it, how often, for how long, and why. Pure."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from izumi.domain.events import JobRecord
from izumi.domain.phrases import size

_INSTANCE: Final = re.compile(r"(?P<host>.+)-\d+-[0-9a-f]{6}")
_MOST_NAMED: Final = 8


class Entry(NamedTuple):
    """An entry of a log: its place in the stream, when the bus stored it, what it says."""

    seq: int
    at: dt.datetime
    record: JobRecord


class Moment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened.

    Attributes:
        at: When, by the clock of the bus where it was there.
        kind: One word: "acquired", "claimed", "waits", "told", ...
        text: For people.
        unit: Unit and group: "encoder.main".
        host: Where.
        instance: Who.
        job: Whose log tells it, or whose work it was.
        attempt: Which one; 0: it does not matter.
        took_s: Seconds since this attempt was begun, where it ends here.
        seq: Place in its stream, for the order of what happened at once.
    """

    at: dt.datetime
    kind: str
    text: str
    unit: str = ""
    host: str = ""
    instance: str = ""
    job: str = ""
    attempt: int = 0
    took_s: float | None = None
    seq: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long a job took.

    Attributes:
        unit: Unit and group.
        job: Its id.
        state: The last one.
        attempts: Claims, those that counted for nothing left out.
        hosts: That had it, in that order.
        ordered: When the message that orders it was stored; None where it is not kept.
        ended: When it was settled; None: it is open.
        waited_s: From the order to the first claim.
        worked_s: In hands, all attempts together; one that runs counts until now.
    """

    unit: str
    job: str
    state: str
    attempts: int
    hosts: tuple[str, ...]
    ordered: dt.datetime | None = None
    ended: dt.datetime | None = None
    waited_s: float | None = None
    worked_s: float = 0.0


def host_of(instance: str) -> str:
    """The host in the name of an instance, or of acquisition's ledger."""
    found = _INSTANCE.fullmatch(instance)
    return found["host"] if found else instance.partition("/")[0]


def moments(unit: str, job: str, log: Sequence[Entry]) -> list[Moment]:
    """What happened, renewals left out.

    Args:
        unit: Unit and group.
        job: Its id.
        log: Oldest first.
    """
    found: list[Moment] = []
    before: JobRecord | None = None
    began: dt.datetime | None = None
    for entry in log:
        record = entry.record
        if _begins(record, before):
            began = entry.at
        ends = record.state != "claimed" and before is not None and before.state == "claimed"
        for kind, text in _said(record, before):
            found.append(
                Moment(
                    at=entry.at,
                    kind=kind,
                    text=text,
                    unit=unit,
                    # A person who cancels writes for whoever had it.
                    host="" if record.state == "cancelled" else host_of(record.owner),
                    instance="" if record.state == "cancelled" else record.owner,
                    job=job,
                    attempt=record.attempt,
                    took_s=_seconds(began, entry.at) if ends else None,
                    seq=entry.seq,
                )
            )
        before = record
    return found


def run(
    unit: str, job: str, log: Sequence[Entry], *, ordered: dt.datetime | None, now: dt.datetime
) -> Run:
    """How long it took; arguments as of `moments`. `log` is not empty."""
    last = log[-1]
    claims = [entry for entry in log if entry.record.state == "claimed"]
    worked_s = 0.0
    for entry, after in zip(log, [*log[1:], None], strict=True):
        if entry.record.state == "claimed":
            worked_s += _seconds(entry.at, after.at if after else now) or 0.0
    is_open = last.record.state in {"claimed", "waiting"}
    return Run(
        unit=unit,
        job=job,
        state=last.record.state,
        attempts=last.record.attempt,
        hosts=tuple(dict.fromkeys(host_of(entry.record.owner) for entry in claims)),
        ordered=ordered,
        ended=None if is_open else last.at,
        waited_s=_seconds(ordered, claims[0].at) if claims and ordered else None,
        worked_s=round(worked_s, 3),
    )


def _begins(record: JobRecord, before: JobRecord | None) -> bool:
    """A claim, and no renewal or step of one."""
    if record.state != "claimed":
        return False
    if before is None or before.state != "claimed":
        return True
    return (before.attempt, before.owner) != (record.attempt, record.owner)


def _said(record: JobRecord, before: JobRecord | None) -> Iterator[tuple[str, str]]:
    """Kind and text of what an entry says after the one before it."""
    match record.state:
        case "claimed" if _begins(record, before):
            if before is None or before.state != "claimed" or before.owner == record.owner:
                yield "claimed", f"attempt {record.attempt}"
            else:
                text = f"attempt {record.attempt}, from {before.owner}, which said no word more"
                yield "taken over", text
        case "claimed":
            if news := _news(before.checkpoint if before else {}, record.checkpoint):
                yield "step", news
        case "waiting" if not record.owner:
            yield "ordered", record.reason
        case "waiting":
            host = before is not None and record.host_failures > before.host_failures
            uncounted = before is not None and record.attempt < before.attempt
            notes = ["because of the host"] * host + ["counts as no attempt"] * uncounted
            yield "waits", record.reason + (f" ({', '.join(notes)})" if notes else "")
        case "done":
            yield "done", _news(before.checkpoint if before else {}, record.checkpoint)
        case state:
            yield state, record.reason


def _news(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What was recorded, in a few words: new names of each list and table."""
    said = []
    for name, value in after.items():
        old = before.get(name)
        if value == old or (not value and not old):
            continue
        match value:
            case dict():
                new = [str(key) for key in value if not isinstance(old, dict) or key not in old]
            case list():
                known = old if isinstance(old, list) else []
                new = [_named(item) for item in value if item not in known]
            case _:
                new = [str(value)]
        more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
        said.append(f"{name}: {', '.join(new[:_MOST_NAMED])}{more}" if new else name)
    return "; ".join(said)


def _named(item: object) -> str:
    """A file by its key and size, anything else as it is."""
    match item:
        case {"file": {"key": str(key), "size": int(bytes_)}}:
            return f"{key} ({size(bytes_)})"
    return str(item)


def _seconds(since: dt.datetime | None, until: dt.datetime) -> float | None:
    return None if since is None else max(round((until - since).total_seconds(), 3), 0.0)
