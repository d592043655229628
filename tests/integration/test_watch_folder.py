"""Walking real folders: what is met, and what nobody waits for."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from izumi.storage import beneath
from izumi.storage.entries import Rules, rules
from izumi.storage.events import Watcher, WatchFailed
from izumi.storage.walk import walk
from tests.support.own_limits import run_with_inotify_limit

RULES = Rules()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "watch"
    folder.mkdir()
    return folder


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def met(walked):
    return sorted(found.path for found in walked.found)


def test_a_walk_meets_videos_at_every_depth_and_nothing_else(root):
    put(root / "a.mkv")
    put(root / "Show/Season 2/b.mp4")
    put(root / "Show/x.mkv/c.mkv")
    for other in ("a.nfo", "Show/.hidden/d.mkv", "Show/@eaDir/e.mkv", "a.mkv.part"):
        put(root / other)
    walked = walk(root, RULES)
    assert met(walked) == ["Show/Season 2/b.mp4", "Show/x.mkv/c.mkv", "a.mkv"]
    assert sorted(walked.folders) == ["", "Show", "Show/Season 2", "Show/x.mkv"]
    assert walked.refused == []


def test_links_fifos_and_sockets_are_refused_and_none_is_opened_or_followed(root, tmp_path):
    secret = put(tmp_path / "secret/s.mkv", b"secret")
    (root / "to-file.mkv").symlink_to(secret)
    (root / "to-folder").symlink_to(secret.parent)
    (root / "loop").symlink_to(root)
    (root / "dangling.mkv").symlink_to(tmp_path / "nothing")
    os.mkfifo(root / "pipe.mkv")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(root / "socket.mkv"))
    walked = walk(root, RULES)
    assert walked.found == []
    assert sorted(entry.found.path for entry in walked.refused) == sorted(
        ["to-file.mkv", "to-folder", "loop", "dangling.mkv", "pipe.mkv", "socket.mkv"]
    )


def test_names_that_are_no_utf8_are_met_like_others(root):
    os.close(os.open(os.fsencode(root) + b"/\xff.mkv", os.O_CREAT | os.O_WRONLY))
    assert met(walk(root, RULES)) == ["\udcff.mkv"]


def test_a_look_at_one_file_or_one_folder_meets_only_that(root):
    put(root / "Show/a.mkv")
    put(root / "Show/Season 1/b.mkv")
    put(root / "c.mkv")
    assert met(walk(root, RULES, "Show/a.mkv")) == ["Show/a.mkv"]
    assert met(walk(root, RULES, "Show")) == ["Show/Season 1/b.mkv", "Show/a.mkv"]
    assert met(walk(root, RULES, "gone.mkv")) == []


def test_a_look_below_a_hidden_folder_or_a_link_meets_nothing(root, tmp_path):
    put(root / ".hidden/a.mkv")
    put(tmp_path / "other/b.mkv")
    (root / "link").symlink_to(tmp_path / "other")
    assert met(walk(root, RULES, ".hidden/a.mkv")) == []
    looked = walk(root, RULES, "link/b.mkv")
    assert met(looked) == []
    assert [entry.found.path for entry in looked.refused] == ["link"]


def test_a_tree_deeper_than_any_show_is_reported_and_the_rest_is_met(root):
    put(root.joinpath(*["d"] * 70) / "deep.mkv")
    put(root / "a.mkv")
    walked = walk(root, RULES)
    assert met(walked) == ["a.mkv"]
    assert ["deep" in reason for reason in walked.failed.values()] == [True]


def test_a_root_that_is_gone_is_an_error_and_not_an_empty_folder(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        walk(tmp_path / "nothing", RULES)


def test_a_link_in_the_place_of_a_folder_is_never_followed(root, tmp_path):
    put(tmp_path / "secret/a.mkv", b"secret")
    (root / "Show").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        beneath.lstat(root, "Show/a.mkv")
    with (
        pytest.raises(OSError, match=r"Not a directory|Too many levels"),
        beneath.opened(root, "Show/a.mkv"),
    ):
        pass


def test_opening_a_fifo_fails_at_once(root):
    os.mkfifo(root / "a.mkv")
    with pytest.raises(beneath.NotAFile), beneath.opened(root, "a.mkv"):
        pass


@pytest.mark.skipif(not hasattr(os, "mknod") or os.getuid() != 0, reason="devices need root")
def test_a_device_is_refused(root):
    os.mknod(root / "a.mkv", 0o020600, os.makedev(1, 3))
    assert [entry.reason for entry in walk(root, RULES).refused] == ["is a device, not a file"]


class Told:
    """Collects changes, and waits for one that names a path."""

    def __init__(self):
        self.paths = set()
        self._more = asyncio.Event()

    def __call__(self, paths):
        self.paths |= set(paths)
        self._more.set()

    async def of(self, path):
        async with asyncio.timeout(30):
            while str(path) not in self.paths:
                self._more.clear()
                await self._more.wait()


async def test_changes_in_watched_folders_are_told_and_links_are_not_followed(root, tmp_path):
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    told = Told()
    watcher = Watcher(told)
    await watcher.watch(root, walk(root, rules([], [])).folders)
    put(tmp_path / "outside/secret.mkv")
    await told.of(put(root / "a.mkv"))
    (root / "Show").mkdir()
    await told.of(root / "Show")
    await watcher.watch(root, walk(root, RULES).folders)
    await told.of(put(root / "Show/b.mkv"))
    assert not any("secret" in path for path in told.paths)
    await watcher.aclose()
    await watcher.aclose()
    assert not watcher.alive


async def test_a_watch_that_cannot_be_set_says_why_and_can_be_tried_again(root):
    watcher = Watcher(Told())
    with pytest.raises(WatchFailed, match="No such file"):
        await watcher.watch(root, ["", "gone"])
    await watcher.watch(root, [""])
    assert watcher.alive
    await watcher.aclose()


@pytest.mark.parametrize("limit", ["max_inotify_watches=5", "max_inotify_instances=0"])
def test_the_limit_on_watches_is_reported_with_the_way_out(root, limit):
    for number in range(20):
        (root / str(number)).mkdir()
    code = f"""
import asyncio, pathlib
from izumi.storage.events import Watcher, WatchFailed
async def main():
    try:
        await Watcher(print).watch(pathlib.Path({str(root)!r}), [str(n) for n in range(20)])
    except WatchFailed as exc:
        print(exc)
asyncio.run(main())
"""
    done = run_with_inotify_limit(limit, code)
    if done is None:
        pytest.skip("this host allows no user namespaces")
    assert "fs.inotify.max_user_watches" in done.stdout, done.stderr
