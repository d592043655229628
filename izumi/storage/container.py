"""Whether a container ends where it says, told from the headers of its parts.

Matroska states the size of its segment and of what is in it (RFC 8794, RFC 9559), MP4 the
size of every box (ISO/IEC 14496-12, 4.2). A file that is cut short, or that has zeros where
a part should begin, contradicts them; reading the headers costs milliseconds.
"""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final, NamedTuple

Read = Callable[[int, int], bytes]
"""Bytes at an offset: `read(count, offset)`, fewer at the end; as `os.pread`."""

_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_CLUSTER: Final = 0x1F43B675
_MATROSKA = {".mkv", ".webm"}
_MP4 = {".mp4", ".m4v", ".mov"}
_MP4_STARTS = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}
_MP4_NESTED = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_MP4_TABLES = {b"stts", b"ctts", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss"}
_GAP: Final = bytes(1024)
"""No table that finds the samples of an MP4 has so many zeros in a row."""
_MOST_TABLE_BYTES: Final = 64 << 20
_MOST_PARTS: Final = 1_000_000


class Ending(NamedTuple):
    """What the container says of its end.

    `wrong` names the contradiction; empty: there is none. `proved` is False where the
    container does not say (a stream recorded without knowing its length).
    """

    wrong: str
    proved: bool


def ending(read: Read, size: int, name: str) -> Ending:
    """Follow the parts of a container to its end.

    Args:
        read: Reads the file.
        size: Of the file, bytes.
        name: Of the file: its extension says what it should be.

    Raises:
        OSError: `read` failed.
    """
    start = read(12, 0)
    extension = PurePosixPath(name).suffix.lower()
    if start[:4] == _EBML.to_bytes(4, "big"):
        return _matroska(read, size)
    if start[4:8] in _MP4_STARTS:
        return _mp4(read, size)
    if extension in _MATROSKA:
        return Ending(f"does not begin as Matroska does, but with {_hex(start)}", proved=False)
    if extension in _MP4:
        return Ending(f"does not begin as MP4 does, but with {_hex(start)}", proved=False)
    return Ending("", proved=False)


def _hex(data: bytes) -> str:
    return data[:8].hex(" ") or "nothing"


class _Element(NamedTuple):
    """`end` is None where the size is unknown."""

    id: int
    begin: int
    end: int | None


def _matroska(read: Read, size: int) -> Ending:
    at, segments, proved = 0, 0, True
    for _ in range(_MOST_PARTS):
        if at == size:
            if not segments:
                return Ending("has no Matroska segment", proved=False)
            return Ending("", proved)
        element = _element(read, at)
        if isinstance(element, str):
            return Ending(element, proved=False)
        if element.end is not None and element.end > size:
            return Ending(_short(element.end, size), proved=False)
        if element.id == _SEGMENT:
            segments += 1
            inside = _segment(read, element, size)
            if inside.wrong or element.end is None:
                return Ending(inside.wrong, proved=False)
            proved = proved and inside.proved
        at = size if element.end is None else element.end
    return Ending("has too many parts", proved=False)


def _segment(read: Read, segment: _Element, size: int) -> Ending:
    """Follow what is in a segment; `proved` when all of it says where it ends."""
    at, end = segment.begin, size if segment.end is None else segment.end
    for _ in range(_MOST_PARTS):
        if at == end:
            return Ending("", proved=True)
        element = _element(read, at)
        if isinstance(element, str):
            return Ending(element, proved=False)
        if element.end is None:
            # A cluster of unknown size ends where the next one begins: only reading tells.
            wrong = "" if element.id == _CLUSTER else f"has a part of unknown size at byte {at}"
            return Ending(wrong, proved=False)
        if element.end > end:
            return Ending(_short(element.end, size), proved=False)
        at = element.end
    return Ending("has too many parts", proved=False)


def _element(read: Read, at: int) -> _Element | str:
    head = read(12, at)
    width = 9 - head[0].bit_length() if head else 0
    if not head or head[0] < 0x10 or len(head) <= width:
        return f"has {_hex(head)} at byte {at}, where a Matroska part should begin"
    identity = int.from_bytes(head[:width], "big")
    length = head[width:]
    more = 9 - length[0].bit_length()
    if not length[0] or len(length) < more:
        return f"has {_hex(head)} at byte {at}, where a Matroska part should begin"
    unknown = (1 << (7 * more)) - 1
    value = int.from_bytes(length[:more], "big") & unknown
    begin = at + width + more
    return _Element(identity, begin, None if value == unknown else begin + value)


def _mp4(read: Read, size: int) -> Ending:
    at, proved = 0, True
    kinds: set[bytes] = set()
    for _ in range(_MOST_PARTS):
        if at == size:
            if missing := {b"moov", b"mdat"} - kinds:
                names = " and ".join(sorted(kind.decode() for kind in missing))
                return Ending(f"is cut short: it has no `{names}` box", proved=False)
            return Ending("", proved)
        head = read(16, at)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big") if len(head) == 16 else 0
        elif length == 0 and len(head) >= 8 and kind.isalnum():
            length, proved = size - at, False  # "to the end of the file"
        if length < 8 or not _is_kind(kind):
            return Ending(
                f"has {_hex(head)} at byte {at}, where an MP4 box should begin", proved=False
            )
        if at + length > size:
            return Ending(_short(at + length, size), proved=False)
        if kind == b"moov" and (wrong := _boxes(read, at + 8, at + length)):
            return Ending(wrong, proved=False)
        kinds.add(kind)
        at += length
    return Ending("has too many parts", proved=False)


def _short(end: int, size: int) -> str:
    return f"is cut short: {size} of {end} bytes"


def _is_kind(kind: bytes) -> bool:
    return all(0x20 <= sign < 0x7F or sign == 0xA9 for sign in kind)


def _boxes(read: Read, at: int, end: int) -> str:
    """Follow the boxes in a box; what contradicts them. Up to 7 bytes may be left at an end."""
    ends = [end]
    for _ in range(_MOST_PARTS):
        while ends and ends[-1] - at < 8:
            at = ends.pop()
        if not ends:
            return ""
        head = read(16, at)
        length, kind, begin = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if length == 1 and len(head) == 16:
            length, begin = int.from_bytes(head[8:], "big"), at + 16
        if begin > at + length or at + length > ends[-1] or not _is_kind(kind):
            return f"has {_hex(head)} at byte {at}, where an MP4 box should begin"
        if kind in _MP4_NESTED:
            ends.append(at + length)
            at = begin
            continue
        if kind in _MP4_TABLES and _GAP in read(min(length, _MOST_TABLE_BYTES), at):
            return f"has a gap of zeros in its table `{kind.decode()}` at byte {at}"
        at += length
    return "has too many parts"
