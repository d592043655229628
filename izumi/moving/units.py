"""Which unit of the earlier system a file belongs to, by its keys. Pure."""

from collections.abc import Mapping
from typing import Final

from izumi.moving.document import Document
from izumi.moving.reader import leaves, plain

UNITS: Final = (
    "acquisition",
    "encoder",
    "distributor",
    "notifier",
    "tools",
    "mochi",
    "jindou",
    "kisaragi",
    "server",
    "worker",
    "redis",
    "auth",
    "dashboard-auth",
)
"""server: v5's `izumi.toml`; worker, redis: its other files of that kind."""

_SIGNS: Final[dict[str, dict[str, int]]] = {
    "acquisition": {"watch-folder": 5, "airing-folder-name": 3, "delimiter": 2},
    "encoder": {
        "encoding": 3,
        "encode-jobs": 3,
        "encode-flags": 3,
        "download-sources": 3,
        "softsub-folder-name": 2,
        "hardsub-folder-name": 3,
    },
    "distributor": {"distribution": 4},
    "notifier": {"notification": 4, "use-dev": 3, "discord-webhook": 3, "modules": 3},
    "mochi": {"mochi": 6, "sub-types": 2, "discord-webhooks": 2},
    "jindou": {"telegram": 5, "chat-id": 2},
    "kisaragi": {"kisaragi": 6},
    "server": {"flask": 5, "routes": 1},
    "worker": {"queues": 5},
    "redis": {"redis": 1},
}
_WORDS: Final = {
    "notification": "notifier",
    "notifications": "notifier",
    "notifier": "notifier",
    "distribution": "distributor",
    "distributor": "distributor",
    "encoder": "encoder",
    "acquisition": "acquisition",
    "tools": "tools",
    "mochi": "mochi",
    "jindou": "jindou",
    "kisaragi": "kisaragi",
    "worker": "worker",
}
_SECTIONS: Final = frozenset(
    {"acquisition", "encoder", "distributor", "notifier", "tools", "jindou", "kisaragi"}
)
_WAYS: Final = frozenset(
    {"downloading", "download", "source", "sources"}
    | {"uploading", "upload", "destination", "destinations"}
)
_THIRD: Final = frozenset({"folders", "sync", "type", "sys"})


def detect(document: Document) -> str | None:
    """The unit; None: the keys do not tell."""
    data = document.data
    words = _words(document)
    if _pairs(data) or (isinstance(data, dict) and any(map(_pairs, data.values()))):
        return "tools"
    if not isinstance(data, dict):
        return _named(words)
    scores = {unit: _score(data, signs) for unit, signs in _SIGNS.items()}
    scores["distributor"] += _kinds(data)
    best = max(scores.values())
    if best:
        found = [unit for unit, score in scores.items() if score == best]
        named = _named(words)
        return found[0] if len(found) == 1 else named if named in found else None
    return _named(words) or _of_system(data)


def of_version_3(data: object) -> bool:
    """Whether a file is the one of version 3, which had no units."""
    return isinstance(data, dict) and len(_THIRD & {plain(key) for key in data}) >= 3


def is_ours(data: object) -> bool:
    """Whether a file is a configuration of this Izumi."""
    return isinstance(data, dict) and "state" in data and bool({"storage", "bus"} & set(data))


def parts(document: Document) -> list[tuple[str, Document]]:
    """The units of a file whose topmost keys are names of units; empty: it is no such file."""
    data = document.data
    if not isinstance(data, dict) or not data:
        return []
    if not all(plain(key) in _SECTIONS and isinstance(data[key], dict | list) for key in data):
        return []
    # Only one key of the mapping each, so that trails stay those of the file.
    return [(plain(key), document._replace(data={key: data[key]})) for key in data]


def _score(value: object, signs: Mapping[str, int]) -> int:
    if not isinstance(value, dict):
        return 0
    own = sum(signs.get(plain(key), 0) for key in value)
    return own + sum(_score(inner, signs) for inner in value.values())


def _kinds(data: Mapping[str, object]) -> int:
    """What only distributors have: places for softsubs and for hardsubs."""
    found = 0
    for one in leaves(data):
        said = {word for step in one.trail for word in plain(step).split("-")}
        found += 3 * bool(said & {"softsub", "hardsub"} and said & _WAYS and "folder" not in said)
    return found


def _pairs(value: object) -> bool:
    """Lists of a remote and its folders, which only tools have."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(entry, list) for entry in value)
        and all(not isinstance(part, dict | list) for entry in value for part in entry)
    )


def _words(document: Document) -> list[str]:
    """What the name of the file says, and those of its folders; the file's own last."""
    return [word for part in document.path.absolute().parts[-3:] for word in plain(part).split(".")]


def _named(words: list[str]) -> str | None:
    """By the names of the file and its folders, the innermost first."""
    for word in reversed(words):
        # By its name alone: whoever is in such a file gets in.
        if {"auth", "keys"} & set(word.split("-")):
            return "dashboard-auth" if "dashboard" in word else "auth"
        if word in _WORDS:
            return _WORDS[word]
    return None


def _of_system(data: Mapping[str, object]) -> str | None:
    """By the name of v5's container, or by what v5's encoder alone has."""
    system = next((data[key] for key in data if plain(key) == "system"), None)
    if isinstance(system, dict):
        said = plain(system.get("container_name", system.get("image_name", "")))
        found = [unit for word, unit in _WORDS.items() if word in said]
        if found:
            return found[0]
    below = {plain(key): value for key, value in data.items() if isinstance(value, dict)}
    moving = ("downloading" in below and "sources" in map(plain, below["downloading"])) and (
        "uploading" in below and "destinations" in map(plain, below["uploading"])
    )
    return "encoder" if moving else None
