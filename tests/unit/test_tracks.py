"""Which tracks are taken, and when a person has to decide."""

import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import languages, overrides, track_kinds, tracks
from izumi.domain.errors import Held
from izumi.domain.overrides import Override
from izumi.domain.probe import AudioStream, Probe, SubtitleStream
from izumi.domain.profile import Profile
from izumi.domain.tracks import Question

PROFILE = Profile()


def audio(index: int, language: str = "jpn", title: str = "", *flags: str) -> AudioStream:
    return AudioStream(
        index=index, codec="aac", language=language, title=title, dispositions=flags,
        channels=2, sample_rate=48000,
    )  # fmt: skip


def surround(index: int, channels: int, language: str = "jpn", title: str = "") -> AudioStream:
    return msgspec.structs.replace(audio(index, language, title), channels=channels)


def subs(
    index: int, title: str = "", spoken_s: float = 600, *flags: str, language: str = "eng",
    text: bool = True, events: int = 300,
) -> SubtitleStream:  # fmt: skip
    return SubtitleStream(
        index=index, codec="ass" if text else "hdmv_pgs_subtitle", language=language, title=title,
        dispositions=flags, text=text, events=events, spoken=events, spoken_s=spoken_s,
        file=f"track_{index}.ass" if text else "",
    )  # fmt: skip


def file(*streams: AudioStream | SubtitleStream) -> Probe:
    return Probe(
        container="matroska,webm",
        size=1,
        audio=tuple(s for s in streams if isinstance(s, AudioStream)),
        subtitles=tuple(s for s in streams if isinstance(s, SubtitleStream)),
    )


def chosen(*streams: AudioStream | SubtitleStream, profile: Profile = PROFILE) -> list[int]:
    found = file(*streams)
    sound = tracks.choose_audio(found, profile).track
    return [track.index for track in tracks.choose_subtitles(found, profile, sound).tracks]


def heard(*streams: AudioStream, profile: Profile = PROFILE) -> int | None:
    track = tracks.choose_audio(file(*streams), profile).track
    return None if track is None else track.index


@pytest.mark.parametrize(
    ("streams", "index"),
    [
        ([], None),
        ([audio(1, "eng")], 1),
        ([audio(1, "eng"), audio(2, "jpn")], 2),
        ([audio(1, "jpn", "Commentary"), audio(2, "jpn", "5.1")], 2),
        ([audio(1, "jpn", "", "comment"), audio(2, "eng")], 2),
        ([audio(1, "ja", "Stereo"), audio(2, "jpn", "Surround", "default")], 2),
        ([audio(1, "", "Japanese"), audio(2, "eng", "", "default")], 1),
        ([audio(1, "zho"), audio(2, "kor")], 1),
        ([audio(1, "eng"), audio(2, "ger", "", "default")], 2),
        ([audio(1, "eng"), audio(2, "und")], 2),
        ([audio(1, "eng", "Audio description"), audio(2, "eng")], 2),
    ],
)
def test_the_original_speech_is_preferred(streams, index):
    assert heard(*streams) == index


@pytest.mark.parametrize(
    "streams",
    [
        [audio(1, "eng"), audio(2, "ger")],
        [audio(1, "eng", "", "default"), audio(2, "ger", "", "default")],
        [audio(1, "jpn", "Staff commentary")],
    ],
)
def test_sound_that_cannot_be_decided_is_held_with_the_candidates(streams):
    with pytest.raises(Held) as held:
        heard(*streams)
    settle = held.value.facts.pop("settle")
    assert settle.startswith("[[encoder.<group>.override]] show = ")
    assert len(held.value.facts) == len(streams)


@pytest.mark.parametrize(
    ("streams", "indices"),
    [
        ([subs(2)], [2]),
        ([subs(2, "Signs & Songs", 20), subs(3, "Full")], [3]),
        # Neither title nor flags tell: the share of speech does.
        ([subs(2, "", 30, "default"), subs(3, "", 650)], [3]),
        ([subs(2, "", 600, "forced"), subs(3, "", 600)], [3]),
        ([subs(2, "English [SDH]"), subs(3, "English")], [3]),
        ([subs(2, "English [SDH]")], [2]),
        ([subs(2, "Dubtitles"), subs(3, "Subtitles")], [3]),
        ([subs(2, "Commentary"), subs(3)], [3]),
        ([subs(2, "", 600), subs(3, "", 620, "default")], [3]),
        ([subs(2, language="ger"), subs(3, language="en-US")], [3]),
        ([subs(2, "English", language="und"), subs(3, "German", language="und")], [2]),
        ([subs(2, language=""), subs(3, language="fre")], [2]),
        # Text is sharper than pictures.
        ([subs(2, "", 0, text=False), subs(3)], [3]),
        ([subs(2, "Full Signs & Dialogue"), subs(3, "Signs/Songs", 10)], [2]),
        ([subs(2, "Dialogue Only"), subs(3, "Signs and Songs", 10)], [2, 3]),
        ([subs(2, "", 600, events=0), subs(3)], [3]),
    ],
)  # fmt: skip
def test_the_subtitles_of_the_speech_are_chosen(streams, indices):
    assert chosen(audio(1), *streams) == indices


@pytest.mark.parametrize(
    ("streams", "says"),
    [
        ([], "no subtitles in it"),
        ([subs(2, "", 600, events=0)], "no subtitles in it"),
        ([subs(2, "Signs & Songs")], "only signs and songs"),
        ([subs(2, "", 600, "forced")], "only signs and songs"),
        ([subs(2, "A"), subs(3, "B")], "several subtitle tracks"),
        ([subs(2, "A", 600, "default"), subs(3, "B", 600, "default")], "several subtitle tracks"),
        ([subs(2, language="ger"), subs(3, language="fre")], "no subtitles in eng"),
        ([subs(2, "Commentary")], "no subtitles in eng"),
    ],
)
def test_subtitles_that_cannot_be_decided_are_held(streams, says):
    with pytest.raises(Held, match=says) as held:
        chosen(audio(1), *streams)
    settle = held.value.facts.pop("settle")
    assert settle.startswith("[[encoder.<group>.override]] show = ")
    assert len(held.value.facts) == len(streams)


def test_only_signs_are_right_where_the_speech_is_understood_already():
    assert chosen(audio(1, "eng"), subs(2, "Signs & Songs")) == [2]


@pytest.mark.parametrize(
    ("track", "film_s", "held"),
    [
        (subs(2, "", 12), 1420, True),
        (subs(2, "English", 12), 1420, True),
        (subs(2, "", 12, text=False), 1420, True),
        (subs(2, "Full", 12), 1420, False),
        (subs(2, "", 300), 1420, False),
        (subs(2, "", 2), 90, False),
    ],
)
def test_a_track_that_hardly_speaks_in_a_long_film_is_held(track, film_s, held):
    found = msgspec.structs.replace(file(audio(1), track), duration_s=film_s)
    if not held:
        assert tracks.choose_subtitles(found, PROFILE, audio(1)).tracks == (track,)
        return
    with pytest.raises(Held, match=r"speak for 12 s of 1420 s.*signs only"):
        tracks.choose_subtitles(found, PROFILE, audio(1))
    assert tracks.choose_subtitles(found, PROFILE, audio(1, "eng")).tracks == (track,)
    decided = Question("Show", Override(show="Show", subtitles=2))
    assert tracks.choose_subtitles(found, PROFILE, audio(1), decided).tracks == (track,)


def test_no_subtitles_pass_where_the_profile_says_so():
    passing = Profile(no_subtitles="pass")
    assert chosen(audio(1), profile=passing) == []
    with pytest.raises(Held):
        chosen(audio(1), subs(2, language="ger"), profile=passing)


def test_subtitles_of_which_nothing_can_be_read_are_not_none():
    passing = Profile(no_subtitles="pass")
    lost = msgspec.structs.replace(subs(2, "", 0, events=0), unread=7)
    with pytest.raises(Held, match="none of its 7 lines or pictures can be shown"):
        chosen(audio(1), lost, profile=passing)
    with pytest.raises(Held, match="none of its 7 lines"):
        chosen(audio(1), lost, subs(3))
    assert chosen(audio(1), msgspec.structs.replace(lost, language="ger"), subs(3)) == [3]


def test_languages_are_taken_in_the_order_of_the_profile():
    profile = Profile(subtitle_languages=("de", "en"))
    assert chosen(audio(1), subs(2), subs(3, language="ger"), profile=profile) == [3]
    assert chosen(audio(1), subs(2), profile=profile) == [2]


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en", "eng"), ("en-US", "eng"), ("ENG", "eng"), ("chi", "zho"), ("und", ""), ("", "")],
)
def test_language_tags_are_compared_by_what_they_mean(tag, code):
    assert languages.normal(tag) == code


@st.composite
def some_tracks(draw):
    titles = ["", "Full", "Signs", "SDH", "Commentary", "Dialogue only", "English", "CC", "Songs"]
    flags = ["default", "forced", "hearing_impaired", "comment"]
    return [
        subs(
            index,
            draw(st.sampled_from(titles)),
            draw(st.floats(0, 900)),
            *draw(st.lists(st.sampled_from(flags), unique=True)),
            language=draw(st.sampled_from(["eng", "", "jpn", "ger"])),
            text=draw(st.booleans()),
            events=draw(st.integers(0, 400)),
        )
        for index in range(2, 2 + draw(st.integers(0, 6)))
    ]


@given(some_tracks(), st.sampled_from(["jpn", "eng"]))
def test_whatever_the_tracks_one_is_taken_for_a_reason_or_all_are_held(streams, language):
    sound = audio(1, language)
    try:
        found = tracks.choose_subtitles(file(sound, *streams), PROFILE, sound).tracks
    except Held:
        return
    assert 1 <= len(found) <= 2
    for track in found:
        assert track.events
        assert languages.of_track(track.language, track.title) in {"eng", ""}
        assert track_kinds.kind(track, [t for t in streams if t.events]) != "commentary"
    if language == "jpn":
        assert track_kinds.kind(found[0], [t for t in streams if t.events]) != "signs"


def overridden(*streams: AudioStream | SubtitleStream, **says: Any) -> tuple[int | None, list[int]]:
    found = file(*streams)
    question = Question("The Show", Override(show="The Show", **says))
    sound = tracks.choose_audio(found, PROFILE, question)
    burnt = tracks.choose_subtitles(found, PROFILE, sound.track, question)
    heard = None if sound.track is None else sound.track.index
    return heard, [track.index for track in burnt.tracks]


@pytest.mark.parametrize(
    ("says", "heard", "burnt"),
    [
        ({"audio": 2}, 2, [6]),
        ({"audio": "eng"}, 2, [6]),
        ({"audio": "commentary"}, 7, [6]),
        ({"subtitles": 5}, 1, [5]),
        ({"subtitles": "German"}, 1, [4]),
        ({"subtitles": "honorifics"}, 1, [5]),
        ({"subtitles": (5, "karaoke")}, 1, [5, 6]),
        ({"subtitles": "de", "audio": "english"}, 2, [4]),
    ],
)
def test_a_person_decides_by_number_language_or_words_of_the_title(says, heard, burnt):
    streams = (
        audio(1), audio(2, "eng"), subs(3, "", 600, "default"), subs(4, language="ger"),
        subs(5, "With honorifics"), subs(6, "Karaoke", 10), audio(7, "eng", "Commentary"),
    )  # fmt: skip
    assert overridden(*streams, **says) == (heard, burnt)


@pytest.mark.parametrize(
    "says", [{"audio": 9}, {"audio": "spa"}, {"subtitles": 9}, {"subtitles": (3, "nothing")}]
)
def test_an_override_that_names_no_track_is_held_not_ignored(says):
    with pytest.raises(Held, match="the override names no") as held:
        overridden(audio(1), subs(3), **says)
    assert held.value.facts["settle"].startswith('[[encoder.<group>.override]] show = "The Show", ')


def test_what_settles_a_hold_settles_it():
    streams = (audio(1), subs(2, "A"), subs(3, "B"))
    with pytest.raises(Held, match="several subtitle tracks") as held:
        overridden(*streams, audio=1)
    line = held.value.facts["settle"].partition("#")[0].replace(", ", "\n")
    says = tomllib.loads(line.replace("]] ", "]]\n").replace("<group>", "main"))
    (said,) = says["encoder"]["main"]["override"]
    assert said.pop("show") == "The Show"
    assert overridden(*streams, **said) == (1, [2])


def test_no_subtitles_may_pass_for_one_show():
    assert overridden(audio(1), no_subtitles="pass") == (1, [])


@pytest.mark.parametrize(
    ("pattern", "show", "meant"),
    [
        ("The Show", "the show", True),
        ("the*", "The Show", True),
        ("[Group] Show", "[Group] Show", True),
        ("[Group] Show", "G Show", False),
        ("Show", "The Show", False),
    ],
)
def test_an_override_names_a_show_by_its_folder(pattern, show, meant):
    own = Override(show=pattern, audio=1)
    assert (overrides.of_show([Override(show="Other", audio=2), own], show) is own) is meant


@pytest.mark.parametrize("says", [{"show": "X"}, {"show": " ", "audio": 1}])
def test_an_override_that_says_nothing_is_a_mistake(says):
    with pytest.raises(ValueError, match=r"says neither|is empty"):
        Override(**says)


def signs(index: int, *, repeated: int = 0, **changes: Any) -> SubtitleStream:
    """Forty placed lines, so many of which are in track 2 too."""
    own = subs(index, changes.pop("title", ""), 5, events=40, **changes)
    shared = ((2, repeated),) if repeated else ()
    return msgspec.structs.replace(own, spoken=2, shared=shared)


@pytest.mark.parametrize(
    ("streams", "indices"),
    [
        ([subs(2), signs(3)], [2, 3]),
        ([subs(2), signs(3, repeated=38)], [2]),
        ([subs(2, "Full"), signs(3)], [2]),
        # Lines of speech for who hears a foreign language: they are in the full track too.
        ([subs(2), subs(3, "Forced", 20)], [2]),
        ([subs(2, "Dialogue only"), signs(3, title="Signs"), signs(4, title="Songs")], [2, 3, 4]),
        ([subs(2, "Dialogue only"), signs(3, text=False), signs(4)], [2, 4]),
        ([subs(2, "Dialogue only"), signs(3, text=False)], [2, 3]),
    ],
)
def test_signs_that_the_dialogue_lacks_are_burnt_with_it(streams, indices):
    assert chosen(audio(1), *streams) == indices


def test_several_tracks_of_the_same_signs_are_a_question():
    twice = msgspec.structs.replace(signs(4), shared=((3, 40),))
    with pytest.raises(Held, match="repeat each other"):
        chosen(audio(1), subs(2, "Dialogue only"), signs(3), twice)


def test_of_tracks_with_the_same_lines_the_one_with_styles_is_taken():
    plain = msgspec.structs.replace(subs(2), codec="subrip", shared=((3, 299),))
    assert chosen(audio(1), plain, subs(3)) == [3]


def test_a_dub_gets_the_signs_and_not_a_translation_of_other_words():
    streams = (subs(2, "Full"), subs(3, "Signs & Songs", 10))
    assert chosen(audio(1, "eng"), *streams) == [3]
    assert chosen(audio(1, "eng"), subs(2)) == [2]


@pytest.mark.parametrize(
    ("streams", "index"),
    [
        ([surround(1, 6)], 1),
        ([surround(1, 2), surround(2, 6)], 2),
        ([surround(1, 2), surround(2, 6, "eng")], None),
        ([surround(1, 2), surround(2, 6, "jpn", "Commentary")], None),
        ([surround(1, 2), surround(2, 6), surround(3, 8)], 3),
        ([surround(1, 2)], None),
        ([], None),
    ],
)
def test_surround_sound_is_of_the_same_speech(streams, index):
    found = file(*streams)
    track = tracks.choose_surround(found, tracks.choose_audio(found, PROFILE).track)
    assert (None if track is None else track.index) == index
