"""Encoder: softsubs become hardsubs that every player plays, proved before anyone sees them.

    find ► reserve ► download ► examine ► plan ► preflight ► encode ► prove ► record ► upload

Two encodes of one file may differ by a byte, so an output counts only once it lies at the
first destination: whoever gets there first decides, and every other attempt, on this
host or another, takes what lies there. What each attempt made is recorded before it can
be seen, so that the next one knows its own from a stranger's.
"""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import structlog

from izumi.domain import encode_plan
from izumi.domain.errors import Held, Rejected, StorageUnavailable
from izumi.domain.events import Acquired, Encoded, Fact, File
from izumi.domain.profile import Profile
from izumi.failpoints import failpoint
from izumi.media.ports import Transcoder
from izumi.runtime.ports import JobContext
from izumi.storage.ports import Location, Store

log = structlog.get_logger()

_SUFFIXES = frozenset({".mkv", ".mp4", ".m4v", ".webm", ".avi", ".mov", ".ts", ".m2ts", ".ogm"})
_SCRATCH_FACTOR = 3
_UPLOAD_PAUSE_S = 15.0


class EncoderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[encoder.<group>]`.

    Attributes:
        destinations: Locations that get the hardsub; the first one decides when two
            instances made the same file.
        sources: Locations to fetch from, nearest first; empty: the ones that the event
            names, as far as this host knows them.
        profile: Name of a `[profile.<name>]`.
        jobs: Files encoded at once by one instance.
        tier: 1 gets work only while every instance of tier 0 is away or full.
        threads: Of decoder, filters and encoder each; 0: as many as there are cores, up
            to sixteen.
        nice: Added to the niceness of what it starts.
        stall_s: An encode that got no further for so long is ended and tried again.
        upload_patience_s: How long a destination that is down is tried again before the
            job is given up, and its encode with it.
    """

    destinations: tuple[str, ...]
    sources: tuple[str, ...] = ()
    profile: str = "hardsub"
    jobs: int = 1
    tier: int = 0
    threads: int = 0
    nice: int = 10
    stall_s: float = 120.0
    upload_patience_s: float = 300.0

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        if not self.destinations:
            msg = "destinations: name at least one [storage.<name>]"
            raise ValueError(msg)
        if len(set(self.destinations)) != len(self.destinations):
            msg = f"destinations: {', '.join(self.destinations)} names one twice"
            raise ValueError(msg)
        if self.jobs < 1 or self.threads < 0:
            msg = f"jobs ({self.jobs}) must be 1 or more, threads ({self.threads}) 0 or more"
            raise ValueError(msg)
        if self.stall_s <= 0 or self.upload_patience_s < 0:
            msg = "stall_s must be positive, upload_patience_s not negative"
            raise ValueError(msg)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """An output, as the checkpoint records it. `recipe`: JSON values."""

    file: File
    recipe: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The handler of one encoder group.

    Attributes:
        settings: Its configuration.
        profile: What `settings.profile` names.
        locations: Every location that this host knows, by name.
        store: Moves the files.
        transcoder: Does the media work.
        host: Name of this host, for people.
        now: The clock.
        sleep: Waits between two tries of an upload.
    """

    settings: EncoderSettings
    profile: Profile
    locations: Mapping[str, Location]
    store: Store
    transcoder: Transcoder
    host: str
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def __call__(self, fact: Fact, job: JobContext) -> Sequence[Fact]:
        """Make the hardsub of `fact`'s file and bring it to every destination.

        Raises:
            Unavailable: The source is nowhere yet, or a location or tool failed.
            Held: The file, its tracks or its output need a decision.
            Rejected: The fact is not about a softsub.
        """
        if not isinstance(fact, Acquired) or fact.file.sub != "softsub":
            what = fact.file.sub if isinstance(fact, Acquired) else type(fact).__name__
            raise Rejected(f"only softsubs are encoded, not {what}")
        work = _Encode(fact, job, self)
        made = await work.made_before() or await work.make()
        made = await work.publish(made)
        return [
            Encoded(
                file=made.file,
                episode=fact.episode,
                sources=self.settings.destinations,
                origin=fact.file,
                profile=self.settings.profile,
                recipe=made.recipe,
                priority=fact.priority,
                at=self.now(),
                host=self.host,
            )
        ]


class _Encode:
    """One file on its way."""

    def __init__(self, fact: Acquired, job: JobContext, unit: Encoder) -> None:
        self._fact = fact
        self._job = job
        self._unit = unit
        self._store = unit.store
        self._media = unit.transcoder
        self._folder = job.scratch
        self._output = job.scratch / encode_plan.OUTPUT
        self._places = [unit.locations[name] for name in unit.settings.destinations]
        self._known = msgspec.convert(job.checkpoint.get("outputs", []), list[Made])
        self._fractions: dict[str, float] = {}
        self._key = hardsub_key(fact.file.key)

    async def made_before(self) -> Made | None:
        """What an earlier attempt made, where it lies at a destination already.

        Raises:
            Held: Something that no attempt at this job made lies under the output's name.
            StorageUnavailable: The first destination does not answer.
        """
        for place in self._places:
            try:
                made = await self._lying(place)
            except StorageUnavailable:
                # The others get the file later, without another encode.
                if place is self._places[0]:
                    raise
                continue
            if made is not None:
                log.info("encoder.adopted", key=self._key, destination=place.name)
                return made
        return None

    async def _lying(self, place: Location) -> Made | None:
        """Which of the outputs of this job lies there; None: nothing lies there."""
        name = File(key=self._key, size=0, sha256=None, sub="hardsub")
        if await self._store.stat(name, place) is None:
            return None
        for made in reversed(self._known):
            if await self._is_at(made, place):
                return made
        raise Held(
            f"{self._key} lies at {place.name} already and was not made by this job; remove or"
            " rename it to have it encoded",
            {"destination": place.name},
        )

    async def _is_at(self, made: Made, place: Location) -> bool:
        try:
            return await self._store.has(made.file, place)
        except Held:  # something different lies there
            return False

    async def make(self) -> Made:
        """Download, encode and prove; the output is recorded, and seen by nobody yet."""
        await self._job.reserve(self._fact.file.size * _SCRATCH_FACTOR)
        await self._download()
        failpoint("encoder.after_download")
        self._job.report("examining")
        probe = await self._media.examine(self._folder)
        failpoint("encoder.after_probe")
        plan = encode_plan.make_plan(
            probe,
            self._unit.profile,
            profile_name=self._unit.settings.profile,
            title=PurePosixPath(self._key).stem,
        )
        recipe = dict(plan.recipe)
        recipe |= await self._media.preflight(plan, probe, self._folder)
        recipe |= await self._media.encode(plan, self._folder, self._reporter("encoding"))
        failpoint("encoder.after_encode")
        recipe |= await self._media.prove(plan, self._folder, self._reporter("proving"))
        failpoint("encoder.after_proof")
        size, sha256 = await asyncio.to_thread(_content, self._output)
        file = File(key=self._key, size=size, sha256=sha256, sub="hardsub")
        made = Made(file=file, recipe=recipe)
        self._known.append(made)
        await self._job.save({"outputs": msgspec.to_builtins(self._known)})
        failpoint("encoder.after_save")
        return made

    def _reporter(self, step: str) -> Callable[[float, str], None]:
        return lambda fraction, detail: self._job.report(step, fraction, detail)

    async def _download(self) -> None:
        """From the first source from which it arrives whole.

        Raises:
            StorageUnavailable: None that this host knows has it.
        """
        file = self._fact.file
        known = self._unit.locations
        tried = []
        for name in self._unit.settings.sources or self._fact.sources:
            if name not in known:
                tried.append(f"{name}: not configured here")
                continue
            try:
                lies = await self._store.stat(file, known[name])
                if lies is None or lies.size != file.size:
                    tried.append(f"{name}: {'not there' if lies is None else 'another file'}")
                    continue
                await self._get(file, known[name])
            except StorageUnavailable as exc:
                tried.append(f"{name}: {exc}")
            else:
                return
        raise StorageUnavailable(
            f"{file.key} comes from no source ({'; '.join(tried) or 'none is named'})"
        )

    async def _get(self, file: File, source: Location) -> None:
        await self._store.get(
            file,
            source,
            self._folder / encode_plan.SOURCE,
            progress=lambda fraction: self._job.report("downloading", fraction, source.name),
        )

    async def publish(self, made: Made) -> Made:
        """Bring it to every destination; what comes back is what lies there.

        Raises:
            Held: Something else came to lie under the output's name meanwhile.
            StorageUnavailable: A destination stayed away.
        """
        first, *others = self._places
        await self._job.still_ours()
        failpoint("encoder.before_upload")
        try:
            await self._bring(made, first, others)
        except Held:
            # An instance that was taken for dead finished its own upload: that one counts.
            lying = await self._lying(first)
            if lying is None:
                raise
            log.info("encoder.adopted", key=self._key, destination=first.name)
            made = lying
        failpoint("encoder.after_first")
        if others:
            await self._job.still_ours()
            await asyncio.gather(*(self._bring(made, place, [first]) for place in others))
        failpoint("encoder.after_upload")
        return made

    async def _bring(self, made: Made, place: Location, holders: Sequence[Location]) -> None:
        """From this host where it was made here, else from a destination that has it."""
        here = bool(self._known) and made is self._known[-1] and self._output.exists()
        left_s = self._unit.settings.upload_patience_s
        while True:
            try:
                if await self._store.has(made.file, place):
                    return
                await (self._put(made, place) if here else self._copy(made, place, holders))
            except StorageUnavailable as exc:
                if left_s <= 0:
                    raise
                log.warning("encoder.upload_waits", destination=place.name, error=str(exc))
            else:
                return
            left_s -= _UPLOAD_PAUSE_S
            await self._unit.sleep(_UPLOAD_PAUSE_S)

    async def _put(self, made: Made, place: Location) -> None:
        await self._store.put(
            self._output,
            made.file,
            place,
            token=f"{self._job.token}-{place.name}",
            progress=lambda fraction: self._uploaded(place.name, fraction),
        )

    async def _copy(self, made: Made, place: Location, holders: Sequence[Location]) -> None:
        for holder in holders:
            if await self._is_at(made, holder):
                return await self._store.copy(
                    made.file,
                    holder,
                    place,
                    token=f"{self._job.token}-{place.name}",
                    progress=lambda fraction: self._uploaded(place.name, fraction),
                )
        raise StorageUnavailable(f"{made.file.key} is gone from where it was just seen")

    def _uploaded(self, name: str, fraction: float) -> None:
        self._fractions[name] = fraction
        share = sum(self._fractions.values()) / len(self._places)
        self._job.report("uploading", min(share, 1.0), ", ".join(sorted(self._fractions)))


def hardsub_key(key: str) -> str:
    """Where the hardsub of a file lies: beside it, as an MP4."""
    path = PurePosixPath(key)
    stem = path.stem if path.suffix.lower() in _SUFFIXES else path.name
    return str(path.with_name(f"{stem}.mp4"))


def _content(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest
