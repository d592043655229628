"""Addresses of webhooks: checked once, shown never."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qs, urlsplit

from izumi.domain.errors import ConfigError
from izumi.domain.secret import Secret

_HOSTS: Final = frozenset(
    f"{prefix}{host}"
    for host in ("discord.com", "discordapp.com")
    for prefix in ("", "ptb.", "canary.")
)
_PATH: Final = re.compile(r"(/api(?:/v[0-9]{1,2})?/webhooks/[0-9]{1,20}/)([A-Za-z0-9_-]{1,200})/?")


class WebhookAddress:
    """Where a webhook takes messages.

    Args:
        url: As Discord shows it: `https://discord.com/api/webhooks/ID/TOKEN`, with
            `?thread_id=ID` for a thread.
        place: Where it stands in the configuration, for the error.
        hosts: Other hosts that are allowed, as `host` or `host:port`; http too.

    Raises:
        ConfigError: It is no such address; the text does not show it.
    """

    def __init__(self, url: Secret, *, place: str, hosts: Collection[str] = ()) -> None:
        try:
            parts = urlsplit(url.reveal().strip())
            thread = parse_qs(parts.query).get("thread_id", [""])[-1]
        except ValueError:
            raise ConfigError(_problem(place, "it is no address")) from None
        path = _PATH.fullmatch(parts.path)
        elsewhere = parts.netloc in hosts and parts.scheme in {"http", "https"}
        if not elsewhere and (parts.scheme != "https" or parts.netloc not in _HOSTS):
            raise ConfigError(_problem(place, "its host is not Discord's ([discord] hosts)"))
        if path is None:
            raise ConfigError(_problem(place, "its path has no ID and TOKEN"))
        if thread and not re.fullmatch(r"[0-9]{1,20}", thread):
            raise ConfigError(_problem(place, "its thread_id is no number"))
        self._base = Secret(f"{parts.scheme}://{parts.netloc}{path[1]}{path[2]}")
        self._token = Secret(path[2])
        self._thread = f"thread_id={thread}" if thread else ""

    def __repr__(self) -> str:
        return "WebhookAddress(***)"

    def new_message(self) -> Secret:
        """To post to. Discord answers with the message, whose id is needed to edit it."""
        return self._with("", "wait=true", self._thread)

    def message(self, message: str) -> Secret:
        """To edit an earlier message."""
        return self._with(f"/messages/{message}", self._thread)

    def redacted(self, text: str) -> str:
        """A text from outside, without our token should it hold that."""
        return text.replace(self._token.reveal(), "***")

    def _with(self, path: str, *query: str) -> Secret:
        asked = "&".join(filter(None, query))
        return Secret(f"{self._base.reveal()}{path}{'?' if asked else ''}{asked}")


def _problem(place: str, why: str) -> str:
    return (
        f"{place}: not the address of a webhook: {why}; "
        "copy it from Discord: https://discord.com/api/webhooks/ID/TOKEN"
    )
