"""Requests by their keys and addresses, and who sent them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from litestar import Request

from izumi.publishers.gateway.access import Access, Refused, Seen, address_of
from izumi.publishers.gateway.keys import Client, Scope
from izumi.publishers.gateway.settings import Network

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]

CLIENT: Final = "client"
"""Where a request that was let in carries who sent it."""


class Door:
    """Lets requests in.

    Args:
        access: Decides.
        trusted: Proxies that are believed about addresses.
    """

    def __init__(self, access: Access, trusted: Sequence[Network]) -> None:
        self._access = access
        self._trusted = tuple(trusted)

    def admit(self, request: Mapping[str, Any], scope: Scope) -> Client:
        """Who sends the request.

        Args:
            request: As the server describes it.
            scope: What it asks for.

        Raises:
            Refused: Whoever it is, they may not.
        """
        address = self._address(request)
        try:
            return self._access.admit(_lines(request, b"authorization"), address, scope)
        except Refused as exc:
            log.warning("gateway.refused", address=address, status=exc.status, reason=exc.reason)
            raise

    def _address(self, request: Mapping[str, Any]) -> str:
        peer = request["client"][0] if request.get("client") else ""
        said = [line.decode("latin-1") for line in _lines(request, b"x-forwarded-for")]
        return address_of(Seen(peer, said), self._trusted)


def client_of(request: AnyRequest) -> Client:
    """Who sent a request that was let in."""
    client: Client = request.scope["state"][CLIENT]
    return client


def _lines(request: Mapping[str, Any], name: bytes) -> list[bytes]:
    """Every header line of that name, as its bytes."""
    return [value for key, value in request["headers"] if key == name]
