"""Lines of standard input: none lost, none late."""

import io
import os
import threading

from hypothesis import given
from hypothesis import strategies as st

from izumi.commands.lines import chunks


@given(st.binary(max_size=200))
def test_every_line_comes_once_and_in_order(data: bytes) -> None:
    wanted = data.split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    found = [line for some in chunks(io.BytesIO(data)) for line in some]
    assert found == [line.rstrip(b"\r") for line in wanted]


def test_many_lines_come_in_parts_of_five_hundred() -> None:
    data = b"".join(b"%d\n" % number for number in range(1234))
    parts = list(chunks(io.BytesIO(data)))
    assert [len(part) for part in parts] == [500, 500, 234]


def finish(out: io.FileIO) -> None:
    out.write(b"o\n")
    out.close()


def test_a_line_comes_while_its_writer_waits_for_the_answer() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as out:
        lines = chunks(stream)
        out.write(b"one\ntw")
        assert next(lines) == [b"one"]
        threading.Timer(0.05, finish, [out]).start()
        assert next(lines) == [b"two"]
        assert list(lines) == []
