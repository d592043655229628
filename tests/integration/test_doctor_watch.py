"""What `izumi doctor` says of watch folders that move their files away."""

import os

import pytest

from izumi.commands import doctor
from izumi.settings import load


@pytest.fixture
def said(tmp_path):
    """The findings about watch folders, for a folder that moves its files to `there`."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "izumi.toml").write_text(
        'state = "state"\n[storage.a]\nremote = "/srv/a"\n[acquisition]\n'
        '[[acquisition.watch]]\npath = "watch"\ndestinations = ["a"]\n'
        'source = "move"\nmove_to = "there"\n'
    )
    settings = load(tmp_path / "izumi.toml", environ={})

    async def findings():
        return [(one.level, one.text) async for one in doctor._watch(settings)]

    return findings


async def test_a_folder_to_move_to_is_looked_for(said, tmp_path):
    assert (await said())[1:] == [("fail", f"{tmp_path}/there: not there, or not writable")]
    (tmp_path / "there").mkdir()
    assert (await said())[1:] == [("ok", f"{tmp_path}/there: files are moved there")]


async def test_a_watch_folder_that_cannot_be_written_cannot_have_its_files_moved(
    said, tmp_path, monkeypatch
):
    (tmp_path / "there").mkdir()
    # The tests may run as root, whom no mode of a folder keeps out.
    monkeypatch.setattr(
        os, "access", lambda path, mode: not (mode == os.W_OK and path.name == "watch")
    )
    reason = 'not writable, which source = "move" needs'
    assert ("fail", f"{tmp_path}/watch: {reason}") in await said()
