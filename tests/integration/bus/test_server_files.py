"""The configuration files of the server, and the roles in them."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import nats
import nkeys
import pytest

from izumi.bus.configuration import EXAMPLE, cluster_conf, main, single_conf, variable
from izumi.bus.permissions import roles
from izumi.bus.topology import Membership
from izumi.domain.errors import ConfigError
from tests.support.nats import BINARY

ROOT = Path(__file__).parents[3]
ROLES = roles(EXAMPLE)


def public_key() -> str:
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    return str(nkeys.from_seed(bytearray(seed)).public_key.decode())


@pytest.fixture(scope="module")
def keys() -> Mapping[str, str]:
    return {role.name: public_key() for role in ROLES}


def test_the_folder_of_the_files_does_not_hide_the_library():
    assert "site-packages" in Path(nats.__file__).parts
    assert not list((ROOT / "nats").rglob("*.py"))


@pytest.mark.parametrize(("name", "write"), [("single", single_conf), ("cluster", cluster_conf)])
def test_the_files_that_come_with_izumi_are_what_the_generator_writes(name: str, write):
    assert (ROOT / "nats" / f"{name}.conf").read_text() == write(ROLES)


def test_the_server_takes_the_single_file_with_keys_from_its_environment(
    tmp_path: Path, keys: Mapping[str, str]
):
    environment = {variable(role): key for role, key in keys.items()}
    path = tmp_path / "nats.conf"
    path.write_text(single_conf(ROLES).replace('"/data"', json.dumps(str(tmp_path))))
    checked(path, environment)


def test_the_server_takes_the_files_with_keys_in_place(tmp_path: Path, keys: Mapping[str, str]):
    path = tmp_path / "nats.conf"
    path.write_text(single_conf(ROLES, keys))
    checked(path, {})
    # Certificates are read by the check; where they lie is the host's own business.
    path.write_text(re.sub(r"tls \{[^}]*\}", "", cluster_conf(ROLES, keys)))
    checked(path, {"NATS_NAME": "n1"})


def checked(path: Path, environment: Mapping[str, str]) -> None:
    command = [str(BINARY), "-t", "-c", str(path)]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_message_is_on_the_disk_before_its_receipt():
    for text in (single_conf(ROLES), cluster_conf(ROLES)):
        assert "sync_interval: always" in text
        assert "no_auth_user" not in text


def test_the_command_writes_both_files(tmp_path: Path, keys: Mapping[str, str]):
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    assert main([str(tmp_path), "--keys", str(tmp_path / "keys.json")]) == 0
    assert (tmp_path / "single.conf").read_text() == single_conf(ROLES, keys)
    assert main([str(tmp_path), "--groups", "encoder.gpu"]) == 0
    assert "IZUMI_NKEY_ENCODER_GPU" in (tmp_path / "cluster.conf").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--groups", "encoder"], "unit.group"),
        (["--groups", "encoder.a", "encoder.a"], "twice"),
        (["--keys", "missing.json"], "missing.json"),
        (["--keys", "broken.json"], "broken.json"),
        (["--keys", "few.json"], "no key for the role 'acquisition'"),
        (["--keys", "seed.json"], "no public nkey"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "few.json").write_text("{}")
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode()
    (tmp_path / "seed.json").write_text(json.dumps({role.name: seed for role in ROLES}))
    assert main([".", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert seed not in error
    assert not (tmp_path / "single.conf").exists()


def test_only_admin_and_the_system_may_say_everything():
    wide = {role.name for role in ROLES if ">" in role.publish or ">" in role.subscribe}
    assert wide == {"admin", "sys"}


def test_no_worker_may_read_by_sequence():
    # Whoever shows everything to people may read everything.
    for role in ROLES:
        if role.name not in {"admin", "sys", "dashboard", "gateway"}:
            assert not {"$JS.API.DIRECT.GET.IZUMI", "$JS.API.STREAM.MSG.GET.IZUMI"} & {
                *role.publish
            }


def test_no_role_may_listen_where_the_answers_of_another_come():
    for role in ROLES:
        for other in ROLES:
            if role is not other and not {">"} & {*role.subscribe, *other.subscribe}:
                assert not {s for s in role.subscribe if "_INBOX" in s} & {*other.subscribe}


def test_the_same_role_twice_is_refused():
    with pytest.raises(ConfigError, match="twice"):
        roles([Membership(unit="encoder", group="a"), Membership(unit="encoder", group="a")])
