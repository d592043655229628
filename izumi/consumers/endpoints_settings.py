"""`[endpoints.<group>]`: units of the earlier system that are told over HTTP."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from izumi.domain.announce import Kind
from izumi.domain.secret import Secret

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_AFTER: Final[tuple[Kind, ...]] = ("acquired", "encoded")


class EndpointSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One endpoint.

    Attributes:
        name: What records call it; unique in its group.
        url: Where it takes requests, such as "https://host.example/notify".
        url_file: A file that holds it, in place of `url`.
        auth: Its key, sent raw as the header `Authorization`.
        auth_file: A file that holds it, in place of `auth`.
    """

    name: str
    url: Secret | None = None
    url_file: Path | None = None
    auth: Secret | None = None
    auth_file: Path | None = None

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        if not self.name:
            raise ValueError("name: give the endpoint one, for records")
        if (self.url is None) == (self.url_file is None):
            raise ValueError(f"give `url` or `url_file` of {self.name!r}, one of them")
        if self.auth is not None and self.auth_file is not None:
            raise ValueError(f"give `auth` or `auth_file` of {self.name!r}, one of them")
        if self.url is not None and not is_address(self.url):
            raise ValueError(f"url of {self.name!r}: {NO_ADDRESS}")
        if self.auth is not None and not is_key(self.auth):
            raise ValueError(f"auth of {self.name!r}: {NO_KEY}")


NO_ADDRESS: Final = "no address such as https://host/notify"
NO_KEY: Final = "a key has no control characters"


def is_address(url: Secret) -> bool:
    """Whether requests can be sent there."""
    try:
        parts = urlsplit(url.reveal())
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        good = good and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
    return good


def is_key(auth: Secret) -> bool:
    """Whether a header can carry it."""
    text = auth.reveal()
    return text.isprintable() and text.strip() == text


class EndpointsSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[endpoints.<group>]`.

    Attributes:
        always: Every one of them is told.
        sequential: In each of these lists, the first one that takes it.
        after: Which facts they are told of.
        private: Networks of private addresses that may be called, such as "192.168.1.0/24";
            others than public ones are refused.
        jobs: Files told of at once by one instance.
        tier: 1 gets work only while every instance of tier 0 is away or full.
        deliver: "all" starts a new group with everything that the bus still keeps,
            "new" with what comes after it was made.
    """

    always: tuple[EndpointSettings, ...] = ()
    sequential: dict[str, tuple[EndpointSettings, ...]] = {}
    after: tuple[Kind, ...] = _AFTER
    private: tuple[str, ...] = ()
    jobs: int = 4
    tier: int = 0
    deliver: Literal["all", "new"] = "new"

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        names = [one.name for one in self.everyone()]
        if not names:
            raise ValueError("name at least one endpoint, in always or in sequential")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"name: {', '.join(map(repr, twice))} is there twice")
        if not self.after:
            raise ValueError("after: name at least one of acquired, encoded, distributed")
        if self.jobs < 1:
            raise ValueError(f"jobs: {self.jobs} must be 1 or more")
        self.networks()

    def everyone(self) -> Iterator[EndpointSettings]:
        """All endpoints."""
        yield from self.always
        for line in self.sequential.values():
            yield from line

    def networks(self) -> tuple[Network, ...]:
        """The private networks that may be called.

        Raises:
            ValueError: One is none.
        """
        try:
            return tuple(ipaddress.ip_network(text) for text in self.private)
        except ValueError as exc:
            raise ValueError(f'private: {exc}; write a network such as "192.168.1.0/24"') from exc
