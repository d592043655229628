"""Encoder: softsubs become hardsubs that every player plays, proved before anyone sees them.

    find ► reserve ► download ► examine ─┬─► for each profile: plan ► preflight ► settle ►
                                         │   encode ► prove ► record ► upload ► tell

What was downloaded and what was made are kept on this host until the job is settled: an
instance that is killed or stopped in between fetches and encodes nothing twice.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from izumi.consumers.encoder_output import Made, Output, Record, show_of
from izumi.consumers.encoder_settings import EncoderSettings
from izumi.consumers.encoder_source import Source
from izumi.domain import overrides
from izumi.domain.errors import Fenced, Held, Rejected
from izumi.domain.events import Acquired, Encoded, Fact, File
from izumi.domain.profile import Profile
from izumi.failpoints import failpoint
from izumi.media.ports import Transcoder
from izumi.runtime.kept import Kept
from izumi.runtime.ports import JobContext
from izumi.storage.ports import Location, Store
from izumi.storage.replacing import folder_of


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The handler of one encoder group.

    Attributes:
        settings: Its configuration.
        profiles: What `settings.profiles` names, in that order.
        locations: Every location that this host knows, by name.
        store: Moves the files.
        transcoder: Does the media work.
        host: Name of this host, for people.
        now: The clock.
        sleep: Waits between two tries of an upload.
        kept: What outlives a killed instance; None: nothing does.
    """

    settings: EncoderSettings
    profiles: Mapping[str, Profile]
    locations: Mapping[str, Location]
    store: Store
    transcoder: Transcoder
    host: str
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    kept: Kept | None = None

    async def __call__(self, fact: Fact, job: JobContext) -> Sequence[Fact]:
        """Make the hardsubs of `fact`'s file and bring them to every destination.

        Raises:
            Unavailable: The source is nowhere yet, or a location or tool failed.
            Held: The file, its tracks or its output need a decision.
            Rejected: The fact is not about a softsub.
        """
        if not isinstance(fact, Acquired) or fact.file.sub != "softsub":
            what = fact.file.sub if isinstance(fact, Acquired) else type(fact).__name__
            raise Rejected(f"only softsubs are encoded, not {what}")
        if self.kept is not None:
            await asyncio.to_thread(self.kept.sweep)
        source = Source(
            fact,
            job,
            sources=self.settings.sources or fact.sources or tuple(self.locations),
            known=self.locations,
            store=self.store,
            media=self.transcoder,
            kept=self.kept,
        )
        record = msgspec.convert(job.checkpoint, Record)
        outputs = [self._output(source, job, record, name) for name in self.profiles]
        try:
            facts = await self._finish(fact, job, record, outputs)
        except (Held, Rejected, Fenced):
            _forget(source, outputs)
            raise
        except asyncio.CancelledError:
            if job.lost:
                _forget(source, outputs)
            raise
        _forget(source, outputs)
        return facts

    def _output(self, source: Source, job: JobContext, record: Record, name: str) -> Output:
        return Output(
            source,
            job,
            record,
            name=name,
            profile=self.profiles[name],
            override=overrides.of_show(self.settings.override, show_of(source.file.key)),
            places=[self.locations[place] for place in self.settings.destinations],
            store=self.store,
            media=self.transcoder,
            kept=self.kept,
            trash=folder_of(self.now(), job.job),
            patience_s=self.settings.upload_patience_s,
            sleep=self.sleep,
        )

    async def _finish(
        self, fact: Acquired, job: JobContext, record: Record, outputs: Sequence[Output]
    ) -> list[Fact]:
        """Finish every output; each but the last is told as soon as it is there."""
        last: list[Fact] = []
        for name, output in zip(self.profiles, outputs, strict=True):
            if output.key in record.told:
                continue
            encoded = self._encoded(fact, name, await output.finished(), output.replaces)
            if output is outputs[-1]:
                last = [encoded]
                continue
            record.told.append(output.key)
            await job.save(msgspec.to_builtins(record), [encoded])
            failpoint("encoder.after_told")
        return last

    def _encoded(
        self, fact: Acquired, profile: str, made: Made, replaces: Sequence[File]
    ) -> Encoded:
        return Encoded(
            file=made.file,
            episode=fact.episode,
            sources=self.settings.destinations,
            origin=fact.file,
            profile=profile,
            recipe=made.recipe,
            replaces=tuple(file for file in replaces if file.id != made.file.id),
            priority=fact.priority,
            at=self.now(),
            host=self.host,
        )


def _forget(source: Source, outputs: Sequence[Output]) -> None:
    source.forget()
    for output in outputs:
        output.forget()
