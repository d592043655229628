"""What an answer of AniList is: data, "no such show", a refusal, or nothing of use.

https://docs.anilist.co/guide/graphql/errors and .../rate-limiting: an answer with HTTP 200
may hold errors, "not found" is 404, and too many requests are a pause of a minute.
"""

from typing import Any, Final

import msgspec

from izumi.clients.http import Reply, retry_after_s
from izumi.domain.discord_text import clean
from izumi.domain.errors import Unavailable

_LIMITED_S: Final = 60.0
"""The documented length of the pause after too many requests."""


class Refused(Unavailable):
    """The query itself was refused; a smaller one may be answered."""


def pause_s(reply: Reply) -> float:
    """How long its limits say to wait after this answer."""
    if reply.status == 429 or 429 in _statuses(_decoded(reply)):
        return retry_after_s(reply, _LIMITED_S)
    return _LIMITED_S if reply.headers.get("x-ratelimit-remaining") == "0" else 0.0


def data_of(reply: Reply) -> dict[str, Any]:
    """What an answer holds.

    Returns:
        Data, of which a part may be missing; empty for "no such show".

    Raises:
        Refused: It is an error that the query itself may have caused.
        Unavailable: It holds neither data nor the word that there is no such show.
    """
    decoded = _decoded(reply)
    if not isinstance(decoded, dict):
        raise Unavailable(f"AniList: it answered {reply.status} without GraphQL")
    data, errors = decoded.get("data"), decoded.get("errors")
    if isinstance(data, dict) and any(value is not None for value in data.values()):
        return data
    statuses = _statuses(decoded)
    if errors and statuses != {404}:
        kind = Refused if reply.status in {200, 400} and not statuses & {403, 429} else Unavailable
        raise kind(f"AniList: it answered {reply.status}: {_message(errors)}")
    if not errors and (reply.status != 200 or not isinstance(data, dict)):
        raise Unavailable(f"AniList: it answered {reply.status} without data")
    return {}


def _decoded(reply: Reply) -> Any:
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _statuses(decoded: Any) -> set[Any]:
    errors = decoded.get("errors") if isinstance(decoded, dict) else None
    if not isinstance(errors, list):
        return set()
    found = (error.get("status") for error in errors if isinstance(error, dict))
    return {status for status in found if isinstance(status, int)}


def _message(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors else None
    message = first.get("message") if isinstance(first, dict) else None
    return clean(str(message))[:200]
