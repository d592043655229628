"""`izumi notify --preview`: what a message would look like, before anyone sees it."""

import asyncio
import datetime as dt
import difflib
import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from izumi import compose
from izumi import settings as settings_
from izumi.commands.options import ConfigFile
from izumi.consumers.notifier_settings import AppriseTarget, DiscordTarget
from izumi.domain.announce import announce
from izumi.domain.embed import Embed, embed
from izumi.domain.embed_page import page
from izumi.domain.errors import BadEvent, Unavailable, UnknownEvent, UserError
from izumi.domain.events import Acquired, Distributed, Encoded, decode_fact
from izumi.domain.identify import identify
from izumi.domain.plain import Text, text
from izumi.domain.reading.folders import parted
from izumi.domain.sample_news import Stage, sample
from izumi.domain.show import Show
from izumi.domain.template import SHIPPED, Template
from izumi.domain.told import News
from izumi.runtime import telemetry
from izumi.runtime.telemetry import printable
from izumi.settings import Settings

_LONGEST_BYTES: Final = 16 << 20
_MOST_EPISODES: Final = 100


def notify(
    *,
    # Names of strangers may begin with a hyphen.
    preview: Annotated[str, Parameter(allow_leading_hyphen=True)],
    template: Annotated[str | None, Parameter(name=["--template", "-t"])] = None,
    target: str | None = None,
    stage: Stage = "softsub",
    episodes: int = 1,
    html: Path | None = None,
    offline: Annotated[bool, Parameter(negative="")] = False,
    config: ConfigFile = None,
) -> int:
    """Show what a message would look like; nobody is told.

    A name is taken for a release that just came: its size is made up, and the show is
    looked up at AniList. Works without a configuration file, too.

    Args:
        preview: A release name; or events as JSON: a file, or `-` for standard input, with
            one event a line or a list of them. Several events make one message.
        template: `full`, `compact`, or a `[template.<name>]`, in place of the target's.
        target: A target of `[notifier.<group>]`: its template, links and format.
        stage: Of a release: only the softsub is there; the hardsub, too; and mirrors.
        episodes: Of a release: so many come together.
        html: Write a page that looks like Discord's, to be opened in a browser.
        offline: Do not ask AniList; names are all there is.
        config: See below.
    """
    path = settings_.find_or_none(config)
    settings = settings_.load(path) if path else settings_.unconfigured()
    telemetry.configure("warning", settings.log.format, secrets=settings_.secrets(settings))
    chosen = _target(settings, target)
    look = _template(settings, template or (chosen.template if chosen else "full"))
    bases = compose.link_bases(settings, chosen.link_base if chosen else None)
    facts = _facts(settings, preview, stage, episodes)
    news = announce(facts, asyncio.run(_show(settings, facts[0], offline=offline)))
    format_ = chosen.format if isinstance(chosen, AppriseTarget) else "text"
    shown = embed(news, look, bases)
    _print(text(news, look, bases, format_), shown)
    if html is not None:
        _write(html, page(shown))
    return 0


def _target(settings: Settings, name: str | None) -> DiscordTarget | AppriseTarget | None:
    if name is None:
        return None
    every = [target for group in settings.notifier.values() for target in group.targets]
    found = next((target for target in every if target.name == name), None)
    if found is None:
        raise UserError(f"no target is called {name!r}{_near(name, [one.name for one in every])}")
    return found


def _template(settings: Settings, name: str) -> Template:
    known = {*settings.template, *SHIPPED}
    if name not in known:
        raise UserError(f"there is no [template.{name}]{_near(name, sorted(known))}")
    return compose.template(settings, name)


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known) or 'none'}"


def _facts(settings: Settings, preview: str, stage: Stage, episodes: int) -> list[News]:
    if preview == "-":
        return _events(sys.stdin.buffer.read(_LONGEST_BYTES), "standard input")
    try:
        with Path(preview).open("rb") as file:
            return _events(file.read(_LONGEST_BYTES), preview)
    except (OSError, ValueError):
        pass  # it is no file, but a name
    if not 1 <= episodes <= _MOST_EPISODES:
        raise UserError(f"--episodes {episodes} must be from 1 to {_MOST_EPISODES}")
    folders, name = parted(preview.encode("utf-8", "replace").decode())
    places = {place for group in settings.distributor.values() for place in group.destinations}
    return sample(
        identify(name, folders=folders),
        stage=stage,
        episodes=episodes,
        destinations=sorted(places) or ["mirror"],
        at=dt.datetime.now(dt.UTC),
    )


def _events(data: bytes, place: str) -> list[News]:
    """Events of a file: one, one a line, or a list."""
    try:
        whole = msgspec.json.decode(data)
        raw = [msgspec.json.encode(one) for one in whole] if isinstance(whole, list) else [data]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raw = [line for line in data.splitlines() if line.strip()]
    facts: list[News] = []
    for number, one in enumerate(raw, 1):
        try:
            fact = decode_fact(one)
        except (BadEvent, UnknownEvent) as exc:
            raise UserError(f"{place}: event {number}: {exc}; docs/messages.md has them") from exc
        if not isinstance(fact, Acquired | Encoded | Distributed):
            raise UserError(f"{place}: event {number}: {type(fact).__name__} is no news")
        facts.append(fact)
    if not facts:
        raise UserError(f"{place}: there is no event in it")
    return facts


async def _show(settings: Settings, fact: News, *, offline: bool) -> Show | None:
    episode = fact.episode
    async with compose.facts_for_once(settings, offline=offline) as facts:
        if facts is None:
            return None
        try:
            return await facts.lookup(anilist_id=episode.anilist_id, title=episode.show)
        except Unavailable as exc:
            print(f"izumi: {printable(str(exc))}; shown with plain names", file=sys.stderr)
            return None


def _print(message: Text, shown: Embed) -> None:
    print(f"{message.title}\n\n{message.body}\n")
    print(f"at {shown.timestamp:%Y-%m-%d %H:%M}, #{shown.colour:06x}")
    for name, address in (("the title leads to", shown.url), ("cover", shown.thumbnail)):
        if address:
            print(f"{name} {address}")


def _write(path: Path, document: str) -> None:
    try:
        path.write_text(document, "utf-8", errors="replace")
    except OSError as exc:
        raise UserError(f"--html {path}: cannot be written: {exc.strerror}") from exc
    print(f"\nwritten: {path}")
