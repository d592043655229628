"""What `/v1` takes and shows: shapes, and how they are made of what the bus remembers. Pure."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec

from izumi.bus import jobs
from izumi.bus.jobs import Holder, Job
from izumi.bus.ports import Stored
from izumi.domain import events
from izumi.domain.errors import BadEvent, UnknownEvent
from izumi.domain.events import Fact, File, JobRecord, Progress
from izumi.domain.old_request import MOST_BYTES
from izumi.domain.subjects import Priority, Sub

MOST: Final = 1000
"""Entries that one answer has at most."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
State = Literal["claimed", "done", "failed", "held", "waiting", "cancelled"]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Work for a group, about one file.

    Attributes:
        unit: Kind of unit.
        group: Its group.
        priority: Of the work.
        show: The show's folder.
        episode: The file's name in it.
        size: Bytes.
        sub: Which kind of file.
        sha256: Of its content, in lower-case hex; without it the size alone is checked.
    """

    unit: Literal["encoder", "distributor", "notifier"]
    group: Annotated[str, msgspec.Meta(min_length=1, max_length=48)] = "main"
    priority: Priority = "normal"
    show: Text
    episode: Text
    size: Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES)]
    sub: Sub
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """The job that a wish is part of."""

    unit: str
    group: str
    job: str


class JobEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a job's log."""

    seq: int
    state: State
    attempt: int
    owner: str
    reason: str
    at: dt.datetime


class ProgressView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job in work is, as its instance told last.

    Attributes:
        name: What it works on.
        step: Such as "downloading" or "encoding".
        fraction: 0 to 1 of the step; null where it cannot be told.
        detail: For people.
        fps: Pictures a second, while a film is worked on.
        speed: Seconds of film in a second, likewise.
        eta_s: Seconds until the step is done, likewise.
    """

    name: str
    step: str
    fraction: float | None
    detail: str
    fps: float | None
    speed: float | None
    eta_s: float | None
    at: dt.datetime


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job: its last entry, and all of them where one job was asked for.

    Attributes:
        progress: While somebody is at it, and has told.
    """

    unit: str
    group: str
    job: str
    state: State
    attempt: int
    owner: str
    reason: str
    at: dt.datetime
    progress: ProgressView | None = None
    history: tuple[JobEntry, ...] = ()


class FactView(msgspec.Struct, frozen=True, kw_only=True):
    """A fact with its place in the stream; `fact` is the message, as docs/messages.md has it."""

    seq: int
    type: str
    fact: dict[str, Any]


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and what happened to it, oldest first."""

    id: str
    key: str
    size: int
    sha256: str | None
    sub: Sub
    facts: tuple[FactView, ...]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests can be stored now."""

    status: Literal["ok", "bus away"]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, as RFC 9457 has it."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"


Told = Mapping[Holder, Progress]
"""What instances told last of their jobs."""


def jobs_of(entries: Iterable[Stored], told: Told, *, state: str | None) -> list[JobView]:
    """Jobs from the last entries of their logs, the youngest first."""
    found = []
    for entry in entries:
        try:
            job = jobs.job_of(entry)
        except (msgspec.DecodeError, ValueError):
            continue  # of a newer version
        if state is None or job.record.state == state:
            found.append(job_view(job, told))
    return found[::-1]


def job_of(
    unit: str, group: str, job: str, entries: Sequence[Stored], told: Told
) -> JobView | None:
    """A job from all entries of its log; None: it has none."""
    records = []
    for entry in entries:
        try:
            records.append((entry.seq, msgspec.json.decode(entry.data, type=JobRecord)))
        except msgspec.DecodeError:
            continue
    if not records:
        return None
    seq, last = records[-1]
    view = job_view(Job(unit, group, job, last, seq), told)
    return msgspec.structs.replace(view, history=history_of(records))


def history_of(records: Iterable[tuple[int, JobRecord]]) -> tuple[JobEntry, ...]:
    """The entries of a job's log as they are shown."""
    return tuple(
        JobEntry(
            seq=seq,
            state=record.state,
            attempt=record.attempt,
            owner=record.owner,
            reason=record.reason,
            at=record.at,
        )
        for seq, record in records
    )


def job_view(job: Job, told: Told = MappingProxyType({})) -> JobView:
    """A job by its last entry, and how far it is."""
    record = job.record
    working = job.working(told)
    return JobView(
        unit=job.unit,
        group=job.group,
        job=job.job,
        state=record.state,
        attempt=record.attempt,
        owner=record.owner,
        reason=record.reason,
        at=record.at,
        progress=None if working is None else _progress(working),
    )


def _progress(told: Progress) -> ProgressView:
    return ProgressView(**{name: getattr(told, name) for name in ProgressView.__struct_fields__})


def decoded(entries: Iterable[Stored]) -> list[tuple[int, Fact]]:
    """The facts among messages that this version knows, with their places."""
    found = []
    for entry in entries:
        try:
            found.append((entry.seq, events.decode_fact(entry.data)))
        except (BadEvent, UnknownEvent):
            continue
    return found


def files_of(
    facts: Iterable[tuple[int, Fact]], *, show: str | None = None, key: str | None = None
) -> list[FileView]:
    """Files with what is known to have happened to them, the youngest first."""
    by_id: dict[str, tuple[File, list[FactView]]] = {}
    for seq, fact in facts:
        file = getattr(fact, "file", None)
        if not isinstance(file, File):
            continue
        if show is not None and not file.key.startswith(f"{show}/"):
            continue
        if key is not None and file.key != key:
            continue
        # The youngest comes last.
        known = by_id.pop(file.id, (file, []))
        known[1].append(_fact(seq, fact))
        by_id[file.id] = known
    return [
        FileView(
            id=id_,
            key=file.key,
            size=file.size,
            sha256=file.sha256,
            sub=file.sub,
            facts=tuple(all_),
        )
        for id_, (file, all_) in reversed(by_id.items())
    ]


def _fact(seq: int, fact: Fact) -> FactView:
    plain = msgspec.to_builtins(fact)
    return FactView(seq=seq, type=plain["type"], fact=plain)


def event_of(entry: Stored, *, resumable: bool = True) -> bytes:
    """A message as a server-sent event; its id is its place in the stream.

    Without an id, for what is kept in no order that a client could go on with.
    """
    found = re.search(rb'"type" ?: ?"([a-z.]{1,40}/[0-9]{1,4})"', entry.data[:200])
    kind = b"event: %b\n" % found[1] if found else b""
    # JSON has no line break but between its parts.
    line = entry.data.replace(b"\r", b" ").replace(b"\n", b" ")
    place = b"id: %d\n" % entry.seq if resumable else b""
    return b"%b%bdata: %b\n\n" % (place, kind, line)
