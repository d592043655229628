"""Which episode a person means."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import events, subjects
from izumi.domain.errors import UserError
from izumi.domain.events import Acquired, Encoded, Episode, HeldFile
from izumi.domain.timeline import Kept
from izumi.tools.episodes import Known, episodes, meant
from tests.support.bus import NOON, acquired


def fact(
    show: str, name: str, *, season: int | None = None, number: str | None = "1", **more
) -> Acquired:
    made = acquired(name)
    return msgspec.structs.replace(
        made,
        file=msgspec.structs.replace(made.file, key=f"{show}/{name}"),
        episode=Episode(show=show, season=season, number=number, **more),
        release=f"[Grp] {name}",
    )


def kept(seq: int, one) -> Kept:
    return Kept(events.subject_of(one), seq, NOON, one)


FRIEREN = fact("Sousou no Frieren", "Sousou no Frieren - 12 [1080p].mkv", number="12")
SECOND = fact("Spring", "Spring S2 - 05 [1080p].mkv", season=2, number="05")
FIRST = fact("Spring", "Spring - 05 [1080p].mkv", number="05")
FILM = fact("泉の春", "泉の春.mkv", number=None)
OLD = fact("Spring", "Spring - 06 [1080p].mkv", number="06")
NEW = fact("Spring", "Spring - 06v2 [1080p].mkv", number="06", revision=2)
MADE = Encoded(
    file=msgspec.structs.replace(FIRST.file, key="Spring/Spring - 05 [1080p].mp4", sub="hardsub"),
    episode=FIRST.episode,
    sources=(),
    origin=FIRST.file,
    profile="hardsub",
    at=NOON,
)
HELD = HeldFile(unit="acquisition", job="h1", name="in/[Grp] odd.mkv", reason="?", at=NOON)
FACTS = [kept(n, one) for n, one in enumerate((FRIEREN, SECOND, FIRST, FILM, OLD, NEW, MADE, HELD))]
ORDER = Kept(subjects.order("encoder", "main", "high", "wish"), 50, NOON, FRIEREN)
KNOWN = episodes(FACTS, [ORDER])


def test_versions_hardsubs_and_orders_of_an_episode_are_one():
    assert len(KNOWN) == 6
    assert len(meant("spring 6", KNOWN).files) == 2
    assert meant("Spring - 05 [1080p].mp4", KNOWN) is meant("Spring - 05 [1080p].mkv", KNOWN)
    assert meant("do-wish", KNOWN) is meant("frieren 12", KNOWN)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("frieren 12", FRIEREN.file.key),
        ("Sousou no Frieren 012", FRIEREN.file.key),
        ("spring 5", FIRST.file.key),
        ("Spring S02E05", SECOND.file.key),
        ("spring s2 5", SECOND.file.key),
        ("泉の春", FILM.file.key),
        (f"/mnt/x/{FILM.file.key}", FILM.file.key),
        ("[Grp] Spring S2 - 05 [1080p].mkv", SECOND.file.key),
        ("[Grp] Spring S2 - 05 [1080p]", SECOND.file.key),
        (f"acquired-{SECOND.file.id[:6]}", SECOND.file.key),
        (SECOND.file.id[:5], SECOND.file.key),
        (f"distributed-public-mirror-{SECOND.file.id}", SECOND.file.key),
        (f"key-{subjects.file_id('', SECOND.file.key)}", SECOND.file.key),
        ("sprin 6", NEW.file.key),
        ("sprin 6 v2", NEW.file.key),
    ],
)
def test_an_episode_is_named_in_many_ways(text, key):
    assert key in meant(text, KNOWN).keys


def test_a_held_release_is_found_until_it_is_an_episode():
    assert meant("[Grp] odd.mkv", KNOWN).name == "[Grp] odd.mkv"
    later = msgspec.structs.replace(FRIEREN, release="[Grp] odd.mkv")
    known = episodes([*FACTS[1:], kept(99, later)], [])
    assert meant("[Grp] odd.mkv", known).show == "Sousou no Frieren"
    assert any(isinstance(one.fact, HeldFile) for one in meant("frieren", known).facts)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spring", r"'spring' may be 'Spring - 05 \[1080p\]', 'Spring - 06 \[1080p\]', 'Spring S2"),
        ("Friern 12", "did you mean 'Sousou no Frieren - 12"),
        ("Spring 55", "did you mean"),
        ("", "name an episode"),
        ("???", "knows no episode, file or job"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_may_be_meant(text, says):
    with pytest.raises(UserError, match=says):
        meant(text, KNOWN)


def test_very_many_that_may_be_meant_are_cut():
    many = [Known(show="Show", name=f"Show - {n}") for n in range(40)]
    with pytest.raises(UserError, match="and 30 more"):
        meant("show", many)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_one_episode_or_a_reason(text):
    with contextlib.suppress(UserError):
        assert meant(text, KNOWN) in KNOWN
