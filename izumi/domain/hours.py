"""Hours of the day, such as "22:00-08:00": when a unit works, or when nobody is told."""

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
        """Whether a time lies in them, by the clock on the wall."""
        now = local.time()
        if self.begin < self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end

    def over_at(self, now: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime | None:
        """When they are over, in UTC; None where `now` does not lie in them.

        By the clocks of the zone, whichever way they are changed meanwhile: the first
        minute that does not lie in them.

        Args:
            now: Any time that knows its zone.
            zone: Where; None: where this host is.
        """
        if not self.open_at(now.astimezone(zone)):
            return None
        # A day of minutes costs milliseconds; to reckon with clocks that go forward over
        # the end, or back over the beginning, costs much more thought.
        then = now.astimezone(dt.UTC).replace(second=0, microsecond=0)
        while self.open_at(then.astimezone(zone)):
            then += dt.timedelta(minutes=1)
        return then

    def __str__(self) -> str:
        """As it is written in a configuration."""
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


def parse(text: str, key: str = "hours") -> Hours:
    """The hours that a configuration means.

    Args:
        text: As written.
        key: What the configuration calls them.

    Raises:
        ValueError: They are no hours, or all of the day or none of it.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        msg = f"{key} is {text!r}: write it like 22:00-08:00"
        raise ValueError(msg)
    begin, end = (dt.time(int(match[n]), int(match[n + 1])) for n in (1, 3))
    if begin == end:
        msg = f"{key} is {text!r}, which begins where it ends; leave it out for no such hours"
        raise ValueError(msg)
    return Hours(begin, end)
