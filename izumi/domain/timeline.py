"""The whole life of an episode as one timeline, from everything that the bus keeps of it. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from izumi.domain import job_log, subjects
from izumi.domain.events import (
    Acquired,
    Answered,
    Distributed,
    Encoded,
    Fact,
    File,
    HeldFile,
    LibraryChanged,
    Notified,
    Progress,
    Told,
)
from izumi.domain.holds import said
from izumi.domain.job_log import Entry, Moment, Run
from izumi.domain.phrases import size

_SHOWN_HASH: Final = 12


class Kept(NamedTuple):
    """A fact, or an order that carries one: on which subject, where, since when, what."""

    subject: str
    seq: int
    at: dt.datetime
    fact: Fact


class JobName(NamedTuple):
    """Whose work: a job of a group."""

    unit: str
    group: str
    job: str

    @property
    def who(self) -> str:
        """Unit and group, as people write them."""
        return ".".join(filter(None, (self.unit, self.group)))


class GivenUp(NamedTuple):
    """A dead letter: its number, whose, of which message, why, when, and what became of it."""

    number: int
    who: str
    source: int
    reason: str
    at: dt.datetime
    answer: str = ""


class Life(NamedTuple):
    """What the bus keeps of an episode.

    Attributes:
        show: Folder of the show.
        name: What people call the episode.
        facts: Of its files: acquired, encoded, distributed, notified, held, answered.
        orders: To single groups, of its files.
        logs: Of every job that these were for.
        told: Records of the notifiers about its show.
        dead: Dead letters of its facts and orders.
        changes: Of the library, with the time at which the bus stored them.
        progress: The last word on its jobs in work.
    """

    show: str
    name: str
    facts: Sequence[Kept] = ()
    orders: Sequence[Kept] = ()
    logs: Mapping[JobName, Sequence[Entry]] = {}
    told: Sequence[Told] = ()
    dead: Sequence[GivenUp] = ()
    changes: Sequence[tuple[dt.datetime, LibraryChanged]] = ()
    progress: Sequence[Progress] = ()

    @property
    def files(self) -> list[File]:
        """Its files, as they came, each once."""
        news = [kept.fact for kept in (*self.facts, *self.orders)]
        files = [fact.file for fact in news if isinstance(fact, Acquired | Encoded)]
        return list({file.id: file for file in files}.values())


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, in order, and what ran how long."""

    show: str
    name: str
    files: tuple[File, ...]
    moments: tuple[Moment, ...]
    runs: tuple[Run, ...]


def timeline(life: Life, *, now: dt.datetime) -> Timeline:
    """One timeline of all that is kept. `now` is the end of what still runs."""
    came = {kept.seq: kept.at for kept in (*life.facts, *life.orders)}
    holds = [kept.fact for kept in life.facts if isinstance(kept.fact, HeldFile)]
    held = {JobName(fact.unit, fact.group, fact.job) for fact in holds}
    found = [moment for kept in life.facts for moment in _of_fact(kept)]
    found += [_of_order(kept) for kept in life.orders]
    runs: list[Run] = []
    for name, log in life.logs.items():
        if not log:
            continue
        claims = [entry.record for entry in log if entry.record.state == "claimed"]
        ordered = came.get(claims[0].source) if claims else None
        runs.append(job_log.run(name.who, name.job, log, ordered=ordered, now=now))
        # The hold itself says more than the log.
        skipped = {"held"} if name in held else set()
        found += [
            moment
            for moment in job_log.moments(name.who, name.job, log)
            if moment.kind not in skipped
        ]
    found += [moment for record in life.told for moment in _of_told(record, life)]
    found += [_of_letter(letter) for letter in life.dead]
    found += _of_library(life)
    found += [_of_progress(progress) for progress in life.progress]
    return Timeline(
        show=life.show,
        name=life.name,
        files=tuple(life.files),
        moments=tuple(sorted(found, key=lambda moment: (moment.at, moment.seq))),
        runs=tuple(sorted(runs, key=lambda run: (run.ordered or now, run.unit, run.job))),
    )


def _of_fact(kept: Kept) -> Iterator[Moment]:
    fact = kept.fact
    at, seq = kept.at, kept.seq
    match fact:
        case Acquired():
            text = (
                f"{fact.release or fact.file.key}: {described(fact.file)}, at {_all(fact.sources)}"
            )
            yield Moment(
                at=at, kind="acquired", text=text, unit="acquisition", host=fact.host, seq=seq
            )
        case Encoded():
            text = f"{described(fact.file)}, as {fact.profile}, at {_all(fact.sources)}"
            if fact.replaces:
                text += f", in place of {_all(described(old) for old in fact.replaces)}"
            yield Moment(at=at, kind="encoded", text=text, unit="encoder", host=fact.host, seq=seq)
        case Distributed():
            text = f"{fact.file.key} lies at {fact.destination}"
            unit = "acquisition" if fact.group == "acquisition" else f"distributor.{fact.group}"
            yield Moment(at=at, kind="distributed", text=text, unit=unit, host=fact.host, seq=seq)
        case Notified():
            yield Moment(
                at=at,
                kind="notified",
                text=f"of {fact.file.key}: {_all(fact.targets)}",
                unit=f"notifier.{fact.group}",
                host=fact.host,
                job=fact.job,
                seq=seq,
            )
        case HeldFile():
            known = "".join(f"; {name}: {value}" for name, value in fact.facts.items())
            unit = ".".join(filter(None, (fact.unit, fact.group)))
            yield Moment(
                at=at,
                kind="held",
                text=f"{fact.reason}{known}",
                unit=unit,
                host=fact.host,
                job=fact.job,
                seq=seq,
            )
        case Answered():
            yield Moment(at=at, kind="answered", text=said(fact), unit=fact.unit, seq=seq)


def _of_order(kept: Kept) -> Moment:
    """An order to one group; its name says where it comes from."""
    _, _, unit, group, priority, name = kept.subject.split(".")
    name = subjects.untoken(name)
    who = ".".join((subjects.untoken(unit), subjects.untoken(group)))
    origin = next(
        (text for start, text in _ORIGINS.items() if name.startswith(start)), "by request"
    )
    key = "" if isinstance(kept.fact, HeldFile | Answered) else f" of {kept.fact.file.key}"
    return Moment(
        at=kept.at,
        kind="replayed" if name.startswith(REPLAY) else "ordered",
        text=f"{type(kept.fact).__name__.lower()}{key}, {origin}, {priority}",
        unit=who,
        job=subjects.job_id(kept.subject),
        seq=kept.seq,
    )


REPLAY: Final = "replay-r"
"""How the name of an order begins that `izumi-admin replay` gave."""

_ORIGINS: Final[Mapping[str, str]] = {
    REPLAY: "by izumi-admin replay",
    "replay-": "by izumi-admin dlq retry",
    "retry-": "by izumi-admin jobs retry",
    "again-": "since a hold was approved",
    "told-again-": "by izumi-admin notify resend",
}
"""What the beginning of an order's name says of who gave it."""


def _of_told(record: Told, life: Life) -> Iterator[Moment]:
    """Messages that stand at targets and tell of the episode, as they are now."""
    ids = {file.id for file in life.files}
    for note in record.notes:
        own = {place for place, fact in enumerate(note.facts) if fact.file.id in ids}
        for target, message in note.messages.items():
            if not own & {*message.facts}:
                continue
            called = f"message {message.id}" if message.id else "a message"
            news = f"{len(own & {*message.facts})} of {len(own)} facts"
            yield Moment(
                at=message.at,
                kind="told",
                text=f"{called} at {target} tells {news}",
                unit=f"notifier.{record.group}",
                job=note.id,
            )


def _of_letter(letter: GivenUp) -> Moment:
    answer = f" ({letter.answer})" if letter.answer else ""
    return Moment(
        at=letter.at,
        kind="given up",
        text=f"dead letter {letter.number}: {letter.reason}{answer}",
        unit=letter.who,
    )


def _of_library(life: Life) -> Iterator[Moment]:
    """Changes of the show since the episode came, under each name that it got by them."""
    began = min((kept.at for kept in (*life.facts, *life.orders)), default=None)
    names = {life.show}
    for at, change in sorted(life.changes, key=lambda one: one[0]):
        if began is None or at < began or _folder(change.show) not in names:
            continue
        names.add(_folder(change.became))
        became = f" to {change.became}" if change.became not in {"", change.show} else ""
        places = ", ".join(
            f"{place.name}{'' if place.done else ' (not all of it)'}" for place in change.places
        )
        yield Moment(
            at=at,
            kind="library",
            text=f"{change.verb} {change.show}{became} at {places} by {change.by or 'nobody'}"
            f" ({change.operation})",
            host=change.host,
        )


def _of_progress(progress: Progress) -> Moment:
    share = "" if progress.fraction is None else f" {progress.fraction:.0%}"
    return Moment(
        at=progress.at,
        kind="now",
        text=f"{progress.step}{share} {progress.detail}".rstrip(),
        unit=".".join(filter(None, (progress.unit, progress.group))),
        host=job_log.host_of(progress.instance),
        instance=progress.instance,
        job=progress.job,
    )


def described(file: File) -> str:
    """Key, size and the beginning of the hash."""
    known = f"sha256 {file.sha256[:_SHOWN_HASH]}" if file.sha256 else "hash not known"
    return f"{file.key}, {size(file.size)}, {known}"


def _all(names: Iterable[str]) -> str:
    return ", ".join(names) or "nowhere"


def _folder(path: str) -> str:
    """The show's own folder, without those above it."""
    return path.rpartition("/")[2]
