"""An identification for people and for programs."""

from collections.abc import Iterator
from typing import Any, Final

from izumi.domain import names
from izumi.domain.discord_text import clean
from izumi.domain.release import Identification
from izumi.naming.shows import Placed

_OPEN: Final = Placed()


def as_object(found: Identification, placed: Placed = _OPEN) -> dict[str, Any]:
    """An identification as JSON values.

    `season` is a number, or "1-3" for a batch of seasons; `episode` is as written, and
    the designation of an extra ("NCOP1"); `version` is 1 for an episode that has no other
    mark; `clean_name` is the name made legal and `key` null where no title was read; both
    ids are null while the show is left open; `anilist_episode` is the episode's number in
    that entry where it is another than the one written; `match` tells how it was chosen.
    """
    show, key = names.show_folder(found), names.key(found)
    return {
        "name": found.name,
        "folders": list(found.folders),
        "show": show,
        "title": found.title,
        "titles": list(found.titles),
        "season": _season(found),
        "episode": found.extra or found.episode,
        "version": 1 if found.revision is None and found.episode else found.revision,
        "resolution": found.resolution,
        "group": found.group,
        "year": found.year,
        "kind": found.kind,
        "extra": found.extra,
        "sub": found.sub,
        # The end of the key: making it takes longer than everything else here.
        "clean_name": key.rpartition("/")[2] if key else names.clean_name(found),
        "key": key,
        "confidence": found.confidence,
        "held": _held(found, placed),
        "anilist_id": placed.anilist_id,
        "mal_id": placed.mal_id,
        "anilist_title": placed.title,
        "anilist_episode": placed.number,
        "match": list(placed.why),
        "why": list(found.why),
    }


def as_line(found: Identification, placed: Placed = _OPEN) -> str:
    """An identification as one line: where the file goes, or why a person should look."""
    line, held = f"{_key(found)}  ({_facts(found, placed)})", _held(found, placed)
    return f"{line}  HELD: {held}" if held else line


def as_explanation(found: Identification, placed: Placed = _OPEN) -> str:
    """How a decision was made, several lines for people."""
    return "\n".join([clean(found.name), *_explained(found, placed)])


def _explained(found: Identification, placed: Placed) -> Iterator[str]:
    blocks = {
        "goes to": [_key(found)],
        "is": [_facts(found, placed)],
        "folders": ["/".join(found.folders)] if found.folders else [],
        "titles": found.titles,
        "because": found.why,
        "doubts": [doubt.reason for doubt in found.doubts],
        "AniList": placed.why,
        "held": [held] if (held := _held(found, placed)) else [],
    }
    for heading, lines in blocks.items():
        for number, line in enumerate(lines):
            yield f"  {'' if number else heading:9}{clean(line)}"


def _held(found: Identification, placed: Placed) -> str | None:
    return "; ".join(filter(None, (found.held, placed.held))) or None


def _key(found: Identification) -> str:
    return names.key(found) or names.clean_name(found)


def _facts(found: Identification, placed: Placed) -> str:
    show = names.show_folder(found)
    parts = [
        f"show {show}" if show else "",
        f"season {_season(found)}" if found.seasons else "",
        f"{found.kind} {found.extra or found.episode or ''}".rstrip(),
        f"v{found.revision}" if found.revision is not None else "",
        found.resolution or "",
        f"by {names.legal(found.group)}" if found.group else "",
        found.sub,
        f"AniList {placed.anilist_id}" if placed.anilist_id else "",
        f"episode {placed.number} there" if placed.number else "",
        f"{found.confidence:.0%} sure",
    ]
    return ", ".join(filter(None, parts))


def _season(found: Identification) -> int | str | None:
    if len(found.seasons) > 1:
        return f"{found.seasons[0]}-{found.seasons[-1]}"
    return found.season
