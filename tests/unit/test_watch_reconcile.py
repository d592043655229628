"""What a look into a watch folder means for what the ledger knows."""

from hypothesis import given
from hypothesis import strategies as st

from izumi.storage.entries import Found
from izumi.storage.reconcile import PROVED, STATES, Known, reconcile

ROOT = "/w"


def found(path, inode=1, size=10, mtime=0):
    return Found(path, 5, inode, size, mtime)


def known(path, inode=1, size=10, mtime=0, *, id_=1, state="settling", gone=False, revision=1):
    return Known(id_, ROOT, path, 5, inode, size, mtime, state, gone, revision)


def compare(rows, seen, *, whole=True, unseen=(), stands=True):
    return reconcile(rows, seen, root=ROOT, whole=whole, unseen=unseen, stands=lambda row: stands)


def test_a_file_never_seen_is_new():
    assert compare([], [found("a")]).new == [(found("a"), 1)]


def test_a_file_that_is_known_changes_nothing():
    assert not any(compare([known("a")], [found("a")]))


def test_two_names_of_one_inode_are_one_file():
    assert len(compare([], [found("a"), found("b")]).new) == 1
    assert not any(compare([known("a")], [found("a"), found("b")]))


def test_a_second_name_met_alone_is_no_second_file_while_the_first_stands():
    assert not any(compare([known("a")], [found("b")], whole=False))


def test_a_renamed_file_is_the_same_file_under_its_new_name():
    changes = compare([known("a")], [found("b")], stands=False)
    assert changes.moved == [(1, found("b"))]
    assert not changes.new
    assert not changes.gone


def test_a_file_that_grows_before_it_is_stored_is_the_same_file():
    changes = compare([known("a")], [found("a", size=20)])
    assert changes.changed == [(1, found("a", size=20))]
    assert not changes.gone


def test_a_file_in_hand_is_left_to_whoever_has_it_in_hand():
    assert not any(compare([known("a", state="staged")], [found("a", size=20)]))


def test_a_file_that_changes_after_it_was_stored_is_a_new_revision():
    for state in PROVED:
        changes = compare([known("a", state=state)], [found("a", size=20)])
        assert changes.new == [(found("a", size=20), 2)]


def test_another_file_under_the_name_of_a_stored_one_is_a_new_revision():
    changes = compare([known("a", state="done", revision=3)], [found("a", inode=9)])
    assert changes.new == [(found("a", inode=9), 4)]
    assert changes.gone == [1]


def test_another_file_with_the_inode_of_a_deleted_one_is_new():
    changes = compare([known("a", state="done")], [found("b", size=7)])
    assert changes.new == [(found("b", size=7), 1)]


def test_what_a_sweep_does_not_meet_is_gone():
    assert compare([known("a")], []).gone == [1]


def test_what_a_look_at_one_place_does_not_meet_is_not_gone():
    assert not any(compare([known("a")], [], whole=False))


def test_nothing_below_a_folder_that_could_not_be_listed_is_gone():
    rows = [known("x/a"), known("y/b", inode=2, id_=2)]
    assert compare(rows, [], unseen=["x"]).gone == [2]
    assert compare(rows, [], unseen=[""]).gone == []


def test_files_of_other_watch_folders_are_not_gone():
    assert not compare([known("a")._replace(root="/other")], []).gone


def test_a_file_linked_from_another_watch_folder_is_no_second_file():
    assert not any(compare([known("a")._replace(root="/other")], [found("b")]))


def test_a_file_that_comes_back_goes_on_where_it_stood():
    changes = compare([known("a", state="done", gone=True)], [found("a")])
    assert changes.back == [1]
    assert not changes.new


def test_a_file_that_comes_back_under_another_name_has_that_name():
    changes = compare([known("a", gone=True)], [found("b")])
    assert changes.back == [1]
    assert changes.moved == [(1, found("b"))]


def standing(names):
    return lambda row: (row.path, row.inode) in names


FILES = st.builds(found, st.sampled_from("abcd"), st.integers(1, 3), st.integers(1, 2))
SWEEPS = st.lists(st.lists(FILES, max_size=5, unique_by=lambda one: one.path), max_size=8)


@given(SWEEPS, st.randoms())
def test_over_any_history_every_content_has_one_row_and_stored_rows_stay(sweeps, random):
    """One inode has one content at a time, so the last size met for an inode counts."""
    rows: dict[int, Known] = {}
    for sweep in sweeps:
        size = {one.inode: one.size for one in sweep}
        seen = [one._replace(size=size[one.inode]) for one in sweep]
        stored = {id_ for id_, row in rows.items() if row.state in PROVED}
        names = {(one.path, one.inode) for one in seen}
        changes = reconcile(
            list(rows.values()),
            seen,
            root=ROOT,
            whole=True,
            unseen=(),
            stands=standing(names),
        )
        for one, revision in changes.new:
            id_ = len(rows) + 1
            rows[id_] = known(one.path, one.inode, one.size, id_=id_, revision=revision)
        for id_, one in changes.changed:
            assert id_ not in stored
            rows[id_] = rows[id_]._replace(path=one.path, size=one.size, gone=False)
        for id_, one in changes.moved:
            rows[id_] = rows[id_]._replace(path=one.path)
        for id_ in changes.back:
            rows[id_] = rows[id_]._replace(gone=False)
        for id_ in changes.gone:
            rows[id_] = rows[id_]._replace(gone=True)
        contents = [(row.inode, row.size) for row in rows.values()]
        assert len(contents) == len(set(contents))
        staged = {row.inode for row in rows.values() if row.state == "staged"}
        there = {(row.inode, row.size) for row in rows.values() if not row.gone}
        wanted = {(one.inode, one.size) for one in seen}
        assert {one for one in wanted if one[0] not in staged} <= there
        for id_, row in rows.items():
            if random.random() < 0.3 and row.state not in PROVED:
                rows[id_] = row._replace(state=random.choice(STATES[:8]))
