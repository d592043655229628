"""What a container says of its own end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.storage.container import Ending, ending
from tests.support.containers import CLUSTER, SEGMENT, UNKNOWN, VOID, box, element, matroska, mp4

HEADER = element(bytes.fromhex("1a45dfa3"), b"\x42\x86\x81\x01")
WHOLE = Ending("", proved=True)
SILENT = Ending("", proved=False)


def judge(data, name="a.mkv"):
    return ending(lambda count, at: data[at : at + count], len(data), name)


def test_a_whole_matroska_file_proves_its_end():
    assert judge(matroska()) == WHOLE


@given(st.integers(1, len(matroska()) - 1))
def test_a_matroska_file_cut_anywhere_is_found_out(cut):
    assert judge(matroska()[:cut]).wrong


@given(st.integers(12, len(matroska()) - 12), st.integers(12, 4000))
def test_zeros_over_the_head_of_a_part_are_found_out(begin, count):
    data = bytearray(matroska(clusters=8))
    end = min(begin + count, len(data))
    heads = [at for at in range(len(data)) if data.startswith(CLUSTER, at)]
    data[begin:end] = bytes(end - begin)
    if any(begin <= at < end for at in heads):
        assert judge(bytes(data)).wrong


def test_a_segment_of_unknown_size_proves_nothing_and_contradicts_nothing():
    assert judge(HEADER + SEGMENT + UNKNOWN + element(CLUSTER, b"x" * 50)) == SILENT


def test_a_segment_of_unknown_size_cut_inside_a_part_is_found_out():
    assert judge(HEADER + SEGMENT + UNKNOWN + element(CLUSTER, b"x" * 50)[:-7]).wrong


def test_clusters_of_unknown_size_prove_nothing():
    inside = CLUSTER + UNKNOWN + b"anything"
    assert judge(HEADER + element(SEGMENT, inside)) == SILENT


def test_padding_after_the_segment_is_allowed_and_rubbish_is_not():
    assert judge(matroska() + element(VOID, b"pad")) == WHOLE
    assert judge(matroska() + b"\0" * 16).wrong


def test_appended_bytes_are_found_out_until_they_are_whole():
    grown = matroska() + matroska(seed=2)
    assert judge(grown) == WHOLE
    assert judge(grown[:-1]).wrong


def test_a_file_named_matroska_must_begin_as_one():
    assert "does not begin as Matroska" in judge(b"#EXTM3U\nhttp://").wrong
    assert "does not begin as Matroska" in judge(b"ffconcat version 1.0").wrong


def test_a_header_without_a_segment_is_not_whole():
    assert judge(HEADER).wrong


def test_a_container_under_the_extension_of_another_one_is_judged_by_what_it_is():
    assert judge(mp4(), "a.mkv") == WHOLE
    assert judge(matroska(), "a.mp4") == WHOLE


def test_a_whole_mp4_file_proves_its_end():
    assert judge(mp4(), "a.mp4") == WHOLE


@given(st.integers(1, len(mp4()) - 1))
def test_an_mp4_file_cut_anywhere_is_found_out(cut):
    assert judge(mp4()[:cut], "a.mp4").wrong


def test_an_mp4_file_without_an_index_is_not_whole():
    data = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"mdat", b"x" * 64)
    assert "moov" in judge(data, "a.mp4").wrong


def test_an_mp4_file_with_zeros_where_a_box_should_begin_is_not_whole():
    assert judge(mp4() + b"\0" * 32, "a.mp4").wrong


def indexed(*tables):
    """An MP4 file whose index comes last, as it does where nobody moved it."""
    samples = box(b"stbl", b"".join(tables))
    track = box(b"trak", box(b"tkhd", b"\1" * 80) + box(b"mdia", box(b"minf", samples)))
    return box(b"ftyp", b"isom") + box(b"mdat", b"x" * 90) + box(b"moov", track + track + b"\0" * 4)


TABLES = tuple(box(kind, b"\0\0\0\1" * 600) for kind in (b"stsz", b"stco", b"ctts"))


def test_an_index_with_a_gap_of_zeros_is_not_whole():
    whole = indexed(*TABLES)
    assert judge(whole, "a.mp4") == WHOLE
    first = whole.index(b"moov") + 4
    for begin in range(first, len(whole) - 4096, 100):
        data = whole[:begin] + bytes(4096) + whole[begin + 4096 :]
        assert judge(data, "a.mp4").wrong, begin
        assert judge(whole[:begin] + bytes(len(whole) - begin), "a.mp4").wrong, begin


def test_what_may_be_zeros_in_an_index_is_no_gap():
    others = (box(b"sdtp", bytes(5000)), box(b"free", bytes(5000)), box(b"stsz", bytes(600)))
    assert judge(indexed(*others), "a.mp4") == WHOLE


def test_boxes_within_boxes_without_an_end_are_followed_no_further():
    data = b""
    for _ in range(3000):
        data = box(b"moov", data)
    assert judge(box(b"ftyp", b"isom") + data + box(b"mdat"), "a.mp4") == WHOLE


def test_a_last_box_that_reaches_to_the_end_proves_nothing():
    data = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov") + box(b"mdat", b"x" * 9, length=0)
    assert judge(data, "a.mp4") == SILENT


def test_a_large_box_has_its_length_in_eight_bytes():
    large = (1).to_bytes(4, "big") + b"mdat" + (16 + 5).to_bytes(8, "big") + b"x" * 5
    assert judge(box(b"ftyp") + box(b"moov") + large, "a.mp4") == WHOLE
    assert judge(box(b"ftyp") + box(b"moov") + large[:-1], "a.mp4").wrong


@pytest.mark.parametrize("name", ["a.ts", "a.avi", "a.m2ts"])
def test_other_containers_prove_nothing_here(name):
    assert judge(b"G" * 400, name) == SILENT


@pytest.mark.parametrize("data", [b"", b"\x1a", b"\x1a\x45\xdf\xa3", b"\0\0\0\0ftyp"])
def test_the_shortest_files_are_judged_too(data):
    for name in ("a.mkv", "a.mp4"):
        assert judge(data, name).wrong


@given(st.binary(max_size=300), st.sampled_from(["a.mkv", "a.mp4", "a.avi"]))
def test_any_bytes_get_an_answer(data, name):
    for start in (b"", HEADER, HEADER + SEGMENT + UNKNOWN, box(b"ftyp")):
        judge(start + data, name)
