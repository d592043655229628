"""Which message tells of which episode. Pure.

One message tells of an episode for as long as its record is kept: it grows when the
hardsub comes, and with each mirror. Episodes of one show that come within a window of each
other share a message: an import of a season is one piece of news.
"""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from izumi.domain.events import Acquired, Distributed, Encoded, Note, Told, ToldMessage, Untold
from izumi.domain.show import Show

News = Acquired | Encoded | Distributed

MOST_EPISODES: Final = 100
"""Episodes that share a message."""

KEPT: Final = dt.timedelta(days=90)
"""How long the record of a message is kept after its last episode came."""

MOST_FACTS: Final = 1200
"""Facts that the record of a show holds; some 500 bytes each, and a message of the bus
has a megabyte."""


def episode_of(fact: News) -> str:
    """What an episode is called, whatever its revision and the file that holds it."""
    episode = fact.episode
    if episode.number is None:
        file = fact.origin if isinstance(fact, Encoded) else fact.file
        stem = file.key.rpartition("/")[2].rpartition(".")[0]
        return re.sub(rf" v{episode.revision}(?= \[|$)", "", stem) if episode.revision else stem
    parts = (episode.season, episode.number.lstrip("0") or "0", episode.resolution)
    return " ".join("" if part is None else str(part) for part in parts)


def show_of(fact: News) -> str:
    """The show's folder."""
    return fact.file.key.partition("/")[0]


def note_of(told: Told, fact: News) -> Note | None:
    """The note that tells of the fact's episode."""
    wanted = episode_of(fact)
    for note in reversed(told.notes):
        if any(episode_of(known) == wanted for known in note.facts):
            return note
    return None


def noted(told: Told, fact: News, *, job: str, window: dt.timedelta, now: dt.datetime) -> Told:
    """The record with a fact added, to the note that it belongs to.

    Args:
        told: The record.
        fact: What happened; one that is noted already changes nothing.
        job: Names a new note.
        window: Within so long of the last episode of a note, another one joins it.
        now: The time.
    """
    fact = _slim(fact)
    note = note_of(told, fact)
    if note is not None:
        if any(_is_same(known, fact) for known in note.facts):
            return told
        return _with(told, msgspec.structs.replace(note, facts=(*note.facts, fact)))
    last = told.notes[-1] if told.notes else None
    if last is not None and window and now - last.at <= window and _episodes(last) < MOST_EPISODES:
        return _with(told, msgspec.structs.replace(last, facts=(*last.facts, fact), at=now))
    notes = (*told.notes, Note(id=job, facts=(fact,), at=now))
    return trimmed(msgspec.structs.replace(told, notes=notes), now)


def known(told: Told, note_id: str, show: Show) -> Told:
    """The record with what is known of the show in one note."""
    note = next(note for note in told.notes if note.id == note_id)
    return _with(told, msgspec.structs.replace(note, show=show))


def with_message(told: Told, note_id: str, target: str, message: ToldMessage) -> Told:
    """The record with the message that stands at a target."""
    note = next(note for note in told.notes if note.id == note_id)
    messages = {**note.messages, target: message}
    untold = {name: why for name, why in note.untold.items() if name != target}
    return _with(told, msgspec.structs.replace(note, messages=messages, untold=untold))


def with_untold(told: Told, note_id: str, untold: Mapping[str, Untold]) -> Told:
    """The record with why some targets were not told; a repeat of the same changes nothing."""
    note = next(note for note in told.notes if note.id == note_id)
    news = {
        name: why
        for name, why in untold.items()
        if name not in note.untold or note.untold[name].state != why.state
    }
    if not news:
        return told
    return _with(told, msgspec.structs.replace(note, untold={**note.untold, **news}))


def forgotten(told: Told, note_id: str, targets: Collection[str] = ()) -> Told:
    """The record without the messages at some targets, or at all."""
    note = next(note for note in told.notes if note.id == note_id)
    kept = {name: one for name, one in note.messages.items() if targets and name not in targets}
    return _with(told, msgspec.structs.replace(note, messages=kept))


def trimmed(told: Told, now: dt.datetime) -> Told:
    """Without notes that are too old, or too many; never without the youngest."""
    kept: list[Note] = []
    facts = 0
    for note in reversed(told.notes):
        facts += len(note.facts)
        if kept and (now - note.at > KEPT or facts > MOST_FACTS):
            break
        kept.append(note)
    return msgspec.structs.replace(told, notes=tuple(reversed(kept)))


def _with(told: Told, note: Note) -> Told:
    notes = tuple(note if known.id == note.id else known for known in told.notes)
    return msgspec.structs.replace(told, notes=notes)


def _episodes(note: Note) -> int:
    return len({episode_of(fact) for fact in note.facts})


def _is_same(one: News, other: News) -> bool:
    return (type(one), one.file.id, getattr(one, "destination", "")) == (
        type(other),
        other.file.id,
        getattr(other, "destination", ""),
    )


def _slim(fact: News) -> News:
    """Without what no message tells: recipes are long."""
    return msgspec.structs.replace(fact, recipe={}) if isinstance(fact, Encoded) else fact
