"""Names of the library: as they always were, legal everywhere, never two for one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import keys, names
from izumi.domain.graphemes import clusters
from izumi.domain.identify import identify
from tests.support.release_names import ODD, SHAPES, TITLES

hostile = st.one_of(st.text(max_size=80), st.text(ODD, max_size=80))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (
            "[HorribleSubs] 5-Toubun no Hanayome - 01 [1080p].mkv",
            "5-Toubun no Hanayome/5-Toubun no Hanayome - 01 [1080p].mkv",
        ),
        (
            "[TaigaSubs]_Toradora!_-_01v2_-_Tiger_and_Dragon_[1280x720_H.264_FLAC].mkv",
            "Toradora!/Toradora! - 01v2 [720p].mkv",
        ),
        ("[G] Show S2 - 05 [4K].mp4", "Show/Show S2 - 05 [2160p].mp4"),
        ("[G] Show - 05 (Uncensored) [720p].mkv", "Show/Show - 05 [720p] (Uncensored).mkv"),
        ("[G] Re: Creators? - 12.5.mkv", "Re - Creators/Re - Creators - 12.5.mkv"),
        ("[G] Re:Zero - 01.mkv", "Re-Zero/Re-Zero - 01.mkv"),
        ("[G] Fruits Basket (2019) - 01.mkv", "Fruits Basket (2019)/Fruits Basket (2019) - 01.mkv"),
        ("[G] Show - 05-06 [1080p].mkv", "Show/Show - 05-06 [1080p].mkv"),
        ("[G] Show SP02 [1080p].mkv", "Show/Show - SP02 [1080p].mkv"),
        ("[G] Show NCOP1 [1080p].mkv", "Show/Extras/Show - NCOP1 [1080p].mkv"),
        ("Your Name. (2016) [1080p].mkv", "Your Name. (2016)/Your Name. (2016) [1080p].mkv"),
        ("Show/Season 2/05.mkv", "Show/Show S2 - 05.mkv"),
        ("Show Season 2/[G] Show - 05.mkv", "Show Season 2/Show Season 2 - 05.mkv"),
        ("Monogatari/[G] Bakemonogatari - 01.mkv", "Monogatari/Bakemonogatari - 01.mkv"),
        ("Monogatari/[G] Nisemonogatari - 01.mkv", "Monogatari/Nisemonogatari - 01.mkv"),
    ],
)
def test_a_file_is_named_as_the_library_has_it(path, key):
    *folders, name = path.split("/")
    assert names.key(identify(name, folders=folders)) == key


def test_where_no_show_is_read_there_is_no_key_and_yet_a_legal_name():
    found = identify("05?.mkv")
    assert names.key(found) is None
    assert names.clean_name(found) == "05.mkv"


@given(hostile, st.sampled_from(["", ".mkv", ".MP4", ".ass"]))
def test_whatever_a_name_is_its_clean_form_is_legal_and_stays(name, extension):
    clean = names.clean(name + extension)
    assert keys.fault(clean) is None
    assert names.clean(clean) == clean
    assert clean.endswith(extension.lower())


@given(st.text(max_size=60), st.sampled_from(SHAPES))
def test_any_title_in_any_shape_gives_legal_parts(title, shape):
    found = identify(shape.format(title))
    key = names.key(found)
    if key is not None:
        assert len(keys.parse_key(key)) == (3 if found.kind == "extra" else 2)


@given(st.lists(hostile, max_size=3), hostile)
def test_whatever_the_folders_are_the_clean_name_stays(folders, name):
    clean = names.clean(name, folders=folders)
    assert names.clean(clean, folders=folders) == clean


@pytest.mark.parametrize("title", [*TITLES, "あ" * 200, "Sousou no Frieren " * 30])
def test_different_episodes_never_share_a_key(title):
    made = [
        f"[G] {title}{season} - {episode}{version} [{height}].mkv"
        for season, episode, version, height in itertools.product(
            ("", " S1", " S2", " S12"),
            ("1", "01", "10", "12", "12.5", "112", "1009", "01-02"),
            ("", "v0", "v2"),
            ("720p", "1080p"),
        )
    ]
    assert len({names.key(identify(name)) for name in made}) == len(made)


def test_long_titles_that_differ_at_the_end_stay_apart():
    long = "Ore no Nounai Sentakushi ga Gakuen Love Come wo Zenryoku de Jama Shiteiru " * 4
    first, second = (names.key(identify(f"[G] {long}{end} - 01.mkv")) for end in ("A", "B"))
    assert first != second


def test_two_question_marks_tell_a_sequel_from_its_show():
    first = names.key(identify("[G] Gochuumon wa Usagi Desu ka? - 01.mkv"))
    second = names.key(identify("[G] Gochuumon wa Usagi Desu ka?? - 01.mkv"))
    assert first == "Gochuumon wa Usagi Desu ka/Gochuumon wa Usagi Desu ka - 01.mkv"
    assert first != second


@pytest.mark.parametrize("limit", [names.ENCRYPTED_PART_BYTES, keys.MAX_PART_BYTES])
@pytest.mark.parametrize("letter", ["a", "é", "あ", "e\u0301", "\U0001f1ef\U0001f1f5", "각"])
def test_a_long_name_is_cut_between_letters_and_leaves_room(letter, limit):
    found = identify(f"[G] A{letter * 120} S2 - 05v2 [1080p] (Uncensored).mkv")
    name = names.clean_name(found, limit_bytes=limit)
    assert len(name.encode()) <= limit - names.ROOM_BYTES
    assert name.endswith(" S2 - 05v2 [1080p] (Uncensored).mkv")
    title = name.partition(" ~")[0].partition(" S2")[0]
    assert set(clusters(title)) == {"A", *clusters(names.legal(letter))}


@pytest.mark.parametrize("device", ["CON", "nul", "Com1", "LPT9", "aux"])
def test_names_of_devices_are_changed(device):
    assert names.show_folder(identify(f"[G] {device} - 01.mkv")) == f"{device}_"


@given(st.text())
def test_a_legal_text_stays_as_it_is(text):
    made = names.legal(text)
    assert names.legal(made) == made


def test_every_character_becomes_legal_or_goes():
    for start in range(0, 0x110000, 64):
        text = "".join(map(chr, range(start, start + 64)))
        made = names.legal(f"a{text}b")
        size = len(made.encode())
        assert size > keys.MAX_PART_BYTES or keys.fault(made) is None, hex(start)
