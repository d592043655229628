"""`[gateway]`."""

import ipaddress
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from izumi.domain.subjects import SUBS, Priority, Sub
from izumi.runtime.settings import parsed

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_OWN: Final = ("/v1", "/sonarr", "/hook")


class BySubSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`by_sub` of a route: the group for each kind of file; not set: the route's own.

    Attributes:
        softsub: Gets requests about softsubs.
        hardsub: About hardsubs.
        none: About files without subtitles.
    """

    softsub: str | None = None
    hardsub: str | None = None
    none: str | None = None


class RouteSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[gateway.routes."/<path>"]`: who gets what is posted to a path.

    Attributes:
        unit: Kind of unit.
        group: Its group; where this configuration has one group of the unit alone, `main` is it.
        by_sub: Other groups for requests whose `sub` says so, as `{ hardsub = "mirrors" }`.
        priority: Of the work; a notifier has but one.
    """

    unit: Literal["encoder", "distributor", "notifier"]
    group: str = "main"
    by_sub: BySubSettings = BySubSettings()
    priority: Priority = "normal"

    def __post_init__(self) -> None:
        """Check what the table alone can tell."""
        if self.unit == "encoder" and self.by_sub != BySubSettings():
            raise ValueError("by_sub: an encoder is asked for softsubs alone, whatever `sub` says")

    def group_of(self, sub: Sub) -> str:
        """The group that gets a request about such a file."""
        found: str | None = getattr(self.by_sub, sub)
        return self.group if found is None else found

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group that it leads to, each once."""
        return tuple(dict.fromkeys((self.group, *map(self.group_of, SUBS))))


class PathSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    r"""`[[gateway.paths]]`: a folder that others call otherwise than this host does.

    Attributes:
        theirs: As Sonarr or a torrent client writes it, such as "/downloads" or "D:\Anime".
        ours: The same folder on this host.
    """

    theirs: str
    ours: Path

    def __post_init__(self) -> None:
        """Check what the table alone can tell."""
        if not self.theirs.strip("/\\"):
            raise ValueError(f"theirs: {self.theirs!r} names no folder")
        if not self.ours.is_absolute():
            raise ValueError(f"ours: {str(self.ours)!r} must be absolute")


ROUTES: Final = {
    "/encode": RouteSettings(unit="encoder"),
    "/encode-hp": RouteSettings(unit="encoder", priority="high"),
    "/encode-mp": RouteSettings(unit="encoder"),
    "/encode-lp": RouteSettings(unit="encoder", priority="low"),
    "/distribute": RouteSettings(unit="distributor"),
    "/notify": RouteSettings(unit="notifier"),
}


def aimed(
    routes: Mapping[str, RouteSettings], groups: Mapping[str, Collection[str]]
) -> dict[str, RouteSettings]:
    """The routes; those to `main` lead to the only group there is, whatever it is called.

    Args:
        routes: By path.
        groups: Of each unit, as far as this configuration knows.
    """
    found = dict(routes)
    for path, one in routes.items():
        known = [*groups.get(one.unit, ())]
        if len(known) == 1:
            only = {"main": known[0]}
            own = msgspec.structs.asdict(one.by_sub)
            by_sub = BySubSettings(**{sub: only.get(name, name) for sub, name in own.items()})
            group = only.get(one.group, one.group)
            found[path] = msgspec.structs.replace(one, group=group, by_sub=by_sub)
    return found


def astray(routes: Mapping[str, RouteSettings], groups: Mapping[str, Collection[str]]) -> list[str]:
    """For people: routes to a group that a configuration with others of its unit has not."""
    return [
        f"{path} leads to the {one.unit} group {group}, but here are "
        f"{', '.join(groups[one.unit])}; see [gateway.routes]"
        for path, one in routes.items()
        for group in one.groups
        if groups.get(one.unit) and group not in groups[one.unit]
    ]


class GatewaySettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[gateway]`: requests over HTTP.

    Attributes:
        listen: Address and port. Others than loopback belong behind a proxy with TLS.
        routes: Paths of the earlier system's requests. Naming any replaces them all; without
            it they are `/encode`, `/encode-hp`, `/encode-mp`, `/encode-lp`, `/distribute`
            and `/notify`, each for the group `main`.
        sources: Locations that hold the files named by such requests, nearest first; empty:
            those of the unit, or every one that it knows.
        old_keys: An `auth.yml` or JSON file of the earlier system, `name: key`; read as it
            is, and again when it changes. Its keys may submit.
        open: Let requests without a key submit work. Whoever reaches the port may then.
        trusted_proxies: Networks of proxies whose `X-Forwarded-For` is believed.
        paths: Folders that Sonarr or a torrent client calls otherwise.
        failures_per_minute: Wrong keys that one address may present; then it has to wait.
        most_body_bytes: A longer request is refused.
        most_connections: At once. Of more, the one that has been silent longest is closed.
        most_streams: Clients that may follow the events at once.
        header_s: A client gets so long for the head of its request.
        body_s: And so long for the rest.
        store_s: How long the bus may take to store a request; earlier units wait 5 s.
        again_s: A request that is repeated sooner than so long after its work was done asks
            for nothing new.
    """

    listen: str = "127.0.0.1:8710"
    routes: dict[str, RouteSettings] = msgspec.field(default_factory=lambda: dict(ROUTES))
    sources: tuple[str, ...] = ()
    old_keys: Path | None = None
    open: bool = False
    trusted_proxies: tuple[str, ...] = ()
    paths: tuple[PathSettings, ...] = ()
    failures_per_minute: int = 10
    most_body_bytes: int = 65536
    most_connections: int = 512
    most_streams: int = 50
    header_s: float = 5.0
    body_s: float = 10.0
    store_s: float = 4.0
    again_s: float = 600.0

    def __post_init__(self) -> None:
        """Check what the table alone can tell."""
        try:
            parsed(self.listen)
        except ValueError as exc:
            text = f'listen: {self.listen!r} is no address and port such as "127.0.0.1:8710"'
            raise ValueError(text) from exc
        for path in self.routes:
            if not _PATH.fullmatch(path) or path.startswith(_OWN):
                raise ValueError(f'routes: {path!r} is no path such as "/encode"')
        self.networks()
        for name in ("failures_per_minute", "most_body_bytes", "most_connections", "most_streams"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} must be 1 or more")
        for name in ("header_s", "body_s", "store_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be more than 0")

    def networks(self) -> tuple[Network, ...]:
        """The networks of the trusted proxies.

        Raises:
            ValueError: One is none.
        """
        try:
            return tuple(ipaddress.ip_network(text) for text in self.trusted_proxies)
        except ValueError as exc:
            text = f'trusted_proxies: {exc}; write an address or a network such as "10.0.0.0/8"'
            raise ValueError(text) from exc
