"""What the configuration says of an encoder group: `[encoder.<group>]`."""

import msgspec

from izumi.domain import hours
from izumi.domain.overrides import Override


class EncoderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[encoder.<group>]`.

    Attributes:
        destinations: Locations that get the hardsub; the first one decides when two
            instances made the same file.
        sources: Locations to fetch from, nearest first; empty: the ones that the event
            names, as far as this host knows them.
        profiles: Names of `[profile.<name>]` tables; a file is encoded with each, one after
            the other.
        jobs: Files encoded at once by one instance.
        tier: 1 gets work only while every instance of tier 0 is away or full.
        hours: When work is allowed, such as "22:00-08:00" in the host's time zone; empty:
            always. Outside, no job is taken, and what runs is paused where it is.
        threads: Of decoder, filters and encoder each; 0: as many as there are cores, up
            to sixteen.
        nice: Added to the niceness of what it starts.
        memory_mb: Address space of one ffmpeg, in place of `[ffmpeg] memory_mb`.
        limit_h: A single run of ffmpeg may take so many hours, however long the film is, in
            place of the deadline of `[ffmpeg]`; pauses do not count.
        stall_s: An encode that got no further for so long is ended and tried again.
        upload_patience_s: How long a destination that is down is tried again before the
            attempt is given up; its encode is kept for the next one.
        override: What you decide for single shows, `[[encoder.<group>.override]]`; the first
            that names the show counts.
    """

    destinations: tuple[str, ...]
    sources: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("hardsub",)
    jobs: int = 1
    tier: int = 0
    hours: str = ""
    threads: int = 0
    nice: int = 10
    memory_mb: int | None = None
    limit_h: float | None = None
    stall_s: float = 120.0
    upload_patience_s: float = 300.0
    override: tuple[Override, ...] = ()

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        for key, names in (("destinations", self.destinations), ("profiles", self.profiles)):
            if not names:
                msg = f"{key}: name at least one"
                raise ValueError(msg)
            if len(set(names)) != len(names):
                msg = f"{key}: {', '.join(names)} names one twice"
                raise ValueError(msg)
        if self.jobs < 1 or self.threads < 0:
            msg = f"jobs ({self.jobs}) must be 1 or more, threads ({self.threads}) 0 or more"
            raise ValueError(msg)
        if not 0 <= self.nice <= 19:
            msg = f"nice is {self.nice}: it goes from 0 to 19"
            raise ValueError(msg)
        if self.memory_mb is not None and self.memory_mb < 512:
            msg = f"memory_mb is {self.memory_mb}: ffmpeg needs at least 512"
            raise ValueError(msg)
        if self.limit_h is not None and self.limit_h <= 0:
            msg = f"limit_h is {self.limit_h}: it must be positive"
            raise ValueError(msg)
        if self.stall_s <= 0 or self.upload_patience_s < 0:
            msg = "stall_s must be positive, upload_patience_s not negative"
            raise ValueError(msg)
        if self.hours:
            hours.parse(self.hours)
