"""What `izumi doctor` says of a location."""

from pathlib import Path

import pytest

from izumi.storage.ports import Location
from izumi.storage.probe import probe
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from tests.support.remotes import Remotes, write_config

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("kind", "verify", "proved"),
    [
        ("local", "hash", "by reading it back"),
        ("webdav", "hash", "by reading it back"),
        ("sftp", "hash", "by its sha1"),
        ("sftp", "read", "by reading it back"),
        ("s3", "hash", "by reading it back"),
        ("s3", "size", "by its size alone"),
    ],
)
async def test_a_good_location_is_told_with_how_uploads_are_proved(
    rclone: Rclone, remotes: Remotes, kind: str, verify: str, proved: str
):
    place = remotes.place(kind, verify=verify)
    found = await probe(rclone, place.location)
    assert {finding.level for finding in found} <= {"ok", "warn"}
    assert "written, read, renamed and deleted" in found[0].text
    assert proved in found[1].text
    assert place.files() == {}


async def test_a_local_location_tells_its_room(rclone: Rclone, remotes: Remotes):
    found = await probe(rclone, remotes.place("local").location)
    assert "GB free" in found[-1].text


@pytest.mark.parametrize(
    ("remote", "text"),
    [
        ("nosuch:x", "nosuch"),
        ("x,y=z:", "options belong into rclone.conf"),
        ("/no/such/folder", "no folder /no/such/folder"),
    ],
)
async def test_a_bad_location_fails_with_the_reason(rclone: Rclone, remote: str, text: str):
    [found] = await probe(rclone, Location(name="x", remote=remote))
    assert found.level == "fail"
    assert text in found.text


async def test_a_location_that_may_not_be_written_fails(tmp_path: Path):
    config = tmp_path / "rclone.conf"
    write_config(config, "[web]\ntype = http\nurl = http://127.0.0.1:9/\n")
    settings = RcloneSettings(config=config, low_level_retries=1)
    async with Rclone(settings, state=tmp_path / "state") as rclone:
        [found] = await probe(rclone, Location(name="x", remote="web:"))
    assert found.level == "fail"


async def test_a_location_of_another_host_that_is_down_fails(remotes: Remotes, tmp_path: Path):
    config = tmp_path / "rclone.conf"
    write_config(
        config, "[away]\ntype = webdav\nurl = http://izumi:hush@127.0.0.1:9/\nvendor = other\n"
    )
    settings = RcloneSettings(config=config, low_level_retries=1)
    async with Rclone(settings, state=tmp_path / "state") as rclone:
        [found] = await probe(rclone, Location(name="x", remote="away:"))
    assert found.level == "fail"
    assert "refused" in found.text
    assert "hush" not in found.text
