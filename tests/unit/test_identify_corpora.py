"""The labelled names of other people's parsers: how many are right, and how many held."""

import pytest

from tests.support.release_names import corpora, shares

FLOORS = {
    "title": 0.97,
    "season": 0.97,
    "episode": 0.96,
    "resolution": 0.99,
    "version": 0.95,
    "group": 0.97,
}


@pytest.fixture(scope="module")
def measured():
    return shares([case for corpus in corpora() for case in corpus])


@pytest.mark.parametrize("field", FLOORS)
def test_labelled_names_are_read_right(measured, field):
    assert measured[0][field] >= FLOORS[field]


def test_few_names_are_held(measured):
    assert measured[1] <= 0.13


def test_fewer_are_wrong_without_having_asked(measured):
    assert measured[2] <= 0.025
