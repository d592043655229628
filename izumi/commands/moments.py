"""Times as people type them."""

import datetime as dt
import re
from typing import Final

from izumi.domain.errors import UserError

_AGO: Final = re.compile(r"([0-9]{1,5})([mhdw])")
_MINUTES: Final = {"m": 1, "h": 60, "d": 1440, "w": 10080}


def moment(text: str, *, option: str, now: dt.datetime) -> dt.datetime:
    """`90m`, `12h`, `3d`, `2w` ago, or a date or time such as 2026-01-02T12:00, of UTC.

    Raises:
        UserError: It is none.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            return now - dt.timedelta(minutes=int(ago[1]) * _MINUTES[ago[2]])
        at = dt.datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as exc:
        example = "write 90m, 12h, 3d, 2w, or a date such as 2026-01-02T12:00"
        raise UserError(f"{option} {text!r} is no time: {example}") from exc
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
