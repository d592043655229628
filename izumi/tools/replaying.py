"""Which facts one group shall work on again, and which are left out and why. Pure."""

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from izumi.domain import subjects
from izumi.domain.errors import UserError
from izumi.domain.events import (
    Acquired,
    Distributed,
    Encoded,
    File,
    JobRecord,
    LibraryChanged,
)
from izumi.domain.show import sameness
from izumi.domain.timeline import REPLAY, Kept
from izumi.domain.told import News, episode_of, show_of
from izumi.tools.typed import near

_SEQS: Final = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,15}))?")
_FILES_MATTER: Final = frozenset({"encoder", "distributor"})
"""Units that look for the file under its key."""
_OPEN: Final = frozenset({"claimed", "waiting"})
_MOVES: Final = frozenset({"move", "season"})
_STAYS: Final = frozenset({"undo", "rmdir", "empty"})
"""What people do to the library that takes no file from where it lies."""
_SHOWN: Final = 10


class Which(NamedTuple):
    """Facts that somebody names; what is not given does not choose.

    Attributes:
        since: Stored then or later.
        show: Folder of their show.
        seqs: Their first and last place in the stream.
        superseded: Those too that something newer has taken the place of.
    """

    since: dt.datetime | None = None
    show: str = ""
    seqs: tuple[int, int] | None = None
    superseded: bool = False


class Item(NamedTuple):
    """A fact about a file, or an order that carries one: where, since when, what."""

    subject: str
    seq: int
    at: dt.datetime
    fact: News

    @property
    def show(self) -> str:
        """Folder of its show."""
        return show_of(self.fact)

    @property
    def same(self) -> tuple[str, str, str]:
        """The same for those that tell the same of the same file."""
        return type(self.fact).__name__, self.fact.file.id, getattr(self.fact, "destination", "")

    @property
    def name(self) -> tuple[str, str, str]:
        """The same for those that tell the same of a file of that name."""
        file = self.fact.file
        name = f"{file.sub}/{file.key}"
        return type(self.fact).__name__, name, getattr(self.fact, "destination", "")


class Choice(NamedTuple):
    """A fact that was named, and what becomes of it.

    Attributes:
        item: The fact.
        fate: "order" it; this very replay ordered it "before"; its work is still "open";
            or it is left "out".
        why_not: Why it is not ordered.
    """

    item: Item
    fate: Literal["order", "before", "open", "out"] = "order"
    why_not: str = ""


class Work(NamedTuple):
    """What is known of the work of one group.

    Attributes:
        unsettled: Places of facts that the group has not settled, or not come to yet.
        jobs: The last entry of each job's log, by job.
        orders: Orders that it got.
    """

    unsettled: Collection[int]
    jobs: Mapping[str, JobRecord]
    orders: Sequence[Item]


def items(kept: Iterable[Kept]) -> list[Item]:
    """Those that are about files, oldest first: nothing else is worked on again."""
    found = [
        Item(one.subject, one.seq, one.at, one.fact)
        for one in kept
        if isinstance(one.fact, Acquired | Encoded | Distributed)
    ]
    return sorted(found, key=lambda item: item.seq)


def replay_id(*said: object) -> str:
    """What a replay is called: the same for the same command."""
    text = "\0".join(map(str, said))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def order_name(replay: str, item: Item) -> str:
    """Name of the order of one fact: the same for the same replay."""
    return f"{REPLAY}{replay}-{item.seq}"


def seqs(text: str) -> tuple[int, int]:
    """`12` or `12-40` as two places.

    Raises:
        UserError: It is neither.
    """
    found = _SEQS.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last:
        raise UserError(f"--seq {text!r} is no place in the stream: write 1200, or 1200-1250")
    return first, last


def show(text: str, facts: Iterable[Item]) -> str:
    """The folder of the show that somebody means.

    Raises:
        UserError: None, or several; names the nearest.
    """
    names = sorted({item.show for item in facts})
    wanted = sameness(text)
    for tier in (
        [name for name in names if name == text.strip("/")],
        [name for name in names if sameness(name) == wanted],
        [name for name in names if wanted and wanted in sameness(name)],
    ):
        if len(tier) == 1:
            return tier[0]
        if tier:
            more = f" and {len(tier) - _SHOWN} more" if len(tier) > _SHOWN else ""
            several = ", ".join(map(repr, tier[:_SHOWN]))
            raise UserError(f"--show {text!r} may be {several}{more}; give more of the name")
    close = near(text, names)
    meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise UserError(f"nothing that it works on is of a show {text!r}{meant}")


def chosen(facts: Sequence[Item], which: Which) -> list[Item]:
    """The facts that are named, oldest first."""
    first, last = which.seqs or (0, 1 << 62)
    return [
        item
        for item in facts
        if first <= item.seq <= last
        and (which.since is None or item.at >= which.since)
        and (not which.show or item.show == which.show)
    ]


def judged(
    named: Sequence[Item],
    facts: Sequence[Item],
    *,
    unit: str,
    replay: str,
    work: Work,
    changes: Sequence[tuple[dt.datetime, LibraryChanged]] = (),
    superseded: bool = False,
) -> list[Choice]:
    """What becomes of each fact that was named.

    Args:
        named: As `chosen` gives them.
        facts: All of these kinds that the bus keeps, oldest first.
        unit: Whose work it is.
        replay: Its id.
        work: Of the group.
        changes: Of the library, each with its time.
        superseded: Order those too that something newer has taken the place of.
    """
    newest = _Newest(named, facts)
    gone = _gone(changes, files_matter=unit in _FILES_MATTER)
    names = {subjects.untoken(order.subject.split(".")[5]) for order in work.orders}
    orders: dict[tuple[str, str, str], list[Item]] = {}
    for order in work.orders:
        orders.setdefault(order.same, []).append(order)
    found = []
    for item in named:
        if order_name(replay, item) in names:
            found.append(Choice(item, "before", "ordered by this very replay before"))
        elif why := _open(item, orders.get(item.same, ()), work):
            found.append(Choice(item, "open", why))
        elif not superseded and (why := newest.after(item) or _left(item, gone)):
            found.append(Choice(item, "out", why))
        else:
            found.append(Choice(item))
    return found


def made_of(encoded: Iterable[Item]) -> dict[str, list[File]]:
    """What was made of each file, by its id: it makes room for what is made of it now."""
    found: dict[str, dict[str, File]] = {}
    for one in encoded:
        if isinstance(one.fact, Encoded):
            found.setdefault(one.fact.origin.id, {})[one.fact.file.id] = one.fact.file
    return {origin: [*files.values()] for origin, files in found.items()}


class _Newest:
    """The youngest fact of each name and episode; of what is told twice, the last one named."""

    def __init__(self, named: Sequence[Item], facts: Sequence[Item]) -> None:
        self._same = {item.same: item.seq for item in named}
        self._names = {item.name: item for item in facts}
        self._revisions: dict[tuple[str, str], int] = {}
        for item in facts:
            episode = (item.show, episode_of(item.fact))
            mine = item.fact.episode.revision or 1
            self._revisions[episode] = max(mine, self._revisions.get(episode, 0))

    def after(self, item: Item) -> str:
        """What took the place of a fact; "": nothing did."""
        if (seq := self._same[item.same]) != item.seq:
            return f"told again by message {seq}"
        if (later := self._names[item.name]).same != item.same:
            return f"another file has its name since message {later.seq}"
        revision = self._revisions[item.show, episode_of(item.fact)]
        if revision > (item.fact.episode.revision or 1):
            return f"version {revision} of the episode came"
        return ""


def _gone(
    changes: Sequence[tuple[dt.datetime, LibraryChanged]], *, files_matter: bool
) -> dict[str, tuple[dt.datetime, str]]:
    """By show, when a person last took its files from where facts say they lie, and how."""
    undone = {change.undoes for _, change in changes}
    found: dict[str, tuple[dt.datetime, str]] = {}
    for at, change in changes:
        if not change.show or change.operation in undone or change.verb in _STAYS:
            continue
        moved = change.verb in _MOVES or change.became != change.show
        if change.verb == "delete" or (files_matter and moved):
            name = change.show.rpartition("/")[2]
            text = f"{change.verb} of {change.show} by {change.by or 'nobody'} ({change.operation})"
            found[name] = max(found.get(name, (at, text)), (at, text))
    return found


def _left(item: Item, gone: Mapping[str, tuple[dt.datetime, str]]) -> str:
    at, text = gone.get(item.show, (item.at, ""))
    return f"the library was changed since: {text}" if at > item.at else ""


def _open(item: Item, orders: Sequence[Item], work: Work) -> str:
    """Why the work of a fact need not be ordered: it is still to be done."""
    if item.seq in work.unsettled and subjects.job_id(item.subject) not in work.jobs:
        return "it is in the queue still"
    for one in [item, *orders]:
        job = subjects.job_id(one.subject)
        record = work.jobs.get(job)
        if record is None and one is not item:
            return f"it is ordered already, as {job}"
        if record is not None and record.state in _OPEN:
            return f"its job {job} is {record.state}"
    return ""
