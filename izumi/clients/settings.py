"""`[anilist]`, `[kitsu]`, `[myanimelist]`, `[list.<name>]` and `[discord]`."""

import re
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from izumi.domain.secret import Secret
from izumi.domain.userlist import Status

_USER: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


class _Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Base of the tables here."""


class AnilistSettings(_Settings, frozen=True, kw_only=True):
    """`[anilist]`: which show a release belongs to, and facts of shows.

    Attributes:
        enabled: False: it is not asked. News carry names alone, and releases are matched to
            those shows alone that are already known here.
        url: Address of the GraphQL service.
        per_minute: Most requests in any minute, of all processes that share the state
            folder; hosts behind one address share AniList's limit, and need a smaller one
            each. AniList documents 90, allows 30 for years now, and does not tell so in its
            headers.
        timeout_s: Seconds for one answer.
        fresh_h: Hours before facts are asked for again.
        search_fresh_h: Hours before the catalogue is searched again for a title.
        unknown_fresh_h: The same for a title that it did not know.
        redirects: File of episodes that belong to another season than their name says, in
            the format of anime-relations: `anime-relations.txt` of
            https://github.com/erengy/anime-relations (public domain), which you download
            and renew yourself.
    """

    enabled: bool = True
    url: str = "https://graphql.anilist.co"
    per_minute: int = 25
    timeout_s: float = 10.0
    fresh_h: float = 24.0
    search_fresh_h: float = 168.0
    unknown_fresh_h: float = 24.0
    redirects: Path | None = None

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        _check_address(self.url)
        _check_positive(
            timeout_s=self.timeout_s,
            fresh_h=self.fresh_h,
            search_fresh_h=self.search_fresh_h,
            unknown_fresh_h=self.unknown_fresh_h,
        )
        if not 1 <= self.per_minute <= 90:
            raise ValueError(f"per_minute: {self.per_minute} must be from 1 to 90")


class KitsuSettings(_Settings, frozen=True, kw_only=True):
    """`[kitsu]`: links to Kitsu.

    Attributes:
        enabled: False: news carry no such link.
        url: Address of the JSON:API service.
        timeout_s: Seconds for one answer.
    """

    enabled: bool = True
    url: str = "https://kitsu.app/api/edge"
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        _check_address(self.url)
        _check_positive(timeout_s=self.timeout_s)


class MyAnimeListSettings(_Settings, frozen=True, kw_only=True):
    """`[myanimelist]`: where users' lists are read.

    Attributes:
        client_id: Of an application that you register at
            https://myanimelist.net/apiconfig; a secret. Without it the lists are read as
            the site itself shows them.
        client_id_file: A file that holds it, in place of `client_id`.
        url: Address of the API, version 2, which is asked with a client id.
        site: Address of the site, which is asked without one.
        per_minute: Most requests in any minute; the service names no limit.
        timeout_s: Seconds for one answer.
    """

    client_id: Secret | None = None
    client_id_file: Path | None = None
    url: str = "https://api.myanimelist.net/v2"
    site: str = "https://myanimelist.net"
    per_minute: int = 30
    timeout_s: float = 15.0

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        _check_address(self.url)
        _check_address(self.site, "site")
        _check_positive(timeout_s=self.timeout_s, per_minute=self.per_minute)
        if self.client_id is not None and self.client_id_file is not None:
            raise ValueError("give `client_id` or `client_id_file`, one of them")


class ListSettings(_Settings, frozen=True, kw_only=True):
    """`[list.<name>]`: shows on the lists of one or more users, for filters.

    Attributes:
        service: Where the lists are.
        users: Whose they are, as the service calls them; a show on the list of any of them
            counts. The lists must be public.
        statuses: Which of their shows count.
        refresh_min: Minutes after which a list is read again.
        stale_h: Hours for which a list counts that cannot be read again; after that
            everything is let in, as by a list that never could be read.
    """

    service: Literal["anilist", "myanimelist"]
    users: tuple[str, ...]
    statuses: tuple[Status, ...] = ("watching", "paused", "planning")
    refresh_min: float = 30.0
    stale_h: float = 168.0

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        if not self.users or not self.statuses:
            raise ValueError("users, statuses: name at least one of each")
        for user in self.users:
            if not _USER.fullmatch(user):
                raise ValueError(f"users: {user!r} is no user's name")
        _check_positive(refresh_min=self.refresh_min, stale_h=self.stale_h)


class DiscordSettings(_Settings, frozen=True, kw_only=True):
    """`[discord]`: what all webhooks share.

    Attributes:
        hosts: Hosts besides Discord's own that a webhook may have, as `host` or
            `host:port`: a proxy, or a rehearsal on this machine. Plain http is allowed
            there.
        timeout_s: Seconds for one answer.
    """

    hosts: tuple[str, ...] = ()
    timeout_s: float = 15.0

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        _check_positive(timeout_s=self.timeout_s)


def _check_address(url: str, key: str = "url") -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"{key}: {url!r} must be an address such as https://host/path")


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name}: {value} must be more than 0")
