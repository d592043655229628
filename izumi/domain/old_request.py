"""The request of the earlier system: what units of it send to each other over HTTP. Pure.

    {"show": "Frieren", "episode": "Frieren - 01 [1080p].mkv", "filesize": 99, "sub": "softsub"}

`filesize` may be a text, and `sub` in any case; other fields are ignored. The names are
clean names already, `<title>[ S<season>][ - <episode>][v2][ [<resolution>]]<extension>`, so
that nothing is guessed: what has not this form is a file of the show, and no more.
"""

import re
from typing import Final

import msgspec

from izumi.domain import keys
from izumi.domain.errors import BadEvent, BadKey
from izumi.domain.events import Episode, File
from izumi.domain.subjects import SUBS

MOST_BYTES: Final = (1 << 63) - 1
"""Of a file's size; more cannot be meant."""

_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_RESOLUTION: Final = re.compile(r" \[([0-9]{3,4}p)\]$")
_REVISION: Final = re.compile(r"(?<=[0-9])v([0-9]{1,2})$")
_NUMBER: Final = re.compile(r" - ([0-9]{1,4}(?:\.[0-9])?(?:-[0-9]{1,4})?)$")
_SEASON: Final = re.compile(r" S([0-9]{1,3})$")


class _Body(msgspec.Struct):
    show: str
    episode: str
    filesize: int | float | str
    sub: str


class _Sent(msgspec.Struct):
    show: str
    episode: str
    filesize: int
    sub: str


_bodies: Final = msgspec.json.Decoder(_Body)


def parse(data: bytes) -> File:
    """The file that a request names; its content is not known.

    Raises:
        BadEvent: It is no such request; the text names the field.
    """
    try:
        body = _bodies.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as exc:
        raise BadEvent(f"not a request: {exc}") from exc
    sub = body.sub.strip().lower()
    if sub not in SUBS:
        raise BadEvent(f"sub: {body.sub[:40]!r} is none of {', '.join(SUBS)}")
    return File(
        key=key(body.show, body.episode),
        size=_size(body.filesize),
        sha256=None,
        sub=sub,
    )


def key(show: str, episode: str) -> str:
    """The key of an episode's file in the folder of its show.

    Raises:
        BadEvent: One of both cannot be a name in a storage.
    """
    for field, text in (("show", show), ("episode", episode)):
        try:
            keys.check_part(text)
        except BadKey as exc:
            raise BadEvent(f"{field}: {exc}") from exc
    joined = f"{show}/{episode}"
    try:
        keys.parse_key(joined)
    except BadKey as exc:
        raise BadEvent(str(exc)) from exc
    return joined


def episode_of(key_: str) -> Episode:
    """What a file with a clean name is."""
    show, _, name = key_.partition("/")
    rest, dot, extension = name.rpartition("/")[2].rpartition(".")
    if not dot or len(extension) > 4:
        rest = name
    rest = rest.removesuffix(" (Uncensored)")
    rest, resolution = _cut(_RESOLUTION, rest)
    rest, revision = _cut(_REVISION, rest)
    rest, number = _cut(_NUMBER, rest)
    _, season = _cut(_SEASON, rest)
    return Episode(
        show=show,
        season=int(season) if season else None,
        number=number,
        revision=int(revision) if revision else None,
        resolution=resolution,
    )


def request_of(file: File) -> bytes:
    """The request that names a file, for units of the earlier system.

    They know a show's folder and a file in it: of a file in a folder of the show, that
    folder is part of the show's name.
    """
    show, _, episode = file.key.rpartition("/")
    return msgspec.json.encode(_Sent(show, episode, file.size, file.sub))


def _cut(pattern: re.Pattern[str], text: str) -> tuple[str, str | None]:
    """The text without what the pattern finds at its end, and what that is."""
    found = pattern.search(text)
    return (text[: found.start()], found[1]) if found else (text, None)


def _size(value: float | str) -> int:
    if isinstance(value, str):
        size = int(value) if _DIGITS.fullmatch(value.strip()) else -1
    else:
        size = int(value) if abs(value) <= MOST_BYTES else -1
    if not 0 <= size <= MOST_BYTES:
        raise BadEvent(f"filesize: {str(value)[:40]!r} is no number of bytes")
    return size
