"""One service behind an address of the library Apprise: Telegram, ntfy, e-mail and many more.

Nothing that Apprise or its libraries say gets out of here, since their texts hold parts of
addresses, which are keys: only the status that the service answered with.
"""

import logging
import re
import warnings
from typing import Any, Final, NamedTuple

from izumi.domain.errors import ConfigError
from izumi.domain.plain import Format
from izumi.domain.secret import Secret

_STATUS: Final = re.compile(r"\berror=([1-5][0-9]{2})\b")
_LOGGERS: Final = ("apprise", "urllib3", "requests", "oauthlib", "requests_oauthlib")


class Delivery(NamedTuple):
    """How it went.

    Attributes:
        done: The service took the message.
        status: What it answered with instead, where it speaks HTTP and Apprise tells it.
    """

    done: bool
    status: int | None = None


class AppriseService:
    """A service that takes messages. Its methods block.

    Args:
        url: Its address as Apprise writes it, such as `ntfy://host/topic`.
        place: Where it stands in the configuration, for the error.

    Raises:
        ConfigError: It is no such address; the text does not show it.
    """

    def __init__(self, url: Secret, *, place: str) -> None:
        # Reading the library takes a quarter of a second, which most commands can do without.
        import apprise  # noqa: PLC0415 - as said

        _silence()
        asset = apprise.AppriseAsset(
            app_id="Izumi",
            app_desc="Izumi",
            async_mode=False,
            http_redirects=False,
            storage_mode="memory",
        )
        with warnings.catch_warnings():
            # Its services are read now, some of which use modules that Python takes away.
            warnings.simplefilter("ignore", DeprecationWarning)
            service: Any = apprise.Apprise.instantiate(url.reveal(), asset=asset)
        if service is None:
            raise ConfigError(
                f"{place}: not the address of a service that Apprise knows, or one for which a "
                "Python package is missing; compare https://appriseit.com/services"
            )
        if service.overflow_mode == apprise.OverflowMode.UPSTREAM:
            # What is too long for the service is refused by some: the end is cut off.
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
        self._apprise = apprise.Apprise(asset=asset)
        self._apprise.add(service)
        self.pause_s = float(service.request_rate_per_sec)
        """Seconds that Apprise leaves between two messages."""

    def __repr__(self) -> str:
        return "AppriseService(***)"

    def deliver(self, title: str, body: str, format_: Format) -> Delivery:
        """Send one message; `format_` is what the body is written in."""
        result = self._apprise.notify(body=body, title=title, body_format=format_)
        found = [_STATUS.search(entry.message) for entry in result.logs()]
        statuses = [int(match[1]) for match in found if match]
        return Delivery(bool(result), statuses[-1] if statuses and not result else None)


def _silence() -> None:
    """Keep every word of the libraries out of the log; Apprise's result still has its own."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
