"""Hours of the day in which a unit works: "22:00-08:00", in the host's own time zone."""

import datetime as dt
import re
from typing import NamedTuple

_TIME = r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*"
_FORM = re.compile(f"{_TIME}-{_TIME}", re.ASCII)


class Hours(NamedTuple):
    """From one time of the day up to another; over midnight where the end is earlier."""

    begin: dt.time
    end: dt.time

    def open_at(self, local: dt.datetime) -> bool:
        """Whether work is allowed then, by the clock on the wall."""
        now = local.time()
        if self.begin < self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end

    def __str__(self) -> str:
        """As it is written in a configuration."""
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


def parse(text: str) -> Hours:
    """The hours that a configuration means.

    Raises:
        ValueError: They are no hours, or all of the day or none of it.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        msg = f"hours is {text!r}: write it like 22:00-08:00"
        raise ValueError(msg)
    begin, end = (dt.time(int(match[n]), int(match[n + 1])) for n in (1, 3))
    if begin == end:
        msg = f"hours is {text!r}, which begins where it ends; leave it out to work all day"
        raise ValueError(msg)
    return Hours(begin, end)
