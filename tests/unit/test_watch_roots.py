"""Whether a watch folder is there, and whether its events can be trusted."""

from pathlib import Path

import pytest

from izumi.storage.roots import Offline, Root, file_system, judge, polled

PATH = Path("/watch")
MOUNTS = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:26 / /mnt/nas rw - nfs4 host:/x rw
31 21 0:27 / /mnt/my\\040disk rw - fuse.rclone remote: rw
32 30 8:1 / /mnt/nas/local rw - xfs /dev/sda rw
33 21 8:2 / /mnt/win rw - fuseblk /dev/sdb rw
34 21 8:3 / /mnt/nas rw - ext4 /dev/sdc rw
"""


def test_a_folder_that_was_never_swept_is_swept():
    assert judge(PATH, None, Root(1, 2), known=0, kept=0) == ""


def test_a_folder_that_is_not_there_is_not_swept():
    assert judge(PATH, Root(1, 2), Offline("/watch: gone"), known=5, kept=0) == "/watch: gone"


def test_a_folder_made_anew_on_its_own_device_is_swept():
    assert judge(PATH, Root(1, 2), Root(1, 9), known=5, kept=0) == ""
    assert judge(PATH, Root(1, 2), Root(1, 9), known=0, kept=0, empty=True) == ""


def test_an_empty_folder_made_in_the_place_of_a_full_one_is_asked_about():
    reason = judge(PATH, Root(1, 2), Root(1, 9), known=5, kept=0, empty=True)
    assert "empty" in reason
    assert "`izumi acquire /watch`" in reason


def test_an_empty_mount_point_is_not_taken_for_the_disk_that_was_mounted_there():
    reason = judge(PATH, Root(1, 2), Root(7, 2), known=5, kept=0)
    assert "/watch" in reason
    assert "mounted" in reason


def test_a_device_with_another_number_is_believed_when_it_holds_what_is_recorded():
    assert judge(PATH, Root(1, 2), Root(7, 2), known=5, kept=1) == ""


def test_another_device_is_believed_when_nothing_was_recorded():
    assert judge(PATH, Root(1, 2), Root(7, 2), known=0, kept=0) == ""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a", "ext4"),
        ("/mnt/nasty", "ext4"),
        ("/mnt/nas", "ext4"),
        ("/mnt/nas/local/x", "xfs"),
        ("/mnt/my disk/x", "fuse.rclone"),
        ("/mnt/win", "fuseblk"),
    ],
)
def test_the_file_system_is_that_of_the_deepest_and_latest_mount(path, kind):
    assert file_system(MOUNTS, path) == kind


def test_an_unreadable_table_of_mounts_tells_nothing():
    assert file_system("", "/x") == ""
    assert file_system("nonsense - \n\n1 2 3 - x", "/x") == ""


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.sshfs", "9p", "ceph"]
)
def test_file_systems_that_others_change_unseen_are_polled(kind):
    assert polled(kind)


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "xfs", "zfs", "overlay", "tmpfs", "fuseblk", ""])
def test_local_file_systems_are_not_polled(kind):
    assert not polled(kind)
