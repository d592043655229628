"""The pieces of a name, each with the part that it plays."""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from izumi.domain.reading import patterns, vocabulary
from izumi.domain.reading.text import Piece, Text, pieces


class Role(enum.IntEnum):
    """What a piece of a name is for."""

    FREE = enum.auto()
    """Text between brackets."""
    GROUP = enum.auto()
    META = enum.auto()
    """About the file, not about the show."""
    NUMBER = enum.auto()
    YEAR = enum.auto()
    SEASON = enum.auto()
    TYPE = enum.auto()
    """Film, OVA, TV."""
    EXTRA = enum.auto()
    NOISE = enum.auto()
    """An advertisement, a month, an address."""
    TITLE = enum.auto()
    """A title, or unknown."""


OPEN: Final = frozenset({Role.FREE, Role.NUMBER, Role.TITLE, Role.SEASON, Role.TYPE})
"""Roles of pieces that an episode mark may stand in."""

_TYPE: Final = re.compile(
    r"(?:\d{4} ?)?(?:the )?(?:tv|ova|oad|ona|oav|movies?|gekijou-?ban|specials?|sps?|剧场版|劇場版"
    r"|电影|電影|映画|特別[編篇]|特别篇|总集篇|總集篇|番外[篇編编]?|tv series)"
    r"(?: ?[+&x] ?(?:ova|sp|tv|movie)s?)*"
)
_BARE_NUMBER: Final = re.compile(r"480|540|576|720|1080")
"""Heights of a picture that are numbers of episodes, too."""
_SEASON_WORDS: Final = re.compile(r"[ ,+&/-]*")
_BLANK: Final = re.compile(r"[ ★☆◆◇■□●○※♛❀✿→.,/|!-]*")
_ANNOUNCED: Final = re.compile(r"[★☆][^★☆]*[★☆]")
_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ADDRESS: Final = re.compile(r".*(?<![^\W_])www[. ].*|\W*[\w.-]+\.(?:com|net|org|info|me|cc|tv)\W*")


@dataclass(frozen=True, slots=True)
class Scan:
    """A name taken apart.

    Attributes:
        text: The name, without month tags.
        pieces: Its pieces, in order.
        roles: What each piece is for.
    """

    text: Text
    pieces: tuple[Piece, ...]
    roles: tuple[Role, ...]

    def __iter__(self) -> Iterator[tuple[Piece, Role]]:
        return zip(self.pieces, self.roles, strict=True)

    def view(self, piece: Piece) -> str:
        """The folded inside of a piece."""
        return self.text.view[piece.start : piece.end]

    def role_at(self, place: int) -> Role:
        """The role of the piece that holds a place."""
        for piece, role in self:
            if piece.start <= place <= piece.end:
                return role
        return Role.NOISE

    def cut(self, start: int, end: int, *, seen: bool = False) -> int:
        """Where the words of the trade begin in free text.

        Args:
            start: Where to begin.
            end: Where to end.
            seen: A title stands before; else one other word must come first.
        """
        view = self.text.view
        for match in re.finditer(r"\S+", view[start:end]):
            word = match[0].strip("-.,~!|;")
            if seen and (
                vocabulary.is_strong(word) or vocabulary.is_strong(word.partition("-")[0])
            ):
                return start + match.start()
            seen = seen or re.search(r"[^\W_]", word) is not None
        bundle = vocabulary.BUNDLE.search(view, start, end)
        return end if bundle is None else bundle.start()

    def titled(self, place: int) -> bool:
        """Whether something that can be a title stands before a place."""
        return any(
            role in {Role.FREE, Role.TITLE}
            and re.search(r"[^\W_]", self.text.view[piece.start : min(piece.end, place)])
            for piece, role in self
            if piece.start < place
        )


def scan(text: Text) -> Scan:
    """Take a name apart and give every piece its role."""
    view = vocabulary.MONTH_TAG.sub(lambda match: " " * len(match[0]), text.view)
    found = tuple(pieces(view))
    roles = [_role(piece.bracket, view[piece.start : piece.end].strip()) for piece in found]
    if roles and roles[0] is Role.FREE and vocabulary.is_cjk_meta(view[: found[0].end].strip()):
        # "内详+附特效【某某字幕组】【标题】"
        grouped = any(
            p.bracket and vocabulary.CJK_GROUP.search(view[p.start : p.end]) for p in found
        )
        roles[0] = Role.NOISE if grouped else Role.FREE
    if Role.NUMBER not in roles and patterns.HEIGHT.search(view):
        # "[One Piece][1080][1080P]": the height is told elsewhere.
        for place, piece in enumerate(found):
            if piece.bracket and _BARE_NUMBER.fullmatch(view[piece.start : piece.end].strip()):
                roles[place] = Role.NUMBER
    plain = Scan(Text(text.shown, view, text.dotted), found, tuple(roles))
    group = _group(plain)
    if group is not None:
        roles[group] = Role.GROUP
        if group and roles[0] is Role.FREE:
            roles[0] = Role.NOISE
    return Scan(plain.text, found, tuple(roles))


def _role(bracket: str, view: str) -> Role:
    if _BLANK.fullmatch(view):
        return Role.NOISE
    if not bracket:
        if _TYPE.fullmatch(view.strip(" ★☆")):
            return Role.TYPE
        return Role.NOISE if _ANNOUNCED.fullmatch(view) else Role.FREE
    tests = (
        (Role.NOISE, lambda: vocabulary.NOISE.fullmatch(view) or _ADDRESS.fullmatch(view)),
        (Role.NOISE, lambda: patterns.DATE.fullmatch(view)),
        (Role.META, lambda: patterns.DATABASE.fullmatch(view)),
        (Role.YEAR, lambda: patterns.YEAR.fullmatch(view)),
        (Role.META, lambda: patterns.HEX.fullmatch(view)),
        (Role.META, lambda: patterns.BARE.fullmatch(view)),
        (Role.NUMBER, lambda: _is_number(view)),
        (Role.TYPE, lambda: _TYPE.fullmatch(view)),
        (Role.EXTRA, lambda: vocabulary.EXTRA.fullmatch(view) or vocabulary.SAMPLE.fullmatch(view)),
        (Role.SEASON, lambda: _is_season(view)),
        (Role.META, lambda: vocabulary.is_meta(view)),
    )
    return next((role for role, test in tests if test()), Role.TITLE)


def _is_number(view: str) -> bool:
    return any(
        pattern.fullmatch(view)
        for pattern in (
            patterns.ALONE,
            patterns.COUNTER,
            patterns.WHOLE,
            patterns.OF,
            patterns.SXXEYY,
            patterns.SPECIAL,
            patterns.WORD,
        )
    )


def _is_season(view: str) -> bool:
    """Nothing but season and part marks: "Season 1 Part 2"."""
    rest, count = patterns.SEASONS.subn("", view)
    rest, parts = patterns.PART.subn("", rest)
    return count + parts > 0 and _SEASON_WORDS.fullmatch(rest) is not None


def _group(scanned: Scan) -> int | None:
    """The first bracket is the group, when something else can be the title."""
    first = _first_bracket(scanned)
    if first is None:
        return None
    role, rest = scanned.roles[first], tuple(_worded(scanned, first + 1))
    view = scanned.view(scanned.pieces[first])
    if _told_first(scanned, first):
        return first + 1
    if scanned.text.dotted and _CJK.search(view) and not vocabulary.CJK_GROUP.search(view):
        # Such as "[标题].Title.S01E05.1080p-GROUP".
        return None
    other = role in {Role.TYPE, Role.EXTRA, Role.SEASON, Role.FREE} or _meta_only(view)
    round_ = scanned.pieces[first].bracket == "(" and all(map(vocabulary.is_known, view.split()))
    other = other or round_ or patterns.HEX.fullmatch(view.strip()) is not None
    number = role is Role.NUMBER and rest[:1] != (Role.FREE,)
    if other or number or not {Role.FREE, Role.TITLE} & set(rest):
        return None
    named = Role.FREE in rest or vocabulary.CJK_GROUP.search(view) is not None
    return first if named or not _followed_by_number(rest) else None


def _worded(scanned: Scan, start: int) -> Iterator[Role]:
    """The roles from a piece on; a number behind a dash plays the part of one in a bracket.

    Only where another bracket remains to be the group: "[Title] - 05 [Group]".
    """
    boxed = Role.TITLE in scanned.roles[start:]
    for piece, role in zip(scanned.pieces[start:], scanned.roles[start:], strict=True):
        text = scanned.view(piece).strip()
        number = text.startswith("-") and text.strip(" -#").isdecimal()
        yield Role.NUMBER if boxed and role is Role.FREE and number else role


def _told_first(scanned: Scan, first: int) -> bool:
    """Whether the group stands behind a bracket about the file: "[1080P][某某字幕组][标题]"."""
    roles = scanned.roles[first : first + 3]
    if roles[:2] != (Role.META, Role.TITLE) or roles[2:] not in {(Role.TITLE,), (Role.FREE,)}:
        return False
    if roles[2] is Role.FREE and scanned.pieces[first + 1].bracket == "[":
        behind = scanned.view(scanned.pieces[first + 2])
        return re.match(r" *[^\W\d_]", behind) is not None
    return vocabulary.CJK_GROUP.search(scanned.view(scanned.pieces[first + 1])) is not None


def _first_bracket(scanned: Scan) -> int | None:
    """The bracket that begins a name, perhaps behind a bare number: "37 [Group] Title"."""
    pieces, roles = scanned.pieces, scanned.roles
    first = next((i for i, role in enumerate(roles) if role is not Role.NOISE), None)
    if first is None or pieces[first].bracket:
        return first
    bare = scanned.view(pieces[first]).strip(" -.").isdecimal()
    return first + 1 if bare and first + 1 < len(roles) else None


def _meta_only(view: str) -> bool:
    """Whether a first bracket tells of the file: two-letter groups look like weak words.

    What a group does may end its name: "某某搬运", "somebody合成".
    """
    work = vocabulary.WORK_END.search(view)
    if view.strip() in vocabulary.STATIONS:
        return True
    return (vocabulary.is_cjk_meta(view) and not work) or any(
        map(vocabulary.is_strong, re.split(r"[ _,+&]", view))
    )


def _followed_by_number(rest: tuple[Role, ...]) -> bool:
    """Whether a number comes before any other title: the first bracket is the title."""
    first = next((r for r in rest if r in {Role.TITLE, Role.FREE, Role.NUMBER}), None)
    return first is Role.NUMBER
