"""What acquisition is told of a file."""

from collections.abc import Iterator

import msgspec

from izumi.domain import names
from izumi.domain.events import Episode
from izumi.domain.fix import Fix
from izumi.domain.release import Filing, Identification
from izumi.domain.rules import Rule, title_of
from izumi.domain.subjects import Sub
from izumi.naming.shows import Asked, asked


class Question(msgspec.Struct, frozen=True):
    """One file to identify.

    Attributes:
        name: File name with its extension.
        folders: Names of the folders between the watch folder and the file.
        rules: What was learnt of other files.
        fix: What a person said of this one.
        filing: How it is filed.
    """

    name: str
    folders: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    fix: Fix | None = None
    filing: Filing = Filing()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a file turned out to be.

    Attributes:
        episode: What it is.
        key: `<show folder>/<episode file>`; only the file where no show was read, and
            then it is held.
        sub: Which folder of a location it goes to.
        held: Why a person must decide; None: it is certain enough.
        ignored: Why it is left alone; None: it is not.
        facts: What is known, for whoever decides.
        title: The title by which a rule would know the release; empty: none was read.
        season: The season as the release writes it.
        asked: What it asks of the catalogue.
    """

    episode: Episode
    key: str
    sub: Sub = "none"
    held: str | None = None
    ignored: str | None = None
    facts: dict[str, str] = {}
    title: str = ""
    season: int | None = None
    asked: Asked = Asked()


def answer(found: Identification, read: Identification, question: Question) -> Answer:
    """An identification as acquisition needs it.

    Args:
        found: What the file is.
        read: What was read of its name, before rules and answers.
        question: What was asked.
    """
    limit_bytes = question.filing.part_bytes
    show = names.show_folder(found, limit_bytes=limit_bytes)
    key = names.key(found, limit_bytes=limit_bytes)
    episode = Episode(
        show=show or "",
        season=found.season,
        number=found.extra or found.episode,
        revision=found.revision,
        resolution=found.resolution,
        group=found.group,
        anilist_id=found.anilist_id,
    )
    return Answer(
        episode=episode,
        key=key or names.clean_name(found, limit_bytes=limit_bytes),
        sub=found.sub,
        held=found.held,
        ignored=_ignored(found, question),
        facts=dict(_facts(found)),
        title=title_of(read) or "",
        season=read.season,
        asked=asked(found),
    )


def _ignored(found: Identification, question: Question) -> str | None:
    """Extras that are none beyond doubt are asked about, and an answer is heeded."""
    doubted = any(doubt.about == "episode" for doubt in found.doubts)
    if found.kind != "extra" or question.filing.extras != "ignore" or question.fix or doubted:
        return None
    return f"an extra ({found.extra}); this watch folder ignores them"


def unread(question: Question, reason: str) -> Answer:
    """The answer for a name that could not be read at all."""
    return Answer(episode=Episode(show=""), key="", held=reason, facts={"name": question.name})


def _facts(found: Identification) -> Iterator[tuple[str, str]]:
    yield "folders", "/".join(found.folders)
    yield "titles", " | ".join(found.titles[:6])
    yield "episode", found.extra or found.episode or ""
    yield "season", ", ".join(map(str, found.seasons))
    yield "kind", found.kind
    yield "confidence", f"{found.confidence:.2f}"
    yield "why", "; ".join(found.why)
