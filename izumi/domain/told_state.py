"""What every target shows of every episode of a note, for people. Pure."""

from collections.abc import Collection
from typing import NamedTuple

from izumi.domain.events import Note, ToldMessage
from izumi.domain.told import News, episode_of


class TargetState(NamedTuple):
    """Episodes of which a target shows alike much.

    Attributes:
        target: Its name; "" where no target is known.
        state: "told"; "not told" where it has nothing of them, or what keeps it back:
            "waits", "lost", "filtered".
        facts: What happened to those episodes.
        told: How many of these facts its message tells.
        message: That message.
        reason: Why not all of them.
    """

    target: str
    state: str
    facts: tuple[News, ...]
    told: int
    message: ToldMessage | None
    reason: str


def states(note: Note, configured: Collection[str] = ()) -> list[TargetState]:
    """By target, episodes together that are alike.

    Args:
        note: What was told.
        configured: Targets that the group tells now.
    """
    targets = sorted({*note.messages, *note.untold, *configured}) or [""]
    return [state for target in targets for state in _at(note, target)]


def _at(note: Note, target: str) -> list[TargetState]:
    message = note.messages.get(target)
    untold = note.untold.get(target)
    places: dict[str, list[int]] = {}
    for place, fact in enumerate(note.facts):
        places.setdefault(episode_of(fact), []).append(place)
    alike: dict[tuple[str, int, int], list[int]] = {}
    for ours in places.values():
        told = sum(message is not None and place in message.facts for place in ours)
        state = "told" if told else "not told"
        if untold is not None and told < len(ours):
            state = untold.state
        alike.setdefault((state, told, len(ours)), []).extend(ours)
    return [
        TargetState(
            target=target,
            state=state,
            facts=tuple(note.facts[place] for place in ours),
            told=sum(message is not None and place in message.facts for place in ours),
            message=message if told else None,
            reason=untold.reason if untold is not None and state == untold.state else "",
        )
        for (state, told, _), ours in alike.items()
    ]
