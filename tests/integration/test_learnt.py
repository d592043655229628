"""The copy of the rules on this host."""

import datetime as dt

import pytest

from izumi.domain.errors import UserError
from izumi.domain.fix import Fix
from izumi.domain.rules import Rule
from izumi.failpoints import FailpointHit, arm
from izumi.storage import learnt

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
RULE = Rule(title="Aoi Hana", season=2, group="G", fix=Fix(show="Blue", offset=-1), at=AT)


def test_what_was_saved_is_loaded(tmp_path):
    learnt.save(tmp_path, (RULE,))
    assert learnt.load(tmp_path) == (RULE,)
    assert [path.name for path in tmp_path.iterdir()] == [learnt.FILE]


def test_where_acquisition_never_ran_there_are_none(tmp_path):
    assert learnt.load(tmp_path / "nowhere") == ()


def test_a_crash_while_it_is_written_leaves_the_old_one(tmp_path):
    learnt.save(tmp_path, (RULE,))
    arm("acquisition.after_rules_written=raise")
    try:
        with pytest.raises(FailpointHit):
            learnt.save(tmp_path, ())
    finally:
        arm("")
    assert learnt.load(tmp_path) == (RULE,)
    learnt.save(tmp_path, ())
    assert learnt.load(tmp_path) == ()


@pytest.mark.parametrize("damage", [b"", b"[{}]", b"\xff", b'[{"title": "a"}]'])
def test_a_damaged_one_is_one_error_that_names_the_file(tmp_path, damage):
    (tmp_path / learnt.FILE).write_bytes(damage)
    with pytest.raises(UserError, match=r"rules\.json is damaged .* delete it"):
        learnt.load(tmp_path)


def test_one_that_cannot_be_read_is_one_error_that_names_the_file(tmp_path):
    (tmp_path / learnt.FILE).mkdir()
    with pytest.raises(UserError, match=r"rules\.json cannot be read"):
        learnt.load(tmp_path)
