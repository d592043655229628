"""Classes of names that parsers of release names are known to fail on: right, or held."""

# ruff: noqa: RUF001 - the characters that look like others are the matter here

import pytest

from izumi.domain import names
from izumi.domain.identify import identify
from izumi.domain.reading.folders import parted
from izumi.domain.release import Identification


def at(path: str) -> Identification:
    folders, name = parted(path)
    return identify(name, folders=folders)


@pytest.mark.parametrize(
    ("name", "episode"),
    [
        ("Show - 01-03 [1080p].mkv", "01-03"),
        ("Show - 01+02 [1080p].mkv", "01-02"),
        ("Show - 01&02 [1080p].mkv", "01-02"),
        ("Show S01E01E02 [1080p].mkv", "01-02"),
        ("Show S01E01-E03 [1080p].mkv", "01-03"),
        ("Show S01E01-03 [1080p].mkv", "01-03"),
        ("Show S01E01+02.mkv", "01-02"),
        ("Show 第01-03話.mkv", "01-03"),
        ("Show - 1~2.mkv", "1-2"),
        ("[G] Show - 01 ~ 12 [1080p]", "01-12"),
        ("[G] Show [01-12 END][1080p]", "01-12"),
        ("[G] Show 1~12 [1080p]", "1-12"),
        ("[字幕组][标题][全12集][1080P]", "1-12"),
        ("Show.S01E01.S01E03.720p", "01-03"),
        ("Show - S01E01 - S01E02 - S01E03 Title.mkv", "01-03"),
        ("Show.S01.E01.E02.mkv", "01-02"),
        ("Show.1x01.1x03.Bluray.1080p.x265-G", "01-03"),
        ("Show.1x01x02x03.480p.DVD.x264-G.mkv", "01-03"),
        ("Show 16x03-05.mkv", "03-05"),
        ("Show S01E05, E06 [1080p].mkv", "05-06"),
        ("[G] Show [05+06][1080p].mkv", "05-06"),
        ("Show 第05話-第06話.mkv", "05-06"),
        ("Show 第5、6集.mp4", "5-6"),
    ],
)
def test_several_episodes_stay_a_range(name, episode):
    found = identify(name)
    assert (found.title in {"Show", "标题"}, found.episode, found.held) == (True, episode, None)


@pytest.mark.parametrize(
    "name", ["[G] Show - 01-12 [1080p].mkv", "Show S01E01-E13.mp4", "[G] Show [01-24][1080p].mkv"]
)
def test_more_episodes_than_one_video_holds_are_asked_about(name):
    held = identify(name).held
    assert held is not None
    assert "in one file" in held


def test_a_batch_of_many_files_is_none_of_them():
    assert identify("[G] Show [01-24][1080p]").held is None
    assert at("[G] Show [01-24][1080p]/[G] Show - 07 [1080p].mkv").episode == "07"


@pytest.mark.parametrize(
    ("name", "revision"),
    [
        ("Show - 05v2.mkv", 2),
        ("Show - 05V2 [1080p].mkv", 2),
        ("Show 05 v2.mkv", 2),
        ("Show - 05 (v2).mkv", 2),
        ("Show - 05 [V2] [1080p].mkv", 2),
        ("Show - 05 [1080p] v3.mkv", 3),
        ("Show - 05 - v2 [720p].mkv", 2),
        ("Show - 05v0.mkv", 0),
        ("Show - 12.5v2 [1080p].mkv", 2),
        ("Show - 01v2-03v2 [1080p].mkv", 2),
        ("Show - 05 ver2.mkv", 2),
        ("Show - 05 Rev2 [1080p].mkv", 2),
        ("Show S01E05v2 [1080p].mkv", 2),
        ("Show.S01E05.REPACK.1080p.WEB-DL.H.264-GRP.mkv", 2),
        ("Show.S01E05.REPACK2.1080p.WEB-DL.H.264-GRP.mkv", 3),
        ("Show.S01E05.PROPER.1080p.WEB-DL.H.264-GRP.mkv", 2),
        ("[字幕社][标题][第05话v2][1080P].mp4", 2),
        ("[字幕社][标题][第05v2話][1080P].mp4", 2),
        ("[字幕社][标题][05_v2][1080P].mp4", 2),
        ("[字幕社][标题][05(v2)][1080P].mp4", 2),
        ("[字幕社][标题][05][1080P][v2].mp4", 2),
        ("[字幕社][标题][05][V2修正][1080P].mp4", 2),
        ("[G] Show - 05-v2 [1080p].mkv", 2),
        ("[G] Show - 05 [1080pv2].mkv", 2),
        ("[G] Show - 05 (Version 2) [1080p].mkv", 2),
        ("[G] Show - 05 (Rev. 2) [1080p].mkv", 2),
        ("[V2][字幕社][标题][05][1080P].mp4", 2),
        ("Show - 05 - A Proper Goodbye.mkv", None),
        ("NieR Automata Ver1.1a - 05.mkv", None),
        ("V8 - 05.mkv", None),
    ],
)
def test_every_way_to_write_a_version_is_one(name, revision):
    found = identify(name)
    assert (found.revision, found.held) == (revision, None)
    assert found.episode in {"05", "12.5", "01-03"}


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("[G] Show - NCOP1 [1080p].mkv", "NCOP1"),
        ("[VCB-Studio] Show [NCED_EP01][Ma10p_1080p][x265_flac].mkv", "NCED EP01"),
        ("Show - NCOP 2 (Ep 12) [BD].mkv", "NCOP 2"),
        ("Show - Creditless Opening 1 [BD].mkv", "Creditless Opening 1"),
        ("Show - Clean ED.mkv", "Clean ED"),
        ("Show OP1v2 [BD].mkv", "OP1"),
        ("Show_OP_02_Web.mkv", "OP 02"),
        ("[G] Show - PV2 [1080p].mkv", "PV2"),
        ("[G] Show [Teaser_PV2][1080p].mkv", "Teaser PV2"),
        ("Show CM Collection.mkv", "CM Collection"),
        ("Show BD Menu Vol. 1.mkv", "BD Menu Vol. 1"),
        ("[VCB-Studio] Show [Menu01][Ma10p_1080p].mkv", "Menu01"),
        ("[VCB-Studio] Show [IV01][Ma10p_1080p][x265_flac].mkv", "IV01"),
        ("Show - Trailer.mkv", "Trailer"),
        ("Show - 01 sample.mkv", "01 sample"),
        ("Show.S01E01.1080p.WEB-DL.x264-GRP-sample.mkv", "01 sample"),
        ("sample-show.s01e01.mkv", "01 sample"),
        ("Show/Extras/Show - 03.mkv", "Extra 03"),
        ("Show/NCOP & NCED/Show - NCED2.mkv", "NCED2"),
        ("Show/Sample/show.s01e01.mkv", "Extra 01"),
    ],
)
def test_an_extra_is_no_episode_whatever_numbers_it_has(path, extra):
    found = at(path)
    assert (found.kind, found.extra, found.episode) == ("extra", extra, None)
    assert found.title is not None
    assert found.title.lower() == "show"
    assert found.held is not None
    assert (names.key(found) or "").split("/")[1] == "Extras"


@pytest.mark.parametrize(
    "name",
    [
        "[G] Shomin Sample - 10 [720p].mkv",
        "[G] takt op.Destiny - 10 [1080p].mkv",
        "[G] Trailer Park - 10 [1080p].mkv",
        "Show - 10 - The Opening.mkv",
        "Show - 10 - Preview of Things.mkv",
        "[Anime Chap] Show - S01E10 [WEB 1080p] {OP & ED Lyrics} - Episode 10.mkv",
    ],
)
def test_a_word_for_an_extra_in_a_title_makes_none(name):
    found = identify(name)
    assert (found.kind, found.episode, found.held) == ("episode", "10", None)


@pytest.mark.parametrize(
    ("name", "title", "seasons", "episode"),
    [
        # A number with a meaning of its own, behind the title or in it.
        ("[G] One Piece - 1013 [1080p].mkv", "One Piece", (), "1013"),
        ("[G] Show - 101 [1080p].mkv", "Show", (), "101"),
        ("[G] Show S4 - 64 [1080p].mkv", "Show", (4,), "64"),
        ("[Judas] Jujutsu Kaisen 2 - S02E18.mkv", "Jujutsu Kaisen", (2,), "18"),
        ("[桜都字幕组] 某某 第二季 / Mato Seihei 2 [11][1080P].mp4", "Mato Seihei", (2,), "11"),
        ("[ANi] Overlord S4 -  OVERLORD 第四季 - 06 [1080P].mp4", "Overlord", (4,), "06"),
        ("[G] Memories Off 3.5 - 04 (DVD 10-bit).mkv", "Memories Off 3.5", (), "04"),
        ("[G] Show 2 [03] [720p].mkv", "Show 2", (), "03"),
        ("Monster 1 of 74.avi", "Monster", (), "1"),
        ("Noragami - 2x06 - Done [Episode 6].mkv", "Noragami", (2,), "06"),
        # Decoration, remarks and spacing.
        ("Show  -  05  [1080p].mkv", "Show", (), "05"),
        ("【组】★5周年★[出租车/Odd Taxi][13][720p].mp4", "Odd Taxi", (), "13"),
        ("[G] Show - 75 [1080p](76集之后今冬放送).mkv", "Show", (), "75"),
        ("【组】★10月新番★[亂馬 1/2 / Ranma 1/2 (2024)][19][1080p].mp4", "Ranma 1/2", (), "19"),
        ("[组][电影某某F/Movie_Some_F/映画なにかF][720p].mp4", "Movie Some F", (), None),
        ("【组】★劇場版★[泡泡/Bubble][720p].mp4", "Bubble", (), None),
    ],
)
def test_numbers_and_words_of_the_title_stay_in_it(name, title, seasons, episode):
    found = identify(name)
    assert (found.title, found.seasons, found.episode) == (title, seasons, episode)
    assert found.held is None


@pytest.mark.parametrize(
    "name", ["[G] Golden Kamuy 4th Season S3 - 04 [1080p].mkv", "[G] Show 第二季 S3 - 04.mkv"]
)
def test_two_seasons_in_one_name_are_asked_about(name):
    assert (identify(name).held or "").startswith("the season is ")
    assert identify(name, folders=["Show", "Season 4"]).held is None


def test_a_folder_of_subtitles_or_of_a_part_names_no_show():
    assert at("Cue/Subs_Main/[G] CUE! [18].JPSC.ass").title == "Cue"
    assert at("Saibou/Subs_Season2/[G] Saibou [06].ass").seasons == (2,)
    assert identify("Show S2 - 05.mkv", folders=["Show", "Season 0"]).seasons == (0,)


@pytest.mark.parametrize(
    "name", ["018 Show [720p].mkv", "[Group]Show04.mkv", "[G]_Show04_[720p].mkv"]
)
def test_a_padded_number_at_an_end_of_what_has_no_episode_is_asked_about(name):
    assert (identify(name).held or "").startswith("the episode may be ")


def test_a_special_in_brackets_keeps_its_number_and_a_title_behind_one_is_no_group():
    special = identify("[G] Show [Special 02][1080p].mp4")
    assert (special.title, special.episode, special.seasons) == ("Show", "SP02", (0,))
    assert identify("Show - S02E06 (018) - The Name.mkv").group is None
    assert identify("Show - 06 (1080p) - Group.mkv").group == "Group"


@pytest.mark.parametrize(
    "name", ["Show Season 02 [1080p]", "Show.Season.02.", "Show Season 02 Complete [1080p]"]
)
def test_a_padded_season_is_no_episode(name):
    found = identify(name)
    assert (found.seasons, found.episode) == ((2,), None)
    assert found.titles[0].startswith("Show")


@pytest.mark.parametrize(
    ("name", "title", "seasons", "episode"),
    [
        # Korean, and tongues that say "season" and "episode" in their own words.
        ("Show 시즌2 5화.mp4", "Show", (2,), "5"),
        ("드라마 시즌 2 제5화.mp4", "드라마", (2,), "5"),
        ("[조] 드라마 이야기 16회 END.1080p.mp4", "드라마 이야기", (), "16"),
        ("1박 2일.시즌4.E05.200105.1080p.mp4", "1박 2일", (4,), "05"),
        ("사랑의 불시착 E05.191228.720p-NEXT.mp4", "사랑의 불시착", (), "05"),
        ("Show 2 сезон 12 серия.mkv", "Show", (2,), "12"),
        ("Show Stagione 2 Episodio 05.mkv", "Show", (2,), "05"),
        ("Show - Episódio 12.mp4", "Show", (), "12"),
        ("Show - Capítulo 12.mp4", "Show", (), "12"),
        ("Show Season II - 05.mkv", "Show", (2,), "05"),
        ("ドラマ～副題～ 第7シリーズ 第05話.mp4", "ドラマ～副題～", (7,), "05"),
        # Season and number with a dash between; a part is no season.
        ("[G] Show S2-05 [1080p].mkv", "Show", (2,), "05"),
        ("[G] Show S02-01 [1080p].mkv", "Show", (2,), "01"),
        ("[G] Show 2nd Season Part 2 - 05 [1080p].mkv", "Show Part 2", (2,), "05"),
        # Remarks amid the title, numbers of databases, alternatives.
        ("[G] 标题 第二季（日配版） / Show (Japanese Audio) S2 - 11.mkv", "Show", (2,), "11"),
        ("[G] Show (tmdbid=1155234) - 05 [1080p].mkv", "Show", (), "05"),
        ("Show (2019) {tmdb-95479} - S01E05.mkv", "Show", (1,), "05"),
        ("【组】★01月新番★[22/7/Nanabun no Nijuuni][04][1080p].mp4", "22/7", (), "04"),
        # What a place of the name says of it.
        ("[G] Show - The Arc - 12D (CR 1920x1080 AVC AAC MKV)", "Show - The Arc", (), "12d"),
        ("[G] Anime - 15.5 (S00E01) [BD 1080p].mkv", "Anime", (), "15.5"),
        ("[SubPig][Hana Yori Dango ep05].avi", "Hana Yori Dango", (), "05"),
        ("Some.Show.1of8.Title.x264.AAC.mkv", "Some Show", (), "1"),
        ("剧名S02E05.mp4", "剧名", (2,), "05"),
        ("剧名EP05.mp4", "剧名", (), "05"),
        ("《剧名》第12集.mp4", "剧名", (), "12"),
        ("剧名 更新至12集", "剧名", (), "1-12"),
        ("剧名（全24集）", "剧名", (), "1-24"),
        ("[组] 剧名 / Title [OVA][1080P]", "Title OVA", (), None),
        ("[组] 剧名 / Title [特别篇][1080P]", "Title 特别篇", (), None),
        ("【组】★10月新番★[Do It Yourself!!/DIY][01][1080p]", "Do It Yourself!!", (), "01"),
        ("[组] 2014春 // タイトルII / 標題 第2季 // 11 // 720P-MP4", "タイトルII", (2,), "11"),
        ("[G] Show - 05-A [1080p].mkv", "Show", (), "05a"),
        # A season in the title of an episode is none of the file's.
        ("[G] Show - 05 - The S2 Affair [1080p].mkv", "Show", (), "05"),
        # Ways of transport.
        ('[13/13] - "[G] Show R - 23 [480p].mkv', "Show R", (), "23"),
        ('[02/24] - "[G] Show R - 23 [480p].mkv" yEnc', "Show R", (), "23"),
        ("%5BG%5D%20Show%20R%20-%2023%20%5B480p%5D.mkv", "Show R", (), "23"),
        ("[Ｇ]＿Ｓｈｏｗ＿－＿０５＿［１０８０ｐ］.mkv", "Show", (), "05"),
    ],
)
def test_words_and_wrappings_of_other_places_are_known(name, title, seasons, episode):
    found = identify(name)
    assert (found.title, found.seasons, found.episode) == (title, seasons, episode)
    assert found.held is None


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("[1080P][某某制作组&Sub][龙珠GT][60][HEVC-10bit].mkv", "某某制作组&Sub"),
        ("[庆余年 第二季].Joy.of.Life.S02E05.2024.2160p.WEB-DL.DDP5.1-OurTV.mkv", "OurTV"),
        ("[极影字幕·毁片党][节目名][Show][12][1080p].mkv", "极影字幕·毁片党"),
        ("[c.c动漫][4月新番][节目名][Show][12][BIG5][1080P].mp4", "c.c动漫"),
        ("[某人合成][粤语]节目名 / Show - 06 [粤日双语](WEB 1080p).mp4", "某人合成"),
        ("[Fansub.com] Show - 12 [Arabic Sub] [MQ].mp4", "Fansub.com"),
        ("Show - The Film (Central Anime, 720p) [46B35E25].mkv", "Central Anime"),
        ("Show.1999.1080p.Blu-Ray.ReMuX.AVC.DTS-HD.5.1-HQZONE.mkv", "HQZONE"),
        ("Some Title [Group] 05.mkv", "Group"),
        ("[搬運][ANi] Some Title / 标题 - 06 [1080P][Baha][CHT].mp4", "ANi"),
        ("[JTBC] 드라마 이야기.E172.180312.720p-NEXT.mp4", "NEXT"),
        ("(BD) 青い花 第01話 「花物語」 (1920x1080 x264 flac).mkv", None),
        ("[A1B2C3D4] Some Title - 05.mkv", None),
        ("Some Title [TV-2] - 05 [1080p].mkv", None),
        ("琅琊榜之风起长林.第01集.1080p.国语中字.mp4", None),
        ("节目名 第30集 4K(超高清SDR)(8798117).mp4", None),
        ("Show - 12 (1080p) (Sub: PT-BR).mkv", None),
    ],
)
def test_a_group_is_found_where_it_stands_and_a_remark_is_none(name, group):
    found = identify(name)
    assert (found.group, found.held) == (group, None)


def test_a_show_in_a_bracket_with_a_dash_behind_is_no_group():
    found = identify("[Some Title] - 05 [Group].mkv")
    assert (found.title, found.episode, found.group) == ("Some Title", "05", "Group")
    assert identify("[Group] 05 [Some Title].mkv").title == "Some Title"


def test_a_range_is_no_number_behind_a_title_with_one():
    assert identify("[G] Show 2-05 [720p].mkv").episode != "2-05"
    assert identify("[G] Show 2-05 [720p].mkv").held is not None


def test_seasons_that_are_one_file_are_asked_about_and_a_release_of_many_is_not():
    assert identify("[G] Show [S1-S4][1080p]").held is None
    assert identify("[G] Show [S1-S4][1080p].mkv").held is not None
    assert identify("毛骗1-3季").seasons == (1, 2, 3)
    assert identify("毛骗 全三季").seasons == (1, 2, 3)
    assert len(identify("毛骗 全999999季").seasons) == 1


def test_a_folder_that_names_a_version_is_no_show():
    assert at("Ore Tsushima/TV_ver/[G] Tsushima TV [12][Web].ass").title == "Ore Tsushima"
    assert at("Show/1080p/[G] Show - 05.mkv").title == "Show"


@pytest.mark.parametrize(
    ("name", "height"),
    [
        ("Show S01E23.1080p.WEB-DL v2.mkv", "1080p"),
        ("Show - 05 [1080p60].mkv", "1080p"),
        ("Show - 05 [HD720].mkv", "720p"),
        ("Show - 05 [23.976p].mkv", None),
    ],
)
def test_a_height_behind_a_dot_is_read_and_a_rate_is_none(name, height):
    assert identify(name).resolution == height
