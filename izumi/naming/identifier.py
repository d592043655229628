"""The identifier of acquisition: names are read in a child, shows come from a catalogue."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from izumi.domain.fix import Fix
from izumi.domain.release import Filing
from izumi.domain.rules import Rule
from izumi.naming.answer import Answer
from izumi.naming.shows import Placed, Shows, place


class Reader(Protocol):
    """Reads names: `NamingProcess`."""

    async def identify(
        self,
        name: str,
        folders: Sequence[str],
        *,
        rules: Sequence[Rule] = (),
        fix: Fix | None = None,
        filing: Filing | None = None,
    ) -> Answer:
        """What the names say."""


class MatchingIdentifier:
    """Adds the show of the catalogue to what was read.

    Args:
        reader: Reads names.
        shows: The catalogue.
    """

    def __init__(self, reader: Reader, shows: Shows) -> None:
        self._reader = reader
        self._shows = shows

    async def identify(
        self,
        name: str,
        folders: Sequence[str],
        *,
        rules: Sequence[Rule] = (),
        fix: Fix | None = None,
        filing: Filing | None = None,
    ) -> Answer:
        """Identify; what the catalogue leaves open or does not tell holds nothing up.

        Args:
            name: File name with its extension.
            folders: Names of the folders that it lies in, the outermost first.
            rules: What was learnt of other files.
            fix: What a person said of this one.
            filing: How it is filed.

        Raises:
            ToolFailed: This host cannot read names.
        """
        answer = await self._reader.identify(name, folders, rules=rules, fix=fix, filing=filing)
        if answer.ignored is not None:
            return answer
        (placed,) = await place(self._shows, [answer.asked])
        return _placed(answer, placed)


def _placed(answer: Answer, placed: Placed) -> Answer:
    episode = msgspec.structs.replace(
        answer.episode,
        anilist_id=placed.anilist_id,
        mal_id=placed.mal_id,
        anilist_number=placed.number,
    )
    held = "; ".join(filter(None, (answer.held, placed.held)))
    return msgspec.structs.replace(
        answer, episode=episode, held=held or None, facts=answer.facts | dict(_facts(placed))
    )


def _facts(placed: Placed) -> Iterator[tuple[str, str]]:
    if placed.title is not None:
        yield "anilist", f"{placed.title} (AniList {placed.anilist_id})"
    if placed.number is not None:
        yield "episode there", placed.number
    if placed.why:
        yield "match", "; ".join(placed.why)
