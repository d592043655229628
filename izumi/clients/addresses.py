"""Which addresses may be called: public ones, and private ones that were named."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class NotAllowed(OSError):
    """The name leads to addresses that may not be called."""


def may_call(text: str, named: Iterable[Network]) -> bool:
    """Whether an address may be called: it is public, or in a network that was named.

    What stands for another address (mapped, 6to4, Teredo, NAT64) is judged by that one.
    """
    try:
        address = _meant(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if any(address in network for network in named):
        return True
    return address.is_global and not address.is_multicast


def _meant(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    teredo = address.teredo
    inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


class CheckedResolver(AbstractResolver):
    """Resolves names to addresses that may be called: what was checked is connected to.

    Args:
        may: Whether an address may be called.
    """

    def __init__(self, may: Callable[[str], bool]) -> None:
        self._may = may
        self._inner = aiohttp.ThreadedResolver(asyncio.get_running_loop())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name that may be called.

        Raises:
            NotAllowed: It has others alone.
        """
        found = await self._inner.resolve(host, port, family)
        good = [one for one in found if self._may(one["host"])]
        if not good:
            raise NotAllowed(None, "its address may not be called")
        return good

    async def close(self) -> None:
        """Nothing is kept."""
