"""One note on its way to the targets; the board's record says what each of them shows."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import structlog

from izumi.clients.ports import Channel, Sieve
from izumi.consumers.board import Page
from izumi.consumers.notifier_settings import DEFAULT_NEWS
from izumi.domain import told
from izumi.domain.announce import Announcement, announce, is_news
from izumi.domain.events import Note, ToldMessage
from izumi.domain.filters import Drop, Pass, Verdict
from izumi.domain.told import News
from izumi.failpoints import failpoint
from izumi.runtime.ports import JobContext

log = structlog.get_logger()

LAST_WORDS_S: Final = 3.0


@dataclass(frozen=True)
class Target:
    """A channel, the facts that are news on it, and its filter; None: all of them go there."""

    channel: Channel
    announce: tuple[str, ...] = DEFAULT_NEWS
    sieve: Sieve | None = None

    async def judge(self, fact: News) -> Verdict:
        """What its filter says of a fact."""
        return Pass() if self.sieve is None else await self.sieve.judge(fact)


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Tells a note on one target after another, each at its own pace.

    Attributes:
        page: The record, while it is ours.
        note: Name of the note.
        job: For whom.
        now: The clock.
        last_words_s: How long an answer that is on its way is waited for when the
            instance is stopped; well below the length of a lease.
    """

    page: Page
    note: str
    job: JobContext
    now: Callable[[], datetime]
    last_words_s: float = LAST_WORDS_S

    async def tell(self, target: Target) -> None:
        """Send or edit, and record it, as one step that being stopped does not tear apart."""
        async with self.page.turn(target.channel.name):
            await self._tell(target)

    async def _tell(self, target: Target) -> None:
        channel = target.channel
        note = self._note()
        before = note.messages.get(channel.name)
        wanted = await _wanted(note, target, before)
        if not wanted:
            return
        news = announce([note.facts[place] for place in wanted], note.show)
        says = hashlib.sha256(msgspec.json.encode(news)).hexdigest()[:16]
        if before is not None and before.says == says:
            return
        if before is not None and not before.id and set(wanted) <= set(before.facts):
            return  # its answer told no id: to say it better is not worth another message
        telling = asyncio.ensure_future(self._told(channel, before, news, (says, wanted)))
        try:
            await asyncio.shield(telling)
        except asyncio.CancelledError:
            # A message may be on its way to people: cut off between it and its record,
            # it would be told again.
            try:
                await asyncio.wait({telling}, timeout=self.last_words_s)
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
            raise

    async def _told(
        self,
        channel: Channel,
        before: ToldMessage | None,
        news: Announcement,
        content: tuple[str, Sequence[int]],
    ) -> None:
        await self.job.still_ours()
        failpoint("notifier.before_send")
        edited = before is not None and channel.edits and bool(before.id)
        if before is not None and edited:
            message = before.id
            await channel.edit(message, news, self.job.job)
        else:
            message = await channel.send(news, self.job.job)
        failpoint("notifier.after_send")
        says, wanted = content
        facts = tuple(sorted({*wanted, *(before.facts if before else ())}))
        record = ToldMessage(id=message, says=says, facts=facts, at=self.now())
        await self.page.save(
            lambda told_: told.with_message(told_, self.note, channel.name, record)
        )
        failpoint("notifier.after_save")
        self.job.report("notifying", None, channel.name)
        log.info("notifier.told", target=channel.name, job=self.job.job, edited=edited)

    def _note(self) -> Note:
        return next(note for note in self.page.told.notes if note.id == self.note)


async def _wanted(note: Note, target: Target, before: ToldMessage | None) -> list[int]:
    """Places of the facts that the message tells.

    Where a message can be edited, of everything; else of what was not told yet. Facts of
    other jobs are among them, which the filter of the target has its own say about.
    """
    told_already = before.facts if before is not None else ()
    places = [
        place
        for place, fact in enumerate(note.facts)
        if is_news(fact, target.announce)
        and place not in told_already
        and not isinstance(await target.judge(fact), Drop)
    ]
    return sorted({*places, *told_already}) if target.channel.edits else places
