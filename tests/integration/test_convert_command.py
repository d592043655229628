"""`izumi config convert` as people call it, and what others then make of its result."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from izumi import settings
from izumi.clients.secret_file import secret
from izumi.domain.errors import ConfigError, UserError
from izumi.publishers.gateway import keys
from tests.support import old_configs as old

IZUMI = (sys.executable, "-c", "from izumi.main import run; run()")


def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*IZUMI, *map(str, args)], capture_output=True, text=True, check=False, timeout=110
    )


@pytest.fixture
def convert():
    """The command, called in this process."""
    from izumi.commands.convert import convert

    return convert


def test_every_unit_becomes_one_file_that_the_check_takes(tmp_path: Path) -> None:
    files = old.written(tmp_path / "old", old.V4)
    done = run("config", "convert", *files)
    assert done.returncode == 0, done.stderr
    assert "passes `izumi config check`" in done.stderr
    assert [secret for secret in old.SECRETS if secret in done.stderr] == []
    path = tmp_path / "izumi.toml"
    path.write_text(done.stdout, "utf-8")
    check = run("config", "check", "--config", path)
    assert check.returncode == 0, check.stderr
    assert "acquisition, encoder.main, distributor.main, notifier.main" in check.stdout
    found = settings.load(path, environ={})
    assert found.gateway is not None
    assert found.gateway.old_keys is not None
    names = [key.name for key in keys.load_old(found.gateway.old_keys)]
    assert names == ["old:seedbox", "old:pc"]


def test_files_are_for_their_owner_alone_and_never_overwritten(tmp_path: Path, convert) -> None:
    files = old.written(tmp_path / "old", old.V4)
    out, report, folder = tmp_path / "izumi.toml", tmp_path / "report", tmp_path / "secrets"
    assert convert(*files, out=out, report=report, secrets=folder) == 0
    made = [out, report, *folder.iterdir()]
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    found = settings.load(out, environ={})
    (mochi,) = found.notifier["mochi"].discord
    assert secret(mochi.url, mochi.url_file, "url").reveal().endswith("/token-of-mochi")
    auth = [
        secret(None, one.auth_file, "auth").reveal()
        for one in found.endpoints["encoder"].everyone()
        if one.auth_file is not None
    ]
    assert sorted(auth) == ["key-a", "key-one"]
    assert secret(None, found.endpoints["encoder"].always[0].url_file, "url").reveal() == (
        "https://one.example/notify"
    )
    before = out.read_text("utf-8")
    assert [text for text in old.SECRETS if text in before] == []
    # The same once more is nothing new.
    assert convert(*files, out=out, report=report, secrets=folder) == 0
    out.write_text("mine = 1\n", "utf-8")
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"izumi.toml: is there already; name another file"):
        convert(*files, out=out, report=tmp_path / "other", secrets=folder)
    assert out.read_text("utf-8") == "mine = 1\n" != before
    assert not (tmp_path / "other").exists()
    assert list(folder.iterdir()) == []


def test_the_report_is_json_for_programs(tmp_path: Path, convert, capsys) -> None:
    (path,) = old.written(tmp_path, {"config.yml": old.ENCODER + "mystery: 1\n"})
    assert convert(path, json=True) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.err)
    assert report["good"] is True
    assert report["files"] == [f"{path}: encoder, group main"]
    (row,) = [row for row in report["rows"] if row["kind"] == "unknown"]
    assert (row["file"], row["key"]) == (str(path), "mystery")
    assert tomllib.loads(printed.out)["encoder"]["main"]["jobs"] == 2


def test_what_is_to_be_completed_stands_at_the_head_of_the_file(
    tmp_path: Path, convert, capsys
) -> None:
    text = old.ACQUISITION.replace('watch-folder: "/srv/watch"', "")
    (path,) = old.written(tmp_path, {"config.yml": text})
    assert convert(path) == 0
    printed = capsys.readouterr()
    head = printed.out.partition("\n\n")[0]
    assert "names no watch folder" in head
    assert all(line.startswith("#") for line in head.splitlines())
    tomllib.loads(printed.out)


def test_a_broken_file_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    good, bad = old.written(tmp_path, {"encoder.yml": old.ENCODER, "bad.yml": "a: [1\nb: 2\n"})
    done = run("config", "convert", good, bad, "--out", tmp_path / "izumi.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "bad.yml: not YAML: line 2" in done.stderr
    assert not (tmp_path / "izumi.toml").exists()


def test_the_unit_of_a_file_can_be_said(tmp_path: Path, convert, capsys) -> None:
    (path,) = old.written(tmp_path, {"x.yml": old.ENDPOINTS})
    with pytest.raises(UserError, match="--unit"):
        convert(path)
    for said in ("encoder", f"{path}=encoder"):
        assert convert(path, unit=(said,)) == 0
        assert "[endpoints.encoder]" in capsys.readouterr().out
    for wrong in ("nothing", f"{path}=nothing", "other.yml=encoder"):
        with pytest.raises(UserError, match="--unit"):
            convert(path, unit=(wrong,))
    with pytest.raises(UserError, match="name at least one"):
        convert()


def test_a_rclone_conf_among_the_files_is_named(tmp_path: Path, convert, capsys) -> None:
    encoder, conf = old.written(
        tmp_path, {"encoder.yml": old.ENCODER, "rclone.conf": "[kan]\ntype = alias\nremote = /x\n"}
    )
    assert convert(encoder, conf) == 0
    printed = capsys.readouterr()
    assert tomllib.loads(printed.out)["rclone"]["config"] == str(conf)
    assert "0 to complete" not in printed.err  # keys of the gateway are missing
    assert "no remote" not in printed.err
    with pytest.raises(ConfigError, match="is no file"):
        convert(tmp_path / "gone.yml")


def test_names_that_no_file_can_hold_are_told(tmp_path: Path) -> None:
    odd = tmp_path / "odd\udcff\x1b[31m"
    files = old.written(odd, {"auth.yml": old.AUTH, "encoder.yml": old.ENCODER})
    for form in ((), ("--json",)):
        done = run("config", "convert", *files, *form)
        assert done.returncode == 0, done.stderr
        assert "old_keys" not in done.stdout.partition("\nstate")[2]
        assert "cannot hold its name" in done.stderr
        assert "\x1b" not in done.stdout + done.stderr
    done = run("config", "convert", *files, "--secrets", odd / "secrets")
    assert done.returncode == 2
    assert "cannot hold its name" in done.stderr


def test_what_cannot_be_written_is_told(tmp_path: Path, convert) -> None:
    (path,) = old.written(tmp_path, {"encoder.yml": old.ENCODER})
    with pytest.raises(UserError, match=r"gone/izumi.toml: cannot be written"):
        convert(path, out=tmp_path / "gone" / "izumi.toml")
    with pytest.raises(UserError, match="named for two things"):
        convert(path, out=tmp_path / "one", report=tmp_path / "one")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match="cannot be written"):
        convert(path, out=tmp_path / "link")
    assert not (tmp_path / "nowhere").exists()
