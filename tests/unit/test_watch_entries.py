"""What is taken from a watch folder, by name and kind alone."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.storage.entries import Rules, decide, foreign, kind_of, rules, shown

PLAIN = Rules()


@pytest.mark.parametrize(
    "name", ["a.mkv", "A.MKV", "[G] Show - 01.mp4", "ショー 第1話.webm", "x.ts"]
)
def test_a_video_is_a_candidate_whatever_the_case_and_script(name):
    assert decide(f"Show/{name}", "file", PLAIN) is None


@pytest.mark.parametrize(
    "name",
    [
        *("a.mkv.part", "a.mkv.!qB", "a.mkv.!ut", "a.mkv.crdownload", "a.mkv.tmp", "a.mkv.aria2"),
        *("a.mkv.partial", "a.mkv.0a1b2c3d.partial", "a.mkv.filepart", "a.mkv.bts", "a.mkv~"),
        *("~syncthing~a.mkv", "~syncthing~a.mkv.tmp", "a.temp.mkv", "a.unmanic.mkv", "~$a.mkv"),
    ],
)
def test_names_of_unfinished_files_are_left_alone_without_a_word(name):
    everything = rules([*PLAIN.extensions, "part", "tmp", "partial", "aria2", "!qb", "!ut"], [])
    ignored = decide(name, "file", everything)
    assert ignored is not None
    assert ignored.tell is False


@pytest.mark.parametrize(
    "name", [".a.mkv", "._a.mkv", ".nfs0001.mkv", ".fuse_hidden01.mkv", ".mkv"]
)
def test_dot_files_are_left_alone(name):
    ignored = decide(name, "file", PLAIN)
    assert ignored is not None
    assert ignored.reason == "begins with a dot"


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "lost+found", ".stfolder", "_UNPACK_Show"])
def test_folders_of_other_programs_are_not_entered(name):
    assert decide(name, "folder", PLAIN) is not None


@pytest.mark.parametrize("name", ["Show", "Season 2", "x.mkv", "a.part"])
def test_other_folders_are_entered_also_when_they_look_like_videos(name):
    assert (decide(name, "folder", PLAIN) is None) == (name != "a.part")


@pytest.mark.parametrize("kind", ["link", "fifo", "socket", "device"])
def test_what_looks_like_a_video_and_is_no_file_is_refused_aloud(kind):
    ignored = decide("Show/a.mkv", kind, PLAIN)
    assert ignored is not None
    assert ignored.tell is True


def test_a_link_to_a_folder_is_refused_aloud_since_its_videos_may_be_waited_for():
    ignored = decide("Show", "link", PLAIN)
    assert ignored is not None
    assert ignored.tell is True


@pytest.mark.parametrize("name", ["a.nfo", "a.ass", "a", "mkv", "a.mkv.txt"])
def test_what_is_no_video_is_left_alone_without_a_word(name):
    for kind in ("file", "fifo"):
        ignored = decide(name, kind, PLAIN)
        assert ignored is not None
        assert ignored.tell is False


def test_ignore_patterns_match_the_name_or_the_path_in_any_case():
    chosen = rules(["MKV"], ["*SAMPLE*", "extras/*"])
    assert decide("a/my.Sample.mkv", "file", chosen) is not None
    assert decide("Extras/a.mkv", "file", chosen) is not None
    assert decide("a/b.mkv", "file", chosen) is None


@pytest.mark.parametrize("written", ["mkv", ".mkv", "MKV", ".MkV"])
def test_extensions_may_be_written_with_or_without_the_dot_in_any_case(written):
    assert rules([written], []).extensions == {".mkv"}


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"/" not in raw and b"\0" not in raw))
def test_any_bytes_can_be_decided_and_shown(raw):
    name = raw.decode("utf-8", "surrogateescape")
    decide(name, "file", PLAIN)
    assert shown(name).encode()


def test_a_file_of_an_unknown_owner_is_refused_aloud_unless_anybody_may():
    ignored = foreign(107, Rules(owners=frozenset({0, 1000})))
    assert ignored is not None
    assert ignored.tell
    assert "user 107" in ignored.reason
    assert foreign(1000, Rules(owners=frozenset({0, 1000}))) is None
    assert foreign(107, Rules(owners=None)) is None


def test_modes_become_kinds():
    kinds = [stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK]
    assert [kind_of(bits | 0o644) for bits in kinds] == ["file", "folder", "link", "fifo", "socket"]
    assert kind_of(stat.S_IFCHR) == kind_of(stat.S_IFBLK) == "device"
