"""One output of an encode job: made, proved, recorded, and brought to every destination.

Two encodes of one file may differ by a byte, so an output counts only once it lies at the
first destination: whoever gets there first decides, and every other attempt, on this
host or another, takes what lies there. What each attempt made is recorded before it can
be seen, so that the next one knows its own from a stranger's.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import structlog

from izumi.consumers.encoder_source import Source
from izumi.domain import encode_plan, keys
from izumi.domain.errors import Held, StorageUnavailable
from izumi.domain.events import File
from izumi.domain.overrides import Override
from izumi.domain.profile import Profile
from izumi.failpoints import failpoint
from izumi.media.ports import OnEncoded, Transcoder
from izumi.runtime.kept import Kept
from izumi.runtime.ports import JobContext
from izumi.storage.ports import Location, Store
from izumi.storage.replacing import lies, make_room

log = structlog.get_logger()

_SUFFIXES = frozenset({".mkv", ".mp4", ".m4v", ".webm", ".avi", ".mov", ".ts", ".m2ts", ".ogm"})
_UPLOAD_PAUSE_S = 15.0


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """An output, as the checkpoint records it. `recipe`: JSON values."""

    file: File
    recipe: dict[str, Any]


class Record(msgspec.Struct, kw_only=True):
    """The checkpoint of a job.

    Attributes:
        outputs: Everything that its attempts made, oldest first.
        told: Keys of the outputs that the bus knows of.
        replaces: What earlier jobs made of the source, and a person ordered anew.
    """

    outputs: list[Made] = []
    told: list[str] = []
    replaces: list[File] = []


class Output:
    """What one profile makes of the source.

    Args:
        source: Asked for only where something has to be made.
        job: The job.
        record: Of the job; what is made is added.
        name: Of the profile.
        profile: What is wanted.
        override: What a person decided for the show; None: nothing.
        places: Destinations, the deciding one first.
        store: Moves the files.
        media: Does the work.
        kept: What earlier attempts on this host left; None: nothing is kept.
        trash: Folder in the trash of a destination for what is replaced there.
        patience_s: How long a destination that is down is tried again.
        sleep: Waits between two tries.
    """

    def __init__(
        self,
        source: Source,
        job: JobContext,
        record: Record,
        *,
        name: str,
        profile: Profile,
        override: Override | None,
        places: Sequence[Location],
        store: Store,
        media: Transcoder,
        kept: Kept | None,
        trash: str,
        patience_s: float,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.key = hardsub_key(source.file.key, profile.suffix)
        self._source = source
        self._job = job
        self._record = record
        self._name = name
        self._profile = profile
        self._override = override
        self._places = places
        self._store = store
        self._media = media
        self._kept = kept
        self._trash = trash
        self._patience_s = patience_s
        self._sleep = sleep
        self._path: Path = job.scratch / encode_plan.OUTPUT
        self._here: Made | None = None
        self._fractions: dict[str, float] = {}

    @property
    def _known(self) -> list[Made]:
        """What attempts of this job made under this name, youngest first."""
        return [made for made in reversed(self._record.outputs) if made.file.key == self.key]

    @property
    def replaces(self) -> list[File]:
        """What an output of this job takes the place of, under its name."""
        return [file for file in self._record.replaces if file.key == self.key]

    async def finished(self) -> Made:
        """The output, where it lies at every destination.

        Raises:
            Held: The file, its tracks or its output need a decision, or something that no
                attempt at this job made lies under the output's name.
            Unavailable: The source is nowhere yet, or a location or tool failed.
        """
        made = await self._lying_somewhere() or await self._left_here() or await self._make()
        return await self._publish(made)

    async def _lying_somewhere(self) -> Made | None:
        """What an earlier attempt made, where it lies at a destination already."""
        for place in self._places:
            try:
                made = await self._lying(place)
            except StorageUnavailable:
                # The others get the file later, without another encode.
                if place is self._places[0]:
                    raise
                continue
            if made is not None:
                log.info("encoder.adopted", key=self.key, destination=place.name)
                return made
        return None

    async def _lying(self, place: Location) -> Made | None:
        """Which of the outputs of this job lies there; None: nothing lies there."""
        name = File(key=self.key, size=0, sha256=None, sub="hardsub")
        if await self._store.stat(name, place) is None:
            return None
        for made in self._known:
            if await lies(self._store, made.file, place):
                return made
        for old in self.replaces:
            if await lies(self._store, old, place):
                return None
        raise Held(
            f"{self.key} lies at {place.name} already and was not made by this job; remove or"
            " rename it to have it encoded",
            {"destination": place.name},
        )

    async def _left_here(self) -> Made | None:
        """What an earlier attempt on this host proved, and could not bring anywhere."""
        for made in self._known if self._kept is not None else ():
            assert self._kept is not None  # noqa: S101 - narrows for mypy
            assert made.file.sha256 is not None  # noqa: S101 - `_make` hashed it
            if await asyncio.to_thread(self._kept.take, made.file.sha256, self._path):
                log.info("encoder.kept", key=self.key)
                self._here = made
                return made
        return None

    async def _make(self) -> Made:
        """Encode and prove; the output is recorded, and seen by nobody yet."""
        folder, report = self._job.scratch, self._reporter
        probe = await self._source.probe()
        plan = encode_plan.make_plan(
            probe,
            self._profile,
            profile_name=self._name,
            title=PurePosixPath(self.key).stem,
            show=show_of(self.key),
            override=self._override,
        )
        found = await self._media.preflight(plan, probe, folder)
        plan = await self._media.settle(plan, folder, report("choosing"))
        recipe = plan.recipe | found
        recipe |= await self._media.encode(plan, folder, report("encoding"))
        failpoint("encoder.after_encode")
        recipe |= await self._media.prove(plan, folder, report("proving"))
        failpoint("encoder.after_proof")
        size, sha256 = await asyncio.to_thread(_content, self._path)
        file = File(key=self.key, size=size, sha256=sha256, sub="hardsub")
        made = Made(file=file, recipe=recipe)
        if self._kept is not None:
            await asyncio.to_thread(self._kept.keep, self._path, sha256)
        self._record.outputs.append(made)
        await self._job.save(msgspec.to_builtins(self._record))
        failpoint("encoder.after_save")
        self._here = made
        return made

    def _reporter(self, step: str) -> OnEncoded:
        return lambda fraction, detail, pace=None: self._job.report(step, fraction, detail, pace)

    async def _publish(self, made: Made) -> Made:
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
            log.info("encoder.adopted", key=self.key, destination=first.name)
            made = lying
        failpoint("encoder.after_first")
        if others:
            await self._job.still_ours()
            await asyncio.gather(*(self._bring(made, place, [first]) for place in others))
        failpoint("encoder.after_upload")
        return made

    async def _bring(self, made: Made, place: Location, holders: Sequence[Location]) -> None:
        """From this host where it lies here, else from a destination that has it."""
        left_s = self._patience_s
        while True:
            try:
                await make_room(self._store, made.file, self.replaces, place, into=self._trash)
                if await self._store.has(made.file, place):
                    return
                if made is self._here:
                    await self._put(made, place)
                else:
                    await self._copy(made, place, holders)
            except StorageUnavailable as exc:
                if left_s <= 0:
                    raise
                log.warning("encoder.upload_waits", destination=place.name, error=str(exc))
            else:
                return
            left_s -= _UPLOAD_PAUSE_S
            await self._sleep(_UPLOAD_PAUSE_S)

    async def _put(self, made: Made, place: Location) -> None:
        await self._store.put(
            self._path,
            made.file,
            place,
            token=f"{self._job.token}-{place.name}",
            progress=lambda fraction: self._uploaded(place.name, fraction),
        )

    async def _copy(self, made: Made, place: Location, holders: Sequence[Location]) -> None:
        for holder in holders:
            if await lies(self._store, made.file, holder):
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

    def forget(self) -> None:
        """Keep nothing of it here any longer: no attempt will come."""
        for made in self._known if self._kept is not None else ():
            if self._kept is not None and made.file.sha256 is not None:
                self._kept.drop(made.file.sha256)


def show_of(key: str) -> str:
    """Name of the show's folder."""
    return PurePosixPath(key).parts[0]


def hardsub_key(key: str, suffix: str = "") -> str:
    """Where the hardsub of a file lies: beside it, as an MP4.

    Raises:
        BadKey: The suffix makes the name too long.
    """
    path = PurePosixPath(key)
    stem = path.stem if path.suffix.lower() in _SUFFIXES else path.name
    return str(path.with_name(keys.check_part(f"{stem}{suffix}.mp4")))


def _content(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest
