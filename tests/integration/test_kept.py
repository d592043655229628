"""Files that outlive the job that got them."""

import hashlib
from pathlib import Path

import pytest

from izumi.runtime.kept import NAME, Kept
from izumi.runtime.scratch import Scratch

DATA = b"an episode"
HASH = hashlib.sha256(DATA).hexdigest()


def kept_file(root: Path, **options) -> Kept:
    kept = Kept(root, **options)
    source = root / "source"
    source.write_bytes(DATA)
    kept.keep(source, HASH)
    kept.keep(source, HASH)
    source.unlink()
    return kept


def test_what_was_kept_is_there_after_its_folder_is_gone_until_it_is_dropped(tmp_path):
    kept = kept_file(tmp_path)
    target = tmp_path / "target"
    target.write_bytes(b"half of it")
    assert kept.take(HASH, target)
    assert target.read_bytes() == DATA
    kept.drop(HASH)
    kept.drop(HASH)
    assert not kept.take(HASH, tmp_path / "other")
    assert target.read_bytes() == DATA


def test_one_whose_content_changed_is_not_taken_and_not_kept(tmp_path):
    kept = kept_file(tmp_path)
    (tmp_path / NAME / HASH).write_bytes(b"an episodf")
    assert not kept.take(HASH, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    assert not list((tmp_path / NAME).iterdir())


def test_what_nobody_used_for_long_is_swept_or_all_where_space_is_short(tmp_path):
    clock = [1000.0]
    kept = kept_file(tmp_path, keep_s=60, now=lambda: clock[0])
    clock[0] += 60
    kept.sweep()
    assert kept.take(HASH, tmp_path / "target")
    clock[0] += 1
    kept.sweep()
    assert not kept.take(HASH, tmp_path / "target")
    kept = kept_file(tmp_path)
    kept.sweep(everything=True)
    assert not kept.take(HASH, tmp_path / "target")


@pytest.mark.parametrize("name", ["../x", "", "a/b"])
def test_only_hashes_are_names(tmp_path, name):
    with pytest.raises(ValueError, match="not a hash"):
        Kept(tmp_path).drop(name)


def test_a_sweep_of_dead_instances_leaves_kept_files(tmp_path):
    kept = kept_file(tmp_path)
    scratch = Scratch(tmp_path, "one")
    assert scratch.sweep() == []
    assert kept.take(HASH, tmp_path / "target")
    scratch.close()
