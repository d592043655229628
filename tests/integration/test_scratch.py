"""Scratch space on a real file system, between real processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from izumi.domain.errors import NoSpace
from izumi.runtime.scratch import Scratch

MB = 1 << 20


def scratch(root: Path, name: str = "one", free_bytes: int = 100 * MB) -> Scratch:
    return Scratch(root, name, keep_free_bytes=10 * MB, free=lambda _: free_bytes)


def test_a_jobs_folder_is_private_and_empty_and_goes_with_the_job(tmp_path: Path) -> None:
    home = scratch(tmp_path)
    with home.folder("job/../..") as folder:
        assert folder.is_relative_to(tmp_path)
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("x")
    assert not folder.exists()
    home.close()
    assert not list(tmp_path.glob("*/"))


def test_jobs_of_long_names_have_folders_of_their_own(tmp_path: Path) -> None:
    home = scratch(tmp_path)
    with home.folder("字" * 90 + "a") as one, home.folder("字" * 90 + "b") as other:
        assert one != other
        home.reserve(one, 1 * MB)
    home.close()


def test_what_other_jobs_reserved_is_not_given_away_twice(tmp_path: Path) -> None:
    one, two = scratch(tmp_path), scratch(tmp_path, "two")
    with one.folder("a") as a, two.folder("b") as b:
        one.reserve(a, 60 * MB)
        with pytest.raises(NoSpace, match="reserved by other jobs"):
            two.reserve(b, 40 * MB)
        two.reserve(b, 30 * MB)
    with one.folder("c") as c:
        one.reserve(c, 90 * MB)
    one.close()
    two.close()


def test_what_a_job_has_written_counts_against_its_own_reservation(tmp_path: Path) -> None:
    home = scratch(tmp_path)
    with home.folder("a") as a, home.folder("b") as b:
        home.reserve(a, 60 * MB)
        (a / "download").write_bytes(bytes(20 * MB))
        # 60 reserved, 20 of them written: 40 are still to come; 90 - 40 are left.
        home.reserve(b, 50 * MB)
        with pytest.raises(NoSpace):
            home.reserve(b, 51 * MB)
    home.close()


def test_folders_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from izumi.runtime.scratch import Scratch\n"
        "s = Scratch(Path(sys.argv[1]), 'other', keep_free_bytes=0)\n"
        "with s.folder('job') as f: (f / 'x').write_text('x'); print(f, flush=True); input()"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().decode().strip())
        home = scratch(tmp_path)
        assert home.sweep() == []
        assert (left / "x").exists()
        other.kill()
    assert home.sweep() == ["other"]
    assert not left.exists()
    home.close()
