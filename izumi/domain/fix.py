"""What a person says of a release. Pure."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from izumi.domain import keys

LONGEST_SHOW_BYTES: Final = 180
"""Of UTF-8: a show that a person types is never cut to fit into a name."""

_LONGEST: Final = 40
_NUMBER: Final = ("episode", "film", "extra", "offset")
"""Fields that say what the number is; only one of them can."""

_NUMBERS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:-[0-9]+(?:\.[0-9]+)?)*")
NOT_LASTING: Final = ("episode", "extra", "revision")
"""Fields that are of one file alone."""


class Fix(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person says that a file is; what is None stays as it was read.

    Attributes:
        show: Its title, as the folder is to be called; characters that no storage takes
            are replaced as in any title.
        season: Its season.
        episode: As it is to be written: "05", "12.5", "1-12", "SP02".
        film: It has no episode number.
        extra: It is no episode but this: "NCOP1", "PV".
        offset: Added to every whole number of the episode: "13" with -12 is "01".
        revision: 2 for "v2".
        anilist_id: The entry of the catalogue that it belongs to.

    Raises:
        ValueError: Nothing is said, or something that cannot be; one line.
    """

    show: str | None = None
    season: int | None = None
    episode: str | None = None
    film: bool = False
    extra: str | None = None
    offset: int | None = None
    revision: int | None = None
    anilist_id: int | None = None

    def __post_init__(self) -> None:
        if not dict(said_of(self)):
            raise ValueError("it says nothing: give a show, a season, an episode or an offset")
        exclusive = [name for name in _NUMBER if getattr(self, name)]
        if len(exclusive) > 1:
            raise ValueError(f"{' and '.join(exclusive)} exclude each other")
        for fault in (*_faults_of_text(self), *_faults_of_numbers(self)):
            raise ValueError(fault)

    @property
    def text(self) -> str:
        """It in words, for people."""
        return ", ".join(_words(self))

    def lasting(self) -> "Fix | None":
        """What of it can be said of other files too; None: nothing."""
        kept = {name: value for name, value in said_of(self) if name not in NOT_LASTING}
        return Fix(**kept) if kept else None


def shifted(episode: str, offset: int) -> str | None:
    """An episode with `offset` added to each whole number in it, padded as it was.

    "013" with -12 is "001", "13.5" is "1.5", "13-24" is "1-12". What is no plain number
    ("SP02") stays. None: a number would be less than 1.
    """
    if not _NUMBERS.fullmatch(episode):
        return episode
    moved = []
    for part in episode.split("-"):
        whole, dot, rest = part.partition(".")
        number = int(whole) + offset
        if number < 1:
            return None
        moved.append(f"{number:0{len(whole)}d}{dot}{rest}")
    return "-".join(moved)


def merged(before: Fix | None, fix: Fix | None) -> Fix | None:
    """What both say; the later one wins, and what it says of the number is all that counts."""
    if before is None or fix is None:
        return fix or before
    old, new = dict(said_of(before)), dict(said_of(fix))
    if new.keys() & {*_NUMBER}:
        old = {name: value for name, value in old.items() if name not in _NUMBER}
    return Fix(**(old | new))


def said_of(fix: Fix) -> Iterator[tuple[str, Any]]:
    """The names and values of what a fix says."""
    for name, value in msgspec.structs.asdict(fix).items():
        if value is not None and value is not False:
            yield name, value


def _words(fix: Fix) -> Iterator[str]:
    if fix.show is not None:
        yield fix.show
    if fix.season is not None:
        yield f"season {fix.season}"
    if fix.episode is not None:
        yield f"episode {fix.episode}"
    if fix.film:
        yield "a film"
    if fix.extra is not None:
        yield f"an extra ({fix.extra})"
    if fix.offset is not None:
        yield f"episode {fix.offset:+}"
    if fix.revision is not None:
        yield f"v{fix.revision}"
    if fix.anilist_id is not None:
        yield f"AniList {fix.anilist_id}"


def _faults_of_text(fix: Fix) -> Iterator[str]:
    show = fix.show
    if show is not None:
        if not show.isprintable() or not any(map(str.isalnum, show)):
            yield f"the show {show!a} is no title: it needs letters or digits, on one line"
        elif len(show.encode()) > LONGEST_SHOW_BYTES:
            yield f"the show {show!r} is longer than {LONGEST_SHOW_BYTES} bytes"
    for name in ("episode", "extra"):
        text = getattr(fix, name)
        if text is not None and (len(text) > _LONGEST or keys.fault(text)):
            reason = keys.fault(text) or f"is longer than {_LONGEST} characters"
            yield f"the {name} {text!a} {reason}"


def _faults_of_numbers(fix: Fix) -> Iterator[str]:
    for name, least, most in (
        ("season", 0, 999),
        ("offset", -9999, 9999),
        ("revision", 2, 99),
        ("anilist_id", 1, 2**31),
    ):
        value = getattr(fix, name)
        if value is not None and not least <= value <= most:
            yield f"the {name} {value} is not between {least} and {most}"
    if fix.offset == 0:
        yield "the offset 0 changes nothing"
