"""Subtitle files beside a video."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import sidecars
from izumi.domain.sidecars import Sidecar

VIDEO = "Show - 01 [1080p].mkv"
STEM = "Show - 01 [1080p]"


@pytest.mark.parametrize(
    ("words", "language", "title", "flags"),
    [
        ("", "", "", ()),
        (".en", "en", "", ()),
        (".eng.forced", "eng", "", ("forced",)),
        (".zh-Hant", "zh-Hant", "", ()),
        (".chs", "chs", "", ()),
        (".English.SDH", "English", "", ("hearing_impaired",)),
        (".Signs & Songs.en", "en", "Signs & Songs", ()),
        (".mkv.ja", "ja", "", ()),
        (".Dialogue only", "", "Dialogue only", ()),
    ],
)
def test_a_name_says_language_flags_and_title(words, language, title, flags):
    name = f"{STEM}{words}.ass"
    assert sidecars.beside(VIDEO, [name]) == [Sidecar(name, language, title, flags)]


def test_only_subtitles_of_this_video_are_its_own():
    names = [
        VIDEO, f"{STEM}.en.ASS", f"{STEM}.srt", f"{STEM}.vtt", f"{STEM}.ssa", f"{STEM}v2.ass",
        f"{STEM} extra.ass", "Show - 011.ass", "Show - 01.ass", f"{STEM}.txt", f"{STEM}.jpg",
        "show - 01 [1080p].de.srt",
    ]  # fmt: skip
    assert [own.name for own in sidecars.beside(VIDEO, names)] == [
        f"{STEM}.en.ASS", f"{STEM}.srt", f"{STEM}.ssa", f"{STEM}.vtt", "show - 01 [1080p].de.srt",
    ]  # fmt: skip


def test_kinds_that_are_not_read_come_last_and_a_pair_counts_once():
    names = [f"{STEM}.en{suffix}" for suffix in (".idx", ".sub", ".srt")] + [f"{STEM}.sub"]
    found = sidecars.beside(VIDEO, names)
    assert [(own.name, own.read) for own in found] == [
        (f"{STEM}.en.srt", True), (f"{STEM}.en.idx", False), (f"{STEM}.sub", False),
    ]  # fmt: skip


@given(st.lists(st.text(min_size=1), max_size=30), st.text(min_size=1))
def test_whatever_names_lie_there_few_are_taken_and_under_names_of_our_own(names, video):
    own = sidecars.beside(video, [f"{video}{name}.ass" for name in names])
    assert len(own) <= sidecars.MOST
    for number, sidecar in enumerate(own):
        assert sidecars.own_name(number, sidecar) == f"beside_{number}.ass"
