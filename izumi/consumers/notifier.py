"""Notifier: tells people what is there, on every channel of its group.

Facts of the show are looked up, but never waited for long: without them the news goes out
with plain names. A channel that is down neither blocks nor repeats the others; what was
told where is recorded at once, so that a repeat of the job edits that message (or, when it
would say the same, leaves it) instead of posting again.

**Told twice**: between a channel's answer and our record of it lies a moment that nothing
can close, since Discord's webhooks take no key by which it would know a repeat. An
instance killed in it (not one that is stopped: that waits for both) posts again when the
job comes back: at most one message too many on a channel for each such kill, none lost.
The same holds for a request that Discord carried out and never answered.
"""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

import msgspec
import structlog

from izumi.clients.ports import Channel, ShowFacts
from izumi.consumers.notifier_settings import DEFAULT_NEWS
from izumi.domain.announce import Announcement, Kind, announce, kind
from izumi.domain.errors import BusUnavailable, Held, Rejected, Unavailable
from izumi.domain.events import Acquired, Distributed, Encoded, Episode, Fact, Notified
from izumi.domain.show import Show
from izumi.failpoints import failpoint
from izumi.runtime.ports import JobContext

log = structlog.get_logger()

_LAST_WORDS_S: Final = 3.0
_SAVE_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Target:
    """A channel and the facts that are news on it."""

    channel: Channel
    announce: tuple[Kind, ...] = DEFAULT_NEWS


class _Told(TypedDict):
    """What a checkpoint keeps of one target: the message, and what it says."""

    message: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Notifier:
    """The handler of one notifier group.

    Attributes:
        group: Name of the group.
        targets: Where people are told; their names differ.
        facts: What is known of shows; None: names are all there is.
        facts_within_s: Longest wait for them.
        host: Name of this host, for people.
        now: The clock.
        last_words_s: How long an answer that is on its way is waited for when the
            instance is stopped; well below the length of a lease.
    """

    group: str
    targets: Sequence[Target]
    facts: ShowFacts | None
    facts_within_s: float = 60.0
    host: str = ""
    now: Callable[[], dt.datetime]
    last_words_s: float = _LAST_WORDS_S

    async def __call__(self, fact: Fact, job: JobContext) -> Sequence[Fact]:
        """Tell the news of `fact` on every channel that wants it.

        Raises:
            Unavailable: Some channels are still to be told; the others are.
            Held: No channel will ever take it.
            Rejected: The fact is no news.
        """
        if not isinstance(fact, Acquired | Encoded | Distributed):
            raise Rejected(f"a notifier has nothing to tell of {type(fact).__name__}")
        wanted = [target for target in self.targets if kind(fact) in target.announce]
        if not wanted:
            return []
        news = announce([fact], await self._known(fact.episode))
        work = _Telling(news, job, self.last_words_s)
        names = [target.channel.name for target in wanted]
        outcomes = await asyncio.gather(
            *(work.tell(target.channel) for target in wanted), return_exceptions=True
        )
        _raise_worst(dict(zip(names, outcomes, strict=True)))
        return [
            Notified(
                file=fact.file,
                episode=fact.episode,
                group=self.group,
                job=job.job,
                targets=tuple(name for name in names if name in work.told),
                at=self.now(),
                host=self.host,
            )
        ]

    async def _known(self, episode: Episode) -> Show | None:
        if self.facts is None:
            return None
        try:
            async with asyncio.timeout(self.facts_within_s):
                return await self.facts.lookup(anilist_id=episode.anilist_id, title=episode.show)
        except (Unavailable, TimeoutError) as exc:
            log.warning("facts.unavailable", show=episode.show, reason=str(exc) or "too slow")
            return None


class _Telling:
    """One piece of news on its way; keeps the record of the targets that have it."""

    def __init__(self, news: Announcement, job: JobContext, last_words_s: float) -> None:
        self._news = news
        self._job = job
        self._last_words_s = last_words_s
        self._says = hashlib.sha256(msgspec.json.encode(news)).hexdigest()[:16]
        self._recording = asyncio.Lock()
        self.told: dict[str, _Told] = dict(job.checkpoint.get("told", {}))

    async def tell(self, channel: Channel) -> None:
        """Send or edit, and record it, as one step that being stopped does not tear apart."""
        before = self.told.get(channel.name)
        if before is not None and before["says"] == self._says:
            return
        telling = asyncio.ensure_future(self._told_and_recorded(channel, before))
        try:
            await asyncio.shield(telling)
        except asyncio.CancelledError:
            # A message may be on its way to people: cut off between it and its record,
            # it would be told again.
            try:
                await asyncio.wait({telling}, timeout=self._last_words_s)
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
            raise

    async def _told_and_recorded(self, channel: Channel, before: _Told | None) -> None:
        await self._job.still_ours()
        failpoint("notifier.before_send")
        if before is None:
            message = await channel.send(self._news, self._job.job)
        else:
            message = before["message"]
            await channel.edit(message, self._news, self._job.job)
        failpoint("notifier.after_send")
        await self._record(channel.name, _Told(message=message, says=self._says))
        failpoint("notifier.after_save")
        log.info("notifier.told", target=channel.name, job=self._job.job, edited=bool(before))

    async def _record(self, name: str, entry: _Told) -> None:
        # One at a time: the record is one entry that carries all targets.
        async with self._recording:
            told = self.told | {name: entry}
            await self._save({**self._job.checkpoint, "told": told})
            self.told = told
        self._job.report("notifying", None, name)

    async def _save(self, checkpoint: Mapping[str, Any]) -> None:
        """Record through an outage of the bus: to give up here is to tell twice."""
        tries = 0
        while True:
            try:
                return await self._job.save(checkpoint)
            except BusUnavailable as exc:
                pause_s = _SAVE_PAUSES_S[min(tries, len(_SAVE_PAUSES_S) - 1)]
                tries += 1
                log.warning("notifier.bus_away", job=self._job.job, reason=str(exc))
                await asyncio.sleep(pause_s)


def _raise_worst(outcomes: Mapping[str, BaseException | None]) -> None:
    """Raise what decides about the job; a target that is lost decides only when all are."""
    failed = {name: exc for name, exc in outcomes.items() if exc is not None}
    unexpected = [exc for exc in failed.values() if not isinstance(exc, Unavailable | Rejected)]
    if unexpected:
        raise unexpected[0]
    waits = [exc for exc in failed.values() if isinstance(exc, Unavailable)]
    reasons = {name: str(exc) for name, exc in failed.items()}
    text = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    if waits:
        asked = [exc.retry_after_s for exc in waits if exc.retry_after_s is not None]
        host = all(exc.host for exc in waits)
        raise Unavailable(text, retry_after_s=min(asked, default=None), host=host) from waits[0]
    for name, reason in reasons.items():
        log.error("notifier.target_lost", target=name, reason=reason)
    if failed and len(failed) == len(outcomes):
        raise Held(f"nobody was told: {text}", reasons)
