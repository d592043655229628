"""Which targets a fact goes to now, and which of them later."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from izumi.consumers.telling import Target
from izumi.domain.filters import Drop, Pass, Wait
from izumi.domain.told import News

log = structlog.get_logger()


class Sifted(NamedTuple):
    """Targets by what their filters say.

    Attributes:
        told: Those to be told now.
        later: Those that wait, by name.
        dropped: Those that are not to be told, by name.
    """

    told: list[Target]
    later: Mapping[str, Wait]
    dropped: Mapping[str, Drop]


async def sifted(targets: Sequence[Target], fact: News, job: str) -> Sifted:
    """Ask the filters of all targets; the log tells what they keep back, and why."""
    verdicts = await asyncio.gather(*(target.judge(fact) for target in targets))
    told: list[Target] = []
    later: dict[str, Wait] = {}
    dropped: dict[str, Drop] = {}
    for target, verdict in zip(targets, verdicts, strict=True):
        name = target.channel.name
        match verdict:
            case Drop():
                dropped[name] = verdict
                log.info("notifier.filtered", target=name, job=job, reason=verdict.reason)
            case Wait():
                later[name] = verdict
            case Pass():
                told.append(target)
                if verdict.reason:
                    log.info("notifier.let_in", target=name, job=job, reason=verdict.reason)
    return Sifted(told, later, dropped)
