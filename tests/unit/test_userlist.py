"""Whether a show is on a user's list."""

from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.userlist import ListEntry, Sought, UserList
from tests.support.news import names

FIRST = ListEntry(anilist_id=1, mal_id=11, names=("Hon no Mori", "A Forest of Books", "本の森"))
SECOND = ListEntry(anilist_id=2, mal_id=12, names=("Hon no Mori: Tobira", "Hon no Mori 2"))
AT_MAL = ListEntry(mal_id=13, names=("Umi no Uta",))


def sought(*called: str, anilist: int | None = None, mal: int | None = None, certain: bool = True):
    return Sought(anilist, mal, called, certain and (anilist, mal) != (None, None))


def test_a_show_is_found_by_either_number_whatever_it_is_called():
    mine = UserList([FIRST, AT_MAL])
    assert mine.holds(sought("Else", anilist=1))
    assert mine.holds(sought("Else", mal=11))
    assert mine.holds(sought("Else", anilist=99, mal=13))
    assert not mine.holds(sought("Else", anilist=13, mal=1))


def test_a_show_without_numbers_is_found_by_any_of_its_names():
    mine = UserList([FIRST])
    for name in ("hon no mori!", "A FOREST OF BOOKS", "本の森", "Hon - no - Mori"):
        assert mine.holds(sought(name)), name
    assert mine.holds(sought("Else", "本の森"))
    assert not mine.holds(sought("Hon no"))


def test_another_season_with_the_folder_of_the_first_is_another_show():
    mine = UserList([FIRST])
    assert not mine.holds(sought("Hon no Mori", anilist=2, mal=12))
    assert UserList([SECOND]).holds(sought("Hon no Mori", anilist=2, mal=12))


def test_a_name_decides_where_the_list_knows_no_number_of_the_same_service():
    assert UserList([AT_MAL]).holds(sought("Umi no Uta", anilist=3))
    assert not UserList([AT_MAL]).holds(sought("Umi no Uta", anilist=3, mal=14))


def test_a_number_that_is_only_a_guess_tells_no_namesakes_apart():
    mine = UserList([FIRST])
    assert mine.holds(sought("Hon no Mori", anilist=99, mal=98, certain=False))
    assert mine.holds(sought("Else", anilist=1, certain=False))


def test_nothing_is_on_an_empty_list_not_even_what_has_no_number():
    assert not UserList([]).holds(sought("x"))
    assert not UserList([ListEntry()]).holds(sought("x"))
    assert len(UserList([FIRST, FIRST, AT_MAL])) == 3


entries = st.builds(
    ListEntry,
    anilist_id=st.none() | st.integers(1, 20),
    mal_id=st.none() | st.integers(1, 20),
    names=st.lists(names, max_size=3).map(tuple),
)


@given(st.lists(entries, max_size=8), names)
def test_every_entry_is_found_by_what_it_says_of_itself(listed, other):
    mine = UserList(listed)
    for entry in listed:
        if entry.anilist_id is not None:
            assert mine.holds(sought(other, anilist=entry.anilist_id))
        if entry.mal_id is not None:
            assert mine.holds(sought(other, mal=entry.mal_id))
        for name in entry.names:
            assert mine.holds(sought(name))
