"""Notifier: tells people what is there, on every channel of its group.

One message tells of an episode at each target: it is edited when the hardsub is there, and
with each mirror. Episodes of a show that come close together share a message. Which
message tells of what is on the board, so that a repeat of a job, on whichever host, edits
it (or leaves it, when it would say the same) instead of posting again.

Facts of the show are looked up, but never waited for long: without them the news goes out
with plain names, and is completed by an edit when they can be had. A channel that is down
neither blocks nor repeats the others.

**Told twice**: between a channel's answer and our record of it lies a moment that nothing
can close, since Discord's webhooks take no key by which it would know a repeat. An
instance killed in it (not one that is stopped: that waits for both) posts again when the
job comes back: at most one message too many on a channel for each such kill, none lost.
The same holds for a request that Discord carried out and never answered.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from izumi.clients.ports import ShowFacts
from izumi.consumers.board import Board, Page
from izumi.consumers.line import Line
from izumi.consumers.sifting import Sifted, sifted
from izumi.consumers.telling import LAST_WORDS_S, Target, Telling
from izumi.domain import told
from izumi.domain.announce import is_news
from izumi.domain.errors import Held, Rejected, Unavailable
from izumi.domain.events import (
    Acquired,
    Distributed,
    Encoded,
    Episode,
    Fact,
    Notified,
    Told,
    Untold,
)
from izumi.domain.filters import Wait, postponed
from izumi.domain.show import Show
from izumi.domain.told import News
from izumi.runtime.ports import JobContext

log = structlog.get_logger()

_COMPLETED_FIRST_S: Final = 60.0
_COMPLETED_LAST_S: Final = 600.0
"""Plain names are looked up again after a minute, later ever less often, up to this."""
_STILL_S: Final = 30.0
"""How often a job says that it waits for a channel; far less than `[worker] stall_s`."""
_PLAIN: Final = "plain_since"


@dataclass(frozen=True, kw_only=True)
class Notifier:
    """The handler of one notifier group.

    Attributes:
        group: Name of the group.
        targets: Where people are told; their names differ.
        board: What was told.
        facts: What is known of shows; None: names are all there is.
        facts_within_s: Longest wait for them.
        facts_later_s: How long news with plain names are completed when they come.
        digest_s: An episode joins the message of another one that came so shortly before.
        host: Name of this host, for people.
        now: The clock.
        last_words_s: As in `Telling`.
    """

    group: str
    targets: Sequence[Target]
    board: Board
    facts: ShowFacts | None
    facts_within_s: float = 60.0
    facts_later_s: float = 86400.0
    digest_s: float = 120.0
    host: str = ""
    now: Callable[[], dt.datetime]
    last_words_s: float = LAST_WORDS_S
    _coming: dict[str, dict[str, News]] = field(default_factory=dict)
    _line: Line = field(default_factory=Line)

    async def __call__(self, fact: Fact, job: JobContext) -> Sequence[Fact]:
        """Tell the news of `fact` on every channel that wants it.

        Raises:
            Unavailable: Some channels are still to be told, or told with more than plain
                names; the others are.
            Postponed: Some are not to be told before a time; the others are.
            Held: No channel will ever take it.
            Rejected: The fact is no news.
        """
        if not isinstance(fact, Acquired | Encoded | Distributed):
            raise Rejected(f"a notifier has nothing to tell of {type(fact).__name__}")
        announced = [target for target in self.targets if is_news(fact, target.announce)]
        async with self._line.place() as in_turn:
            sorted_ = await sifted(announced, fact, job.job)
            wanted, later = sorted_.told, sorted_.later
            if not wanted:
                return self._none_now(later)
            show, away = await self._known(fact.episode)
            await in_turn()
        names = [target.channel.name for target in wanted]
        async with self._opened(fact, job) as page:
            note = await self._noted(page, fact, job, show)
            telling = Telling(
                page=page, note=note, job=job, now=self.now, last_words_s=self.last_words_s
            )
            outcomes = await _all_told([telling.tell(target) for target in wanted], job)
            ended = dict(zip(names, outcomes, strict=True))
            untold = _untold(ended, sorted_, self.now())
            await page.save(lambda record: told.with_untold(record, note, untold))
            told_names = tuple(name for name in names if name in _messages(page.told, note))
            edits = [t.channel.name for t in wanted if t.channel.edits]
            plain = away and not _is_known(page.told, note)
        _raise_worst(ended)
        if plain and set(edits) & set(told_names):
            await self._complete_later(fact, job)
        self._none_now(later)
        return [
            Notified(
                file=fact.file,
                episode=fact.episode,
                group=self.group,
                job=job.job,
                targets=told_names,
                at=self.now(),
                host=self.host,
            )
        ]

    def _none_now(self, later: Mapping[str, Wait]) -> Sequence[Fact]:
        """Nobody else is to be told now. Raises Postponed where some are later."""
        if later:
            raise postponed(later, self.now())
        return []

    @contextlib.asynccontextmanager
    async def _opened(self, fact: News, job: JobContext) -> AsyncIterator[Page]:
        """The show's page; whoever has it meanwhile tells this fact with its own."""
        show = told.show_of(fact)
        coming = self._coming.setdefault(show, {})
        coming[job.job] = fact
        try:
            async with self.board.open(show, job.token, job.job) as page:
                yield page
        finally:
            del coming[job.job]
            if not coming:
                self._coming.pop(show, None)

    async def _noted(self, page: Page, fact: News, job: JobContext, show: Show | None) -> str:
        """Note the fact, and those that wait for the page; the name of its note."""
        window = dt.timedelta(seconds=self.digest_s)
        coming = self._coming.get(told.show_of(fact), {})

        def change(record: Told) -> Told:
            now = self.now()
            for name, one in [(job.job, fact), *coming.items()]:
                record = told.noted(record, one, job=name, window=window, now=now)
            note = told.note_of(record, fact)
            assert note is not None  # noqa: S101 - it was just noted
            if show is not None and show != note.show:
                record = told.known(record, note.id, show)
            return record

        await page.save(change)
        note = told.note_of(page.told, fact)
        assert note is not None  # noqa: S101 - as above
        return note.id

    async def _known(self, episode: Episode) -> tuple[Show | None, bool]:
        """The show, and whether it may be known later although it is not now."""
        if self.facts is None:
            return None, False
        try:
            async with asyncio.timeout(self.facts_within_s):
                show = await self.facts.lookup(anilist_id=episode.anilist_id, title=episode.show)
        except (Unavailable, TimeoutError) as exc:
            log.warning("facts.unavailable", show=episode.show, reason=str(exc) or "too slow")
            return None, True
        return show, False

    async def _complete_later(self, fact: News, job: JobContext) -> None:
        """Come back for what is to be known of the show, for as long as it is worth it.

        Raises:
            Unavailable: Until then.
        """
        now = self.now()
        since = job.checkpoint.get(_PLAIN)
        waited_s = 0.0
        if since is None:
            await job.save({**job.checkpoint, _PLAIN: now.isoformat()})
        else:
            waited_s = (now - dt.datetime.fromisoformat(since)).total_seconds()
        if since is not None and waited_s >= self.facts_later_s:
            return
        text = f"{fact.episode.show}: told with plain names; what is known comes later"
        wait_s = min(max(waited_s, _COMPLETED_FIRST_S), _COMPLETED_LAST_S)
        raise Unavailable(text, retry_after_s=wait_s)


async def _all_told(
    work: Sequence[Coroutine[Any, Any, None]], job: JobContext
) -> list[BaseException | None]:
    """How each ended; meanwhile the job says that it waits and is not stuck."""
    telling = asyncio.gather(*work, return_exceptions=True)
    try:
        while not (await asyncio.wait({telling}, timeout=_STILL_S))[0]:
            job.report("notifying", None, "waits for channels")
    except asyncio.CancelledError:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        raise
    return telling.result()


def _messages(record: Told, note_id: str) -> set[str]:
    return {name for note in record.notes if note.id == note_id for name in note.messages}


def _is_known(record: Told, note_id: str) -> bool:
    return any(note.id == note_id and note.show is not None for note in record.notes)


def _untold(
    ended: Mapping[str, BaseException | None], targets: Sifted, now: dt.datetime
) -> dict[str, Untold]:
    """Why which targets were not told, for people."""
    untold = {
        name: Untold(state="filtered", reason=drop.reason, at=now)
        for name, drop in targets.dropped.items()
    }
    for name, wait in targets.later.items():
        reason = f"{wait.reason}, until {wait.until:%Y-%m-%d %H:%M} UTC"
        untold[name] = Untold(state="waits", reason=reason, at=now)
    for name, failure in ended.items():
        if isinstance(failure, Unavailable | Rejected):
            waits = isinstance(failure, Unavailable)
            reason = str(failure)
            untold[name] = Untold(state="waits" if waits else "lost", reason=reason, at=now)
    return untold


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
