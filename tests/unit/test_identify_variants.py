"""Labelled names written in other ways: what is said of them stays, or a person is asked."""

import re
from collections.abc import Callable

import pytest

from tests.support.release_names import corpora, read_object, right

FIELDS = ("title", "season", "episode", "resolution", "version")


def _parted(name: str) -> tuple[str, str]:
    match = re.search(r"\.(?:mkv|mp4|avi)$", name, re.IGNORECASE)
    return (name[: match.start()], match[0]) if match else (name, "")


def _underscores(name: str) -> str:
    stem, extension = _parted(name)
    return (stem if "_" in stem else stem.replace(" ", "_")) + extension


def _spaces(name: str) -> str:
    stem, extension = _parted(name)
    return (stem if " " in stem else stem.replace("_", " ")) + extension


def _dots(name: str) -> str:
    stem, extension = _parted(name)
    return (stem if re.search(r"[.\[(]", stem) else stem.replace(" ", ".")) + extension


def _wide_brackets(name: str) -> str:
    return name.translate(str.maketrans("[]", "【】"))


def _with_crc(name: str) -> str:
    stem, extension = _parted(name)
    return f"{stem} [1A2B3C4D]{extension}"


def _more_tags(name: str) -> str:
    stem, extension = _parted(name)
    return f"{stem} [HEVC][Multiple Subtitle]{extension}"


def _swapped_tags(name: str) -> str:
    return re.sub(r"(?<=.)(\[[^\[\]]*\])[ _]?(\[[^\[\]]*\])(\.\w{3})?$", r"\2\1\3", name)


def _group_behind(name: str) -> str:
    return re.sub(r"^(\[[^\[\]]+\])[ _]*([^\[【].*?)(\.\w{3})?$", r"\2 \1\3", name)


def _dash_to(form: str) -> Callable[[str], str]:
    """Another way to write " - 05" before the tags."""
    return lambda name: re.sub(r" - (\d{2,3})(?= ?[\[(]|$)", form, name, count=1)


VARIANTS = {
    "underscores": _underscores,
    "spaces": _spaces,
    "dots": _dots,
    "two spaces": lambda name: name.replace(" ", "  "),
    "wide brackets": _wide_brackets,
    "upper case": str.upper,
    "lower case": str.lower,
    "a checksum": _with_crc,
    "more tags": _more_tags,
    "tags swapped": _swapped_tags,
    "the group behind": _group_behind,
    "in brackets": _dash_to(r" [\1]"),
    "as 第05話": _dash_to(r" 第\1話"),
    "as Episode 05": _dash_to(r" Episode \1"),
    "as #05": _dash_to(r" #\1"),
}


@pytest.fixture(scope="module")
def labelled():
    """Every third labelled name that is read right, and what is said of it."""
    cases = [case for corpus in corpora() for case in corpus][::3]
    return [(case, kept) for case in cases if (kept := _right(case.expected, case.name))]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_name_written_in_another_way_says_the_same_or_is_asked_about(labelled, variant):
    changed = [
        (name, case.expected, kept)
        for case, kept in labelled
        if (name := VARIANTS[variant](case.name)) != case.name
    ]
    wrong = [
        name
        for name, expected, kept in changed
        if not kept <= _right(expected, name) and read_object(name)["held"] is None
    ]
    assert len(changed) > 5
    assert len(wrong) <= 0.02 * len(changed) + 1, wrong


def _right(expected: dict[str, list[str]], name: str) -> set[str]:
    got = read_object(name)
    return {field for field in FIELDS if expected.get(field) and right(field, expected[field], got)}
