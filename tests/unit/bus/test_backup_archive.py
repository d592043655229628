"""Archives of nats-server: decompressed, read, and joined."""

import io
import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.bus import backup_archive, backup_s2
from izumi.bus.backup_archive import MAGIC, Position
from izumi.domain.errors import Rejected


def number(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def entry(name: str, data: bytes, *, seq: int = 0, time_ns: int = 5, headers: int = 0) -> bytes:
    label = name.encode()
    sizes = (len(label), time_ns << 1, seq, headers, len(data) - headers)
    return b"".join(map(number, sizes)) + label + data


END = bytes(5)


def archive(
    facts: Sequence[tuple[int, str, bytes]],
    consumers: Mapping[str, tuple[int, int]],
    *,
    last: int | None = None,
) -> bytes:
    """An archive of messages (sequence, subject, data) and consumers (delivered, floor)."""
    state = {
        "first_seq": facts[0][0] if facts else 1,
        "last_seq": (facts[-1][0] if facts else 0) if last is None else last,
        "consumer_count": len(consumers),
    }
    made = [MAGIC, entry("state.json", json.dumps(state).encode())]
    for name, (delivered, floor) in consumers.items():
        one = {"stream_seq": delivered}, {"stream_seq": floor}
        told = {"config": {"name": name}, "state": {"delivered": one[0], "ack_floor": one[1]}}
        made.append(entry(f"consumers/{name}", json.dumps(told).encode()))
    made += [entry(subject, data, seq=seq, time_ns=seq * 10) for seq, subject, data in facts]
    return b"".join([*made, END])


def framed(data: bytes) -> list[bytes]:
    return [backup_s2.IDENTIFIER, *backup_s2.plain(data)]


def literal(piece: bytes, width: int) -> bytes:
    """Bytes as they are; their length in the tag, or in so many bytes behind it."""
    size = len(piece) - 1
    if not width:
        return bytes([size << 2]) + piece
    return bytes([(59 + width) << 2]) + size.to_bytes(width, "little") + piece


def again(size: int) -> bytes:
    """A copy from the last distance once more."""
    for least, most, width in ((4, 8, 0), (8, 264, 1), (260, 65_796, 2), (65_540, 1 << 24, 3)):
        if least <= size < most:
            code = size - 4 if not width else 4 + width
            return bytes([code << 2 | 1, 0]) + (size - least if width else 0).to_bytes(
                width, "little"
            )
    raise ValueError(size)


def copy(distance: int, size: int, width: int) -> bytes:
    """A copy from a distance that takes one byte and three bits, or two or four bytes."""
    if width == 1:
        return bytes([distance >> 8 << 5 | (size - 4) << 2 | 1, distance & 0xFF])
    return bytes([(size - 1) << 2 | (2 if width == 2 else 3)]) + distance.to_bytes(width, "little")


@st.composite
def blocks(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A compressed block of every kind of instruction, and what it says."""
    made, block, distance = b"", b"", 0
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["literal", "copy", "again"]))
        if kind == "literal" or not made or (kind == "again" and not distance):
            piece = draw(st.binary(min_size=1, max_size=300))
            block += literal(piece, draw(st.integers(0 if len(piece) <= 60 else 2, 4)))
            made += piece
            continue
        if kind == "again":
            size = draw(st.one_of(st.integers(4, 400), st.just(70_000)))
            block += again(size)
        else:
            width = draw(st.sampled_from([1, 2, 4]))
            distance = draw(st.integers(1, min(len(made), 2047 if width == 1 else 60_000)))
            size = draw(st.integers(4, 11) if width == 1 else st.integers(1, 64))
            block += copy(distance, size, width)
        piece = made[-distance:]
        made += (piece * (size // distance + 1))[:size]
    return number(len(made)) + block, made


def compressed(block: bytes, said: bytes) -> bytes:
    body = backup_s2.checksum(said).to_bytes(4, "little") + block
    return b"\x00" + len(body).to_bytes(3, "little") + body


@given(blocks())
def test_every_instruction_does_what_it_says(made: tuple[bytes, bytes]) -> None:
    block, said = made
    assert backup_s2.content(compressed(block, said), check=len(said) < 2000) == said


@given(st.binary(max_size=200), blocks())
def test_damage_is_refused_and_nothing_else_happens(
    noise: bytes, made: tuple[bytes, bytes]
) -> None:
    for block in (noise, made[0][:-1], made[0] + noise):
        try:
            backup_s2.content(compressed(block, b""))
        except Rejected:
            continue


def test_the_checksum_is_the_one_of_the_framing() -> None:
    # CRC-32C of "123456789" is 0xE3069283.
    masked = ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert backup_s2.checksum(b"123456789") == masked


def test_a_flipped_bit_is_seen_where_the_checksum_is_compared() -> None:
    (frame,) = backup_s2.plain(b"some text")
    damaged = frame[:-1] + bytes([frame[-1] ^ 1])
    with pytest.raises(Rejected, match="damaged"):
        backup_s2.content(damaged, check=True)


@given(st.binary(max_size=200_000))
def test_what_is_written_plainly_is_read_again(data: bytes) -> None:
    file = io.BytesIO(b"".join(framed(data)))
    assert b"".join(map(backup_s2.content, backup_s2.frames(file))) == data


@pytest.mark.parametrize("cut", [3, 5, 30])
def test_a_stream_that_ends_within_a_frame_is_refused(cut: int) -> None:
    data = b"".join(framed(b"x" * 100))
    with pytest.raises(Rejected):
        list(backup_s2.frames(io.BytesIO(data[:-cut])))


def test_what_is_no_stream_is_refused() -> None:
    with pytest.raises(Rejected, match="no S2 stream"):
        list(backup_s2.frames(io.BytesIO(b"\x00\x01\x00\x00x")))


FACTS = [(3, "a.b", b"one"), (4, "a.c", b""), (9, "泉", b"x" * 70_000), (10, "a", b"y" * 70_000)]


def test_an_archive_tells_what_it_holds() -> None:
    found = backup_archive.survey(framed(archive(FACTS, {"enc": (9, 4)}, last=12)))
    assert (found.messages, found.first_seq, found.last_seq) == (4, 3, 12)
    assert (found.first_ns, found.last_ns) == (30, 100)
    assert found.consumers == {"enc": Position(delivered=9, floor=4, pending=0)}


def test_an_empty_archive_tells_so() -> None:
    found = backup_archive.survey(framed(archive([], {})))
    assert (found.messages, found.first_seq, found.last_seq, found.last_ns) == (0, 1, 0, 0)


def test_joined_it_has_the_earlier_consumers_and_the_later_facts() -> None:
    earlier = framed(archive(FACTS[:1], {"enc": (3, 3), "gone": (1, 1)}))
    later = framed(archive(FACTS, {"enc": (10, 10), "new": (0, 0)}))
    both = list(backup_archive.joined(later, backup_archive.consumers(earlier)))
    found = backup_archive.survey(both)
    assert found.consumers == {
        "enc": Position(delivered=3, floor=3, pending=0),
        "gone": Position(delivered=1, floor=1, pending=0),
    }
    kept = [(one.seq, one.name, one.data) for one in backup_archive.entries(both) if one.seq]
    assert kept == FACTS


@pytest.mark.parametrize("facts", [[], FACTS])
def test_joined_with_itself_nothing_changes(facts: list[tuple[int, str, bytes]]) -> None:
    data = framed(archive(facts, {"a": (1, 1)}))
    both = list(backup_archive.joined(data, backup_archive.consumers(data)))
    assert backup_archive.survey(both) == backup_archive.survey(data)


WHOLE = archive(FACTS, {"enc": (9, 4)})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"tar" + WHOLE, "2.15"),
        (WHOLE[:-5], "ends before its end"),
        (WHOLE[:-100], "ends before its end"),
        (WHOLE + b"x", "follows its end"),
        (archive([FACTS[1], FACTS[0]], {}), "comes after"),
        (archive(FACTS, {}).replace(b'"consumer_count": 0', b'"consumer_count": 1'), "consumers"),
        (archive(FACTS, {}).replace(b"state.json", b"slate.json"), "begins with"),
        (archive([], {}).replace(b'"first_seq"', b'"first_see"'), "cannot be read"),
        (archive(FACTS, {}).replace(b'{"first_seq"', b'["first_seq"'), "cannot be read"),
    ],
)
def test_an_archive_that_is_not_whole_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        backup_archive.survey(framed(data))


@given(st.binary(max_size=300))
def test_no_archive_is_believed_blindly(noise: bytes) -> None:
    try:
        backup_archive.survey(framed(MAGIC + noise))
    except Rejected:
        return
