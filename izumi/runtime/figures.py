"""Counters and gauges: what a unit tells of itself.

A unit returns its figures when asked, so that nothing is kept up to date for nobody. Labels
are what the configuration names: a name that comes from strangers is never one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, NamedTuple


class Figure(NamedTuple):
    """One number.

    Attributes:
        name: Without `izumi_`, and a counter's without `_total`; ends in its unit.
        kind: A counter only grows, as long as the process lives.
        meaning: For people.
        value: Now.
        labels: Of one name, every figure has the same keys.
    """

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    value: float
    labels: Mapping[str, str] = {}


Look = Callable[[], Awaitable[Sequence[Figure]]]
"""Asks one unit for its figures; raises Unavailable when it cannot tell them now."""
