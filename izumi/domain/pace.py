"""How quickly long work goes."""

from typing import NamedTuple


class Pace(NamedTuple):
    """What can be told while a film is worked on.

    Attributes:
        fps: Pictures a second.
        speed: Seconds of film in a second.
        eta_s: Seconds until it is done; None: not known yet.
    """

    fps: float
    speed: float
    eta_s: float | None
