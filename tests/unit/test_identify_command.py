"""`izumi identify`: one line a name, for people and for programs."""

import io
import json
import logging
import sys

import pytest
import structlog

from izumi.commands.identify import identify


@pytest.fixture
def ask(monkeypatch, capfdbinary, tmp_path):
    """Runs the command, without AniList; its output, one entry a line."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("IZUMI_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*names: str, stdin: bytes = b"", json: bool = False) -> list[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        assert identify(list(names), offline=True, json=json) == 0
        output: bytes = capfdbinary.readouterr().out
        return output.decode().splitlines()

    yield run
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def test_a_person_reads_where_a_file_would_go(ask):
    (line,) = ask("[SubsPlease] Show - 05v2 (1080p).mkv")
    file, _, facts = line.partition("  ")
    assert file == "Show/Show - 05v2 [1080p].mkv"
    assert facts == "(show Show, episode 05, v2, 1080p, by SubsPlease, softsub, 99% sure)"


def test_a_person_reads_why_a_file_is_held(ask):
    (line,) = ask("Show S2 [1080p].mkv")
    assert line.endswith("  HELD: a season (2), but no episode number")


def test_a_program_gets_every_field_in_the_order_asked(ask):
    first, second = map(json.loads, ask("[G] Show S2 - 05 [1080p].mkv", "05.mkv", json=True))
    assert first["titles"][0] == "Show"
    assert {
        field: first[field]
        for field in ("title", "season", "episode", "version", "resolution", "group", "held")
    } == {
        "title": "Show",
        "season": 2,
        "episode": "05",
        "version": 1,
        "resolution": "1080p",
        "group": "G",
        "held": None,
    }
    assert first["key"] == "Show/Show S2 - 05 [1080p].mkv"
    assert (first["anilist_id"], first["mal_id"]) == (None, None)
    assert second["key"] is None
    assert second["clean_name"] == "05.mkv"


def test_seasons_of_a_batch_are_a_range_and_an_extra_says_which(ask):
    batch, extra = map(json.loads, ask("[G] Show S1-S3", "[G] Show NCOP2 [720p].mkv", json=True))
    assert batch["season"] == "1-3"
    assert (extra["kind"], extra["episode"]) == ("extra", "NCOP2")


def test_names_come_from_standard_input_one_a_line(ask):
    stdin = b"[G] Show - 01.mkv\r\nAnime/Show/Season 2/05.mkv\n\n\xff - 02.mkv"
    lines = [json.loads(line) for line in ask("-", stdin=stdin, json=True)]
    assert [line["episode"] for line in lines] == ["01", "05", None, "02"]
    assert lines[1]["folders"] == ["Anime", "Show", "Season 2"]


def test_an_argument_that_is_no_utf8_is_read_all_the_same(ask):
    (line,) = ask("Show\udcff - 02.mkv", json=True)
    assert json.loads(line)["episode"] == "02"
