"""What Discord's answers mean for a webhook. Pure.

https://discord.com/developers/docs/topics/rate-limits: 429 says how long to wait, for this
webhook or for all; after 401, 403 and 404 it is not to be used again, since thousands of
such requests get the whole address banned by Cloudflare, which answers in HTML.
"""

from typing import Any, Final, NamedTuple

import msgspec

from izumi.clients.http import Reply, retry_after_s, seconds
from izumi.domain.discord_text import clean

_UNKNOWN_MESSAGE: Final = 10008
_LIMITED_S: Final = 5.0
_BANNED_S: Final = 300.0


class Told(NamedTuple):
    """It is there; `message` is its id, "" when Discord told none."""

    message: str


class Wait(NamedTuple):
    """Not yet; `everyone`: no webhook of this process is to be used before that."""

    seconds: float
    everyone: bool


class Failed(NamedTuple):
    """Discord is not well; another try may succeed, `after_s` at the earliest."""

    reason: str
    after_s: float = 0.0


class Off(NamedTuple):
    """The webhook is gone or locked: never use it again."""

    reason: str


class Refused(NamedTuple):
    """This message will never be taken."""

    reason: str


class Removed(NamedTuple):
    """The message to edit was removed by people, and stays so."""


Verdict = Told | Wait | Failed | Off | Refused | Removed


def judge(reply: Reply) -> Verdict:
    """What to do about an answer."""
    decoded = _object(reply)
    match reply.status:
        case 429:
            return _wait(reply, decoded)
        case 401 | 403 | 404:
            return _locked(reply, decoded)
        case status if 200 <= status < 300:
            return Told(_message_id(decoded))
        case status if status == 408 or status >= 500 or status < 400:
            return Failed(_reason(reply, decoded), retry_after_s(reply, 0.0))
        case _:
            return Refused(_reason(reply, decoded))


def _locked(reply: Reply, decoded: dict[str, Any] | None) -> Verdict:
    if reply.status == 403 and decoded is None and _is_html(reply):
        # Cloudflare, not Discord: it refuses this host, whichever webhook it asks for.
        return Wait(retry_after_s(reply, _BANNED_S), everyone=True)
    if reply.status == 404 and decoded is not None and decoded.get("code") == _UNKNOWN_MESSAGE:
        return Removed()
    return Off(_reason(reply, decoded))


def exhausted_s(reply: Reply) -> float:
    """Seconds until the webhook's next request, as the answer's headers have it; 0: now."""
    if reply.headers.get("x-ratelimit-remaining") != "0":
        return 0.0
    return seconds(reply.headers.get("x-ratelimit-reset-after"), 1.0)


def _wait(reply: Reply, decoded: dict[str, Any] | None) -> Wait:
    header_s = retry_after_s(reply, 0.0)
    if decoded is None:
        # No body of Discord's: Cloudflare bans the whole address.
        return Wait(header_s or _BANNED_S, everyone=True)
    everyone = bool(decoded.get("global")) or "x-ratelimit-global" in reply.headers
    # The header is rounded, the body is not; the longer of the two breaks neither.
    wait_s = max(header_s, seconds(decoded.get("retry_after"), 0.0))
    return Wait(wait_s or _LIMITED_S, everyone)


def _object(reply: Reply) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _is_html(reply: Reply) -> bool:
    return "html" in reply.headers.get("content-type", "") or reply.body.lstrip()[:1] == b"<"


def _message_id(decoded: dict[str, Any] | None) -> str:
    id_ = (decoded or {}).get("id")
    return id_ if isinstance(id_, str) and id_.isascii() and id_.isdigit() else ""


def _reason(reply: Reply, decoded: dict[str, Any] | None) -> str:
    """Discord's own words and, for a form that it refuses, which part is wrong."""
    said = ""
    if decoded:
        code, message = decoded.get("code", "?"), decoded.get("message", "")
        places = msgspec.json.encode(decoded["errors"]).decode() if "errors" in decoded else ""
        said = f": {clean(f'{code} {message} {places}')[:400]}"
    return f"Discord answered {reply.status}{said}"
