"""Names as the library has them: show folders, clean file names, keys.

    <title>[ S<season>][ - <episode>][v<revision>][ [<resolution>]][ (Uncensored)]<extension>

is the form that earlier systems wrote and that libraries are full of. Every part passes
`keys.check_part`, and is short enough for the suffix that a tool may put behind it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from izumi.domain.graphemes import clusters
from izumi.domain.identify import identify, parted
from izumi.domain.keys import MAX_PART_BYTES, PART_ENDING
from izumi.domain.reading import patterns
from izumi.domain.reading.text import fold, tidy
from izumi.domain.release import Identification

ENCRYPTED_PART_BYTES: Final = 143
"""What fits into a part where a storage encrypts names."""

EXTRAS: Final = "Extras"
"""Folder of a show's openings, trailers and the like; media servers know it by this name."""

ROOM_BYTES: Final = 24
"""Left free for the suffix of a tool's own temporary name."""

_LONGEST_NUMBER_BYTES: Final = 40
_ROUNDS: Final = 8
_OUTSIDE: Final = " .-~_"
_SAME: Final = (
    ('"\uff02\u201c\u201d\u201b', "'"),
    ("<\uff1c", "("),
    (">\uff1e", ")"),
    ("\uff1a", ":"),
    ("\uff1f", "?"),
    ("|*\\\uff0f\uff3c\uff5c\uff0a", "/"),
    ("\uff0e", "."),
)
_NOTHING: Final = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_LEGAL: Final[dict[int, str | None]] = {
    **{ord(char): to for chars, to in _SAME for char in chars},
    **dict.fromkeys(map(ord, _NOTHING)),
    # How rclone shows control characters.
    **dict.fromkeys(range(0x2400, 0x2422)),
}
_COLON: Final = re.compile(r" *: +| *:$")
_SEPARATORS: Final = re.compile(r"[/:]+")
_DEVICE: Final = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?= *(?:\.|$))",
    re.IGNORECASE,
)
_SEVERAL_QUESTIONS: Final = re.compile(r"\?\s*\?")


def show_folder(found: Identification, *, limit_bytes: int = MAX_PART_BYTES) -> str | None:
    """The folder of the show; None where no title was read."""
    if found.title is None:
        return None
    year = None if found.by_folder else found.year
    return _fitted(_named(found.title, year), "", limit_bytes)


def clean_name(found: Identification, *, limit_bytes: int = MAX_PART_BYTES) -> str:
    """The file's name in the library; where no title was read, its own name made legal.

    Cleaning a clean name gives the same name again. What a person said stands as they said
    it, however it may be read.
    """
    name = _rendered(found, limit_bytes)
    if found.settled:
        return name
    # What is read from a rendered name may differ from what it was rendered from (a film
    # whose title ends in a number); the name that stays the same is the clean one.
    seen = [name]
    for _ in range(_ROUNDS):
        again = _rendered(identify(seen[-1], folders=found.folders), limit_bytes)
        if again in seen:
            return min(seen[seen.index(again) :])
        seen.append(again)
    # It grows with every reading, as only a name made of noise does.
    return _fitted(f"Unreadable {_letters(found.name)}", found.extension, limit_bytes)


def key(found: Identification, *, limit_bytes: int = MAX_PART_BYTES) -> str | None:
    """`<show folder>/<clean name>`, an extra's with `Extras` between; None without a title.

    Args:
        found: What the file is.
        limit_bytes: Most bytes of a part: 255, or 143 where a destination encrypts names.
    """
    folder = show_folder(found, limit_bytes=limit_bytes)
    if folder is None:
        return None
    within = f"{folder}/{EXTRAS}" if found.kind == "extra" else folder
    return f"{within}/{clean_name(found, limit_bytes=limit_bytes)}"


def clean(name: str, *, folders: Sequence[str] = ()) -> str:
    """The clean name of a file called `name`."""
    return clean_name(identify(name, folders=folders))


def legal(text: str) -> str:
    """A text with nothing in it that some storage refuses or changes; may be empty.

    As the earlier system had it, `: ` becomes ` - ` and `?` is dropped.
    """
    before = None
    while text != before:
        before = text
        text = tidy(text).translate(_LEGAL)
        text = _COLON.sub(" - ", text).replace("?", "")
        text = _SEPARATORS.sub("-", text)
        text = " ".join(text.split()).lstrip(_OUTSIDE).rstrip(" .")
        text = unicodedata.normalize("NFC", re.sub(r"(?: -)+$", "", text))
    return text


def _named(title: str, year: int | None) -> str:
    """A title and the year beside it, which tells a remake from its show."""
    if year is not None and str(year) not in title:
        title = f"{title} ({year})"
    plain = legal(title)
    if not plain or _SEVERAL_QUESTIONS.search(title.translate(_LEGAL)):
        # "Title??" is the sequel of "Title?"; with both marks dropped the two would meet.
        return f"{plain} ~{_hash(title)}".strip()
    return plain


def _rendered(found: Identification, limit_bytes: int) -> str:
    if found.title is None:
        stem, extension = parted(tidy(found.name))
        return _fitted(legal(stem) or _hash(found.name), extension, limit_bytes)
    title = _named(found.file_title or found.title, found.year)
    return _fitted(title, _tail(found), limit_bytes)


def _tail(found: Identification) -> str:
    """Everything behind the title; never cut."""
    number = _short(legal(found.extra or found.episode or ""))
    tail = _season(found) + (f" - {number}" if number else "")
    if found.revision is not None:
        tail += f"v{found.revision}" if number else f" v{found.revision}"
    if found.resolution:
        tail += f" [{found.resolution}]"
    if found.uncensored:
        tail += " (Uncensored)"
    return tail + found.extension


def _short(number: str) -> str:
    """A number as it is, unless it is a list that leaves no room for the title."""
    if len(number.encode()) <= _LONGEST_NUMBER_BYTES:
        return number
    return f"{_cut(number, _LONGEST_NUMBER_BYTES - 8)} ~{_hash(number)}"


def _season(found: Identification) -> str:
    """The season mark, unless the title or the number says it already."""
    special = found.seasons == (0,) and (found.episode or "").startswith("SP")
    if not found.seasons or special:
        return ""
    title = fold(found.file_title or found.title or "")
    if any(map(found.seasons.__eq__, map(patterns.seasons_of, patterns.SEASONS.finditer(title)))):
        return ""
    first, last = found.seasons[0], found.seasons[-1]
    return f" S{first}" if first == last else f" S{first}-S{last}"


def _fitted(title: str, tail: str, limit_bytes: int) -> str:
    """Title and tail within the limit: a title that is cut gets a short hash of the whole."""
    if device := _DEVICE.match(title + tail):
        title = f"{title[: device.end()]}_{title[device.end() :]}"
    room = limit_bytes - ROOM_BYTES - len(tail.encode())
    if len(title.encode()) > room:
        mark = f" ~{_hash(title)}"
        title = _cut(title, room - len(mark)) + mark
    name = title + tail
    return f"{name}_" if name.endswith(PART_ENDING) else name.strip(" ")


def _cut(text: str, limit_bytes: int) -> str:
    """The longest beginning that fits, cut where a reader would cut it."""
    kept, size = [], 0
    for cluster in clusters(text):
        size += len(cluster.encode())
        if size > limit_bytes:
            break
        kept.append(cluster)
    return "".join(kept).rstrip(" .-~")


def _letters(text: str) -> str:
    """As `_hash`, in letters alone: they cannot be read as a number."""
    return _hash(text).translate(str.maketrans("0123456789", "ghijklmnop"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
