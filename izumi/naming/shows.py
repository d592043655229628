"""Which show of the catalogue a release belongs to, and when a person must say so.

The name and the key of a file never depend on it: the same file gets the same place
whether or not the catalogue can be asked.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from izumi.domain.discord_text import clean
from izumi.domain.matching.entry import Entry, Match, Wanted
from izumi.domain.matching.wanted import wanted
from izumi.domain.release import Identification

_MOST: Final = 6
_LONGEST: Final = 80


class Shows(Protocol):
    """A catalogue of shows. It may be slow, but never fails: then matches are open."""

    async def match(self, wanted: Sequence[Wanted]) -> list[Match]:
        """The show of each, in the same order."""

    async def entry(self, anilist_id: int) -> Entry | None:
        """The entry with this number, as far as it can be had."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a release asks of the catalogue.

    Attributes:
        wanted: What it says of its show; None: nothing was read.
        anilist_id: The entry that a person named; it is not doubted.
        settled: A person said which show it is, so that nobody is asked again.
    """

    wanted: Wanted | None = None
    anilist_id: int | None = None
    settled: bool = False


class Placed(NamedTuple):
    """What the catalogue says of a release; None where that is open.

    Attributes:
        anilist_id: The show's number at AniList.
        mal_id: Its number at MyAnimeList.
        title: Its first title.
        number: The episode's number there, where it differs from the one written.
        held: Why a person must choose.
        why: Reasons, the entries that came into question first.
    """

    anilist_id: int | None = None
    mal_id: int | None = None
    title: str | None = None
    number: str | None = None
    held: str | None = None
    why: tuple[str, ...] = ()


def asked(found: Identification) -> Asked:
    """The question that an identification puts."""
    return Asked(
        wanted=wanted(found) if found.titles else None,
        anilist_id=found.anilist_id,
        settled="show" in found.settled,
    )


async def place(shows: Shows, releases: Sequence[Asked]) -> list[Placed]:
    """Place releases in the catalogue, in the same order."""
    matched = iter(await shows.match([one.wanted for one in releases if one.wanted]))
    placed = []
    for one in releases:
        match = next(matched) if one.wanted else Match()
        if one.anilist_id is not None:
            placed.append(_named(one.anilist_id, await shows.entry(one.anilist_id)))
        else:
            placed.append(_placed(match, settled=one.settled))
    return placed


def _named(anilist_id: int, entry: Entry | None) -> Placed:
    """By a person: what else is known of it is only looked up."""
    known = entry or Entry(anilist_id=anilist_id)
    return Placed(
        anilist_id=anilist_id, mal_id=known.mal_id, title=known.title, why=("named by a person",)
    )


def _placed(match: Match, *, settled: bool) -> Placed:
    entry = match.entry
    if entry is None:
        return Placed(held=None if settled else _choice(match.candidates), why=match.why)
    return Placed(entry.anilist_id, entry.mal_id, entry.title, match.number, None, match.why)


def _choice(candidates: Sequence[Entry]) -> str | None:
    if not candidates:
        return None
    named = "; ".join(map(_described, candidates[:_MOST]))
    return (
        f"{len(candidates)} shows may be meant: {named}; say which with `izumi-admin hold fix "
        "--anilist-id`, or put the year behind the title"
    )


def _described(entry: Entry) -> str:
    facts = [entry.format, entry.year, f"AniList {entry.anilist_id}"]
    return f"{clean(entry.title)[:_LONGEST]} ({', '.join(str(fact) for fact in facts if fact)})"
