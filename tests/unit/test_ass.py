"""ASS scripts: what is read of them, and what is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import ass, ass_write
from izumi.domain.ass import Event, Script, Style
from izumi.domain.ass_write import Cue
from izumi.domain.probe import FontUse

HEADER = """\
[Script Info]
PlayResX: 640
[V4+ Styles]
Format: Name, Fontname, Fontsize, Bold, Italic
Style: Default,Sans,20,0,0
Style: *Loud, Heavy Sans ,20,-1,0
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def event(text: str, style: str = "Default", start_s: float = 0, end_s: float = 1) -> Event:
    return Event(start_s, end_s, style, text)


def script(*events: Event) -> Script:
    return Script(
        {
            "Default": Style("Sans", bold=False, italic=False),
            "Loud": Style("Heavy Sans", bold=True, italic=False),
        },
        events,
    )


def used(text: str, style: str = "Default") -> dict[tuple[str, bool, bool], str]:
    return {
        (use.family, use.bold, use.italic): use.characters
        for use in ass.fonts_used(script(event(text, style)))
    }


def test_styles_and_lines_are_read_in_the_order_of_their_format():
    text = HEADER + "Dialogue: 0,0:00:01.50,0:01:02.03,Loud,,0,0,0,,Hello, you\nComment: 0,x\n"
    read = ass.parse("\ufeff" + text)
    assert read.styles["Loud"] == Style("Heavy Sans", bold=True, italic=False)
    assert read.events == (Event(1.5, 62.03, "Loud", "Hello, you"),)


def test_lines_that_last_no_time_are_not_shown():
    assert ass.parse(HEADER + "Dialogue: 0,0:00:01.00,0:00:01.00,,,0,0,0,,x\n").events == ()


@pytest.mark.parametrize(
    ("text", "faces"),
    [
        ("ab a", {("Sans", False, False): "ab"}),
        (r"a{\fnOther\b1}b{\b0}c", {
            ("Sans", False, False): "a", ("Other", True, False): "b", ("Other", False, False): "c",
        }),
        (r"{\i1}a{\i}b", {("Sans", False, True): "a", ("Sans", False, False): "b"}),
        (r"{\b700}a{\b300}b", {("Sans", True, False): "a", ("Sans", False, False): "b"}),
        (r"{\rLoud}a{\r}b", {("Heavy Sans", True, False): "a", ("Sans", False, False): "b"}),
        (r"{\p1}m 0 0 l 5 5{\p0}a", {("Sans", False, False): "a"}),
        (r"{\blur5\bord2\iclip(m 0 0)\pos(1,2)\be1}a", {("Sans", False, False): "a"}),
        (r"a\Nb\hc", {("Sans", False, False): "abc"}),
        ("{a comment}b{unclosed", {("Sans", False, False): "b{unclosed".replace("{", "{")}),
    ],
)  # fmt: skip
def test_every_character_is_counted_in_the_face_that_shows_it(text, faces):
    assert used(text) == {face: "".join(sorted(set(chars))) for face, chars in faces.items()}


def test_a_line_of_an_unknown_style_is_shown_in_the_default_one():
    assert used("a", "Gone") == {("Sans", False, False): "a"}


@pytest.mark.parametrize("character", [" ", "\u00a0", "\u200b", "\ufeff", "\ufe0f", "\u3164"])
def test_characters_without_a_shape_need_no_font(character):
    assert used(f"a{character}") == {("Sans", False, False): "a"}


def test_speech_is_told_from_signs_songs_and_drawings():
    assert ass.spoken(event(r"{\i1}Hello{\i0}"))
    assert not ass.spoken(event(r"{\pos(1,2)}Shop"))
    assert not ass.spoken(event("La la", "OP"))
    assert not ass.spoken(event("Shop", "Sign-alt"))
    assert not ass.spoken(event(r"{\p1}m 0 0"))
    assert not ass.spoken(event(r"{\i1}\N"))


def test_time_on_the_screen_is_counted_once_where_lines_overlap():
    lines = [
        event("a", start_s=0, end_s=4),
        event("b", start_s=2, end_s=3),
        event("c", start_s=5, end_s=6),
    ]
    assert ass.covered_s(lines) == 5


def test_moments_are_inside_lines_and_inside_the_film_speech_first():
    lines = [
        event(r"{\pos(1,1)}sign", start_s=0, end_s=2),
        event("speech", start_s=10, end_s=12),
        event("late", start_s=90, end_s=110),
        event("too late", start_s=200, end_s=210),
    ]
    found = ass.moments(script(*lines), end_s=100)
    assert found[:2] == (11, 95)
    assert 1 in found
    assert all(at < 100 for at in found)


def test_moments_lie_soon_after_key_frames_where_lines_show_one():
    lines = [
        event("a key frame in its middle", start_s=0, end_s=4),
        event("one at its very beginning, where it may still fade in", start_s=10, end_s=14),
        event("none", start_s=20, end_s=24),
    ]
    keys_s = [0.0, 1.5, 10.1, 30.0]
    at_s = ass.moments(script(*lines), end_s=100, keys_s=keys_s)
    assert sorted(at_s) == [pytest.approx(1.5 + ass.AFTER_KEY_S), 12.0, 22.0]


def test_of_many_lines_those_are_looked_at_that_are_cheap_and_still_the_whole_film():
    lines = [event(f"line {number}", start_s=number, end_s=number + 1) for number in range(600)]
    keys_s = [0.0, *(number + 0.4 for number in range(7, 600, 25))]
    first, last, middle = ass.moments(script(*lines), end_s=600, keys_s=keys_s)[:3]
    near = [key_s + ass.AFTER_KEY_S for key_s in keys_s]
    assert all(any(abs(at_s - key_s) < 0.01 for key_s in near) for at_s in (first, last, middle))
    assert first < 60
    assert abs(middle - 300) < 60
    assert last > 540


def test_a_script_is_put_together_in_the_order_it_was_written_in():
    cues = [
        Cue(1.0, 2.0, 7, ("0", "Default", "", "0", "0", "0", "", "second")),
        Cue(3.0, 4.0, 2, ("1", "Default", "", "0", "0", "0", "", "first,\r\nwith a comma")),
    ]
    text = ass_write.assemble(HEADER + "Dialogue: 0,0:00:00.00,0:00:09.00,,,0,0,0,,stale\n", cues)
    assert [line.text for line in ass.parse(text).events] == [r"first,\Nwith a comma", "second"]
    assert ass.parse(text).styles["Default"].family == "Sans"


def test_the_glyph_sheet_asks_for_every_character_in_its_face():
    uses = (
        FontUse(family="A", bold=True, characters="xy{}\\"),
        FontUse(family="B", italic=True, characters="z"),
    )
    again = ass.fonts_used(ass.parse(ass_write.glyph_sheet(uses)))
    assert again == (
        FontUse(family="A", bold=True, characters="xy"),
        FontUse(family="B", italic=True, characters="z"),
    )


@given(st.text())
def test_no_text_breaks_the_reader(text):
    read = ass.parse(HEADER + text)
    ass.fonts_used(read)
    ass.moments(read, end_s=100)


@given(st.text(alphabet=r"{}\bifnrp01 ,()ab"))
def test_no_tags_break_the_reader_and_nothing_is_shown_that_is_not_there(text):
    shown = "".join(use.characters for use in ass.fonts_used(script(event(text))))
    assert set(shown) <= set(text)


@given(st.floats(min_value=0, max_value=500_000))
def test_a_clock_reads_back_to_the_hundredth(seconds):
    assert ass.parse_clock(ass_write.clock(seconds)) == pytest.approx(seconds, abs=0.0051)
