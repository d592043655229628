"""What a target is told of, and what a group gets: one set of rules for both. Pure.

First what keeps a file out, whatever else is said of it: `subs`, `not_shows`, `not_words`.
Then what lets it in: `shows`, `words` and `lists`, any one of which is enough (as in the
earlier system, where a word of the whitelist let in what was on no list). Where none of
the three is given everything is let in. Last the hours: what is let in during `quiet`
waits until they are over.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from izumi.domain import hours
from izumi.domain.errors import Postponed
from izumi.domain.events import Acquired, Distributed, Encoded
from izumi.domain.show import sameness
from izumi.domain.subjects import Sub

_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\U0010ffff]"
)
"""Scripts of East Asia, most of which write words without spaces between them."""


class Filter(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What goes there; nothing given: everything.

    `subs`, `not_shows` and `not_words` keep files out. `shows`, `words` and `lists` let
    them in, any one of them; without all three everything is let in.

    Attributes:
        subs: Kinds of files; empty: all.
        shows: Shows by title or folder; case, punctuation and spaces do not matter.
        not_shows: Shows that never go there.
        words: Words or phrases; a show whose title or file name holds one is let in.
        not_words: What holds one of these never goes there.
        lists: Names of `[list.<name>]` tables; a show on one of them is let in. A list
            that cannot be read lets everything in, and the log says so.
        quiet: Hours in which nothing goes there, such as "23:00-07:00"; it waits until
            they are over.
        zone: Time zone of `quiet`, such as "Europe/Berlin"; empty: that of the host.
    """

    subs: tuple[Sub, ...] = ()
    shows: tuple[str, ...] = ()
    not_shows: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    quiet: str = ""
    zone: str = ""

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        for key in ("shows", "not_shows", "lists"):
            if any(not text.strip() for text in getattr(self, key)):
                raise ValueError(f"{key}: a name must not be empty")
        for key in ("words", "not_words"):
            for word in getattr(self, key):
                if not _spaced(word):
                    raise ValueError(f"{key}: {word!r} has no letter or digit to look for")
        if self.zone and not self.quiet:
            raise ValueError(f"zone: {self.zone!r} is of no use without `quiet`")
        if self.quiet:
            hours.parse(self.quiet, "quiet")
        if self.zone:
            _zone(self.zone)


class About(NamedTuple):
    """What a filter looks at.

    Attributes:
        title: Of the show.
        folder: Of the show.
        name: Of the file.
        sub: What kind of file it is.
        anilist_id: The show's number at AniList.
        mal_id: The same at MyAnimeList.
    """

    title: str
    folder: str
    name: str
    sub: Sub
    anilist_id: int | None = None
    mal_id: int | None = None


class Pass(NamedTuple):
    """It goes there; the reason says what let it in, where something had to."""

    reason: str = ""


class Drop(NamedTuple):
    """It does not go there."""

    reason: str


class Wait(NamedTuple):
    """It goes there from a time on, in UTC."""

    until: dt.datetime
    reason: str


Verdict = Pass | Drop | Wait


class Answer(NamedTuple):
    """What a list says of a show.

    Attributes:
        name: Of the list.
        holds: Whether the show is on it; None where that cannot be told.
        note: Why not, or how old the list is.
    """

    name: str
    holds: bool | None
    note: str = ""


def about(fact: Acquired | Encoded | Distributed) -> About:
    """What a filter looks at in a fact."""
    folder, _, name = fact.file.key.partition("/")
    episode = fact.episode
    return About(episode.show, folder, name, fact.file.sub, episode.anilist_id, episode.mal_id)


def decide(rules: Filter, facts: About, now: dt.datetime) -> Verdict | None:
    """Where a file goes; None where only the lists can tell: ask them, then `by_lists`.

    Args:
        rules: The filter.
        facts: The file.
        now: A time that knows its zone.
    """
    reason = _kept_out(rules, facts)
    if reason:
        return Drop(reason)
    let_in = _let_in(rules, facts)
    if let_in is None and not rules.lists:
        return Drop("neither `shows` nor `words` name it")
    until = quiet_until(rules, now)
    if until is not None:
        return Wait(until, f"quiet hours {rules.quiet} {rules.zone}".rstrip())
    return None if let_in is None else Pass(let_in)


def by_lists(answers: Sequence[Answer]) -> Verdict:
    """What the lists that were asked decide; one that cannot be read lets it in."""
    for answer in answers:
        if answer.holds:
            return Pass(_noted(f"on list {answer.name}", answer.note))
    unread = [_noted(f"list {one.name}", one.note) for one in answers if one.holds is None]
    if unread:
        return Pass(f"let in unread: {'; '.join(unread)}")
    return Drop(f"not on {', '.join(_noted(f'list {a.name}', a.note) for a in answers)}")


def postponed(later: Mapping[str, Wait], now: dt.datetime) -> Postponed:
    """What to raise until the first of some targets can be served."""
    first = min(wait.until for wait in later.values())
    text = "; ".join(f"{name}: {wait.reason}" for name, wait in later.items())
    # A clock that was asked a moment ago may be there by now.
    wait_s = max((first - now).total_seconds(), 1.0)
    return Postponed(f"{text}, until {first:%Y-%m-%d %H:%M} UTC", wait_s=wait_s)


def quiet_until(rules: Filter, now: dt.datetime) -> dt.datetime | None:
    """When the quiet hours are over, in UTC; None where there are none now."""
    if not rules.quiet:
        return None
    zone = _zone(rules.zone) if rules.zone else None
    return hours.parse(rules.quiet).over_at(now, zone)


def _kept_out(rules: Filter, facts: About) -> str:
    if rules.subs and facts.sub not in rules.subs:
        return f"{facts.sub} is not among `subs`"
    if (show := _named(rules.not_shows, facts)) is not None:
        return f"`not_shows` has {show!r}"
    if (word := _word(rules.not_words, facts)) is not None:
        return f"`not_words` has {word!r}"
    return ""


def _let_in(rules: Filter, facts: About) -> str | None:
    """What lets it in; "" where nothing has to."""
    if not (rules.shows or rules.words or rules.lists):
        return ""
    if (show := _named(rules.shows, facts)) is not None:
        return f"`shows` has {show!r}"
    if (word := _word(rules.words, facts)) is not None:
        return f"`words` has {word!r}"
    return None


def _named(shows: Sequence[str], facts: About) -> str | None:
    if not shows:
        return None
    own = {sameness(facts.title), sameness(facts.folder)}
    return next((show for show in shows if sameness(show) in own), None)


def _word(words: Sequence[str], facts: About) -> str | None:
    if not words:
        return None
    texts = [f" {_spaced(text)} " for text in (facts.title, facts.folder, facts.name)]
    return next((word for word in words if any(_holds(text, word) for text in texts)), None)


def _holds(text: str, word: str) -> bool:
    """Whether whole words of a text are these; of scripts without spaces, a part of it."""
    wanted = _spaced(word)
    before, after = ("" if _UNSPACED.match(char) else " " for char in (wanted[0], wanted[-1]))
    return f"{before}{wanted}{after}" in text


def _spaced(text: str) -> str:
    """Letters and digits in one case, with single spaces for everything between them."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold()))


def _noted(text: str, note: str) -> str:
    return f"{text} ({note})" if note else text


def _zone(name: str) -> ZoneInfo:
    """A time zone. Raises ValueError with the way out."""
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        msg = f'zone: {name!r} is not known; zones are called "Europe/Berlin", "Asia/Tokyo"'
        raise ValueError(msg) from None
