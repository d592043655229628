"""An identification for people and for programs."""

from typing import Any

from izumi.domain import names
from izumi.domain.release import Identification


def as_object(found: Identification) -> dict[str, Any]:
    """An identification as JSON values.

    `season` is a number, or "1-3" for a batch of seasons; `episode` is as written, and
    the designation of an extra ("NCOP1"); `version` is 1 for an episode that has no other
    mark; `clean_name` is the name made legal and `key` null where no title was read; both
    ids are null while the show is not looked up.
    """
    show, clean = names.show_folder(found), names.clean_name(found)
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
        "clean_name": clean,
        "key": names.key(found),
        "confidence": found.confidence,
        "held": found.held,
        "anilist_id": None,
        "mal_id": None,
        "why": list(found.why),
    }


def as_line(found: Identification) -> str:
    """An identification as one line: where the file goes, or why a person should look."""
    show, key = names.show_folder(found), names.key(found) or names.clean_name(found)
    parts = [
        f"show {show}" if show else "",
        f"season {_season(found)}" if found.seasons else "",
        f"{found.kind} {found.extra or found.episode or ''}".rstrip(),
        f"v{found.revision}" if found.revision is not None else "",
        found.resolution or "",
        f"by {names.legal(found.group)}" if found.group else "",
        found.sub,
        f"{found.confidence:.0%} sure",
    ]
    line = f"{key}  ({', '.join(filter(None, parts))})"
    return f"{line}  HELD: {found.held}" if found.held else line


def _season(found: Identification) -> int | str | None:
    if len(found.seasons) > 1:
        return f"{found.seasons[0]}-{found.seasons[-1]}"
    return found.season
