"""The documentation says what the program does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from izumi import settings
from izumi.commands import config, schemas

ROOT = Path(__file__).resolve().parents[2]


def test_the_configuration_reference_is_what_the_program_prints(capsys) -> None:
    config.reference()
    assert (ROOT / "docs/configuration.md").read_text("utf-8") == capsys.readouterr().out


def test_the_message_schemas_are_what_the_program_prints(capsys) -> None:
    schemas.main()
    assert (ROOT / "docs/messages.md").read_text("utf-8") == capsys.readouterr().out


def test_every_key_of_the_configuration_is_documented() -> None:
    assert config.undocumented() == []


def test_the_example_configuration_is_good_and_so_are_those_of_the_readme(
    tmp_path: Path,
) -> None:
    settings.load(ROOT / "izumi.example.toml", environ={})
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.toml"
        path.write_text(block, "utf-8")
        settings.load(path, environ={})


@pytest.mark.parametrize("page", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for text in ((ROOT / "docs" / page), ROOT / "README.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", text.read_text("utf-8")):
            assert (text.parent / target).exists(), f"{text.name}: {target}"


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("izumi"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    commands = re.findall(r"^│ ([a-z]+) ", done.stdout, re.MULTILINE)
    assert len(commands) >= 7
    for command in commands:
        assert f"izumi {command}" in text, command


def test_the_changelog_knows_this_version_or_what_comes_after_it() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_profiles_that_the_page_of_the_encoder_shows_are_good(tmp_path: Path) -> None:
    text = (ROOT / "docs/encoder.md").read_text("utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "izumi.toml"
    path.write_text(f'state = "state"\n[storage.home]\nremote = "/srv"\n{block}', "utf-8")
    shown = settings.load(path, environ={})
    assert shown.encoder["main"].profiles == ("hardsub", "hevc")
    assert shown.profile["hevc"].vmaf == 95
