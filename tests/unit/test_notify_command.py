# ruff: noqa: RUF001 - two ideographic zeros stand for what is not known
"""`izumi notify --preview`: what people would be told, before they are."""

import io
import json
import logging
import sys

import pytest
import structlog

from izumi.commands.notify import notify
from izumi.domain import events
from izumi.domain.errors import UserError
from tests.support.news import acquired, distributed, encoded

NAME = "[Group] Hon no Mori - 07 [1080p].mkv"
CONFIG = """
[storage.vault]
remote = "/srv/vault"
link_base = "https://vault.example"
[distributor.public]
destinations = ["vault"]
[[notifier.main.discord]]
name = "news"
url = "https://discord.com/api/webhooks/1/canary"
template = "mine"
link_base = "https://files.example"
[[notifier.main.apprise]]
name = "mail"
url = "mailto://canary"
format = "html"
template = "compact"
[template.mine]
title = "Mine: {name}"
description = "{downloads}"
"""


@pytest.fixture
def preview(monkeypatch, capsys, tmp_path):
    """Runs the command, without AniList; its output."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("IZUMI_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(what: str, *, stdin: bytes = b"", config: str = "", **options) -> str:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        if config:
            file = tmp_path / "izumi.toml"
            file.write_text(f'state = "{tmp_path}"\n{config}', "utf-8")
            options["config"] = file
        assert notify(preview=what, offline=True, **options) == 0
        return str(capsys.readouterr().out)

    yield run
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def test_a_name_is_shown_as_if_it_had_just_come(preview):
    said = preview(NAME)
    assert said.startswith("Hon no Mori - 07 [1080p].mkv\n\n〇〇 mins, 350.0 MiB [Softsub]\n")
    assert "#00ffff" in said


@pytest.mark.parametrize(
    ("stage", "shown"),
    [
        ("softsub", "350.0 MiB [Softsub]\n"),
        ("hardsub", "350.0 MiB [Softsub], 300.0 MiB [Hardsub]\n"),
        ("mirrors", "Mirrors: mirror\n"),
    ],
)
def test_it_is_shown_as_it_grows(preview, stage, shown):
    assert shown in preview(NAME, stage=stage)


def test_a_hardsub_stays_one(preview):
    said = preview("Hon no Mori - 07.mp4", stage="hardsub")
    assert "300.0 MiB [Hardsub]" in said
    assert "Softsub" not in said


def test_several_episodes_share_a_message(preview):
    assert preview(NAME, episodes=12).startswith("Hon no Mori - 07-18 [1080p]\n\n12 episodes")
    film = preview("Hon no Mori Movie [1080p].mkv", episodes=2)
    assert film.startswith("Hon no Mori Movie - 01-02 [1080p]")


@pytest.mark.parametrize("name", ["", "???", "\ud800.mkv", "[x]", "-.mkv", "a" * 5000])
def test_any_name_has_a_preview(preview, name):
    assert preview(name)


def test_events_are_shown_from_a_file_a_list_and_lines(preview, tmp_path):
    facts = [acquired(), encoded(), distributed()]
    encoded_facts = [events.encode(fact) for fact in facts]
    one, lines, listed = tmp_path / "one", tmp_path / "lines", tmp_path / "list"
    one.write_bytes(encoded_facts[0])
    lines.write_bytes(b"\n".join(encoded_facts) + b"\n\n")
    listed.write_bytes(b"[" + b",".join(encoded_facts) + b"]")
    assert "[Hardsub]" not in preview(str(one))
    shown = preview(str(lines))
    assert "Mirrors: mirror" in shown
    assert preview(str(listed)) == shown
    assert preview("-", stdin=lines.read_bytes()) == shown


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "there is no event"),
        (b"{", "event 1: not a fact"),
        (b'{"type": "file.acquired/9"}', "event 1: unknown message"),
        (b"[1]", "event 1: not a fact"),
        (b"\xff\xfe", "event 1"),
    ],
)
def test_what_is_no_event_is_named_with_its_place(preview, data, problem):
    with pytest.raises(UserError, match=f"standard input: {problem}"):
        preview("-", stdin=data)


def test_an_event_that_is_no_news_is_told(preview):
    fact = events.Answered(unit="acquisition", hold="x", answer="reject", at=acquired().at)
    with pytest.raises(UserError, match="Answered is no news"):
        preview("-", stdin=events.encode(fact))


def test_a_target_is_shown_with_its_template_and_links(preview):
    said = preview(NAME, config=CONFIG, target="news", stage="mirrors")
    address = "https://files.example/Hon%20no%20Mori/Hon%20no%20Mori%20-%2007%20%5B1080p%5D.mp4"
    assert said.startswith(f"Mine: Hon no Mori - 07 [1080p].mp4\n\nHardsub: {address}\n")
    assert f"the title leads to {address}" in said
    plain = preview(NAME, config=CONFIG, target="news", template="full", stage="mirrors")
    assert "Mirrors: vault Softsub: https://vault.example/Airing/Hon%20no%20Mori/" in plain
    assert "https://vault.example/Airing%20%5BHardsub%5D/Hon%20no%20Mori/" in plain
    assert "canary" not in said + plain


def test_another_service_is_shown_in_its_format(preview):
    said = preview(NAME, config=CONFIG, target="mail", stage="mirrors")
    assert '<a href="https://vault.example/Airing/' in said


def test_the_page_is_written(preview, tmp_path):
    page = tmp_path / "preview.html"
    assert f"written: {page}" in preview(NAME, html=page)
    assert "Hon no Mori - 07 [1080p].mkv" in page.read_text("utf-8")


def test_a_page_that_cannot_be_written_is_told(preview, tmp_path):
    with pytest.raises(UserError, match="cannot be written: Is a directory"):
        preview(NAME, html=tmp_path)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"template": "ful"}, r"no \[template.ful\]; did you mean 'full'"),
        ({"template": "zzz"}, "known are compact, full, mine"),
        ({"target": "nws"}, "no target is called 'nws'; did you mean 'news'"),
        ({"episodes": 0}, "--episodes 0 must be from 1 to 100"),
        ({"episodes": 101}, "--episodes 101"),
    ],
)
def test_what_is_not_there_is_named_with_the_way_out(preview, options, problem):
    with pytest.raises(UserError, match=problem):
        preview(NAME, config=CONFIG, **options)


def test_events_are_those_that_the_schemas_tell(preview, tmp_path):
    """An event as a person copies it from `nats sub`, pretty-printed."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(json.loads(events.encode(acquired())), indent=2), "utf-8")
    assert preview(str(path)).startswith("Hon no Mori - 07 [1080p].mkv")
