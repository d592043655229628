"""The request of the earlier system, and what its clean names say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import old_request
from izumi.domain.errors import BadEvent
from izumi.domain.events import Episode, File

LONGEST = 255


@pytest.mark.parametrize(
    ("name", "season", "number", "revision", "resolution"),
    [
        ("5-Toubun no Hanayome - 01 [1080p].mkv", None, "01", None, "1080p"),
        ("Oshi no Ko S3 - 06v2 [720p] (Uncensored).mp4", 3, "06", 2, "720p"),
        ("Show - 12.5.mkv", None, "12.5", None, None),
        ("Show - 01-12 [1080p].mkv", None, "01-12", None, "1080p"),
        ("A Film [2160p].mkv", None, None, None, "2160p"),
        ("A Film.mkv", None, None, None, None),
        ("86 - 04 [1080p].mkv", None, "04", None, "1080p"),
        ("Mushoku Tensei S2 - 00 [1080p].mkv", 2, "00", None, "1080p"),
        ("no extension - 01", None, "01", None, None),
    ],
)
def test_a_clean_name_says_what_it_says_and_nothing_is_guessed(
    name, season, number, revision, resolution
) -> None:
    assert old_request.episode_of(f"Show/{name}") == Episode(
        show="Show", season=season, number=number, revision=revision, resolution=resolution
    )


@given(st.text(max_size=300))
def test_any_name_is_read_without_fault(name) -> None:
    assert old_request.episode_of(f"Show/{name}").show == "Show"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_a_file_or_one_error(value) -> None:
    for body in (value, {"show": "S", "episode": "e.mkv", "filesize": value, "sub": "none"}):
        try:
            file = old_request.parse(json.dumps(body).encode())
        except BadEvent:
            continue
        assert 0 <= file.size <= old_request.MOST_BYTES


@given(st.binary(max_size=100))
def test_any_bytes_are_a_file_or_one_error(data) -> None:
    with pytest.raises(BadEvent):
        old_request.parse(data)


def test_what_is_sent_to_old_units_is_what_they_send() -> None:
    file = File(key="Show/Season 2/Show S2 - 01.mkv", size=7, sha256="0" * 64, sub="softsub")
    assert json.loads(old_request.request_of(file)) == {
        "show": "Show/Season 2",
        "episode": "Show S2 - 01.mkv",
        "filesize": 7,
        "sub": "softsub",
    }
    plain = File(key="Show/Show - 01.mp4", size=7, sha256=None, sub="hardsub")
    assert old_request.parse(old_request.request_of(plain)) == plain
