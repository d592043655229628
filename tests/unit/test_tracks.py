"""Which tracks are taken, and when a person has to decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import languages, tracks
from izumi.domain.errors import Held
from izumi.domain.probe import AudioStream, Probe, SubtitleStream
from izumi.domain.profile import Profile

PROFILE = Profile()


def audio(index: int, language: str = "jpn", title: str = "", *flags: str) -> AudioStream:
    return AudioStream(
        index=index, codec="aac", language=language, title=title, dispositions=flags,
        channels=2, sample_rate=48000,
    )  # fmt: skip


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
    sound = tracks.choose_audio(found, profile)
    return [track.index for track in tracks.choose_subtitles(found, profile, sound)]


def heard(*streams: AudioStream, profile: Profile = PROFILE) -> int | None:
    track = tracks.choose_audio(file(*streams), profile)
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
    assert len(held.value.facts) == len(streams)


def test_only_signs_are_right_where_the_speech_is_understood_already():
    assert chosen(audio(1, "eng"), subs(2, "Signs & Songs")) == [2]


def test_no_subtitles_pass_where_the_profile_says_so():
    passing = Profile(no_subtitles="pass")
    assert chosen(audio(1), profile=passing) == []
    with pytest.raises(Held):
        chosen(audio(1), subs(2, language="ger"), profile=passing)


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
        found = tracks.choose_subtitles(file(sound, *streams), PROFILE, sound)
    except Held:
        return
    assert 1 <= len(found) <= 2
    for track in found:
        assert track.events
        assert languages.of_track(track.language, track.title) in {"eng", ""}
        assert tracks.kind(track, [t for t in streams if t.events]) != "commentary"
    if language == "jpn":
        assert tracks.kind(found[0], [t for t in streams if t.events]) != "signs"
