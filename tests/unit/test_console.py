"""Lists for people, scripts and programs."""

import json
import sys

from izumi.commands.console import show_rows

ROWS = [
    {"a": "x" * 300, "b": "tab\there", "more": 1},
    {"a": "", "b": 7},
]


def test_without_a_terminal_a_row_is_one_line_with_tabs_between_its_columns(capsys):
    show_rows(ROWS, ("a", "b"), json=False)
    assert [line.split("\t") for line in capsys.readouterr().out.splitlines()] == [
        ["a", "b"],
        ["x" * 300, "tab\\there"],
        ["", "7"],
    ]


def test_at_a_terminal_a_table_fits_its_width(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    show_rows(ROWS, ("a", "b"), json=False)
    out = capsys.readouterr().out
    assert "\t" not in out
    assert out.count("x") == 300
    assert len(out.splitlines()) > 7


def test_as_json_a_row_has_everything_and_nothing_is_said_of_none(capsys):
    show_rows(ROWS, ("a",), json=True)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS
    show_rows([], ("a",), json=True)
    assert capsys.readouterr().out == ""
    show_rows([], ("a",), json=False)
    assert capsys.readouterr().out == "nothing\n"
