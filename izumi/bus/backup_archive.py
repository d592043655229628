"""The archive that nats-server writes of a stream (its version 2): read, and joined. Pure.

    "NATSARC1", state.json, consumers/<name> ..., the messages by sequence, the end

Each entry has the lengths of its name, of its headers and of its payload, a time, and a
sequence, which is 0 for all that is no message. The server takes the state of the stream
first and its consumers after it, so that work may be settled between them whose result
is not in the archive any more. Hence `joined`: the consumers of an earlier archive, the
messages of a later one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from izumi.bus import backup_s2
from izumi.domain.errors import Rejected

MAGIC: Final = b"NATSARC1"

_STATE: Final = "state.json"
_CONSUMERS: Final = "consumers/"


class Entry(NamedTuple):
    """One entry; `begin` and `end` are its place in the archive, `data` its whole content."""

    name: str
    time_ns: int
    seq: int
    data: bytes
    begin: int
    end: int

    @property
    def is_end(self) -> bool:
        """Whether it is what the archive ends with."""
        return not (self.name or self.time_ns or self.seq or self.data)


class Position(msgspec.Struct, frozen=True):
    """How far a consumer is.

    Attributes:
        delivered: Sequence of the last message that it was given.
        floor: Everything up to this sequence is settled.
        pending: How many are given and not settled.
    """

    delivered: int
    floor: int
    pending: int


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds. Times are nanoseconds since 1970, 0 where there is none."""

    messages: int
    first_seq: int
    last_seq: int
    first_ns: int
    last_ns: int
    consumers: Mapping[str, Position]


class _Reader:
    """The archive's bytes, as far as they are needed, without what was read before."""

    def __init__(self, frames: Iterable[bytes], *, check: bool = False) -> None:
        self._frames = iter(frames)
        self._check = check
        self._data = b""
        self._start = 0
        if self.take(0, len(MAGIC)) != MAGIC:
            raise Rejected("it is no archive of nats-server 2.15 or newer")

    def take(self, begin: int, size: int) -> bytes:
        """So many bytes; fewer where it ends. Nothing before `begin` is kept."""
        if begin - self._start > 1 << 16:
            self._data = self._data[begin - self._start :]
            self._start = begin
        at = begin - self._start
        while len(self._data) < at + size and self._more():
            pass
        return self._data[at : at + size]

    def rest(self, begin: int) -> bytes:
        """Everything from there on that was decompressed already."""
        return self._data[begin - self._start :]

    def _more(self) -> bool:
        frame = next(self._frames, None)
        if frame is not None:
            self._data += backup_s2.content(frame, check=self._check)
        return frame is not None

    def entry(self, begin: int) -> Entry:
        head = self.take(begin, 64)
        try:
            name_bytes, at = backup_s2.uvarint(head, 0)
            time, at = backup_s2.uvarint(head, at)
            seq, at = backup_s2.uvarint(head, at)
            headers, at = backup_s2.uvarint(head, at)
            payload, at = backup_s2.uvarint(head, at)
        except IndexError:
            raise Rejected("it ends before its end") from None
        size = name_bytes + headers + payload
        body = self.take(begin + at, size)
        if len(body) < size:
            raise Rejected("it ends before its end")
        name = body[:name_bytes].decode("utf-8", "surrogateescape")
        time_ns = time >> 1 ^ -(time & 1)
        return Entry(name, time_ns, seq, body[name_bytes:], begin, begin + at + size)


def entries(frames: Iterable[bytes]) -> Iterator[Entry]:
    """Every entry but the last, which ends the archive.

    Raises:
        Rejected: It is damaged, ends too early, or is of another version.
    """
    reader = _Reader(frames)
    at = len(MAGIC)
    while not (entry := reader.entry(at)).is_end:
        yield entry
        at = entry.end
    if reader.take(entry.end, 1):
        raise Rejected("something follows its end")


def consumers(frames: Iterable[bytes]) -> dict[str, bytes]:
    """The consumers of an archive by name, as it writes them. Raises Rejected."""
    found: dict[str, bytes] = {}
    for entry in entries(frames):
        if entry.seq:
            break
        if entry.name.startswith(_CONSUMERS):
            found[entry.name.removeprefix(_CONSUMERS)] = entry.data
    return found


def joined(frames: Iterable[bytes], ours: Mapping[str, bytes]) -> Iterator[bytes]:
    """The frames of an archive, its consumers replaced.

    Args:
        frames: Of an archive that is not older than where `ours` come from.
        ours: As `consumers` gives them.

    Raises:
        Rejected: It is damaged.
    """
    source = iter(frames)
    reader = _Reader(source, check=True)
    entry = reader.entry(len(MAGIC))
    if entry.name != _STATE:
        raise Rejected(f"it begins with {entry.name!r}")
    state = msgspec.json.decode(entry.data, type=dict[str, Any])
    made = [MAGIC, _written(_STATE, entry.time_ns, _json(state | {"consumer_count": len(ours)}))]
    made += [_written(_CONSUMERS + name, entry.time_ns, data) for name, data in ours.items()]
    entry = reader.entry(entry.end)
    while entry.name.startswith(_CONSUMERS) and not entry.seq:
        entry = reader.entry(entry.end)
    made.append(reader.rest(entry.begin))
    yield backup_s2.IDENTIFIER
    yield from backup_s2.plain(b"".join(made))
    yield from source


def survey(frames: Iterable[bytes]) -> Survey:
    """Read an archive through.

    Raises:
        Rejected: It is damaged, ends too early, or is not in order.
    """
    try:
        return _survey(frames)
    except (msgspec.DecodeError, KeyError) as exc:
        raise Rejected(f"what it says of itself cannot be read: {exc}") from exc


def _survey(frames: Iterable[bytes]) -> Survey:
    state: dict[str, Any] = {}
    positions: dict[str, Position] = {}
    count = first_ns = last_ns = last = first = 0
    for entry in entries(frames):
        if not state:
            if entry.name != _STATE:
                raise Rejected(f"it begins with {entry.name!r}")
            state = msgspec.json.decode(entry.data, type=dict[str, Any])
        elif entry.seq:
            if entry.seq <= last:
                raise Rejected(f"message {entry.seq} comes after {last}")
            first, first_ns = first or entry.seq, first_ns or entry.time_ns
            last, last_ns, count = entry.seq, entry.time_ns, count + 1
        else:
            positions[entry.name.removeprefix(_CONSUMERS)] = _position(entry.data)
    if len(positions) != state.get("consumer_count", 0):
        raise Rejected(f"it has {len(positions)} consumers of {state.get('consumer_count')}")
    return Survey(
        messages=count,
        first_seq=first or int(state["first_seq"]),
        last_seq=int(state["last_seq"]),
        first_ns=first_ns,
        last_ns=last_ns,
        consumers=positions,
    )


def _position(data: bytes) -> Position:
    state = msgspec.json.decode(data, type=dict[str, Any])["state"]
    return Position(
        delivered=state["delivered"]["stream_seq"],
        floor=state["ack_floor"]["stream_seq"],
        pending=len(state.get("pending") or ()),
    )


def _written(name: str, time_ns: int, data: bytes) -> bytes:
    label = name.encode()
    numbers = (len(label), time_ns << 1, 0, 0, len(data))
    return b"".join((*map(_uvarint, numbers), label, data))


def _uvarint(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
