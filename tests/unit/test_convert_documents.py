"""Files of the earlier system are read as plain data, however they were made."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.errors import ConfigError
from izumi.moving.document import LONGEST_BYTES, parse_toml, parse_yaml, rclone_conf, read

HERE = Path("old.yml")


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for number in range(1, levels):
        inner = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} [{inner}]")
    return "\n".join(lines)


def test_values_stay_as_they_are_written() -> None:
    data = parse_yaml(HERE, "a: no\nb: 0123\nc: ~\nd: '~'\ne:\nf: 2026-01-01\n? g\n: [1.0]\n").data
    assert data == {
        "a": "no",
        "b": "0123",
        "c": None,
        "d": "~",
        "e": None,
        "f": "2026-01-01",
        "g": ["1.0"],
    }


def test_every_key_has_its_line() -> None:
    lines = parse_yaml(HERE, "a:\n  b: 1\n  c:\n    - x: 2\n").lines
    assert (lines["a",], lines["a", "b"], lines["a", "c", 0, "x"]) == (1, 2, 4)


def test_aliases_and_merges_are_followed() -> None:
    text = "base: &b {url: x, auth: y}\none: *b\ntwo: {<<: *b, url: z}\nthree: {<<: [*b, {q: r}]}\n"
    data = parse_yaml(HERE, text).data
    assert isinstance(data, dict)
    assert data["one"] == {"url": "x", "auth": "y"}
    assert data["two"] == {"url": "z", "auth": "y"}
    assert data["three"] == {"url": "x", "auth": "y", "q": "r"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2", "line 2, column"),
        ("a: \tb\n\tc: d", "line"),
        ("a: *nobody", "undefined alias"),
        ("a: 1\n--- \nb: 2\n", "another document"),
        ("a: \x00", "character 3"),
        ("{a: 1}: b", "line 1: a key that is no text"),
        ("<<: [1]", "line 1: `<<`"),
        ("!!python/object/apply:os.system ['echo']", "line 1: a tag"),
        ("a: !secret x", "line 1: a tag"),
        ("&a [*a]", "deep"),
        ("&a {b: *a}", "deep"),
        ("a: &a {<<: *a}", "deep"),
        (bomb(9), "more than 2000 values"),
        ("[" * 200 + "]" * 200, "deep"),
        ("[" * 100_000, "deep"),
        ("- " * 50_000 + "x", "deep"),
    ],
)
def test_what_is_no_yaml_or_made_to_hurt_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_yaml(HERE, text)
    assert str(caught.value).startswith("old.yml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ]", "line 1"),
        ("a = 1\na = 2\n", "line 2"),
        (f"a = {'[' * 60}{']' * 60}", "deep"),
        (f"a = {'[' * 50_000}", "not TOML"),
        (f"x = 1\na{'.a' * 100_000} = 1", "line 2: more than 500 dots"),
        (f"a{'.a' * 100} = 1", "deep"),
        (f"a = [{'1, ' * 3000}]", "more than 2000 values"),
        (f"a = 1{'0' * 5000}", "not TOML"),
    ],
)
def test_what_is_no_toml_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_toml(Path("old.toml"), text)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_yaml, parse_toml):
        try:
            parse(HERE, text)
        except ConfigError as exc:
            assert "\n" not in str(exc)  # noqa: PT017 - either is right


def test_a_parser_that_shows_what_it_met_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "auth.yml"
    path.write_text("bob: 'hush hush\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert "hush" not in str(caught.value)


def test_files_are_told_by_their_names_and_else_by_what_they_hold(tmp_path: Path) -> None:
    for name, text in (
        ("a.toml", "a = 1"),
        ("a.yaml", "a: 1"),
        ("a.json", '{"a": "1"}'),
        ("toml", "a = 1"),
        ("yaml", "a: 1"),
        ("bom.yml", "\ufeffa: 1"),
    ):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        data = read(path).data
        assert isinstance(data, dict)
        assert str(data["a"]) == "1"


def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    big = tmp_path / "big.yml"
    big.write_bytes(b"a" * (LONGEST_BYTES + 1))
    latin = tmp_path / "latin.yml"
    latin.write_bytes(b"a: \xe9")
    words = tmp_path / "words"
    words.write_text("only words", "utf-8")
    os.mkfifo(tmp_path / "pipe.yml")
    for path, said in (
        (big, "more than"),
        (latin, "not UTF-8 at byte 3"),
        (words, "neither"),
        (tmp_path, "is a folder"),
        (tmp_path / "gone.yml", "is no file"),
        (tmp_path / "pipe.yml", "is no file"),
        (tmp_path / ("x" * 300), "cannot be read|is no file"),
        (Path("a\0b"), "no such name|is no file"),
    ):
        with pytest.raises(ConfigError, match=said):
            read(path)


def test_a_rclone_conf_is_known_by_its_remotes(tmp_path: Path) -> None:
    path = tmp_path / "rclone.conf"
    path.write_text("[kan]\ntype = sftp\npass = hush\n[mega]\ntype = mega\n", "utf-8")
    assert rclone_conf(path) == ("kan", "mega")
    for text in ("a: b\n", "[x]\nname = y\n", "RCLONE_ENCRYPT_V0:\nabc\n", ""):
        path.write_text(text, "utf-8")
        assert rclone_conf(path) is None
    assert rclone_conf(tmp_path / "other.yml") is None
