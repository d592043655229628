"""`[library]`: how `izumi-admin` treats the library."""

import msgspec


class LibrarySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `izumi-admin` changes the library.

    Attributes:
        trash_days: What was deleted waits so long in the trash of its location;
            `izumi-admin trash --empty` then removes it.
        announce: Tell on the bus what was done, where the bus can be reached.
        bus_wait_s: How long the bus is waited for.
    """

    trash_days: float = 30.0
    announce: bool = True
    bus_wait_s: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.trash_days < float("inf"):
            raise ValueError(f"trash_days {self.trash_days} is below 0")
        if not 0 < self.bus_wait_s < float("inf"):
            raise ValueError(f"bus_wait_s {self.bus_wait_s} is not above 0")
