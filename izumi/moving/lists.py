"""Filters of earlier units: users' lists at AniList and MyAnimeList, and words. Pure."""

from typing import Any, Final

import msgspec

from izumi.clients.settings import ListSettings
from izumi.domain.filters import Filter
from izumi.moving.draft import Draft
from izumi.moving.places import legal, unique
from izumi.moving.reader import Found, Reader

_SERVICES: Final = {
    "anilist": ("anilist", "anilist-user", "anilist-username", "ani"),
    "myanimelist": ("myanimelist", "myanimelist-user", "my-anime-list", "mal", "mal-user"),
}
_UNDER: Final = ("filters", "filter", "trackers", "tracker")
_WORDS: Final = ("whitelist", "white-list", "whitelisted")


def convert(reader: Reader, draft: Draft, where: tuple[str, ...]) -> dict[str, Any]:
    """The filter that a file describes; empty: everything is let in.

    Args:
        reader: Of the file.
        draft: Gets the lists.
        where: Where the filter will stand.
    """
    names = [
        name
        for service, keys in _SERVICES.items()
        for user in reader.texts(*keys, under=_UNDER)
        if (name := _list(reader, draft, service, user))
    ]
    words = reader.texts(*_WORDS, under=_UNDER)
    if not names:
        for word in words:
            text = "left out: without a user's list everything was let in, and still is"
            reader.note("decided", word, text)
        return {}
    good = []
    for word in words:
        try:
            msgspec.convert({"words": [word.value]}, Filter)
        except msgspec.ValidationError:
            reader.note("complete", word, "left out: it has no letter or digit to look for")
        else:
            reader.note("taken", word, where=(*where, "words"))
            good.append(word.value)
    made: dict[str, Any] = {"lists": list(dict.fromkeys(names))}
    return {**made, "words": good} if good else made


def _list(reader: Reader, draft: Draft, service: str, user: Found) -> str | None:
    """The name of the user's list, made where it is missing; None: it cannot be one."""
    table = {"service": service, "users": [str(user.value).strip()]}
    try:
        msgspec.convert(table, ListSettings)
    except msgspec.ValidationError:
        text = f"left out, so that more is let in: no name that {service} has"
        reader.note("complete", user, text)
        return None
    known = draft.table("list")
    name = next((name for name, one in known.items() if one == table), None)
    if name is None:
        name = unique(legal(f"{service}-{table['users'][0]}", service), set(known))
        known[name] = table
    reader.note("taken", user, where=("list", name, "users"))
    return name
