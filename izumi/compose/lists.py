"""Users' lists, for filters, from the settings."""

from contextlib import AsyncExitStack

from izumi.clients.anilist import Anilist
from izumi.clients.anilist_lists import AnilistLists
from izumi.clients.facts_cache import FactsCache
from izumi.clients.http import Http
from izumi.clients.myanimelist import MyAnimeList
from izumi.clients.secret_file import secret
from izumi.clients.settings import MyAnimeListSettings
from izumi.clients.user_list import CachedUserList, ListService, Times
from izumi.clients.user_lists import NamedList, UserLists
from izumi.settings import Settings


def user_lists(
    settings: Settings, anilist: Anilist | None, *, http: Http, stack: AsyncExitStack
) -> UserLists:
    """Every list of the configuration; each is read when a filter first asks.

    Raises:
        ConfigError: The file of the client id cannot be read.
    """
    services: dict[str, ListService] = {}
    if anilist is not None:
        services["anilist"] = AnilistLists(anilist)
    if any(one.service == "myanimelist" for one in settings.list.values()):
        services["myanimelist"] = _myanimelist(settings.myanimelist, http)
    cache = FactsCache(settings.state / "lists.sqlite")
    stack.push_async_callback(cache.aclose)
    lists = {}
    for name, ours in settings.list.items():
        times = Times(fresh_s=ours.refresh_min * 60, stale_s=ours.stale_h * 3600)
        users = [
            CachedUserList(services[ours.service], user, ours.statuses, cache, times)
            for user in ours.users
        ]
        lists[name] = NamedList(ours.service, users)
    found = UserLists(lists)
    stack.push_async_callback(found.aclose)
    return found


def _myanimelist(settings: MyAnimeListSettings, http: Http) -> MyAnimeList:
    client_id = None
    if settings.client_id is not None or settings.client_id_file is not None:
        place = "[myanimelist] client_id"
        client_id = secret(settings.client_id, settings.client_id_file, place)
    return MyAnimeList(http, settings, client_id)
