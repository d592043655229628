"""Endpoints elsewhere with their addresses and keys, wherever those stand."""

from contextlib import AsyncExitStack

from izumi.clients.addresses import may_call
from izumi.clients.http import Http
from izumi.clients.secret_file import secret
from izumi.consumers.endpoints import Endpoint, Endpoints
from izumi.consumers.endpoints_settings import (
    NO_ADDRESS,
    NO_KEY,
    EndpointSettings,
    EndpointsSettings,
    is_address,
    is_key,
)
from izumi.domain.errors import ConfigError
from izumi.runtime.worker import utcnow


def endpoints(group: str, settings: EndpointsSettings, *, stack: AsyncExitStack) -> Endpoints:
    """The handler of a group; its connections end with `stack`.

    Raises:
        ConfigError: An address or a key is none, or its file cannot be read.
    """
    private = settings.networks()
    lines = [(one,) for one in settings.always] + [*settings.sequential.values()]
    known = [[endpoint(group, one) for one in line] for line in lines]
    http = Http(longest_reply_bytes=1 << 20, may_call=lambda one: may_call(one, private))
    stack.push_async_callback(http.aclose)
    return Endpoints(lines=known, after=settings.after, http=http, now=utcnow)


def endpoint(group: str, settings: EndpointSettings) -> Endpoint:
    """An endpoint; nobody is asked.

    Raises:
        ConfigError: Its address or its key is none, or its file cannot be read.
    """
    place = f"[endpoints.{group}] {settings.name}"
    url = secret(settings.url, settings.url_file, f"{place}: url")
    if not is_address(url):
        raise ConfigError(f"{place}: url_file: {settings.url_file} holds {NO_ADDRESS}")
    auth = settings.auth
    if settings.auth_file is not None:
        auth = secret(None, settings.auth_file, f"{place}: auth")
        if not is_key(auth):
            raise ConfigError(f"{place}: auth_file: {settings.auth_file}: {NO_KEY}")
    return Endpoint(settings.name, url, auth)
