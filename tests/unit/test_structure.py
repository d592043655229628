"""How the project is put together."""

import re
import shutil
import subprocess
from pathlib import Path

import nats
import pytest
import yaml

from tests.failpoints import declared

ROOT = Path(__file__).resolve().parents[2]


def test_every_failpoint_is_named_by_a_test() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert declared()
    assert [name for name in sorted(declared()) if name not in tests] == []


def test_the_folder_of_the_servers_configuration_does_not_shadow_the_library() -> None:
    assert not list((ROOT / "nats").rglob("*.py"))
    assert "site-packages" in str(nats.__file__)


def test_processes_are_started_in_one_place_and_never_by_a_shell() -> None:
    pattern = re.compile(
        r"\bsubprocess\b|create_subprocess|os\.(system|popen|fork|exec\w+|spawn\w+)|shell=True|\bpty\b"
    )
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "izumi").rglob("*.py")
        if path.parent.name != "children" and pattern.search(path.read_text("utf-8"))
    ]
    assert found == []


def test_nothing_is_unpickled_evaluated_or_extracted() -> None:
    pattern = re.compile(r"\b(pickle|marshal|shelve)\b|\beval\(|\bexec\(|extractall|yaml\.load\(")
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "izumi").rglob("*.py")
        if pattern.search(path.read_text("utf-8").replace("not pickled", ""))
    ]
    assert found == []


def test_lock_files_are_by_hash_and_hold_no_address() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text("utf-8")
        assert "://" not in text
        pinned = re.findall(r"^[a-z0-9].*==.*$", text, re.MULTILINE)
        assert pinned
        assert all(line.endswith("\\") for line in pinned), path


def test_the_compose_file_is_one_node_that_lacks_nothing() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    (service,) = compose["services"].values()
    named = {
        volume.partition(":")[0]
        for volume in service["volumes"]
        if not volume.startswith((".", "$"))
    }
    assert named == set(compose["volumes"])
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    for source in re.findall(r"^COPY ([^-].*) \S+$", dockerfile, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists(), name
            assert f"!{name.rstrip('/')}" in (ROOT / ".dockerignore").read_text("utf-8")
    assert re.search(r"^USER izumi$", dockerfile, re.MULTILINE)


def test_docker_itself_takes_the_compose_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("no docker on this machine; the file's own test has read it")
    version = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    if version.returncode:
        pytest.skip("docker has no compose here; the file's own test has read it")
    done = subprocess.run(
        [docker, "compose", "-f", ROOT / "docker-compose.yml", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
