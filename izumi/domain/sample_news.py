"""News that could be, made of a release's name: what a preview shows. Pure."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from izumi.domain import names
from izumi.domain.events import Acquired, Distributed, Encoded, Episode, File
from izumi.domain.release import Identification
from izumi.domain.subjects import Sub
from izumi.domain.told import News

Stage = Literal["softsub", "hardsub", "mirrors"]

_SOFTSUB_BYTES: Final = 367_001_600
_HARDSUB_BYTES: Final = 314_572_800


def sample(
    found: Identification,
    *,
    stage: Stage,
    episodes: int = 1,
    destinations: Sequence[str],
    at: dt.datetime,
) -> list[News]:
    """Facts as they would be; sizes are made up.

    Args:
        found: What the name says.
        stage: How far the episodes are: a hardsub is there, mirrors have both.
        episodes: How many come together, counted from the one of the name.
        destinations: Names of the mirrors.
        at: When it happens.
    """
    facts: list[News] = []
    for one in _episodes(found, episodes):
        acquired = _acquired(one, at)
        facts.append(acquired)
        made = [acquired.file]
        if stage != "softsub" and acquired.file.sub == "softsub":
            encoded = _encoded(acquired)
            facts.append(encoded)
            made.append(encoded.file)
        if stage == "mirrors":
            facts += _mirrored(acquired.episode, made, destinations, at)
    return facts


def _episodes(found: Identification, episodes: int) -> Iterator[Identification]:
    first = found.episode or ""
    if not first.isascii() or not first.isdigit():
        first = "1"
        if episodes == 1:
            yield found
            return
    for number in range(int(first), int(first) + episodes):
        yield msgspec.structs.replace(found, episode=f"{number:02}")


def _acquired(found: Identification, at: dt.datetime) -> Acquired:
    key = names.key(found) or f"Show/{names.clean_name(found)}"
    episode = Episode(
        show=found.title or "Show",
        season=found.season,
        number=found.episode,
        revision=found.revision,
        resolution=found.resolution,
        group=found.group,
        anilist_id=found.anilist_id,
    )
    size = _HARDSUB_BYTES if found.sub == "hardsub" else _SOFTSUB_BYTES
    return Acquired(file=_file(key, size, found.sub), episode=episode, sources=("sample",), at=at)


def _encoded(fact: Acquired) -> Encoded:
    key = f"{fact.file.key.rpartition('.')[0]}.mp4"
    return Encoded(
        file=_file(key, _HARDSUB_BYTES, "hardsub"),
        episode=fact.episode,
        sources=fact.sources,
        origin=fact.file,
        profile="hardsub",
        at=fact.at,
    )


def _mirrored(
    episode: Episode, files: Sequence[File], destinations: Sequence[str], at: dt.datetime
) -> Iterator[Distributed]:
    for destination in destinations:
        for file in files:
            yield Distributed(
                file=file, episode=episode, group="sample", destination=destination, at=at
            )


def _file(key: str, size: int, sub: Sub) -> File:
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return File(key=key, size=size, sha256=digest, sub=sub)
