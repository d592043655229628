"""Names of strangers neither ping, link nor format, and ordinary ones stay as they are."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.discord_text import (
    NAMELESS,
    clean,
    cut_markup,
    escape,
    formatted_name,
    plain_name,
    unpinged,
)
from izumi.domain.graphemes import units
from tests.support.news import HOSTILE, names

# What Discord's client would act on, once pairs of a backslash and a sign are set aside.
LIVE = [
    r"[*_`<\\]",
    r"~~",
    r"\|\|",
    r"\]\(",
    r"://",
    r":[\w+-]+:",
    r"^(#{1,3}|-#|>{1,3}|[-+]|\d+\.)\s",
]
PING = re.compile(r"@(everyone|here|[!&]?\d)", re.IGNORECASE)


def live(text: str) -> list[str]:
    """Rules that still act on an escaped text."""
    dead = re.sub(r"\\[^0-9A-Za-z\s]", "\N{REPLACEMENT CHARACTER}", text)
    return [rule for rule in LIVE if re.search(rule, dead)]


@pytest.mark.parametrize("text", [*HOSTILE, "86. 01", "a\\*b*", "]\\(x", "~~~", "|||", "::a::"])
def test_each_way_to_harm_is_dead(text):
    for name in (text, f"a {text}", f"{text} b", text * 3):
        escaped = formatted_name(name, 256)
        assert live(escaped) == []
        assert not PING.search(escaped)
        assert not PING.search(plain_name(name, 256))


@given(names)
def test_no_mixture_of_them_lives(text):
    escaped = formatted_name(text, 256)
    assert live(escaped) == []
    assert not PING.search(escaped)
    assert 1 <= units(escaped) <= 256
    assert units(plain_name(text, 256)) <= 256


@given(names)
def test_escaping_loses_nothing(text):
    cleaned = clean(text)
    shown = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", escape(cleaned))
    assert shown.replace("@\u200b", "@") == cleaned


@given(names)
def test_a_cleaned_name_is_one_line_of_visible_text(text):
    cleaned = clean(text)
    kinds = {unicodedata.category(char) for char in cleaned} - {"Cf"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert cleaned == cleaned.strip() != ""
    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    "name",
    [
        "5-Toubun no Hanayome - 01 [1080p].mkv",
        "Re:Zero kara Hajimeru Isekai Seikatsu S2 - 03 [720p] (Uncensored).mkv",
        "【字幕】本の森 第7話「海~山」.mp4",
        "THE iDOLM@STER - 01.mkv",
        "2.5 Jigen no Ririsa - 01 (v2).mkv",
        "-Hitogata- #1 + 2 > 3.mkv",
    ],
)
def test_an_ordinary_file_name_is_left_alone(name):
    assert formatted_name(name, 256) == name
    assert plain_name(name, 256) == name


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("Show_-_01", r"Show\_-\_01"),
        ("# 1", r"\# 1"),
        ("12. Show", r"12\. Show"),
        ("[a](b)", r"[a\]\(b)"),
        ("http://x", r"http\://x"),
        ("@everyone", "@\u200beveryone"),
        ("<@1>", "\\<@\u200b1>"),
    ],
)
def test_what_is_escaped_is_escaped_so(name, escaped):
    assert escape(name) == escaped


def test_places_that_do_not_format_get_no_backslash():
    assert unpinged("*a* <@1> @here") == "*a* <@\u200b1> @\u200bhere"


@pytest.mark.parametrize("text", ["", " ", "\u202e\u2066", "\x00\n", "\ufeff"])
def test_a_name_of_nothing_is_called_so(text):
    assert clean(text) == NAMELESS


@given(st.lists(st.sampled_from(["\\*", "\\\\", "a", "字"]), max_size=60), st.integers(1, 40))
def test_cut_markup_leaves_no_half_escape(parts, limit):
    short = cut_markup("".join(parts), limit)
    assert units(short) <= limit
    assert not re.search(r"(?<!\\)(\\\\)*\\…", short)
