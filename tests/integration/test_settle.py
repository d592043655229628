"""Whether a real file is ready, and how it is held fast."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from izumi.domain.errors import NoSpace
from izumi.storage import beneath, staging
from izumi.storage.settle import Changed, Settled, Unready, examine, look
from izumi.storage.staging import Cancelled, Staging, sha256_below, sha256_of
from tests.support.containers import CLUSTER, SEGMENT, UNKNOWN, element, matroska, mp4

PROJECT = Path(__file__).parents[2]
GO = threading.Event()
OTHER = Path("/dev/shm")  # noqa: S108 - a file system of its own on every Linux


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "watch"
    folder.mkdir()
    return folder


@pytest.fixture
def staged(tmp_path):
    return Staging(tmp_path / "staging")


def put(root, name="a.mkv", data=None):
    (root / name).write_bytes(matroska() if data is None else data)
    return look(root, name)


def judge(root, name="a.mkv"):
    before = look(root, name)
    assert before is not None
    return examine(root, name, before)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_a_whole_file_that_nobody_writes_is_settled(root, name):
    put(root, name, {"a.mp4": mp4(), "a.ts": b"G" * 400}.get(name))
    assert judge(root, name) == Settled(proved=name != "a.ts")


def test_an_empty_file_is_not_ready(root):
    put(root, data=b"")
    assert judge(root) == Unready("is empty")


def test_a_cut_file_is_not_ready_and_the_reason_has_the_numbers(root):
    put(root, data=matroska(100_000)[:20_000])
    assert "is cut short: 20000 of 100" in judge(root).reason


def test_text_under_the_name_of_a_video_is_not_ready(root):
    put(root, data=b"#!/bin/sh\nrm -rf /\n")
    assert "does not begin as Matroska" in judge(root).reason


def test_a_file_that_a_program_has_open_for_writing_is_not_ready(root):
    put(root)
    with (root / "a.mkv").open("ab"):
        unready = judge(root)
    assert unready == Unready("is open for writing in another program", passing=True)
    assert judge(root) == Settled(proved=True)


def test_a_writer_under_another_name_of_the_file_is_seen_too(root):
    put(root)
    os.link(root / "a.mkv", root / "b.mkv")
    with (root / "b.mkv").open("ab"):
        assert isinstance(judge(root), Unready)


def test_a_program_that_opens_the_file_for_writing_meanwhile_harms_nobody(root):
    """The kernel signals a lease holder when somebody else opens; by default that kills."""
    put(root)
    code = "import sys\nfor _ in range(3000): open(sys.argv[1], 'ab').close()"
    writer = subprocess.Popen([sys.executable, "-c", code, root / "a.mkv"])
    while writer.poll() is None:
        judge(root)
    assert writer.returncode == 0


def test_a_program_that_opens_the_file_at_the_worst_moment_does_not_end_us(root):
    """Between taking the lease and giving it up; in a process of its own, which must live."""
    put(root)
    code = """
import fcntl, os, sys
from pathlib import Path
from izumi.storage.settle import examine, look
real = fcntl.fcntl
def meanwhile(fd, what, *rest):
    result = real(fd, what, *rest)
    if (what, rest) == (fcntl.F_SETLEASE, (fcntl.F_RDLCK,)):
        try:
            os.close(os.open(sys.argv[1] + "/a.mkv", os.O_WRONLY | os.O_NONBLOCK))
        except BlockingIOError:
            pass
    return result
fcntl.fcntl = meanwhile
root = Path(sys.argv[1])
print(examine(root, "a.mkv", look(root, "a.mkv")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, root], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Settled" in done.stdout


@pytest.mark.parametrize("what", ["link", "fifo"])
def test_a_file_swapped_between_look_and_open_is_neither_followed_nor_waited_for(
    root, monkeypatch, what
):
    before = put(root)
    path = root / "a.mkv"
    stat = os.stat

    def stat_and_swap(*args, **kwargs):
        result = stat(*args, **kwargs)
        monkeypatch.undo()
        path.rename(root / "b.mkv")
        if what == "link":
            path.symlink_to(root / "b.mkv")
        else:
            os.mkfifo(path)
        return result

    monkeypatch.setattr(os, "stat", stat_and_swap)
    with pytest.raises((beneath.NotAFile, OSError)) as caught, beneath.opened(root, "a.mkv"):
        pass
    assert isinstance(caught.value, beneath.NotAFile) or caught.value.errno == errno.ELOOP
    with pytest.raises(Changed):
        examine(root, "a.mkv", before)


@pytest.mark.parametrize("how", ["sparse", "allocated"])
def test_a_file_with_holes_is_not_ready_although_it_has_its_full_size(root, how):
    data = matroska(1 << 20, clusters=1)
    with (root / "a.mkv").open("wb") as file:
        if how == "allocated":
            os.posix_fallocate(file.fileno(), 0, len(data))
        file.write(data[:300_000])
        file.seek(700_000)
        file.write(data[700_000:])
    assert "has a hole" in judge(root).reason


def test_a_control_file_beside_it_says_that_it_is_still_downloaded(root):
    put(root)
    (root / "a.mkv.aria2").touch()
    assert "aria2" in judge(root).reason


def test_a_recording_of_unknown_length_settles_without_proof(root):
    header = element(bytes.fromhex("1a45dfa3"), b"\x42\x86\x81\x01")
    put(root, data=header + SEGMENT + UNKNOWN + element(CLUSTER, b"x" * 90))
    assert judge(root) == Settled(proved=False)


@pytest.mark.parametrize("what", ["deleted", "link", "fifo", "grown"])
def test_a_file_that_became_another_thing_is_not_examined(root, tmp_path, what):
    before = put(root)
    path = root / "a.mkv"
    if what == "grown":
        path.write_bytes(matroska(seed=1))
        os.utime(path, ns=(before.mtime_ns, before.mtime_ns))
    else:
        path.unlink()
    if what == "link":
        path.symlink_to("/etc/passwd")
    if what == "fifo":
        os.mkfifo(path)
    with pytest.raises(Changed):
        examine(root, "a.mkv", before)
    assert (look(root, "a.mkv") is None) == (what != "grown")


def test_a_file_that_may_not_be_read_is_not_ready(root, as_nobody):
    put(root)
    (root / "a.mkv").chmod(0)
    with as_nobody(root):
        unready = judge(root)
    assert unready.reason == "cannot be read: Permission denied"
    assert unready.passing


def test_staging_links_the_file_and_takes_its_hash(root, staged):
    before = put(root)
    result = staged.stage(7, root, "a.mkv", before, GO)
    assert result.how == "link"
    assert result.path.samefile(root / "a.mkv")
    assert result.sha256 == hashlib.sha256(matroska()).hexdigest()
    (root / "a.mkv").unlink()
    assert staged.intact(7, before.size, before.inode, before.mtime_ns)
    staged.release(7)
    assert not staged.intact(7, before.size, before.inode, before.mtime_ns)
    staged.release(7)
    assert not result.path.exists()


def test_staging_again_replaces_what_a_crash_left(root, staged):
    before = put(root)
    staged.stage(7, root, "a.mkv", before, GO)
    again = staged.stage(7, root, "a.mkv", before, GO)
    assert again.path.samefile(root / "a.mkv")


def test_where_no_link_is_possible_a_copy_is_made_that_later_changes_do_not_reach(
    root, staged, monkeypatch
):
    def refuse(*args, **kwargs):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    before = put(root)
    result = staged.stage(7, root, "a.mkv", before, GO)
    assert result.how in {"reflink", "copy"}
    (root / "a.mkv").write_bytes(b"other")
    assert result.path.read_bytes() == matroska()
    assert staged.intact(7, before.size, before.inode, before.mtime_ns)


@pytest.mark.skipif(not os.access(OTHER, os.W_OK), reason="no second file system here")
def test_a_file_on_another_file_system_is_copied_and_read_back(staged):
    folder = OTHER / f"izumi-test-{os.getpid()}"
    folder.mkdir()
    try:
        before = put(folder)
        result = staged.stage(7, folder, "a.mkv", before, GO)
        assert result.how == "copy"
        assert result.sha256 == hashlib.sha256(matroska()).hexdigest()
        assert result.path.read_bytes() == matroska()
    finally:
        (folder / "a.mkv").unlink()
        folder.rmdir()


def test_without_room_for_a_copy_nothing_is_copied(root, staged, monkeypatch):
    monkeypatch.setattr(os, "link", _refuse)
    monkeypatch.setattr(staging, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(NoSpace, match="no room"):
        staged.stage(7, root, "a.mkv", put(root), GO)


def _refuse(*args, **kwargs):
    raise OSError(1, "Operation not permitted")


@pytest.mark.parametrize("how", ["link", "copy"])
@pytest.mark.parametrize("what", ["replaced", "appended", "truncated", "deleted", "swapped"])
def test_a_file_that_is_not_what_was_proved_is_not_staged(
    root, staged, monkeypatch, tmp_path, how, what
):
    before = put(root)
    if how == "copy":
        monkeypatch.setattr(os, "link", _refuse)
    path = root / "a.mkv"
    if what == "replaced":
        path.unlink()
        path.write_bytes(matroska(seed=3))
    elif what == "appended":
        with path.open("ab") as file:
            file.write(b"more")
    elif what == "truncated":
        os.truncate(path, 10)
    elif what == "deleted":
        path.unlink()
    else:
        path.unlink()
        path.symlink_to("/etc/passwd")
    with pytest.raises((Changed, OSError)) as caught:
        staged.stage(7, root, "a.mkv", before, GO)
    assert isinstance(caught.value, Changed) or what == "deleted"


def test_a_file_that_was_hashed_while_it_was_proved_is_not_read_again(root, staged, monkeypatch):
    before = put(root)
    sha256 = sha256_below(root, "a.mkv", before, GO)
    assert sha256 == hashlib.sha256(matroska()).hexdigest()
    monkeypatch.setattr(staging, "sha256_of", None)
    result = staged.stage(7, root, "a.mkv", before, GO, sha256=sha256)
    assert (result.how, result.sha256) == ("link", sha256)


def test_a_copy_of_another_content_than_was_proved_is_refused(root, staged, monkeypatch):
    """Size and times are as before: only the content tells."""
    monkeypatch.setattr(os, "link", _refuse)
    monkeypatch.setattr(staging.Staging, "_clone", lambda *_: None)
    before = put(root)
    with pytest.raises(Changed):
        staged.stage(7, root, "a.mkv", before, GO, sha256="0" * 64)


@pytest.mark.parametrize("what", ["replaced", "swapped", "appended"])
def test_what_is_not_what_was_quiet_has_no_hash(root, what):
    before = put(root)
    path = root / "a.mkv"
    if what == "appended":
        with path.open("ab") as file:
            file.write(b"more")
    else:
        path.unlink()
        if what == "swapped":
            path.symlink_to("/etc/passwd")
        else:
            path.write_bytes(matroska(seed=3))
    with pytest.raises(Changed):
        sha256_below(root, "a.mkv", before, GO)


def test_a_file_that_changes_while_it_is_hashed_has_no_hash(root, monkeypatch):
    put(root, data=b"x" * (3 << 20))
    read = os.read

    def read_and_change(fd, count):
        with (root / "a.mkv").open("r+b") as file:
            file.write(b"y")
        return read(fd, count)

    monkeypatch.setattr(os, "read", read_and_change)
    with pytest.raises(Changed):
        sha256_of(root / "a.mkv", GO)


def test_hashing_stops_when_asked(root):
    put(root)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        sha256_of(root / "a.mkv", stop)


def test_a_linked_file_that_changes_is_not_intact(root, staged):
    before = put(root)
    staged.stage(7, root, "a.mkv", before, GO)
    with (root / "a.mkv").open("r+b") as file:
        file.write(b"!")
    os.utime(root / "a.mkv")
    assert not staged.intact(7, before.size, before.inode, before.mtime_ns)


def test_what_no_file_needs_is_swept_from_staging(root, staged, tmp_path):
    before = put(root)
    staged.stage(7, root, "a.mkv", before, GO)
    staged.stage(8, root, "a.mkv", before, GO)
    (tmp_path / "staging/rubbish").mkdir()
    assert staged.sweep(lambda id_: id_ == 8) == 2
    assert staged.path(8).exists()
    assert not staged.path(7).exists()
    assert Staging(tmp_path / "nothing").sweep(lambda id_: False) == 0
