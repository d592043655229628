"""What a file is: right, or held for a person; never guessed."""

import pytest

from izumi.domain.identify import LONGEST_BYTES, READ, identify, parted
from izumi.domain.reading import folders as surroundings
from izumi.domain.release import Identification


def at(path: str) -> Identification:
    """The identification of a path, as the command line reads it."""
    folders, name = surroundings.parted(path)
    return identify(name, folders=folders)


HARD = [
    ("2.5 Dimensional Seduction - S01E01.mkv", "2.5 Dimensional Seduction", (1,), "01"),
    ("Fairy Tail - 100 Years Quest - 01.mkv", "Fairy Tail - 100 Years Quest", (), "01"),
    ("NieR Automata Ver1.1a - 13.mkv", "NieR Automata Ver1.1a", (), "13"),
    ("Summer Pockets - 20 (S01E20).mkv", "Summer Pockets", (1,), "20"),
    ("[风车字幕组][名侦探柯南][857集][简体][MP4].mp4", "名侦探柯南", (), "857"),
    ("庆余年第二季.第03集.mp4", "庆余年", (2,), "03"),
    ("[G] Show - 12.5 [1080p].mkv", "Show", (), "12.5"),
    ("[SubsPlease] One Piece - 1009 (1080p).mkv", "One Piece", (), "1009"),
    ("[Judas] One Piece - 1009v2.mkv", "One Piece", (), "1009"),
    ("[ASW] Yami Shibai 11 - 12 [1080p].mkv", "Yami Shibai 11", (), "12"),
    ("[SubsPlease] 86 - Eighty Six - 21v2.mkv", "86 - Eighty Six", (), "21"),
    ("[MTBB] Steins;Gate 0 - 05 (BD 1080p).mkv", "Steins;Gate 0", (), "05"),
    ("[Group] 22/7 - 01 [1080p].mkv", "22/7", (), "01"),
    ("[SubGroup] Ranma 1/2 - 03 [WEB-DL 1080p].mkv", "Ranma 1/2", (), "03"),
    ("[Doki] Fate/stay night - 01 (1280x720) [123ABCDE].mkv", "Fate/stay night", (), "01"),
    ("[Ruri]No.6 01 [720p][H264][A956075C].mkv", "No.6", (), "01"),
    ("Ranma.1-2.2024.S01E11.1080p.WEB-DL.H.264-VARYG.mkv", "Ranma 1-2", (1,), "11"),
    ("Mob Psycho 100 III - 05.mkv", "Mob Psycho 100 III", (), "05"),
    ("[G] Kingdom 3rd Season - 02 [1080p].mkv", "Kingdom", (3,), "02"),
    ("[字幕组] 某动画 第二季 第十二话 [1080p].mp4", "某动画", (2,), "12"),
    (
        "【喵萌奶茶屋】★04月新番★[夏日重现/Summer Time Rendering][12END][1080p].mp4",
        "Summer Time Rendering",
        (),
        "12",
    ),
    ("Toradora-e03-your-song.mkv", "Toradora", (), "03"),
    ("[Doki] Nichijou - 01X12 (1280x720).mkv", "Nichijou", (1,), "12"),
    ("Show - 01 -.mkv", "Show", (), "01"),
    ("[SubGroup] 某动画 SP02 [1080p].mkv", "某动画", (0,), "SP02"),
    ("Show/Season 2/05.mkv", "Show", (2,), "05"),
    ("Cowboy Bebop/01 - Asteroid Blues.mkv", "Cowboy Bebop", (), "01"),
]


@pytest.mark.parametrize(("path", "title", "seasons", "episode"), HARD)
def test_a_hard_name_is_read_right(path, title, seasons, episode):
    found = at(path)
    assert (found.title, found.seasons, found.episode) == (title, seasons, episode)
    assert found.held is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("episode.mkv", "no show can be read"),
        ("05.mkv", "no show can be read"),
        ("第3集.mp4", "no show can be read"),
        ("S01E05 - Episode title.mkv", "nothing stands where titles do"),
        ("[G] Mob Psycho 100 - Reigen.mkv", "the episode is none or '100'"),
        ("Show - E 3 -.mkv", "the title is 'Show' or 'Show - E'"),
        ("Show - 2008.01.06.mkv", "a day (2008.01.06), but no episode number"),
        ("[G] Show - 01-12 [1080p].mkv", "12 episodes (01-12) in one file"),
        ("[G] Show S01-S03 [1080p].mkv", "several seasons (1 to 3) in one"),
        ("[G] Show S2 [1080p].mkv", "a season (2), but no episode number"),
        ("[G] Show NCOP1 [1080p].mkv", "an extra (NCOP1), no episode"),
        ("[G] Show - PV [1080p].mkv", "an extra (PV), no episode"),
        ("[G] Show Vol.2 [BD 1080p].mkv", "a volume (Vol2), no episode"),
        ("holiday in Kyoto.mkv", "nothing says that it is a film or a release"),
        ("", "no show can be read"),
    ],
)
def test_what_is_not_certain_is_held_with_the_reason(name, reason):
    held = identify(name).held
    assert held is not None
    assert reason in held


def test_a_release_tells_everything_that_it_says():
    found = identify("[Doki] Kokoro Connect S2 - 05v2 (Uncensored) (1920x1080 Hi10P AAC).MKV")
    assert found.title == "Kokoro Connect"
    assert found.season == 2
    assert found.episode == "05"
    assert found.revision == 2
    assert found.resolution == "1080p"
    assert found.group == "Doki"
    assert found.uncensored
    assert (found.extension, found.sub, found.kind) == (".mkv", "softsub", "episode")
    assert found.confidence > 0.9


def test_version_zero_is_a_version():
    assert identify("[G] Show - 05v0 [720p].mkv").revision == 0


@pytest.mark.parametrize(
    ("name", "sub"), [("A - 1.mkv", "softsub"), ("A - 1.MP4", "hardsub"), ("A - 1.avi", "none")]
)
def test_the_extension_says_what_subtitles_there_are(name, sub):
    assert identify(name).sub == sub


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Show - 05.mkv", ("Show - 05", ".mkv")),
        ("Show.13", ("Show.13", "")),
        ("Show - 05.JPSC.ass", ("Show - 05", ".ass")),
        ("Show - 05.mkv.part", ("Show - 05.mkv.part", "")),
    ],
)
def test_only_a_known_ending_is_an_extension(name, parts):
    assert parted(name) == parts


def test_every_alternative_of_a_title_is_kept():
    found = identify("[北宇治字幕组] 葬送的芙莉莲 / Sousou no Frieren S2 - 03 [1080p].mp4")
    assert found.title == "Sousou no Frieren"
    assert {"葬送的芙莉莲", "Sousou no Frieren", "Sousou no Frieren S2"} <= set(found.titles)


def test_a_slash_inside_a_title_parts_nothing():
    found = identify("[字幕组][Fate/Grand Order -绝对魔兽战线-/FGO Babylonia][05][1080p].mp4")
    assert "Fate" not in found.titles
    assert "Fate/Grand Order -绝对魔兽战线-" in found.titles


def test_the_folder_of_the_show_wins_over_the_name():
    found = identify("[SubsPlease] Sousou no Frieren - 05 (1080p).mkv", folders=["Frieren"])
    assert found.title == "Frieren"
    assert "Sousou no Frieren" in found.titles
    assert found.file_title == "Sousou no Frieren"


def test_the_season_folder_wins_over_the_name():
    assert identify("Show S1 - 05.mkv", folders=["Show", "Season 2"]).seasons == (2,)


def test_a_folder_named_like_a_release_is_read_as_one():
    found = identify("05.mkv", folders=["[Judas] Show (2019) (Season 2) [BD 1080p]"])
    assert (found.title, found.seasons, found.held) == ("Show (2019)", (2,), None)


def test_folders_that_name_no_show_are_passed_over():
    assert identify("05.mkv", folders=["Anime", "Show", "Subs"]).title == "Show"


def test_specials_and_extras_are_told_by_their_folder():
    assert identify("Show - 01.mkv", folders=["Show", "Specials"]).seasons == (0,)
    extra = identify("Show - 01.mkv", folders=["Show", "Extras"])
    assert (extra.kind, extra.extra) == ("extra", "Extra 01")


def test_a_number_that_is_a_height_is_the_episode_where_the_height_is_told_elsewhere():
    found = identify("[组][One Piece][1080][1080P].mp4")
    assert (found.episode, found.resolution, found.held) == ("1080", "1080p", None)
    assert identify("[组][One Piece][05][1080][HEVC].mp4").episode == "05"


def test_a_bracket_behind_a_title_that_says_nothing_known_is_asked_about():
    found = identify("[VCB-Studio] Show [Logo][Ma10p_1080p][x265_flac].mkv")
    assert found.held == "no episode number, and 'Logo' may say what it is"
    assert identify("[VCB-Studio] Show [Web Preview 01][Ma10p_1080p].mkv").extra == "Preview 01"
    assert identify("[G] Show [BD 1080p][ABCD1234].mkv").held is None


def test_a_word_for_an_extra_may_be_of_a_title():
    assert identify("[桜都字幕组] takt op.Destiny [11][1080p].mp4").episode == "11"
    assert identify("[Group] PV=nRT - 01 [1080p].mkv").episode == "01"


def test_a_film_says_so_or_comes_from_a_group():
    for name in ("[MTBB] I Want to Eat Your Pancreas [DA34C700].mkv", "Your Name (2016).mkv"):
        found = identify(name)
        assert (found.kind, found.held) == ("film", None)


def test_a_name_too_long_for_any_system_is_refused():
    found = identify("a" * (LONGEST_BYTES + 1))
    assert (
        found.held == f"the name is longer than {LONGEST_BYTES} bytes; give the file a shorter one"
    )


def test_of_a_very_long_name_only_the_beginning_is_read():
    found = identify("[G] Show - 05 [1080p]" + "x" * READ)
    assert found.episode == "05"
    assert found.held == f"only the first {READ} characters of the name were read"


def test_the_readers_are_named_in_the_explanation():
    why = identify("Mob Psycho 100 - Reigen.mkv").why
    assert any(reason.startswith("anitomy-ng: ") for reason in why)
    assert any(reason.startswith("anitopy: ") for reason in why)
