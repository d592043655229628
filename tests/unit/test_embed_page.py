"""The preview's page: it shows what Discord would, loads nothing, and runs nothing."""

import base64
import hashlib
import html.parser
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.announce import announce
from izumi.domain.discord_html import shown, shown_line
from izumi.domain.discord_text import clean, escape
from izumi.domain.embed import Embed, Field, embed
from izumi.domain.embed_page import page
from tests.support.news import AT, BOOKS, acquired, encoded, file, names

ALLOWED = {"a": {"href", "rel"}, "div": {"class", "title"}, "span": {"class"}, "meta": None}
TAGS = set(re.findall(r"\w+", """
    html head meta title style body div span time article a footer b br h1 h2 h3 small
    blockquote strong em u s i code
"""))  # fmt: skip


class Page(html.parser.HTMLParser):
    """What a browser reads: texts by class of what they stand in, and every tag."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._skip = False
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._skip = tag in {"style", "title"}

    def handle_endtag(self, tag):
        self._skip = False

    def handle_data(self, data):
        if not self._skip and data.strip("\n"):
            self.texts.append(data)


def bare(**more) -> Embed:
    return Embed(title="t", description="", colour=0x123456, timestamp=AT, footer="", **more)


def test_everything_of_an_embed_is_on_the_page():
    texts = Page(page(embed(announce([acquired()], BOOKS)))).texts
    shown_text = "".join(texts)
    for part in (
        "Studio Kodama",
        "Hon no Mori - 07 [1080p].mkv",
        "24 mins, 351.2 MiB [Softsub]",
        "Stats",
        "Score: 84/100",
        "MyAnimeList",
        "Kitsu",
        "2026-11-03 17:30 UTC",
    ):
        assert part in shown_text


def test_the_policy_allows_the_pages_own_style_and_nothing_else():
    document = page(embed(announce([encoded()], BOOKS)))
    (style,) = re.findall(r"<style>(.*?)</style>", document, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in document
    assert "#00ff00" in style
    assert "url(" not in style
    assert not re.search(r"<(script|img|link|iframe)|\bsrc=|\bon\w+=|style=", document)


@given(names, names)
def test_names_are_text_and_never_tags(name, show):
    fact = acquired(file(f"{name}.mkv", show=show))
    read = Page(page(embed(announce([fact], BOOKS))))
    for tag, attributes in read.tags:
        assert tag in TAGS
        allowed = ALLOWED.get(tag, set())
        assert allowed is None or set(attributes) <= allowed | {"class", "lang", "charset"}
        assert (attributes.get("href") or "https://").startswith("https://")


@given(names)
def test_an_escaped_name_shows_as_it_is(name):
    cleaned = clean(name)
    assert "".join(Page(shown_line(escape(cleaned))).texts).replace("\u200b", "") == (
        cleaned.replace("\u200b", "")
    )


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("**a** *b* _c_", "<strong>a</strong> <em>b</em> <i>c</i>"),
        ("~~d~~ __e__ `*f*`", "<s>d</s> <u>e</u> <code>*f*</code>"),
        ("[a](https://x/?a&b)", '<a href="https://x/?a&amp;b" rel="noopener noreferrer">a</a>'),
        ("https://x", '<a href="https://x" rel="noopener noreferrer">https://x</a>'),
        (r"\*a\* \_b\_ \[c\](d)", "*a* _b_ [c](d)"),
        ("[a](javascript:x)", "[a](javascript:x)"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("**a *b* c**", "<strong>a <em>b</em> c</strong>"),
        ("snake_case_name", "snake_case_name"),
    ],
)
def test_markdown_looks_as_discord_shows_it(markdown, found):
    assert shown_line(markdown) == found


def test_lines_have_their_marks():
    assert shown("# a\n-# b\n> c\nd\n\n") == (
        "<h1>a</h1><small>b</small><blockquote>c</blockquote><div>d</div><div><br></div>"
        "<div><br></div>"
    )


def test_fields_that_may_stand_beside_each_other_do():
    fields = tuple(Field(f"{n}", "x", inline=n != 4) for n in range(9))
    widths = re.findall(r'class="(of\d)"', page(bare(fields=fields)))
    assert widths == ["of3", "of3", "of3", "of1", "of1", "of3", "of3", "of3", "of1"]


def test_a_bare_embed_has_no_empty_parts():
    document = page(bare())
    for part in ("author", "description", "fields", "thumbnail"):
        assert f'class="{part}"' not in document
    assert "border-left: 4px solid #123456" in document


def test_an_author_without_a_page_is_a_name():
    document = page(msgspec.structs.replace(bare(), author="<x>"))
    assert '<div class="author">&lt;x&gt;</div>' in document


@given(st.text(st.sampled_from("*_~`[]()\\<> ab\n#-")))
def test_any_markdown_becomes_whole_html(markdown):
    read = Page(shown(markdown))
    assert {tag for tag, _ in read.tags} <= TAGS
