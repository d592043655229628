"""Font files, judged by their content: what they are, and the names they answer to.

Containers give fonts every MIME type there is, and none; the first bytes do not lie.
"""

import struct
from collections.abc import Iterator
from typing import Final

_MAGIC: Final = {
    b"\x00\x01\x00\x00": "ttf",
    b"true": "ttf",
    b"OTTO": "otf",
    b"ttcf": "ttc",
    b"wOFF": "woff",
    b"wOF2": "woff2",
}
# Family, full name, PostScript name, typographic family: libass compares with these.
_NAME_IDS: Final = frozenset({1, 4, 6, 16})
_MOST_FACES: Final = 64
_MOST_NAMES: Final = 2000


def kind(data: bytes) -> str:
    """Kind of font, usable as a file's suffix; empty: it is none."""
    return _MAGIC.get(data[:4], "")


def families(data: bytes) -> tuple[str, ...]:
    """Every name that a script can ask for it by, sorted; empty where none can be read.

    Compressed fonts are not opened.
    """
    found: set[str] = set()
    try:
        for offset in _faces(data):
            found.update(_names(data, offset))
    except (struct.error, IndexError):
        pass  # cut short or made up: what was read until there holds
    return tuple(sorted(found))


def _faces(data: bytes) -> Iterator[int]:
    if kind(data) in {"ttf", "otf"}:
        yield 0
    elif kind(data) == "ttc":
        (count,) = struct.unpack_from(">I", data, 8)
        for number in range(min(count, _MOST_FACES)):
            yield struct.unpack_from(">I", data, 12 + 4 * number)[0]


def _names(data: bytes, face: int) -> Iterator[str]:
    (tables,) = struct.unpack_from(">H", data, face + 4)
    for number in range(tables):
        tag, _, offset, _ = struct.unpack_from(">4sIII", data, face + 12 + 16 * number)
        if tag == b"name":
            _, count, strings = struct.unpack_from(">HHH", data, offset)
            for record in range(min(count, _MOST_NAMES)):
                platform, _, _, name_id, length, at = struct.unpack_from(
                    ">HHHHHH", data, offset + 6 + 12 * record
                )
                if name_id in _NAME_IDS:
                    begin = offset + strings + at
                    # Macintosh names are in one of many old encodings; ASCII is common to all.
                    coding = "latin-1" if platform == 1 else "utf-16-be"
                    text = data[begin : begin + length].decode(coding, "ignore").strip("\0 ")
                    if text:
                        yield text
