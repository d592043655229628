"""Makes a TrueType font whose every glyph is a solid block.

Text in it cannot be mistaken for text in any other font, so a test can tell from pixels
that the font which came with a file was the one that was used. It is made here because
no font may be copied into the project, and real ones are hard to tell apart.
"""

import struct
from pathlib import Path

_EM = 1000


def block_font(family: str, characters: str) -> bytes:
    """A font of that family with those characters."""
    points = sorted({ord(character) for character in characters})
    glyphs = len(points) + 1
    block = _block()
    tables = {
        b"OS/2": _os2(points),
        b"cmap": _cmap(points),
        b"glyf": block * glyphs,
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh",
            0x10000, 0x10000, 0, 0x5F0F3CF5, 3, _EM, 0, 0, 0, 0, _EM, _EM, 0, 8, 2, 1, 0,
        ),
        b"hhea": struct.pack(
            ">IhhhHhhhhhhhhhhhH", 0x10000, 800, -200, 0, _EM, 0, 0, _EM, *[0] * 8, glyphs
        ),
        b"hmtx": struct.pack(">Hh", _EM, 0) * glyphs,
        b"loca": b"".join(struct.pack(">I", len(block) * n) for n in range(glyphs + 1)),
        b"maxp": struct.pack(">IHHHHHHHHHHHHHH", 0x10000, glyphs, 4, 1, 0, 0, 1, *[0] * 8),
        b"name": _name(family),
        b"post": struct.pack(">IIhhIIIII", 0x30000, 0, 0, 0, 0, 0, 0, 0, 0),
    }  # fmt: skip
    return _file(tables)


def write_block_font(path: Path, family: str, characters: str) -> Path:
    path.write_bytes(block_font(family, characters))
    return path


def _block() -> bytes:
    """One contour from the baseline to 700 units above it, the full width."""
    corners = [(0, 0), (0, 700), (_EM, 700), (_EM, 0)]
    header = struct.pack(">hhhhh", 1, 0, 0, _EM, 700) + struct.pack(">HH", 3, 0)
    steps: tuple[list[int], list[int]] = ([], [])
    last = (0, 0)
    for corner in corners:
        for axis in (0, 1):
            steps[axis].append(corner[axis] - last[axis])
        last = corner
    return header + b"\x01" * 4 + struct.pack(">4h4h", *steps[0], *steps[1])


def _cmap(points: list[int]) -> bytes:
    groups = b"".join(struct.pack(">III", point, point, n) for n, point in enumerate(points, 1))
    table = struct.pack(">HHIII", 12, 0, 16 + len(groups), 0, len(points)) + groups
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + table


def _os2(points: list[int]) -> bytes:
    first, last = min(points[0], 0xFFFF), min(points[-1], 0xFFFF)
    return struct.pack(
        ">HhHHHhhhhhhhhhhh10sIIII4sHHHhhhHH",
        3, _EM, 400, 5, 0, *[0] * 11, bytes(10), 1, 0, 0, 0, b"IZUM", 0x40, first, last,
        800, -200, 0, 800, 200,
    ) + struct.pack(">IIhhHHH", 1, 0, 500, 700, 0, 32, 0)  # fmt: skip


def _name(family: str) -> bytes:
    texts = {1: family, 2: "Regular", 4: family, 6: family.replace(" ", "")}
    records, strings = b"", b""
    for identity, text in texts.items():
        coded = text.encode("utf-16-be")
        records += struct.pack(">HHHHHH", 3, 1, 0x409, identity, len(coded), len(strings))
        strings += coded
    return struct.pack(">HHH", 0, len(texts), 6 + len(records)) + records + strings


def _file(tables: dict[bytes, bytes]) -> bytes:
    search = 1 << (len(tables).bit_length() - 1)
    head = struct.pack(
        ">IHHHH", 0x10000, len(tables), search * 16, search.bit_length() - 1,
        (len(tables) - search) * 16,
    )  # fmt: skip
    at = len(head) + 16 * len(tables)
    directory, body = b"", b""
    for tag, data in tables.items():
        padded = data + bytes(-len(data) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sIII", tag, total, at + len(body), len(data))
        body += padded
    return head + directory + body
