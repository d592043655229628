"""The catalogue of shows, from the settings."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from izumi.clients.anilist import Anilist
from izumi.clients.budget import Budget
from izumi.clients.catalogue import Catalogue
from izumi.clients.catalogue_answers import Freshness
from izumi.clients.catalogue_store import CatalogueStore
from izumi.clients.http import Http
from izumi.clients.shared_turns import SharedTurns
from izumi.domain.errors import ConfigError
from izumi.domain.matching.redirects import NONE, Redirects, parse
from izumi.settings import Settings

_HURRIED_S: Final = 5.0
"""What a person waits for an answer that may never come."""

_PATIENT_S: Final = 6 * 3600.0
"""What reading thousands of names may wait for AniList's limit, all in all."""


def redirects(path: Path | None) -> Redirects:
    """The redirects in the file of `[anilist] redirects`.

    Raises:
        ConfigError: It cannot be read, or is not as documented.
    """
    if path is None:
        return NONE
    place = f"[anilist] redirects: {path}"
    try:
        return parse(path.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError(f"{place} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        msg = f"{place} is not in the format of anime-relations: {exc}; download it again"
        raise ConfigError(msg) from exc


def catalogue(settings: Settings, asked: Anilist | None, *, patience_s: float = 60.0) -> Catalogue:
    """What is kept in the state folder, and AniList behind it.

    Raises:
        ConfigError: The redirects cannot be read.
    """
    hours = settings.anilist
    return Catalogue(
        CatalogueStore(settings.state / "catalogue.sqlite"),
        asked,
        redirects=redirects(hours.redirects),
        freshness=Freshness(
            found_s=hours.search_fresh_h * 3600, nothing_s=hours.unknown_fresh_h * 3600
        ),
        patience_s=patience_s,
    )


def anilist(settings: Settings, *, http: Http, stack: contextlib.AsyncExitStack) -> Anilist:
    """AniList, within the limit of all processes that share the state folder."""
    ours = settings.anilist
    return Anilist(http, ours, budget=_budget(settings, stack))


def hurried(settings: Settings, *, http: Http, stack: contextlib.AsyncExitStack) -> Anilist:
    """As `anilist`, for a person who waits: asked once, and given up without an answer."""
    ours = settings.anilist
    shorter = msgspec.structs.replace(ours, timeout_s=min(ours.timeout_s, _HURRIED_S))
    return Anilist(
        http,
        shorter,
        budget=_budget(settings, stack),
        patience_s=_HURRIED_S,
        tries=1,
        away_s=_PATIENT_S,
    )


def _budget(settings: Settings, stack: contextlib.AsyncExitStack) -> Budget:
    shared = SharedTurns(settings.state / "limits.sqlite")
    stack.push_async_callback(shared.aclose)
    return Budget("AniList", per_minute=settings.anilist.per_minute, shared=shared)


@contextlib.asynccontextmanager
async def catalogue_for_once(settings: Settings, *, offline: bool) -> AsyncIterator[Catalogue]:
    """A catalogue for one run of a command, which gives up AniList once it does not answer.

    Args:
        settings: The configuration.
        offline: Ask nobody; what is kept answers.
    """
    ours = settings.anilist
    async with contextlib.AsyncExitStack() as stack:
        asked = None
        if ours.enabled and not offline:
            http = Http()
            stack.push_async_callback(http.aclose)
            asked = hurried(settings, http=http, stack=stack)
        shows = catalogue(settings, asked, patience_s=_PATIENT_S)
        stack.push_async_callback(shows.aclose)
        yield shows
