"""What people type: names of shows that are there, and names that are to be. Pure.

The name of a show is only ever compared with listings, and what is worked on is taken out
of the listing. A name that is to be must be legal on every storage.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from rapidfuzz import fuzz, process

from izumi.domain import keys
from izumi.domain.errors import UserError
from izumi.domain.show import sameness
from izumi.tools.shelves import TRASH, is_sound

MOST_PARTS: Final = 4
_NEAR: Final = 60.0
_MOST_NEAR: Final = 3
_SHOWN: Final = 120


def there(text: str) -> str:
    """The name of a show below a shelf as it was typed, perhaps with folders in front.

    Raises:
        UserError: It can be none; nothing needs to be listed to tell.
    """
    path = text.strip("/") if text.strip("/") and not text.startswith("/") else text
    try:
        path.encode()
    except UnicodeEncodeError as exc:
        raise UserError(f"the show {_shown(text)} is no UTF-8") from exc
    parts = path.split("/")
    if not is_sound(path) or len(parts) > MOST_PARTS or len(path.encode()) > keys.MAX_KEY_BYTES:
        raise UserError(
            f"the show {_shown(text)} is no name of a folder; give it as `izumi-admin shows` "
            "lists it"
        )
    if parts[0] == TRASH:
        raise UserError(f"{_shown(text)} is the trash; see izumi-admin history and undo")
    return path


def new_name(text: str, what: str) -> str:
    """A name for something that is to be.

    Args:
        text: As typed.
        what: What errors call it.

    Raises:
        UserError: Not every storage could hold it.
    """
    if reason := keys.fault(text):
        raise UserError(f"{what} {_shown(text)} {reason}")
    if text == TRASH:
        raise UserError(f"{what} {_shown(text)} is the trash")
    return text


def new_path(text: str, what: str) -> str:
    """As `new_name`, for folders in one another; "" for none."""
    parts = text.strip("/").split("/") if text and not text.startswith("/") else [text]
    if text == "":
        return ""
    if len(parts) >= MOST_PARTS:
        raise UserError(f"{what} {_shown(text)} has more than {MOST_PARTS - 1} folders")
    return "/".join(new_name(part, what) for part in parts)


def near(text: str, known: Iterable[str]) -> list[str]:
    """What may have been meant, the nearest first."""
    by_name: dict[str, str] = {}
    for name in known:
        by_name.setdefault(name, sameness(name))
    wanted = sameness(text)
    same = [name for name, key in by_name.items() if key == wanted]
    found = process.extract(
        wanted, by_name, scorer=fuzz.WRatio, score_cutoff=_NEAR, limit=_MOST_NEAR
    )
    return list(dict.fromkeys([*same, *(name for _, _, name in found)]))[:_MOST_NEAR]


def unknown(text: str, known: Sequence[str]) -> str:
    """The sentence that no show is called so."""
    close = near(text, known)
    if not close:
        return f"no show is called {_shown(text)}; see izumi-admin shows"
    meant = " or ".join(map(repr, close))
    return f"no show is called {_shown(text)}; did you mean {meant}?"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")
