"""Sonarr's "Connect" webhook, and Radarr's: which files it says are there. Pure.

Sonarr sends `Download` for a file (On Import, `episodeFile`) and again when all files of a
download are there (On Import Complete, `episodeFiles`). Very old ones begin their keys with
a capital.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from izumi.domain.errors import BadEvent

_IMPORTED: Final = frozenset({"download", "upgrade", "import", "importcomplete"})
"""Sonarr itself sends the first alone; others that speak its language, the rest."""
_DEEPEST: Final = 3


class Heard(NamedTuple):
    """What a webhook says.

    Attributes:
        event: As it is called.
        paths: Files that are there now, as Sonarr sees them; none for any other event.
    """

    event: str
    paths: tuple[str, ...]


def read(data: bytes) -> Heard:
    """What a webhook says.

    Raises:
        BadEvent: It is none, or tells of an import without a file.
    """
    try:
        body = _small(msgspec.json.decode(data), _DEEPEST)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as exc:
        raise BadEvent(f"not JSON: {exc}") from exc
    event = body.get("eventType") if isinstance(body, dict) else None
    if not isinstance(event, str):
        raise BadEvent("eventType: there is none, so this is no webhook of Sonarr")
    if event.lower() not in _IMPORTED:
        return Heard(event, ())
    paths = tuple(dict.fromkeys(_paths(body)))
    if not paths:
        raise BadEvent(f"{event}: no path is in it, neither episodeFile.path nor series.path")
    return Heard(event, paths)


def _paths(body: Mapping[str, Any]) -> Iterator[str]:
    for one, many, of, folder in (
        ("episodeFile", "episodeFiles", "series", "path"),
        ("movieFile", "movieFiles", "movie", "folderPath"),
    ):
        files = body.get(many)
        root = _text(body.get(of), folder)
        for file in files if isinstance(files, list) else [body.get(one)]:
            below = _text(file, "relativePath")
            if path := _text(file, "path"):
                yield path
            elif root and below:
                yield f"{root.rstrip('/')}/{below}"


def _text(table: object, key: str) -> str:
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""


def _small(value: Any, depth: int) -> Any:
    """The same, with keys that begin small, as far down as is looked."""
    if depth and isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _small(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_small(item, depth) for item in value]
    return value
