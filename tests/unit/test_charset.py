"""Text of files that do not say how they are encoded."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.media import charset

JAPANESE = "月の泉は今夜も満ちている。\r\n静かに聴いてください、王都が見えてきたね。\r\n"
SIMPLIFIED = "月亮的泉水今晚也很满。\r\n请静静地听。我们已经看到王都了。\r\n"
TRADITIONAL = "月亮的泉水今晚也很滿。\r\n請靜靜地聽。我們已經看到王都了。\r\n"
KOREAN = "달의 샘은 오늘 밤도 가득하다.\r\n조용히 들어 주세요, 왕도가 보이네요.\r\n"
FRENCH = "Où es-tu allé ce soir, mon ami ? C'est déjà fini.\r\nÇa va bien, à côté — voilà….\r\n"


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        (JAPANESE, "cp932"),
        (SIMPLIFIED, "gb18030"),
        (TRADITIONAL, "big5hkscs"),
        (KOREAN, "cp949"),
        (FRENCH, "cp1252"),
    ],
)
def test_old_encodings_are_told_by_what_they_spell(text, coding):
    assert charset.decode(text.encode(coding), "") == (text, coding)


@pytest.mark.parametrize(
    ("text", "coding", "language"),
    [
        ("泉", "cp932", "jpn"),
        ("泉水今晚很满", "gb18030", "zh"),
        ("샘", "cp949", "ko"),
        ("été", "cp1252", "fra"),
        ("Где ты?", "cp1251", "rus"),
        ("Gdzie jesteś?", "cp1250", "pl"),
        ("naïve", "cp1252", "eng"),
    ],
)
def test_a_short_text_is_told_by_its_language(text, coding, language):
    assert charset.decode(text.encode(coding), language)[0] == text


@pytest.mark.parametrize("text", ["plain", "月の泉", JAPANESE])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_without_guessing(text, coding):
    assert charset.decode(text.encode(coding), "rus")[0] == text


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zeros(coding):
    text = "1\n00:00:00,500 --> 00:00:01,000\n月の泉\n"
    assert charset.decode(text.encode(coding), "") == (text, coding)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("月の泉".encode("cp932"), "may be any of .*save it as UTF-8"),
        (b"\x00\x01\x02\x00", "it is no text"),
        (b"\xff\xfe\x00", "it says that it is utf-16, and is not"),
        (b"\x81", "in none of UTF-8"),
    ],
)
def test_what_cannot_be_told_is_said_and_not_guessed(data, says):
    with pytest.raises(ValueError, match=says):
        charset.decode(data, "")


@given(st.binary(max_size=300), st.sampled_from(["", "jpn", "zho", "rus", "eng", "xyz"]))
def test_any_bytes_are_text_or_a_reason(data, language):
    with contextlib.suppress(ValueError):
        text, coding = charset.decode(data, language)
        assert text == data.decode(coding)
