"""Reading a name by its structure: text, pieces, marks, titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.folders import parted
from izumi.domain.reading.reader import read
from izumi.domain.reading.scan import Role, scan
from izumi.domain.reading.text import fold, pieces, text_of, tidy
from izumi.domain.reading.titles import by_script, clean, split
from tests.support.release_names import ODD


@given(st.text())
def test_folding_never_moves_a_place(text):
    assert len(fold(text)) == len(text)


def test_a_letter_that_grows_in_lower_case_keeps_its_place():
    assert fold("İ１٣ＡＢ－【") == "İ13ab-["  # noqa: RUF001 - letters of other widths


@given(st.text())
def test_a_tidied_text_stays_tidy(text):
    once = tidy(text)
    assert tidy(once) == once
    assert once.isprintable()


@given(st.text(ODD + "()[]{}[[((", max_size=60))
def test_pieces_stand_in_order_and_never_overlap(text):
    view = fold(tidy(text))
    found = pieces(view)
    places = [place for piece in found for place in (piece.start, piece.end)]
    assert places == sorted(places)
    assert all(view[piece.start : piece.end].strip() for piece in found)


@given(st.text(ODD, max_size=80))
def test_no_text_breaks_the_reader(text):
    read(text)


def test_brackets_within_brackets_belong_to_the_outer_ones():
    view = "[(^• ω •^)] show - 01"
    assert [view[piece.start : piece.end] for piece in pieces(view)] == [
        "(^• ω •^)",
        " show - 01",
    ]


@pytest.mark.parametrize(
    ("stem", "shown"),
    [
        ("Sora.no.Woto.EP07.5", "Sora no Woto EP07.5"),
        ("R.O.D.the.TV.01", "R.O.D the TV 01"),
        ("Citrus+Episode+3", "Citrus Episode 3"),
        ("Some_Show_-_05", "Some Show - 05"),
        ("No.6 01", "No.6 01"),
    ],
)
def test_delimiters_become_spaces_where_they_stand_for_them(stem, shown):
    assert text_of(stem).shown == shown


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("[G] Show - 01 [1080p]", (Role.GROUP, Role.FREE, Role.META)),
        ("[GHOST][1080p] Bleach - 046", (Role.GROUP, Role.META, Role.FREE)),
        ("37 [G] Show - 37", (Role.NOISE, Role.GROUP, Role.FREE)),
        ("[Isekai Quartet][08][BDRIP]", (Role.TITLE, Role.NUMBER, Role.META)),
        (
            "[字幕组][10月新番][标题][Title][2022][05]",
            (Role.GROUP, Role.TITLE, Role.TITLE, Role.YEAR, Role.NUMBER),
        ),
        ("G] Show - 01", (Role.GROUP, Role.FREE)),
        ("[1080p][HEVC]", (Role.META, Role.META)),
        (
            "[G] Show [NCOP][Season 2][OVA]",
            (Role.GROUP, Role.FREE, Role.EXTRA, Role.SEASON, Role.TYPE),
        ),
    ],
)
def test_every_piece_plays_its_part(name, roles):
    assert scan(text_of(name)).roles == roles


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("一百零三", 103),
        ("二三", 23),
        ("两", 2),
        ("1十", None),
    ],
)
def test_chinese_numerals_are_numbers(text, number):
    assert patterns.number(text) == number


@pytest.mark.parametrize(
    ("text", "seasons"),
    [
        ("show s2", (2,)),
        ("show s01-s03", (1, 2, 3)),
        ("show s1+s3", (1, 3)),
        ("show s01-05", (1, 2, 3, 4, 5)),
        ("show season 4-6", (4, 5, 6)),
        ("show 2nd season", (2,)),
        ("show second season", (2,)),
        ("show 第三季", (3,)),
        ("show 第1-2季", (1, 2)),
        ("show 二期", (2,)),
        ("show saison 2", (2,)),
        ("show シーズン2", (2,)),
        ("show's 3", None),
        ("show's2", None),
        ("第2期待", (2,)),
        ("二期間", None),
    ],
)
def test_seasons_are_read_in_many_tongues(text, seasons):
    match = patterns.SEASONS.search(text)
    assert (patterns.seasons_of(match) if match else None) == seasons


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("1920x1080", "1080p"),
        ("1280×720", "720p"),  # noqa: RUF001 - as names have it
        ("720p", "720p"),
        ("1080i", "1080i"),
        ("4K", "2160p"),
        ("DVD480p", "480p"),
        ("Show 1x05", None),
        ("1080p 4K", "1080p"),
        ("23.976p", None),
    ],
)
def test_picture_heights_are_read_in_every_form(text, height):
    assert patterns.resolution(fold(text)) == height


@pytest.mark.parametrize(
    ("stem", "episode"),
    [
        ("Show 第05話", "05"),
        ("Show 第1-3集", "1-3"),
        ("Show 全12話", "1-12"),
        ("Show - EP12v2", "12"),
        ("Show S01E01-E02", "01-02"),
        ("Show S01E01-02-03 - 001-002-003", "01-03"),
        ("Show - 01-02-03 - Title", "01-03"),
        ("Show Episode 1001 - 1012", "1001-1012"),
        ("Show: Episode 0 - 24", "24"),
        ("Show Episode 123 - 3-9", "3-9"),
        ("Show #01v2", "01"),
        ("Show [20 of 25]", "20"),
        ("[字幕组][Show][02,04][1080p]", "02,04"),
        ("[字幕组][Show][01-12&EX1 合集]", "01-12"),
        ("[字幕组][Show #5][02][1080p]", "02"),
        ("Show 09a (DVD)", "09a"),
        ("Show - 05 1080p", "05"),
        ("Show LPR-309 - 05 [1080p]", "05"),
        ("Show 12 - 05", "05"),
        ("Show [08 Title of it]", "08"),
        ("Fullmetal Alchemist 29 'The Untainted Child'", "29"),
        ("Show 13END [1080p]", "13"),
        ("Show (2019)", None),
        ("Show 2019 1080p", None),
        ("Show Movie 2", None),
        ("Show 2 [1080p]", None),
    ],
)
def test_the_episode_is_found_among_numbers(stem, episode):
    assert read(stem).episode == episode


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("葬送的芙莉莲 / Sousou no Frieren", ["葬送的芙莉莲", "Sousou no Frieren"]),
        ("夏日重现/Summer Time Rendering", ["夏日重现", "Summer Time Rendering"]),
        ("Fate/stay night", ["Fate/stay night"]),
        ("22/7", ["22/7"]),
        ("Jigoku Shoujo | Hell Girl", ["Jigoku Shoujo", "Hell Girl"]),
        ("Shinobi no Ittoki -  忍之一刻", ["Shinobi no Ittoki", "忍之一刻"]),
        ("Show - Arc", ["Show - Arc"]),
        ("National Parks AKA America Wild", ["National Parks", "America Wild"]),
    ],
)
def test_a_title_is_parted_only_where_alternatives_stand(text, parts):
    assert split(text) == parts


@pytest.mark.parametrize(
    ("name", "halves"),
    [
        ("进击的巨人 Attack on Titan", ["Attack on Titan", "进击的巨人"]),
        ("Sacred Seven 七合聖石戰記", ["Sacred Seven", "七合聖石戰記"]),
        ("哆啦A梦", []),
        ("Show", []),
    ],
)
def test_a_title_of_two_scripts_has_two_halves(name, halves):
    assert by_script(name) == halves


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (" - Show - ", "Show"),
        ("★ Show ★", "Show"),
        ("地。-关于地球的运动-", "地。-关于地球的运动-"),
        ("Last Exile ~Fam, The Silver Wing~", "Last Exile ~Fam, The Silver Wing~"),
        ("Show ~", "Show"),
        ("Show (", "Show"),
        ("Show (TV", "Show TV"),
        ("Show] TV", "Show TV"),
        ("Zootopia+", "Zootopia+"),
    ],
)
def test_a_title_loses_what_is_around_it_and_nothing_else(text, title):
    assert clean(text) == title


@pytest.mark.parametrize(
    ("stem", "group"),
    [
        ("Show.S01E05.1080p.WEB-DL.H.264-VARYG", "VARYG"),
        ("show.-.01.-.1080p.bluray.x264.dhd", "dhd"),
        ("Show [1080p,BluRay,x264] - THORA", "THORA"),
        ("Show - 01 [1080p] [Kosaka]", "Kosaka"),
        ("Show - 01 - Title", None),
        ("[.www.site.com.] Show S01E01 1080p x265-MeGusta", "MeGusta"),
        ("Evangelion 1.0 You Are [Not] Alone (1080p) [@Home]", "@Home"),
    ],
)
def test_the_group_is_found_where_groups_stand(stem, group):
    assert read(stem).group == group


@pytest.mark.parametrize(
    ("stem", "revision"),
    [
        ("Show - 05v2", 2),
        ("Show - 05 [v3][720p]", 3),
        ("Show NCOPv2 [1080p]", 2),
        ("Show S01E01 v2", 2),
        ("V8 Racer", None),
        ("NieR Ver1.1a - 05", None),
    ],
)
def test_a_version_is_read_wherever_it_stands(stem, revision):
    assert read(stem).revision == revision


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("Show/Season 2/05.mkv", (("Show", "Season 2"), "05.mkv")),
        ("D:\\Anime\\Show\\[G] Show - 01.mkv", (("D:", "Anime", "Show"), "[G] Show - 01.mkv")),
        ("/srv/x.mkv", (("srv",), "x.mkv")),
        ("Show/Show - 01.mkv", (("Show",), "Show - 01.mkv")),
        ("Show/E01.mkv", (("Show",), "E01.mkv")),
        ("Fate/Zero - 05.mkv", ((), "Fate/Zero - 05.mkv")),
        ("Ranma 1/2 - 03.mkv", ((), "Ranma 1/2 - 03.mkv")),
        ("[G] 标题 / Title - 03.mkv", ((), "[G] 标题 / Title - 03.mkv")),
        ("[G] 标题 / 7th Loop - 03", ((), "[G] 标题 / 7th Loop - 03")),
        ("[G][标题/Title][03]", ((), "[G][标题/Title][03]")),
        ("[G] Title [1080p]/", ((), "[G] Title [1080p]/")),
    ],
)
def test_a_slash_is_a_folder_only_where_it_must_be(path, parts):
    assert parted(path) == parts


@pytest.mark.parametrize(
    ("view", "meta"),
    [
        ("1080p", True),
        ("webrip 1080p hevc-10bit aac", True),
        ("dual audio", True),
        ("multi", True),
        ("简繁内封字幕", True),
        ("喵萌奶茶屋", False),
        ("极影字幕社", False),
        ("dd hokuto no ken", False),
        ("sousou no frieren", False),
        ("", True),
    ],
)
def test_words_of_the_trade_are_no_title(view, meta):
    assert vocabulary.is_meta(view) is meta
