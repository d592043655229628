"""Any show and number, written in every form of the trade: read right, or a person is asked."""

# ruff: noqa: RUF001 - the characters that look like others are the matter here

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izumi.domain.identify import identify
from izumi.domain.reading.text import unwrapped
from tests.support.release_names import ODD

WORDS = st.sampled_from(("Kira", "Momo", "Hoshi", "Yume", "Natsu", "Sora", "Umi", "Mori", "Uta"))
SHOWS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
NUMBERS = st.integers(1, 1899).map("{:02d}".format)
SEASONS = st.integers(2, 9)

EPISODE_FORMS = (
    "[G] {show} - {number} [1080p].mkv",
    "[G]_{under}_-_{number}_[1080p].mkv",
    "[G] {show} [{number}][1080p].mkv",
    "[G][{show}][{number}][1080p].mkv",
    "【组】【4月新番】【{show}】【{number}】【1080P】.mp4",
    "［组］［{show}］［{number}］［１０８０Ｐ］.mp4",
    "[字幕组] 标题名字 / {show} - {number} [1080p].mkv",
    "【字幕组】★04月新番★[标题名字/{show}][{number}][1080p].mp4",
    "{show} - {number} - A Title.mkv",
    "{show} 第{number}話 「題名」.mp4",
    "{show} 第{number}集.mp4",
    "{show} #{number}.mp4",
    "{show} EP{number} [1080p].mkv",
    "{show} Episode {number}.mkv",
    "{show} Episodio {number}.mkv",
    "{show} Folge {number}.mkv",
    "{show} {number}화 1080p.mp4",
    "{show} 제{number}회.mp4",
    "{show} {number} серия.mkv",
    "{dotted}.E{number}.191228.720p-NEXT.mp4",
    "{dotted}.S01E{number}.1080p.WEB-DL.H.264-GRP.mkv",
    "{dotted}.2019.S01E{number}.A.Title.1080p.WEB-DL.H.264-GRP.mkv",
    '[01/24] - "[G] {show} - {number} [1080p].mkv" yEnc',
    "[G] {show} {{tmdb-12345}} - {number} [1080p].mkv",
)
SEASON_FORMS = (
    "[G] {show} S{season} - {number} [1080p].mkv",
    "[G] {show} {season}nd Season - {number} [1080p].mkv",
    "[G] {show} Season {season} - {number} [1080p].mkv",
    "[G] {show} (Season {season}) - {number} [1080p].mkv",
    "[字幕组] 标题名字 第{season}季 / {show} S{season} - {number} [1080p].mkv",
    "[字幕组] 标题名字 第{season}期 / {show} [{number}][1080p].mkv",
    "[G] {show} S{season} (English Dub) - {number} [1080p].mkv",
    "{show} - S{season:02d}E{number}.mkv",
    "{show} {season}x{number}.mkv",
    "{show} 第{season}期 第{number}話.mp4",
    "{show} 第{season}シリーズ 第{number}話.mp4",
    "{show} 시즌{season} {number}화.mp4",
    "{show} Temporada {season} Capítulo {number}.mkv",
    "{show} {season} сезон {number} серия.mkv",
)


def filled(form, show, number, season=1):
    return form.format(
        show=show,
        number=number,
        season=season,
        dotted=show.replace(" ", "."),
        under=show.replace(" ", "_"),
    )


@pytest.mark.parametrize("form", EPISODE_FORMS)
@settings(max_examples=20)
@given(SHOWS, NUMBERS)
def test_every_form_of_an_episode_says_the_same(form, show, number):
    found = identify(filled(form, show, number))
    assert found.held is not None or (found.title, found.episode) == (show, number)


@pytest.mark.parametrize("form", SEASON_FORMS)
@settings(max_examples=20)
@given(SHOWS, NUMBERS, SEASONS)
def test_every_form_of_a_season_says_the_same(form, show, number, season):
    found = identify(filled(form, show, number, season))
    right = (found.title, found.seasons, found.episode) == (show, (season,), number)
    assert found.held is not None or right


@pytest.mark.parametrize("form", [*EPISODE_FORMS, *SEASON_FORMS])
def test_no_form_has_to_be_asked_about(form):
    assert identify(filled(form, "Hoshi no Kira", "07", 2)).held is None


@given(SHOWS, NUMBERS)
def test_a_name_out_of_a_web_address_says_what_it_did_there(show, number):
    name = f"[G] {show} - {number} [1080p].mkv"
    there, here = identify(quote(name)), identify(name)
    assert (there.title, there.episode, there.group) == (here.title, here.episode, here.group)


@given(st.text(ODD + '%20%5B"/[13/13] - "', max_size=60))
def test_no_wrapping_breaks_the_reader(text):
    identify(unwrapped(text))
    identify(text)
