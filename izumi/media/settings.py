"""What the configuration says of ffmpeg: `[ffmpeg]`."""

from pathlib import Path

import msgspec

MIB = 1 << 20


class FfmpegSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tool and what it may use on this host.

    Attributes:
        path: Another ffmpeg than the bundled one; it must have libass and libx264.
        memory_mb: Address space of one ffmpeg on 1080p, where x264's slowest presets take
            2 GB; half of it grows with the picture. A picture or script made to exhaust
            memory meets this limit, and the host lives.
        max_pixels: Largest picture that is decoded, width times height.
        deadline_floor_s: A run may take this long, however short the film is...
        deadline_factor: ...and this many times the length of the film besides.
        probe_floor_s: Reading facts may take this long...
        probe_bytes_per_s: ...and besides it the time to read the file at this rate.
    """

    path: Path | None = None
    memory_mb: int = 3072
    max_pixels: int = 4096 * 2304
    deadline_floor_s: float = 900.0
    deadline_factor: float = 60.0
    probe_floor_s: float = 60.0
    probe_bytes_per_s: float = 10.0 * MIB

    def memory_bytes(self, pixels: int) -> int:
        """Address space for pictures of that size (width times height)."""
        larger = max(pixels / (1920 * 1080), 1.0)
        return round(self.memory_mb * MIB * (1 + larger) / 2)

    def deadline_s(self, film_s: float) -> float:
        """How long a run on so much film may take."""
        return self.deadline_floor_s + self.deadline_factor * film_s

    def __post_init__(self) -> None:
        """Limits that forbid every file are a mistake of the configuration."""
        if self.memory_mb < 512:
            msg = f"memory_mb is {self.memory_mb}: ffmpeg needs at least 512"
            raise ValueError(msg)
        if self.max_pixels < 1 or min(self.deadline_floor_s, self.probe_floor_s) <= 0:
            msg = "max_pixels, deadline_floor_s and probe_floor_s must be positive"
            raise ValueError(msg)
        if self.deadline_factor < 0 or self.probe_bytes_per_s <= 0:
            msg = "deadline_factor must not be negative, probe_bytes_per_s must be positive"
            raise ValueError(msg)
