"""The framing of S2, in which nats-server compresses its snapshots. Pure.

Only what a backup needs: frames are read and decompressed, and frames that are not
compressed are written. There is no S2 for Python; Snappy's decoders refuse the
server's, since S2 also repeats the last distance of a copy.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from izumi.domain.errors import Rejected

IDENTIFIER: Final = b"\xff\x06\x00\x00S2sTwO"
"""Frame that begins every stream."""

_COMPRESSED: Final = 0x00
_PLAIN: Final = 0x01
_PLAIN_BYTES: Final = 1 << 16
_MOST_BYTES: Final = 4 << 20  # that a frame may be long when it is decompressed
_CASTAGNOLI: Final = 0x82F63B78


def _table() -> tuple[int, ...]:
    made = []
    for number in range(256):
        rest = number
        for _ in range(8):
            rest = rest >> 1 ^ (_CASTAGNOLI if rest & 1 else 0)
        made.append(rest)
    return tuple(made)


_TABLE: Final = _table()


def checksum(data: bytes) -> int:
    """CRC-32C, masked as the framing wants it."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest = rest >> 8 ^ _TABLE[(rest ^ byte) & 0xFF]
    rest ^= 0xFFFFFFFF
    return ((rest >> 15 | rest << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frames(file: BinaryIO) -> Iterator[bytes]:
    """The frames of a stream, as they are, the identifier first.

    Raises:
        Rejected: It is no such stream, or ends within a frame.
    """
    first = True
    while head := file.read(4):
        length = int.from_bytes(head[1:4], "little")
        frame = head + file.read(length)
        if len(head) < 4 or len(frame) < 4 + length:
            raise Rejected("it ends in the middle of a frame")
        if first and frame != IDENTIFIER:
            raise Rejected("it is no S2 stream")
        first = False
        yield frame


def content(frame: bytes, *, check: bool = False) -> bytes:
    """What a frame carries, decompressed; nothing for one that carries no data.

    Args:
        frame: As `frames` gives it.
        check: Compare the checksum too, which takes longer than everything else.

    Raises:
        Rejected: It is damaged.
    """
    if frame[0] not in {_COMPRESSED, _PLAIN}:
        if 0x02 <= frame[0] <= 0x7F:
            raise Rejected(f"a frame of the unknown kind {frame[0]:#04x}")
        return b""
    data = frame[8:] if frame[0] == _PLAIN else _decompressed(frame, 8)
    if check and checksum(data) != int.from_bytes(frame[4:8], "little"):
        raise Rejected("a frame is damaged")
    return data


def plain(data: bytes) -> Iterator[bytes]:
    """Frames that carry `data` as it is, without the identifier."""
    for start in range(0, len(data), _PLAIN_BYTES):
        part = data[start : start + _PLAIN_BYTES]
        length = (len(part) + 4).to_bytes(3, "little")
        yield bytes([_PLAIN]) + length + checksum(part).to_bytes(4, "little") + part


def uvarint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where the next byte is.

    Raises:
        IndexError: It does not end in `data`.
        Rejected: It is longer than a number of 64 bits.
    """
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise Rejected("a number is too long")


def _decompressed(frame: bytes, at: int) -> bytes:
    try:
        length, at = uvarint(frame, at)
        if length > _MOST_BYTES:
            raise Rejected(f"a frame says that it is {length} bytes long")
        made = bytearray()
        distance = 0
        while at < len(frame):
            tag = frame[at]
            if tag & 3 == 0:
                size, at = _literal(frame, at)
                made += frame[at : at + size]
                at += size
                continue
            new, size, at = _copy(frame, at, tag)
            distance = new or distance
            _repeat(made, distance, size)
    except IndexError:
        raise Rejected("a frame ends too early") from None
    if len(made) != length:
        raise Rejected(f"a frame has {len(made)} bytes, and not the {length} that it says")
    return bytes(made)


def _literal(frame: bytes, at: int) -> tuple[int, int]:
    """Length of the bytes that follow, and where they begin."""
    size = frame[at] >> 2
    at += 1
    if size < 60:
        return size + 1, at
    more = size - 59
    return _number(frame, at, more) + 1, at + more


def _copy(frame: bytes, at: int, tag: int) -> tuple[int, int, int]:
    """Distance of what is copied (0: the last one again), its length, the next byte."""
    if tag & 3 == 1:
        distance = (tag & 0xE0) << 3 | frame[at + 1]
        size = tag >> 2 & 7
        at += 2
        if distance or size < 5:
            return distance, size + 4, at
        # Of the last distance again the length may be told in one, two or three bytes.
        more = size - 4
        return 0, _number(frame, at, more) + (8, 260, 65540)[more - 1], at + more
    width = 2 if tag & 3 == 2 else 4
    distance = _number(frame, at + 1, width)
    if not distance:
        raise Rejected("a frame copies from nowhere")
    return distance, (tag >> 2) + 1, at + 1 + width


def _number(frame: bytes, at: int, width: int) -> int:
    if at + width > len(frame):
        raise IndexError
    return int.from_bytes(frame[at : at + width], "little")


def _repeat(made: bytearray, distance: int, size: int) -> None:
    start = len(made) - distance
    if distance <= 0 or start < 0:
        raise Rejected("a frame copies what is not there")
    if distance >= size:
        made += made[start : start + size]
        return
    piece = bytes(made[start:])
    made += (piece * (size // distance + 1))[:size]
