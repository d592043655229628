"""The file of an operation: what a kill leaves of it is read as far as it goes."""

import pytest

from izumi.domain.errors import UserError
from izumi.tools.journal import Journals
from izumi.tools.operation import Opened
from izumi.tools.plan import PlacePlan, Step
from izumi.tools.requests import Request

STEPS = tuple(Step(phase=2, kind="move", path=f"a/{n}", to=f"b/{n}", size=1) for n in range(3))


@pytest.fixture
def journals(tmp_path):
    return Journals(tmp_path)


def opened(operation="20260101-000000000-ab", *places):
    return Opened(
        id=operation,
        request=Request(verb="move", show="Show"),
        by="a test",
        at="2026-01-01T00:00:00+00:00",
        places=places or ("nas",),
    )


def test_what_was_written_is_read_again(journals):
    journal = journals.open(opened())
    journal.planned(PlacePlan(place="nas", steps=STEPS))
    journal.begun("nas", [0, 1])
    journal.ended("nas", {0: "done"}, {})
    (found,) = journals.operations()
    progress = found.places["nas"]
    assert found == journal.operation
    assert progress.open == [1, 2]
    assert list(progress.touched()) == list(STEPS[:2])
    assert found.state == "open"


def test_a_step_that_failed_is_open_and_one_that_was_skipped_is_not(journals):
    journal = journals.open(opened())
    journal.planned(PlacePlan(place="nas", steps=STEPS))
    journal.begun("nas", [0, 1, 2])
    journal.ended("nas", {0: "done", 1: "skipped", 2: "failed"}, {2: "why"})
    progress = journals.find("2026").places["nas"]
    assert progress.open == [2]
    assert not progress.is_whole
    assert list(progress.touched()) == [STEPS[0], STEPS[2]]


@pytest.mark.parametrize("torn", [b'{"is":"ended","pl', b"\xff\xfe", b'{"is":"unheard of"}'])
def test_a_line_that_was_cut_short_is_as_if_it_were_not_there(journals, tmp_path, torn):
    journal = journals.open(opened())
    journal.planned(PlacePlan(place="nas", steps=STEPS))
    path = tmp_path / "library" / f"{journal.operation.id}.jsonl"
    with path.open("ab") as file:
        file.write(torn)
    again = journals.again(journals.find(journal.operation.id))
    again.begun("nas", [1])
    assert journals.find(journal.operation.id).places["nas"].begun == {1}


def test_a_file_without_its_first_line_is_no_operation(journals, tmp_path):
    journals.open(opened())
    (tmp_path / "library" / "20260102-000000000-cd.jsonl").write_bytes(b'{"is":"open')
    assert len(journals.operations()) == 1


def test_operations_are_found_by_their_beginning(journals):
    for name in ("20260101-000000000-ab", "20260102-000000000-cd"):
        journals.open(opened(name))
    assert journals.find("20260102").id == "20260102-000000000-cd"
    with pytest.raises(UserError, match="several operations"):
        journals.find("2026")
    with pytest.raises(UserError, match="no operation"):
        journals.find("")


def test_two_do_not_change_the_library_at_once(journals):
    with journals.alone(), pytest.raises(UserError, match="another izumi-admin"), journals.alone():
        pytest.fail("both were let in")
    with journals.alone():
        pass


def test_only_its_owner_reads_it(journals, tmp_path):
    journals.open(opened())
    for path in (tmp_path / "library").iterdir():
        assert path.stat().st_mode & 0o077 == 0
