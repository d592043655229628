# ruff: noqa: RUF001 - names in other scripts are what is tested
"""News are the embed of the earlier system, within every limit of Discord."""

import datetime as dt
import re
import unicodedata
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izumi.clients.discord_payload import payload
from izumi.domain import embed as ours
from izumi.domain.announce import Announcement, announce
from izumi.domain.embed import Embed, Field, embed, fitted
from izumi.domain.events import Distributed, Episode, File
from izumi.domain.links import NO_LINKS, LinkBases
from izumi.domain.phrases import UNKNOWN, size, stats, summary
from izumi.domain.placeholders import PLACEHOLDERS
from izumi.domain.plain import lines, text
from izumi.domain.show import Show, sameness
from izumi.domain.template import COMPACT, FULL, FieldTemplate, Template, Wording
from tests.support.discord import LIMITS, body_problems, embed_length
from tests.support.news import AT, BOOKS, acquired, distributed, encoded, file, names
from tests.support.published import document


def test_the_embed_has_everything_of_the_earlier_system():
    assert payload(embed(announce([acquired()], BOOKS))) == {
        "allowed_mentions": {"parse": []},
        "embeds": [
            {
                "title": "Hon no Mori - 07 [1080p].mkv",
                "description": "24 mins, 351.2 MiB [Softsub]",
                "color": 65535,
                "timestamp": "2026-11-03T17:30:00+00:00",
                "footer": {"text": "Hon no Mori"},
                "thumbnail": {"url": "https://s4.anilist.co/file/cover/medium/bx9001.png"},
                "author": {"name": "Studio Kodama", "url": "https://anilist.co/studio/6"},
                "fields": [
                    {
                        "name": "Stats",
                        "value": "Score: 84/100, Pop: 51234, Total: 13 Eps.",
                        "inline": False,
                    },
                    {
                        "name": "Links",
                        "value": "[MyAnimeList](https://myanimelist.net/anime/8001), "
                        "[Anilist](https://anilist.co/anime/9001), "
                        "[Kitsu](https://kitsu.app/anime/7001)",
                        "inline": False,
                    },
                ],
            }
        ],
    }


def test_a_hardsub_is_green_and_says_so():
    news = embed(announce([encoded()], BOOKS))
    assert news.colour == 65280
    assert news.description == "24 mins, 351.2 MiB [Hardsub]"


def test_a_file_without_subtitles_says_so():
    assert embed(announce([acquired(file(sub="none"))], None)).description.endswith(
        "[No subtitles]"
    )


def test_a_distributed_file_says_where():
    news = announce([distributed("mirror_2")], BOOKS)
    assert Field("Mirrors", r"mirror\_2") in embed(news).fields
    assert "Mirrors: mirror_2" in lines(news)


def test_without_facts_the_news_has_plain_names():
    bare = payload(embed(announce([acquired()], None)))
    assert bare["embeds"] == [
        {
            "title": "Hon no Mori - 07 [1080p].mkv",
            "description": "〇〇 mins, 351.2 MiB [Softsub]",
            "color": 65535,
            "timestamp": "2026-11-03T17:30:00+00:00",
            "footer": {"text": "Hon no Mori"},
        }
    ]


def test_numbers_that_identification_found_give_links_without_facts():
    episode = Episode(show="Umi", anilist_id=3, mal_id=4)
    fact = msgspec.structs.replace(acquired(), episode=episode)
    assert [link.url for link in announce([fact], None).links] == [
        "https://myanimelist.net/anime/4",
        "https://anilist.co/anime/3",
    ]


def test_numbers_that_nobody_knows_are_two_zeros():
    news = announce([acquired()], Show(anilist_id=1, title="Umi"))
    assert stats(news) == f"Score: {UNKNOWN}/100, Pop: {UNKNOWN}, Total: {UNKNOWN} Eps."
    assert summary(news, Wording()).startswith("〇〇 mins, ")
    assert embed(news).author is None


def test_the_compact_template_leaves_the_ornaments_out():
    news = embed(announce([acquired()], BOOKS), COMPACT)
    assert (news.thumbnail, news.author, [one.name for one in news.fields]) == (
        None,
        None,
        ["Links"],
    )


def test_the_title_of_a_hardsub_leads_to_the_file():
    made = file("本の森 #7 100%?.mp4", show="本の森 [x](y)", sub="hardsub")
    news = announce([encoded(made)], BOOKS)
    bases = LinkBases("https://files.example/anime/")
    link = embed(news, bases=bases).url
    assert link is not None
    assert link.isascii()
    assert link.count("/") == 5
    assert unquote(link) == "https://files.example/anime/本の森 [x](y)/本の森 #7 100%?.mp4"
    assert Field("Direct links", f"[Hardsub]({link})") in embed(news, bases=bases).fields
    assert f"Direct links: Hardsub: {link}" in text(news, bases=bases).body.split("\n")
    assert embed(announce([acquired()], BOOKS), bases=bases).url is None


def test_the_longest_names_still_lead_to_the_file():
    made = file("字" * 83 + ".mp4", show="本" * 85, sub="hardsub")
    link = embed(announce([encoded(made)], None), bases=LinkBases("https://" + "x" * 492)).url
    assert link is not None


def test_plain_lines_tell_the_same():
    assert lines(announce([acquired()], BOOKS)) == (
        "Hon no Mori - 07 [1080p].mkv",
        "24 mins, 351.2 MiB [Softsub]",
        "Stats: Score: 84/100, Pop: 51234, Total: 13 Eps.",
        (
            "Links: MyAnimeList: https://myanimelist.net/anime/8001, "
            "Anilist: https://anilist.co/anime/9001, Kitsu: https://kitsu.app/anime/7001"
        ),
        "Hon no Mori · Studio Kodama",
    )


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 40, "3072.0 GiB"),
    ],
)
def test_sizes_read_well(size_bytes, text):
    assert size(size_bytes) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Re:Zero", "Re - Zero"),
        ("SPY×FAMILY", "Spy×Family"),
        ("Love, Chunibyo & Other Delusions!", "love chunibyo  other delusions"),
        ("Ｈｅａｖｙ", "heavy"),
        ("…", "…"),
    ],
)
def test_spellings_of_one_title_are_the_same(one, other):
    assert sameness(one) == sameness(other)


def test_different_titles_are_not_the_same():
    assert sameness("Kaguya-sama 2") != sameness("Kaguya-sama 3")
    assert sameness("か") != sameness("が")
    assert sameness("…") != sameness("!!")


PING = re.compile(r"@(everyone|here|[!&]?\d)", re.IGNORECASE)
shows = st.builds(
    Show,
    anilist_id=st.integers(1, 10**9),
    title=names,
    studio=names,
    studio_id=st.none() | st.integers(1, 10**9),
    score=st.none() | st.integers(1, 100),
    episodes=st.none() | st.integers(1, 10**9),
    cover_url=st.none() | names | names.map(lambda name: f"https://s4.anilist.co/{name}"),
)
facts = st.builds(
    Distributed,
    file=st.builds(
        File,
        key=st.tuples(names, names).map("/".join),
        size=st.integers(0, 1 << 62),
        sha256=st.none(),
        sub=st.sampled_from(["softsub", "hardsub", "none"]),
    ),
    episode=st.builds(
        Episode,
        show=names,
        season=st.none() | st.integers(0, 10**9),
        number=st.none() | names | st.integers(0, 10**9).map(str),
        resolution=st.none() | names,
        revision=st.none() | st.integers(0, 10**9),
    ),
    group=st.just("g"),
    destination=names | st.just("vault"),
    at=st.just(AT),
)
EVERYTHING = Template(
    title=" ".join(f"{{{name}}}" for name in PLACEHOLDERS),
    description="\n".join(f"{name}: {{{name}}}" for name in PLACEHOLDERS),
    url="https://files.example/?{show}={name}",
    author="{show} {mirrors}",
    author_url="{cover}",
    footer="{list} {links} {title}",
    thumbnail="{cover}",
    fields=tuple(
        FieldTemplate(name=f"{{{name}}}", value=f"{{{name}}}", inline=True)
        for name in list(PLACEHOLDERS)[:25]
    ),
)
"""Every placeholder in every place."""
LINKS = LinkBases(
    "https://" + "x" * 492, {"vault": {"softsub": "https://v.example/a", "hardsub": "https://v"}}
)


@settings(max_examples=60)
@given(
    st.lists(facts, min_size=1, max_size=30),
    st.none() | shows,
    st.sampled_from([FULL, COMPACT, EVERYTHING]),
    st.sampled_from([NO_LINKS, LINKS]),
)
def test_whatever_strangers_write_discord_takes_it_and_nobody_is_pinged(
    some, show, template, bases
):
    body = payload(embed(announce(some, show), template, bases))
    assert body_problems(body) == []
    msgspec.json.encode(body)
    assert not PING.search(str(body))


@given(facts, st.none() | shows)
def test_plain_lines_hold_no_control_characters(fact, show):
    text = lines(announce([fact], show))
    kinds = {unicodedata.category(char) for line in text for char in line}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not set("".join(text)) & set("\u202e\u2066\u200e")


@settings(max_examples=60)
@given(
    st.builds(
        Embed,
        title=st.text(min_size=1, max_size=400).map(lambda text: f"t{text}"),
        description=st.integers(1, 9000).map(lambda n: "d字" * n),
        colour=st.just(0),
        timestamp=st.just(AT),
        footer=st.integers(1, 5000).map(lambda n: "f" * n),
        author=st.none() | st.integers(1, 500).map(lambda n: "a" * n),
        fields=st.lists(
            st.builds(
                Field,
                st.integers(0, 300).map(lambda n: "n" * n),
                st.integers(0, 1200).map(lambda n: "v" * n),
            ),
            max_size=40,
        ).map(tuple),
    )
)
def test_any_embed_is_made_to_fit(wanted):
    fits = payload(fitted(wanted))
    assert body_problems(fits) == []
    assert fits["embeds"][0]["title"]


def test_a_field_that_does_not_fit_is_left_out_whole():
    fields = (Field("a", "v" * 1025), Field("b", "[x](https://anilist.co)"), Field("c", " "))
    wanted = Embed(title="t", description="d", colour=0, timestamp=AT, footer="f", fields=fields)
    assert fitted(wanted).fields == fields[1:2]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://host/x",
        "https://",
        "https://user:pass@host/x",
        "https://host/a b",
        "https://höst/",
        "https://[::1",
        "https://host/" + "x" * 2048,
        "",
    ],
)
def test_an_address_that_discord_would_refuse_is_dropped(url):
    wanted = Embed(
        title="t", description="d", colour=0, timestamp=AT, footer="f", thumbnail=url, url=url
    )
    assert (fitted(wanted).thumbnail, fitted(wanted).url) == (None, None)


def test_our_limits_are_discords():
    published = document("discord/limits.json")["embed"]
    for name, limit in {
        "title": ours.TITLE,
        "description": ours.DESCRIPTION,
        "fields": ours.FIELDS,
        "field.name": ours.FIELD_NAME,
        "field.value": ours.FIELD_VALUE,
        "footer.text": ours.FOOTER,
        "author.name": ours.AUTHOR,
        "url": ours.URL,
        "sum_of_all_text_in_all_embeds": ours.TOTAL,
    }.items():
        assert published[name] == limit
    assert LIMITS == {
        "title": ours.TITLE,
        "description": ours.DESCRIPTION,
        "footer": ours.FOOTER,
        "author": ours.AUTHOR,
    }


def test_the_builder_leaks_nothing_of_its_own_into_the_message():
    body = payload(embed(announce([acquired()], BOOKS)))
    assert set(body) == {"embeds", "allowed_mentions"}
    again = payload(embed(announce([acquired()], None)))
    assert len(again["embeds"]) == 1
    assert embed_length(again["embeds"][0]) < 100


def test_news_without_a_folder_take_the_name_of_the_show():
    fact = acquired(File(key="film.mkv", size=1, sha256=None, sub="softsub"))
    news = announce([fact], None)
    assert (news.show, news.name) == ("Hon no Mori", "film.mkv")
    assert isinstance(news, Announcement)
    assert news.at == dt.datetime(2026, 11, 3, 17, 30, tzinfo=dt.UTC)
