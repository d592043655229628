"""The rules among stored messages."""

from collections.abc import Iterable

import structlog

from izumi.bus.ports import Stored
from izumi.domain import events
from izumi.domain.errors import BadEvent
from izumi.domain.events import RuleMade
from izumi.domain.rules import Rule

log = structlog.get_logger("izumi.bus")


def in_force(stored: Iterable[Stored]) -> tuple[Rule, ...]:
    """The rules among the last messages of all their subjects, in the same order.

    One that a newer version wrote is told, and left out.
    """
    rules = []
    for message in stored:
        try:
            said = events.decode_rule(message.data)
        except BadEvent as exc:
            log.warning("rules.not_understood", subject=message.subject, error=str(exc))
            continue
        if isinstance(said, RuleMade):
            rules.append(said.rule)
    return tuple(rules)
