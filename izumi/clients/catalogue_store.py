"""Every entry of the catalogue that was ever seen, and what was searched for when.

An SQLite file of the state folder, found again by any title, so that a show that is known
stays known while AniList is away.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec

from izumi.clients.cache_file import CacheFile
from izumi.domain.matching.entry import Entry
from izumi.domain.show import sameness

_T = TypeVar("_T")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY, value BLOB, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS name (
    name TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (name, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS name_of ON name (id);
CREATE TABLE IF NOT EXISTS search (
    text TEXT PRIMARY KEY, ids BLOB NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS search_at ON search (at)
"""
_VERSION: Final = 1
_KEPT_S: Final = 400 * 86400.0
_AT_ONCE: Final = 500
"""Values in one statement; SQLite takes at least 999."""

_SHORTEST: Final = 5
"""Letters that the names of a show's seasons must share at their beginning."""
_BEGIN_ALIKE: Final = 12
_LAST: Final = chr(0x10FFFF)


class Searched(NamedTuple):
    """What a search found, best first, and when, in seconds since the epoch."""

    ids: tuple[int, ...]
    at: float


class Stored(NamedTuple):
    """An entry, or that there is none with its number, and since when that is known."""

    entry: Entry | None
    at: float


class CatalogueStore:
    """Entries by number and by name, and searches by their text.

    Args:
        path: The file, a `CacheFile`; None: nothing outlives the process.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = CacheFile(path, _SCHEMA, version=_VERSION)

    async def searches(self, texts: Iterable[str]) -> dict[str, Searched]:
        """Those of these searches that were made."""
        by_key = {key(text): text for text in texts}
        nothing: dict[str, Searched] = {}
        found = await self._file.run(lambda file: _searches(file, [*by_key]), nothing)
        return {by_key[text]: searched for text, searched in found.items()}

    async def entries(self, ids: Iterable[int]) -> dict[int, Stored]:
        """Those of these entries that are known."""
        wanted = [*ids]
        return await self._file.run(lambda file: _entries(file, wanted), {})

    async def named(self, names: Iterable[str], *, widely: bool) -> dict[str, tuple[int, ...]]:
        """Numbers of entries of which a title is one of these names.

        Args:
            names: Titles, compared by `sameness`.
            widely: Entries of which a title begins with the name count, too: its seasons.
        """
        wanted = {name: sameness(name) for name in names}
        return await self._file.run(
            lambda file: {name: _named(file, same, widely=widely) for name, same in wanted.items()},
            {},
        )

    async def keep(
        self,
        entries: Iterable[Entry],
        at: float,
        *,
        searches: Mapping[str, Sequence[int]] | None = None,
        absent: Iterable[int] = (),
    ) -> None:
        """Keep what was answered, in place of what was known.

        Args:
            entries: In whatever order.
            at: When, in seconds since the epoch.
            searches: What was found by each text, best first.
            absent: Numbers that no entry has.
        """
        found = {key(text): tuple(ids) for text, ids in (searches or {}).items()}

        def work(file: sqlite3.Connection) -> None:
            # First a statement that writes: a transaction that begins by reading could be
            # refused when another process writes in between.
            file.execute("DELETE FROM search WHERE at < ?", (at - _KEPT_S,))
            file.executemany(
                "INSERT OR REPLACE INTO search VALUES (?, ?, ?)",
                [(text, msgspec.json.encode(ids), at) for text, ids in found.items()],
            )
            file.executemany("DELETE FROM name WHERE id = ?", [(number,) for number in absent])
            file.executemany(
                "INSERT OR REPLACE INTO entry VALUES (?, NULL, ?)",
                [(number, at) for number in absent],
            )
            for entry in entries:
                _keep(file, entry, at)

        await self._file.run(work, None)

    async def aclose(self) -> None:
        """Close the file. May be called twice."""
        await self._file.aclose()


def key(text: str) -> str:
    """Searches for texts with one key are one search."""
    return " ".join(text.casefold().split())


def _searches(file: sqlite3.Connection, texts: list[str]) -> dict[str, Searched]:
    found = {}
    for some in _parts(texts):
        query = f"SELECT text, ids, at FROM search WHERE text IN ({_marks(some)})"  # noqa: S608 - marks alone
        for text, ids, at in file.execute(query, some):
            with contextlib.suppress(msgspec.DecodeError):
                found[text] = Searched(msgspec.json.decode(ids, type=tuple[int, ...]), at)
    return found


def _entries(file: sqlite3.Connection, ids: list[int]) -> dict[int, Stored]:
    found = {}
    for some in _parts(ids):
        query = f"SELECT id, value, at FROM entry WHERE id IN ({_marks(some)})"  # noqa: S608 - marks alone
        for number, value, at in file.execute(query, some):
            with contextlib.suppress(msgspec.DecodeError):  # written by another version
                entry = None if value is None else msgspec.json.decode(value, type=Entry)
                found[number] = Stored(entry, at)
    return found


def _named(file: sqlite3.Connection, name: str, *, widely: bool) -> tuple[int, ...]:
    if not name:
        return ()
    rows = file.execute("SELECT id FROM name WHERE name = ?", (name,)).fetchall()
    if widely and len(name) >= _SHORTEST:
        rows += file.execute(
            "SELECT id FROM name WHERE name > ? AND name < ? ORDER BY length(name), id LIMIT ?",
            (name, name + _LAST, _BEGIN_ALIKE),
        ).fetchall()
    return tuple(dict.fromkeys(number for (number,) in rows))


def _keep(file: sqlite3.Connection, entry: Entry, at: float) -> None:
    value = msgspec.json.encode(entry)
    file.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", (entry.anilist_id, value, at))
    file.execute("DELETE FROM name WHERE id = ?", (entry.anilist_id,))
    names = {sameness(name) for name in (*entry.titles, *entry.synonyms)}
    file.executemany(
        "INSERT INTO name VALUES (?, ?)", [(name, entry.anilist_id) for name in names if name]
    )


def _parts(values: list[_T]) -> Iterator[list[_T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
