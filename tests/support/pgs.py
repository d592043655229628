"""Writes Blu-ray subtitles (PGS), which ffmpeg reads and cannot write.

Every box is one solid rectangle, so that a test can tell from pixels where it was drawn, how
large, and in which colour.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PALETTE, OBJECT, COMPOSITION, WINDOW, END = 0x14, 0x15, 0x16, 0x17, 0x80
_WHOLE = 0xC0
_LONGEST_RUN = 0x3FFF


class Box(NamedTuple):
    """A rectangle on the canvas; the colour is Y, Cr, Cb and opacity, as PGS has it."""

    start_s: float
    end_s: float
    x: int
    y: int
    width: int
    height: int
    colour: tuple[int, int, int, int] = (235, 128, 128, 255)


def pgs(boxes: Sequence[Box], *, canvas: tuple[int, int]) -> bytes:
    """A whole `.sup` file."""
    data = b""
    for number, box in enumerate(boxes):
        data += _segments(box.start_s, number * 2, canvas, box)
        data += _segments(box.end_s, number * 2 + 1, canvas, None)
    return data


def write_pgs(path: Path, boxes: Sequence[Box], *, canvas: tuple[int, int]) -> Path:
    path.write_bytes(pgs(boxes, canvas=canvas))
    return path


def _segments(at_s: float, number: int, canvas: tuple[int, int], box: Box | None) -> bytes:
    """One display set: what is shown from then on; None: nothing."""
    shown = b"" if box is None else struct.pack(">HBBHH", 0, 0, 0, box.x, box.y)
    composition = struct.pack(
        ">HHBHBBBB", *canvas, 0x10, number, 0x80, 0, 0, 0 if box is None else 1
    )
    area = (0, 0, 8, 8) if box is None else (box.x, box.y, box.width, box.height)
    parts = [
        (COMPOSITION, composition + shown),
        (WINDOW, struct.pack(">BBHHHH", 1, 0, *area)),
    ]
    if box is not None:
        pixels = _runs(box.width, 1) * box.height
        size = struct.pack(">I", len(pixels) + 4)[1:]
        head = struct.pack(">HBB", 0, 0, _WHOLE) + size + struct.pack(">HH", box.width, box.height)
        parts += [(PALETTE, bytes((0, 0, 1, *box.colour))), (OBJECT, head + pixels)]
    ticks = round(at_s * 90000)
    return b"".join(
        b"PG" + struct.pack(">IIBH", ticks, 0, kind, len(body)) + body
        for kind, body in [*parts, (END, b"")]
    )


def _runs(width: int, colour: int) -> bytes:
    """One line of one colour, and its end."""
    data = b""
    while width:
        run = min(width, _LONGEST_RUN)
        data += struct.pack(">BHB", 0, _WHOLE << 8 | run, colour)
        width -= run
    return data + b"\0\0"
