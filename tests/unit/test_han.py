"""Which country's forms of Han characters are drawn."""

import pytest

from izumi.domain import han
from izumi.domain.probe import AudioStream, FontUse, SubtitleStream


def subs(language: str, title: str = "", characters: str = "") -> SubtitleStream:
    use = FontUse(family="Arial", characters=characters)
    return SubtitleStream(
        index=2, codec="ass", language=language, title=title, text=True, fonts=(use,)
    )


def speech(language: str) -> AudioStream:
    return AudioStream(index=1, codec="aac", language=language, channels=2, sample_rate=48000)


@pytest.mark.parametrize(
    ("language", "title", "characters", "forms"),
    [
        ("jpn", "", "直", "JP"),
        ("ko", "", "", "KR"),
        ("zh-Hans", "", "", "SC"),
        ("zh-TW", "", "", "TC"),
        ("zh_HK", "", "", "HK"),
        ("chi", "CHT", "", "TC"),
        ("chi", "简体中文", "", "SC"),
        ("chi", "繁體中文", "", "TC"),
        ("cht", "", "", "TC"),
        # Neither says which: characters that only one of them writes do.
        ("chi", "", "这个时候", "SC"),
        ("chi", "", "這個時候の", "TC"),
        ("chi", "", "", "SC"),
        ("", "", "これは時候", "JP"),
        ("", "", "지금", "KR"),
        ("", "", "這個時候", "TC"),
        ("", "Chinese", "這個時候", "TC"),
    ],
)
def test_the_forms_are_those_of_the_subtitles(language, title, characters, forms):
    assert han.wanted([subs(language, title, characters)], speech("jpn")) == forms


@pytest.mark.parametrize(
    ("language", "forms"), [("jpn", "JP"), ("zho", "SC"), ("kor", "KR"), ("eng", "JP"), ("", "JP")]
)
def test_signs_in_translated_subtitles_are_drawn_as_the_show_writes(language, forms):
    assert han.wanted([subs("eng", "Full", "Hello 月")], speech(language)) == forms


def test_without_sound_and_subtitles_the_forms_are_japanese():
    assert han.wanted([], None) == "JP"
