"""Templates: shipped ones are good, users' own are safe, mistakes are named at load."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi import settings as settings_
from izumi.clients.discord_payload import payload
from izumi.domain.announce import announce
from izumi.domain.embed import Field, embed
from izumi.domain.errors import ConfigError
from izumi.domain.graphemes import units
from izumi.domain.links import LinkBases
from izumi.domain.markup import ADDRESS, DISCORD, DISCORD_PLAIN, HTML, TEXT, disarmed
from izumi.domain.phrases import values
from izumi.domain.placeholders import PLACEHOLDERS, fault, filled, packed, spread
from izumi.domain.plain import text
from izumi.domain.template import SHIPPED, Colours, FieldTemplate, Template, Wording
from tests.support.news import BOOKS, HOSTILE, acquired, distributed, encoded, file

NEWS = announce([acquired(), encoded(), distributed()], BOOKS)
BASES = LinkBases("https://files.example")


def load(tmp_path: Path, text: str) -> settings_.Settings:
    path = tmp_path / "izumi.toml"
    path.write_text(f'state = "{tmp_path}"\n{text}', "utf-8")
    return settings_.load(path, environ={})


def test_users_write_templates_of_their_own(tmp_path):
    settings = load(
        tmp_path,
        """
[notifier.main]
[[notifier.main.discord]]
name = "a"
url = "https://discord.com/api/webhooks/1/x"
template = "mine"

[template.mine]
title = "{title} {episode}"
description = "{news}: **{subs}**\\n{mirrors}\\n{{literally}}"
author = "by {studio}"
footer = "of {total}"
thumbnail = "{cover}"
url = "https://search.example/?q={show}&n={name}"
[[template.mine.fields]]
name = "{resolution}"
value = "{size} = {softsub_size} + {hardsub_size}"
inline = true
[template.mine.colours]
hardsub = "#Ff8000"
[template.mine.wording]
distributed = "Da"
softsub = "Weich"
""",
    )
    shown = embed(NEWS, settings.template["mine"], BASES)
    assert shown.title == "Hon no Mori 07"
    assert shown.description == "Da: **Weich, Hardsub**\nmirror\n{literally}"
    assert shown.author == "by Studio Kodama"
    assert shown.footer == "of 13"
    assert shown.thumbnail == BOOKS.cover_url
    assert shown.colour == 0xFF8000
    assert shown.url == (
        "https://search.example/?q=Hon%20no%20Mori&n=Hon%20no%20Mori%20-%2007%20%5B1080p%5D.mp4"
    )
    assert shown.fields == (Field("1080p", "702.4 MiB = 351.2 MiB + 351.2 MiB", inline=True),)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ('title = "{nmae}"', "title: '{nmae}' has the unknown placeholder `{nmae}`; did you mean"),
        ('title = "{xyzzy}"', "known are show, title, name"),
        ('description = "{show.__class__}"', "unknown placeholder `{show.__class__}`"),
        ('description = "{0}"', "unknown placeholder `{0}`"),
        ('description = "{}"', "unknown placeholder `{}`"),
        ('description = "{show!r}"', "unknown placeholder `{show!r}`"),
        ('description = "{show:>9}"', "unknown placeholder"),
        ('footer = "a { b"', "has a lone `{`; a brace itself is written `{{`"),
        ('url = "a } b"', "has a lone `}`"),
        ('title = " "', "must say something"),
        ('titel = "x"', "unknown key `titel`; did you mean `title`?"),
        ('colours = { hardsub = "green" }', "'green' is no colour such as '#00ff00'"),
        ('wording = { acquird = "x" }', "did you mean `acquired`?"),
        ('fields = [{ name = "a", value = "{x}" }]', "value: '{x}' has the unknown placeholder"),
        ("fields = [" + "{ name = 'a', value = 'b' }," * 26 + "]", "Discord shows 25"),
    ],
)
def test_a_mistake_in_a_template_is_named_at_load(tmp_path, mistake, told):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"[template.mine]\n{mistake}\n")
    assert told in str(caught.value)
    assert "template.mine" in str(caught.value)


@pytest.mark.parametrize("table", ["discord", "apprise"])
def test_a_template_that_is_not_there_is_an_error_with_the_nearest_one(tmp_path, table):
    with pytest.raises(ConfigError, match=r"no \[template.ful\]; did you mean `full`\?"):
        load(
            tmp_path,
            f"[[notifier.main.{table}]]\nname = 'a'\nurl = 'x'\ntemplate = 'ful'\n",
        )


def test_a_users_template_may_take_the_place_of_a_shipped_one(tmp_path):
    settings = load(tmp_path, "[template.full]\ntitle = 'x'\n")
    assert settings.template["full"].title == "x"


def test_every_placeholder_has_a_value_for_every_place():
    for markup in (DISCORD, DISCORD_PLAIN, TEXT, HTML, ADDRESS):
        found = values(NEWS, BASES, markup, Wording())
        assert set(found) == set(PLACEHOLDERS)
        assert set(values(announce([acquired()], None), BASES, markup, Wording())) == set(found)


def test_no_placeholder_is_empty_where_everything_is_known():
    found = values(NEWS, BASES, DISCORD, Wording())
    # A list of what differs between episodes, and a season, are not for this one.
    assert [name for name, value in found.items() if not value] == ["season", "list"]


@given(st.text(st.sampled_from("{}ab_.!:[]0 \n")))
def test_whatever_is_no_placeholder_is_refused_or_literal(template):
    if fault(template) is None:
        assert "{" not in template.replace("{{", "").replace("}}", "")
        assert filled(template, {}, 4096) == template.replace("{{", "{").replace("}}", "}").strip()


def test_the_language_reaches_nothing_but_the_names():
    for name in ("__class__", "show.name", "show[0]", "show!s", "show:x", "show ", "SHOW", "0"):
        assert fault(f"{{{name}}}") is not None


def test_a_line_whose_placeholders_are_all_empty_is_left_out():
    empty = {"a": "", "b": "", "c": "c"}
    assert filled("x\nA {a} {b}\n{a}{c}\ny", empty, 99) == "x\nc\ny"
    assert filled("{a}", empty, 99) == ""


def test_values_are_not_read_as_templates():
    assert filled("{show}", {"show": "{title} {{"}, 99) == "{title} {{"
    hostile = announce([acquired(file("{title}.mkv", show="{show.x}"))], None)
    assert embed(hostile).title == "{title}.mkv"


@given(st.lists(st.text(min_size=1, max_size=30), max_size=40), st.integers(0, 200))
def test_a_list_fits_and_says_how_many_are_missing(items, room):
    shown = packed(items, room)
    assert units(shown) <= room
    if shown and shown != ", ".join(items):
        kept, _, rest = shown.rpartition(" … and ")
        missing = int(rest.removesuffix(" more"))
        assert 0 < missing < len(items)
        assert kept == ", ".join(items[: len(items) - missing])


@given(st.lists(st.text(min_size=1, max_size=30), max_size=40), st.integers(1, 6))
def test_a_list_alone_goes_on_in_further_texts(items, most):
    texts = spread("{list}", {"list": tuple(items)}, 60, most)
    assert 1 <= len(texts) <= most
    assert all(units(one) <= 60 for one in texts)
    if most >= len(items):
        assert ", ".join(texts) == ", ".join(items)


def test_a_list_leaves_room_for_what_stands_beside_it():
    shown = filled("x" * 50 + "{list}" + "y" * 20, {"list": ("abcdef",) * 40}, 128)
    assert units(shown) <= 128
    assert shown.endswith(" more" + "y" * 20)


def test_lists_share_the_room():
    shown = filled("{a} {b}", {"a": ("abcdef",) * 10, "b": ("abcdef",) * 10}, 120)
    assert units(shown) <= 120


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("template", [*SHIPPED.values()])
def test_a_hostile_name_is_text_on_every_channel(name, template):
    news = announce([acquired(file(f"{name}.mkv", show=f"{name} x"))], None)
    for format_ in ("text", "html"):
        title, body = text(news, template, BASES, format_)
        for shown in (title, body.replace("<br>", "")):
            assert "@everyone" not in shown
            assert "<@" not in shown
            assert "<!" not in shown
            assert "https://e.vil" not in shown
            assert not set(shown) & set("\x1b\u202e\x00\r\u2028")
    assert "<" not in body.replace("<br>", "")


@pytest.mark.parametrize(
    ("armed", "harmless"),
    [
        ("@all", "@\u200ball"),
        ("THE iDOLM@STER", "THE iDOLM@STER"),
        ("<!channel>", "<\u200b!channel>"),
        ("a < b", "a < b"),
        ("http://x", "http:\u200b//x"),
        ("2 @ 3", "2 @ 3"),
    ],
)
def test_chats_get_names_that_call_nobody(armed, harmless):
    assert disarmed(armed) == harmless


def test_html_is_escaped_and_links_are_links():
    fact = acquired(file("a & <b>.mkv", show="<i>"))
    body = text(announce([fact], BOOKS), format_="html").body
    assert "&amp;" not in body  # the name is the title, which formats nothing
    shown = text(announce([fact], None), Template(description="{name}"), format_="html").body
    assert shown.startswith("a &amp; &lt;\u200bb&gt;.mkv")
    assert '<a href="https://anilist.co/anime/9001">Anilist</a>' in body


def test_an_embed_without_a_footer_or_a_description_is_one_all_the_same():
    bare = Template(title="{name}", description="", footer="", url="")
    assert payload(embed(NEWS, bare))["embeds"] == [
        {
            "title": "Hon no Mori - 07 [1080p].mp4",
            "color": 0x00FF00,
            "timestamp": "2026-11-03T17:30:00+00:00",
        }
    ]


def test_a_title_of_nothing_is_called_so():
    shown = embed(announce([acquired()], None), Template(title="{studio}"))
    assert shown.title == "(no name)"


def test_a_template_is_told_apart_by_what_it_says():
    field = FieldTemplate(name="a", value="b")
    assert Template(fields=(field,)) != Template()
    assert msgspec.to_builtins(Colours()) == {}


def test_every_placeholder_is_documented_and_the_documented_templates_are_good(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs/notifier.md").read_text("utf-8")
    for name, meaning in PLACEHOLDERS.items():
        assert f"| `{{{name}}}` | {meaning} |" in page
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        load(tmp_path, block)


def test_the_configuration_is_shown_without_an_address(tmp_path):
    settings = load(tmp_path, "[[notifier.main.apprise]]\nname = 'a'\nurl = 'ntfy://canary/key'\n")
    assert "canary" not in f"{settings!r} {settings_.shown(settings)}"
    assert settings_.secrets(settings) == ["ntfy://canary/key"]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Show [1080p].mkv", r"Show \[1080p\].mkv"),
        (r"a\](b", r"a\](b"),
        ("\\\\]", "\\\\\\]"),
        ("[", r"\["),
    ],
)
def test_brackets_of_a_label_neither_end_a_link_nor_begin_another(label, shown):
    assert DISCORD.link(label, "https://e.example") == f"[{shown}](https://e.example)"
