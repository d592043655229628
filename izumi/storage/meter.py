"""Progress over the phases of one transfer: bytes sent, then bytes read back."""

from izumi.storage.ports import OnProgress
from izumi.storage.rclone import OnBytes


class Meter:
    """Turns the bytes of phases into one fraction that only grows.

    Args:
        progress: Told the fraction; None: nobody is.
        total_bytes: Of all phases together.
    """

    def __init__(self, progress: OnProgress | None, total_bytes: int) -> None:
        self._progress = progress
        self._total = max(total_bytes, 1)
        self._before = 0

    def phase(self, size: int) -> OnBytes:
        """What the next phase, of `size` bytes, is to call with the bytes that it moved."""
        before = self._before
        self._before += size
        return lambda moved: self._tell((before + min(moved, size)) / self._total)

    def finish(self) -> None:
        """It is done."""
        self._tell(1.0)

    def _tell(self, fraction: float) -> None:
        if self._progress is not None:
            self._progress(min(fraction, 1.0))
