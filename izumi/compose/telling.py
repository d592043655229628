"""Where people are told, from the settings of a notifier group."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

from izumi.clients.anilist import Anilist
from izumi.clients.apprise_channel import AppriseChannel
from izumi.clients.apprise_service import AppriseService
from izumi.clients.discord import DiscordChannel, Gate
from izumi.clients.discord_address import WebhookAddress
from izumi.clients.facts import CachedFacts
from izumi.clients.facts_cache import FactsCache
from izumi.clients.http import Http
from izumi.clients.journal import Journal
from izumi.clients.kitsu import Kitsu
from izumi.clients.ports import ShowFacts, Sieve
from izumi.clients.secret_file import secret
from izumi.compose.catalogue import hurried
from izumi.compose.wanted import link_bases, template
from izumi.consumers.notifier_settings import AppriseTarget, DiscordTarget
from izumi.consumers.telling import Target
from izumi.domain.filters import Filter
from izumi.settings import Settings


def targets(
    settings: Settings,
    group: str,
    *,
    http: Http,
    gate: Gate,
    stack: AsyncExitStack,
    sieve: Callable[[Filter], Sieve | None] = lambda _: None,
) -> list[Target]:
    """Every channel that the group tells now.

    Args:
        settings: The configuration.
        group: Of `[notifier.<group>]`.
        http: Makes the requests.
        gate: Shared by the webhooks of the process.
        stack: Closes what was opened.
        sieve: Puts a filter to work; left out, no filter is.

    Raises:
        ConfigError: An address is none, or its file cannot be read.
    """
    ours = settings.notifier[group]
    found = [
        Target(_discord(settings, group, one, http, gate), one.announce, sieve(one.filter))
        for one in ours.told_on_discord
    ]
    found += [
        Target(_by_apprise(settings, group, one, stack), one.announce, sieve(one.filter))
        for one in ours.told_by_apprise
    ]
    if ours.logs:
        found.append(Target(Journal(settings.state / "announcements.jsonl"), ours.announce))
    return found


def _discord(
    settings: Settings, group: str, target: DiscordTarget, http: Http, gate: Gate
) -> DiscordChannel:
    return DiscordChannel(
        name=target.name,
        http=http,
        gate=gate,
        template=template(settings, target.template),
        bases=link_bases(settings, target.link_base),
        timeout_s=settings.discord.timeout_s,
        address=_address(settings, group, target),
    )


def _by_apprise(
    settings: Settings, group: str, target: AppriseTarget, stack: AsyncExitStack
) -> AppriseChannel:
    channel = AppriseChannel(
        name=target.name,
        service=_service(group, target),
        template=template(settings, target.template),
        bases=link_bases(settings, target.link_base),
        format=target.format,
        timeout_s=target.timeout_s,
    )
    stack.push_async_callback(channel.aclose)
    return channel


def check(settings: Settings, group: str, target: DiscordTarget | AppriseTarget) -> None:
    """Look at the address of a target; nobody is asked.

    Raises:
        ConfigError: It is none, or its file cannot be read.
    """
    if isinstance(target, AppriseTarget):
        _service(group, target)
    else:
        _address(settings, group, target)


def _address(settings: Settings, group: str, target: DiscordTarget) -> WebhookAddress:
    place = f"[[notifier.{group}.discord]] {target.name}"
    url = secret(target.url, target.url_file, place)
    return WebhookAddress(url, place=place, hosts=settings.discord.hosts)


def _service(group: str, target: AppriseTarget) -> AppriseService:
    place = f"[[notifier.{group}.apprise]] {target.name}"
    return AppriseService(secret(target.url, target.url_file, place), place=place)


def facts(
    settings: Settings, anilist: Anilist | None, *, http: Http, stack: AsyncExitStack
) -> CachedFacts | None:
    """What is known of shows; None where AniList is not to be asked."""
    if anilist is None:
        return None
    found = CachedFacts(
        anilist,
        Kitsu(http, settings.kitsu) if settings.kitsu.enabled else None,
        FactsCache(settings.state / "facts.sqlite"),
        fresh_s=settings.anilist.fresh_h * 3600,
    )
    stack.push_async_callback(found.aclose)
    return found


@contextlib.asynccontextmanager
async def facts_for_once(settings: Settings, *, offline: bool) -> AsyncIterator[ShowFacts | None]:
    """As `facts`, for one run of a command: AniList is asked once, and not waited for."""
    async with AsyncExitStack() as stack:
        found = None
        if settings.anilist.enabled and not offline:
            http = Http()
            stack.push_async_callback(http.aclose)
            settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            anilist = hurried(settings, http=http, stack=stack)
            found = facts(settings, anilist, http=http, stack=stack)
        yield found
