"""Who may come in: keys read again when they change, and addresses that guess slowed down."""

import base64
import binascii
import datetime as dt
import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from izumi.domain.errors import ConfigError
from izumi.publishers.gateway import keys
from izumi.publishers.gateway.keys import Client, Key, Scope
from izumi.publishers.gateway.settings import Network

log = structlog.get_logger()

ANYBODY: Final = Client("anybody", ("submit",))
"""Who comes without a key to a gateway that is open."""

_WINDOW_S: Final = 60.0
_MOST_ADDRESSES: Final = 10_000
_LONGEST_KEY: Final = 4096


class Refused(Exception):
    """Not let in. `retry_after_s`: when to ask again, for who is to wait.

    Args:
        status: 401: no known key. 403: a key that may not do this. 429: too many tries.
        reason: For people; tells nothing of any key.
    """

    def __init__(self, status: int, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


class Failures:
    """Wrong keys by address, of the last minute; bounded, the longest silent is forgotten.

    Args:
        most: So many are allowed.
        clock: Seconds, monotonic.
    """

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long the address has to wait; 0: not at all."""
        seen = self._seen.get(_neighbours(address)) if self._seen else None
        if seen is None or len(seen) < self._most:
            return 0.0
        return max(0.0, seen[0] + _WINDOW_S - self._clock())

    def failed(self, address: str) -> None:
        """Note one."""
        place = _neighbours(address)
        seen = self._seen.pop(place, None) or deque(maxlen=self._most)
        seen.append(self._clock())
        self._seen[place] = seen
        if len(self._seen) > _MOST_ADDRESSES:
            self._seen.popitem(last=False)


def _neighbours(address: str) -> str:
    """What one person has: an address, or a network of 2**64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


class KeyRing:
    """The keys in force. A file is read again when it changed.

    Args:
        path: Our own file; need not exist.
        old: One of the earlier system.

    Raises:
        ConfigError: One of both cannot be read. Later on, what was read last stays in force,
            and that is told.
    """

    def __init__(self, path: Path, old: Path | None = None) -> None:
        self._sources = [_Source(path, keys.load)]
        if old is not None:
            self._sources.append(_Source(old, keys.load_old))
        for source in self._sources:
            source.read()

    @property
    def keys(self) -> list[Key]:
        """All of them, expired ones too."""
        return [key for source in self._sources for key in source.fresh()]


class _Source:
    def __init__(self, path: Path, load: Callable[[Path], tuple[Key, ...]]) -> None:
        self._path = path
        self._load = load
        self._keys: tuple[Key, ...] = ()
        self._seen: object = None

    def read(self) -> None:
        seen = self._looks()
        try:
            self._keys = self._load(self._path)
        finally:
            # Last: who asks from another thread meanwhile reads for himself.
            self._seen = seen

    def fresh(self) -> tuple[Key, ...]:
        if self._looks() != self._seen:
            try:
                self.read()
            except ConfigError as exc:
                log.warning("gateway.keys_unreadable", error=str(exc))
            else:
                log.info("gateway.keys_read", path=str(self._path), keys=len(self._keys))
        return self._keys

    def _looks(self) -> object:
        try:
            found = self._path.stat()
        except OSError as exc:
            return exc.errno
        return (found.st_ino, found.st_mtime_ns, found.st_size)


class Access:
    """Decides about each request.

    Args:
        ring: The keys.
        failures: Wrong keys so far.
        is_open: Who brings no key, or an unknown one, may submit.
        now: Wall clock, for expiry.
    """

    def __init__(
        self,
        ring: KeyRing,
        failures: Failures,
        *,
        is_open: bool,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._ring = ring
        self._failures = failures
        self._is_open = is_open
        self._now = now

    def admit(self, presented: Sequence[bytes], address: str, scope: Scope) -> Client:
        """The client, when it may do what it asks for.

        Args:
            presented: Every `Authorization` header of the request.
            address: Where it comes from.
            scope: What it asks for.

        Raises:
            Refused: It may not.
        """
        wait_s = self._failures.wait_s(address)
        if wait_s > 0:
            raise Refused(429, "too many wrong keys came from this address", wait_s)
        client = keys.find(self._ring.keys, candidates(presented), self._now())
        if client is None and self._is_open:
            # The earlier system refused a key where none is configured; whoever is let in
            # without one is let in with one.
            client = ANYBODY
        if client is None:
            if presented:
                self._failures.failed(address)
            raise Refused(401, "bring a key that is known here, as the header Authorization")
        if scope not in client.scopes:
            if client is ANYBODY:
                raise Refused(401, f"this takes a key with the scope {scope}")
            raise Refused(403, f"the key of {client.name} has not the scope {scope}")
        return client


def candidates(presented: Sequence[bytes]) -> list[bytes]:
    """The texts that may be the key: as it is, after `Bearer`, or the password of `Basic`.

    Earlier requesters send the same header twice; two different ones are no key.
    """
    different = set(presented)
    if len(different) != 1:
        return []
    (text,) = different
    if not text or len(text) > _LONGEST_KEY:
        return []
    kind, _, rest = text.partition(b" ")
    if kind.lower() == b"bearer":
        return [text, rest.strip()]
    if kind.lower() == b"basic":
        try:
            return [text, base64.b64decode(rest.strip(), validate=True).partition(b":")[2]]
        except binascii.Error:
            return [text]
    return [text]


class Seen(NamedTuple):
    """Who connected, and for whom they say they did."""

    peer: str
    forwarded: Sequence[str]


def address_of(seen: Seen, trusted: Sequence[Network]) -> str:
    """The address of the client: the last one that no trusted proxy vouches for."""
    address = seen.peer
    hops = [hop.strip() for line in seen.forwarded for hop in line.split(",")]
    while hops and _is_in(address, trusted):
        said = hops.pop()
        try:
            address = str(ipaddress.ip_address(said))
        except ValueError:
            break
    return address


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
