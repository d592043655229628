"""Fonts inside a script: the section `[Fonts]`, in the old uuencoding of SubStation Alpha.

Four characters from `!` on are three bytes; a last group of two or three is one or two.
"""

import re
from collections.abc import Iterator

from izumi.domain.ass import SECTION

# No lower-case letter: so `fontname: ...` and the heads of sections are told from data.
_ENCODED = re.compile(r"[!-`]{1,80}")


def embedded(text: str) -> Iterator[bytes]:
    """The content of every file in `[Fonts]`."""
    section, data = "", ""
    for raw in [*text.splitlines(), ""]:
        line = raw.strip()
        if section == "fonts" and _ENCODED.fullmatch(line):
            data += line
            continue
        if data:
            yield _decode(data)
        data = ""
        if (match := SECTION.fullmatch(line)) is not None:
            section = match[1].lower()


def _decode(text: str) -> bytes:
    values = [ord(character) - 33 for character in text]
    data = bytearray()
    for at in range(0, len(values), 4):
        group = values[at : at + 4]
        bits = sum(value << (18 - 6 * place) for place, value in enumerate(group))
        data += bits.to_bytes(3, "big")[: len(group) - 1]
    return bytes(data)
