"""Names that strangers break, by chance or on purpose.

`IZUMI_HOSTILE_NAMES=100000` asks for as many as that; `benchmarks/names.py` does, too.
"""

import os
import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import keys, names
from izumi.domain.identify import identify
from tests.support.release_names import SHAPES, broken, hostile

COUNT = int(os.environ.get("IZUMI_HOSTILE_NAMES", "2000"))
KILLED_AFTER_S = 2.0

numbers = st.one_of(
    st.integers(0, 1999).map(str),
    st.integers(0, 130).map("{:02d}".format),
    st.integers(1, 30).map("{:02d}.5".format),
    st.tuples(st.integers(1, 12), st.integers(13, 26)).map("{0[0]:02d}-{0[1]:02d}".format),
    st.tuples(st.sampled_from(["SP", "OVA", "NCOP"]), st.integers(1, 9)).map("{0[0]}{0[1]}".format),
)
folders = st.lists(
    st.one_of(
        st.sampled_from(
            ["Show", "Season 2", "Part 2", "OVA", "SP", "Disc 1", "Extras", "2", "..."]
        ),
        st.text(max_size=30).filter(lambda text: "/" not in text),
        st.sampled_from(["[G] Show S2 [1080p]", "Show (2019)", "Show S2 (2024)", "Moon: Part 3?"]),
    ),
    max_size=4,
)
episodes = st.tuples(
    st.sampled_from(["", " S1", " S2", " S03"]),
    numbers,
    st.sampled_from(["", "v0", "v1", "v2"]),
    st.sampled_from(["", " [720p]", " [1080p]"]),
)
titles = st.sampled_from(
    ["Show", "Sousou no Frieren", "2.5 Jigen no Ririsa", "Mob Psycho 100", "葬送", "Long " * 60]
)


@pytest.mark.parametrize("names_of", [broken, hostile])
def test_any_name_is_decided_before_it_would_be_killed_and_keeps_its_clean_form(names_of):
    slowest = 0.0
    for name in islice(names_of(seed=11, count=COUNT), COUNT):
        began = time.process_time()
        found = identify(name)
        slowest = max(slowest, time.process_time() - began)
        clean = names.clean_name(found)
        assert names.clean(clean) == clean, name
        for limit in (keys.MAX_PART_BYTES, names.ENCRYPTED_PART_BYTES, keys.LEAST_PART_BYTES):
            key = names.key(found, limit_bytes=limit) or clean
            if key is not clean:
                for part in keys.parse_key(key):
                    assert len(part.encode()) <= limit - names.ROOM_BYTES, name
    assert slowest < KILLED_AFTER_S


@given(titles, st.lists(episodes, min_size=2, max_size=8, unique=True))
def test_what_differs_in_season_number_version_or_height_never_shares_a_key(title, these):
    made = [
        f"[G] {title}{season} - {number}{version}{height}.mkv"
        for season, number, version, height in these
    ]
    for limit in (keys.MAX_PART_BYTES, names.ENCRYPTED_PART_BYTES):
        assert len({names.key(identify(name), limit_bytes=limit) for name in made}) == len(made)


@given(st.lists(st.integers(1, 9999), min_size=2, max_size=60, unique=True))
def test_a_list_of_episodes_leaves_room_for_the_title_and_stays_apart(these):
    listed = ",".join(f"{number:02d}" for number in these)
    other = ",".join(f"{number:02d}" for number in (*these[:-1], these[-1] + 10000))
    first, second = (names.clean(f"[G] Show [{text}][1080p].mkv") for text in (listed, other))
    assert keys.fault(first) is None
    assert first != second or len(these) > 24


@given(st.text(max_size=40), st.sampled_from(SHAPES), st.sampled_from(["Frieren", "葬送", "K-On!"]))
def test_the_folder_of_the_show_names_it_whatever_the_file_is_called(title, shape, show):
    found = identify(shape.format(title), folders=[show])
    assert found.title == show
    assert names.show_folder(found) == names.legal(show)


@given(st.sampled_from(SHAPES), st.integers(0, 30))
def test_the_folder_of_the_season_wins_whatever_the_file_says(shape, season):
    found = identify(shape.format("Show"), folders=["Show", f"Season {season}"])
    assert found.seasons == (season,)


@pytest.mark.parametrize("name", ["A.Show.01.", "A+Show+01+", "A.Show.01..mkv"])
def test_a_number_before_nothing_but_delimiters_is_read(name):
    assert identify(name).episode == "01"


@given(folders, st.one_of(numbers.map("{}.mkv".format), st.text(max_size=40)))
def test_whatever_the_folders_the_key_is_legal_and_the_clean_name_stays(around, name):
    found = identify(name, folders=around, extras="file")
    clean = names.clean_name(found)
    assert names.clean(clean, folders=around) == clean
    if (key := names.key(found)) is not None:
        keys.parse_key(key)
