"""`[notifier.<group>]`: where people are told, and of what."""

from pathlib import Path
from typing import Final, Literal

import msgspec

from izumi.domain.announce import news_fault
from izumi.domain.filters import Filter
from izumi.domain.links import base_fault
from izumi.domain.plain import Format
from izumi.domain.secret import Secret

DEFAULT_NEWS: Final[tuple[str, ...]] = ("acquired", "encoded")


class TargetSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What targets of every sort have.

    Attributes:
        name: What records and events call it; its address is a secret.
        url: Its address.
        url_file: A file that holds it, in place of `url`.
        template: What its messages look like: "full" with cover, studio and statistics,
            "compact" without them, or one of `[template.<name>]`.
        link_base: Where hardsubs can be had: their news link to
            `<link_base>/<show>/<episode>`.
        announce: Which facts are news here: "acquired", "encoded", "distributed", or
            "distributed.NAME" for copies at one destination alone.
        dev: For trying things out: told while the group has `dev = true`, and only then.
        filter: What is told there; nothing given: everything.
    """

    name: str
    url: Secret | None = None
    url_file: Path | None = None
    template: str = "full"
    link_base: str | None = None
    announce: tuple[str, ...] = DEFAULT_NEWS
    dev: bool = False
    filter: Filter = Filter()

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        if not self.name or self.name == "log":
            raise ValueError(f"name: {self.name!r} must be a text, and not `log`")
        if (self.url is None) == (self.url_file is None):
            raise ValueError(f"give `url` or `url_file` of {self.name!r}, one of them")
        if self.link_base is not None and (fault := base_fault("link_base", self.link_base)):
            raise ValueError(fault)
        if fault := news_fault(self.announce):
            raise ValueError(fault)


class DiscordTarget(TargetSettings, frozen=True, kw_only=True):
    """`[[notifier.<group>.discord]]`: one webhook; `url` as Discord shows it."""


class AppriseTarget(TargetSettings, frozen=True, kw_only=True):
    """`[[notifier.<group>.apprise]]`: any of the services that Apprise knows.

    Attributes:
        format: How the text is written: "text", or "html" for services that show links and
            line breaks of their own; Apprise makes of it what the service takes.
        timeout_s: Seconds for one message, Apprise's own pauses between messages included.
    """

    format: Format = "text"
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        super().__post_init__()
        if not 0 < self.timeout_s < float("inf"):
            raise ValueError(f"timeout_s: {self.timeout_s} must be more than 0")


class NotifierSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[notifier.<group>]`.

    Attributes:
        discord: Webhooks.
        apprise: Other services: Telegram, ntfy, e-mail, Slack, Matrix and many more.
        dev: Tell the targets with `dev = true` instead of all others.
        log: Write every news to the log and to `<state>/announcements.jsonl` as well;
            not set: only where there is no other target.
        announce: Which facts are news for the log, as for other targets.
        facts_within_s: Seconds that news wait for facts of the show before they go out
            with plain names.
        facts_later_h: Hours for which a message with plain names is completed when facts
            of its show can be had.
        digest_s: An episode that comes so many seconds after another one of its show joins
            that one's message; 0 gives each a message of its own.
        jobs: News in work at once at one instance; most of them wait for a channel. With
            fewer, a channel that is slow holds up the others.
        tier: 1 gets work only while every instance of tier 0 is away or full.
        deliver: "new" starts a new group with what comes after it was made, "all" with
            everything that the bus still keeps.
    """

    discord: tuple[DiscordTarget, ...] = ()
    apprise: tuple[AppriseTarget, ...] = ()
    dev: bool = False
    log: bool | None = None
    announce: tuple[str, ...] = DEFAULT_NEWS
    facts_within_s: float = 60.0
    facts_later_h: float = 24.0
    digest_s: float = 120.0
    jobs: int = 2000
    tier: int = 0
    deliver: Literal["all", "new"] = "new"

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        names = [target.name for target in self.targets]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two targets are called {twice!r}; names tell them apart")
        if self.dev and not any(target.dev for target in self.targets):
            raise ValueError("dev: no target has `dev = true`, so that nobody would be told")
        if fault := news_fault(self.announce):
            raise ValueError(fault)
        if self.jobs < 1:
            raise ValueError(f"jobs: {self.jobs} must be 1 or more")
        for name in ("facts_within_s", "facts_later_h", "digest_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be 0 or more")

    @property
    def targets(self) -> tuple[DiscordTarget | AppriseTarget, ...]:
        """All of them, whether or not they are told now."""
        return (*self.discord, *self.apprise)

    @property
    def told_on_discord(self) -> tuple[DiscordTarget, ...]:
        """The webhooks that are told while `dev` is as it is."""
        return tuple(target for target in self.discord if target.dev == self.dev)

    @property
    def told_by_apprise(self) -> tuple[AppriseTarget, ...]:
        """As `told_on_discord`, of the other services."""
        return tuple(target for target in self.apprise if target.dev == self.dev)

    @property
    def told_names(self) -> tuple[str, ...]:
        """Names of all who are told now."""
        told = (*self.told_on_discord, *self.told_by_apprise)
        return (*(target.name for target in told), *(["log"] if self.logs else []))

    @property
    def logs(self) -> bool:
        """Whether news go to the log."""
        return not self.targets if self.log is None else self.log
