"""Outgoing requests: bounded, without redirects or cookies.

Their errors tell neither address nor token.
"""

import contextlib
import ipaddress
import math
import os
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp

from izumi import __version__
from izumi.clients.addresses import CheckedResolver, NotAllowed
from izumi.domain.errors import Unavailable
from izumi.domain.secret import Secret

LONGEST_REPLY_BYTES = 2 << 20
_CHUNK_BYTES = 1 << 16


class Reply(NamedTuple):
    """A whole answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """One pool of connections for every service of a process.

    Args:
        longest_reply_bytes: A longer answer is none.
        may_call: Whether an address may be called; None: every one.
    """

    def __init__(
        self,
        *,
        longest_reply_bytes: int = LONGEST_REPLY_BYTES,
        may_call: Callable[[str], bool] | None = None,
    ) -> None:
        self._longest_reply_bytes = longest_reply_bytes
        self._may_call = may_call
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        service: str,
        method: str,
        url: Secret | str,
        *,
        timeout_s: float,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and read the whole answer, whatever its status is.

        Args:
            service: What errors call it; never its address.
            method: HTTP method.
            url: Where to; a Secret where the address itself is one.
            timeout_s: For everything together.
            body: JSON.
            params: Added to the query.
            headers: More headers.

        Raises:
            Unavailable: No whole answer came. The request may have been carried out all
                the same, unless there was no connection.
        """
        # The error of aiohttp holds the address. It is turned into words and left behind
        # before ours is raised, so that not even its context leads back to it.
        failure = ""
        try:
            address = url.reveal() if isinstance(url, Secret) else url
            self._check(address)
            async with self._open().request(
                method,
                address,
                data=body,
                params=params,
                headers={"Content-Type": "application/json", **(headers or {})},
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
            ) as response:
                content = await self._read(response)
                if content is not None:
                    names = {name.lower(): value for name, value in response.headers.items()}
                    return Reply(response.status, names, content)
                failure = f"more than {self._longest_reply_bytes} bytes came back"
        except TimeoutError:
            failure = f"no answer within {timeout_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            failure = _words(exc)
        raise Unavailable(f"{service}: {failure}")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes | None:
        """The body; None when it is longer than anything that is expected."""
        content = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            content += chunk
            if len(content) > self._longest_reply_bytes:
                return None
        return bytes(content)

    def _check(self, address: str) -> None:
        """Refuse an address that is written in numbers; names are checked where resolved."""
        host = urlsplit(address).hostname or ""
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host.partition("%")[0])
            if self._may_call is not None and not self._may_call(host):
                raise NotAllowed(None, "its address may not be called")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = None if self._may_call is None else CheckedResolver(self._may_call)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"Izumi/{__version__}"},
            )
        return self._session

    async def aclose(self) -> None:
        """Close every connection. May be called twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _words(exc: Exception) -> str:
    """What went wrong, in words that hold nothing of the request."""
    match exc:
        case NotAllowed() | aiohttp.ClientConnectorDNSError(os_error=NotAllowed()):
            return "its address is private, and [endpoints] private does not allow it"
        case aiohttp.ClientConnectorDNSError():
            return "the name of its host cannot be resolved"
        case aiohttp.ClientConnectorError():
            number = exc.os_error.errno
            return f"no connection: {os.strerror(number) if number else type(exc).__name__}"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without an answer"
        case _:
            return f"no answer: {type(exc).__name__}"


def retry_after_s(reply: Reply, otherwise: float) -> float:
    """Seconds that the header `Retry-After` asks for, as a number or a date; at most a day."""
    text = reply.headers.get("retry-after", "")
    try:
        until = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return seconds(text, otherwise)
    return seconds(until - time.time(), otherwise)


def seconds(text: object, otherwise: float) -> float:
    """A number of seconds as services write it, at most a day; else `otherwise`."""
    try:
        value = float(text)  # type: ignore[arg-type]  # anything a service may have written
    except (TypeError, ValueError):
        return otherwise
    return min(value, 86400.0) if math.isfinite(value) and value >= 0 else otherwise
