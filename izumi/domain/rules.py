"""What a person said of one release, applied to all like it. Pure."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from izumi.domain.fix import NOT_LASTING, Fix, merged, shifted
from izumi.domain.release import About, Doubt, Identification
from izumi.domain.show import sameness


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fix for every release of one title, learnt from an answered hold or made by hand.

    Attributes:
        title: The title as releases write it, see `title_of`; compared without case, width,
            spaces and punctuation.
        season: Only where the release writes this season.
        unseasoned: Only where the release writes no season.
        group: Only releases of this group.
        fix: What they are.
        by: Who made the rule, for people.
        at: When.

    Raises:
        ValueError: A title or a fix that cannot be; one line.
    """

    title: str
    season: int | None = None
    unseasoned: bool = False
    group: str | None = None
    fix: Fix
    by: str = ""
    at: dt.datetime

    def __post_init__(self) -> None:
        if not sameness(self.title):
            raise ValueError("the title is empty")
        for text in filter(None, (self.title, self.group, self.by)):
            if text.encode("utf-8", "replace").decode() != text:
                raise ValueError(f"{text!a} is not UTF-8")
        if self.season is not None and self.unseasoned:
            raise ValueError("a season and no season exclude each other")
        if self.fix.lasting() != self.fix:
            raise ValueError(
                f"{self.fix.text}: a rule cannot give every file of a title the same "
                f"{', '.join(NOT_LASTING)}; use an offset, or fix each file"
            )

    @property
    def id(self) -> str:
        """Of what the rule is about: a newer one about the same takes its place."""
        about = (sameness(self.title), self.season, self.unseasoned, sameness(self.group or ""))
        return "r-" + hashlib.sha256(repr(about).encode("utf-8", "replace")).hexdigest()[:8]

    @property
    def text(self) -> str:
        """It in words, for people."""
        return f"{self.title!r}{self.condition} is {self.fix.text}"

    @property
    def condition(self) -> str:
        """What it asks for beside the title; empty: nothing."""
        parts = (
            f" season {self.season}" if self.season is not None else "",
            " without a season" if self.unseasoned else "",
            f" by {self.group}" if self.group else "",
        )
        return "".join(parts)

    def fits(self, found: Identification) -> bool:
        """Whether it is about this release."""
        title = title_of(found)
        return (
            title is not None
            and sameness(title) == sameness(self.title)
            and (self.season is None or found.seasons == (self.season,))
            and not (self.unseasoned and found.seasons)
            and (self.group is None or sameness(found.group or "") == sameness(self.group))
        )


def title_of(found: Identification) -> str | None:
    """The title that rules know a release by: its own, else its folder's; with its year."""
    title = found.file_title or found.title
    if title is None or found.year is None or str(found.year) in title:
        return title
    return f"{title} ({found.year})"


def chosen(found: Identification, rules: Iterable[Rule]) -> Rule | None:
    """The rule for a release: the one that asks for most, of several the newest."""

    def rank(rule: Rule) -> tuple[int, dt.datetime]:
        return sum((rule.season is not None or rule.unseasoned, rule.group is not None)), rule.at

    return max((rule for rule in rules if rule.fits(found)), key=rank, default=None)


def apply(
    found: Identification,
    rules: Sequence[Rule] = (),
    fix: Fix | None = None,
    hint: Fix | None = None,
) -> Identification:
    """What a release is after the rule for it, and after what a person said of this file.

    Only the doubts that this answers are gone: who says which show it is has not said
    which episode. Both count from what was read, so that an offset is added once.

    Args:
        found: As read.
        rules: All that there are; one is chosen.
        fix: An answer about this very file; where it speaks, it wins over the others.
        hint: What its watch folder holds by its settings; it wins over the rule.
    """
    rule = chosen(found, rules)
    said = merged(merged(rule.fix if rule else None, hint), fix)
    if said is None:
        return found
    why = [f"answered: {fix.text}"] if fix else []
    if hint:
        why.append(f"its watch folder's settings: {hint.text}")
    if rule:
        why.append(f"rule {rule.id}: {rule.text} (by {rule.by or 'nobody'}, {rule.at:%Y-%m-%d})")
    episode = found.episode
    if said.offset and episode:
        episode = shifted(episode, said.offset)
        if episode is None:
            who = f"rule {rule.id}" if rule and rule.fix.offset == said.offset else "the answer"
            reason = f"{who} would make episode {found.episode} less than 1 ({said.offset:+})"
            return _doubted(found, (Doubt(reason, 0.3, "episode"), *_doubts(found)), why)
    changed = msgspec.structs.replace(found, **({"episode": episode} | _changes(found, said)))
    settled = _settled(changed, said)
    left = [doubt for doubt in _doubts(found) if not _answers(said, settled, doubt)]
    sure = 0.99 if _doubts(found) else found.confidence
    changed = msgspec.structs.replace(changed, settled=settled, confidence=sure)
    return _doubted(changed, left, why)


def _changes(found: Identification, said: Fix) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if said.show is not None:
        changes |= {"title": said.show, "titles": (said.show,), "file_title": None, "year": None}
    if said.season is not None:
        changes["seasons"] = (said.season,)
    if said.episode is not None or said.film or said.extra:
        kind = "extra" if said.extra else "film" if said.film else "episode"
        changes |= {"episode": said.episode, "extra": said.extra, "kind": kind}
    if said.anilist_id is not None:
        changes["anilist_id"] = said.anilist_id
    changes["revision"] = said.revision or found.revision
    return changes


def _settled(changed: Identification, said: Fix) -> tuple[About, ...]:
    """What nobody need doubt any more, the numbering by seasons included."""
    settled: list[About] = []
    if changed.title is not None and (said.show is not None or said.anilist_id is not None):
        settled.append("show")
    if said.season is not None or said.offset is not None:
        settled.append("season")
    if said.episode is not None or said.film or said.extra:
        settled.append("episode")
    if said.revision is not None or {"show", "episode"} <= {*settled}:
        settled.append("name")
    return tuple(settled)


def _answers(said: Fix, settled: tuple[About, ...], doubt: Doubt) -> bool:
    match doubt.about:
        case "season":
            return said.season is not None
        case "name":
            return {"show", "episode"} <= {*settled}
        case about:
            return about in settled


def _doubts(found: Identification) -> tuple[Doubt, ...]:
    if found.held is not None and not found.doubts:
        return (Doubt(found.held, found.confidence),)
    return found.doubts


def _doubted(found: Identification, doubts: Sequence[Doubt], why: Sequence[str]) -> Identification:
    return msgspec.structs.replace(
        found,
        doubts=tuple(doubts),
        held=doubts[0].reason if doubts else None,
        confidence=min((doubt.confidence for doubt in doubts), default=found.confidence),
        why=(*why, *found.why),
    )
