"""`[anilist]`, `[kitsu]` and `[discord]`."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec


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
        per_minute: Most requests in any minute. AniList documents 90, allows 30 for
            years now, and does not tell so in its headers.
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


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"url: {url!r} must be an address such as https://host/path")


def _check_positive(**seconds: float) -> None:
    for name, value in seconds.items():
        if not value > 0:
            raise ValueError(f"{name}: {value} must be more than 0")
