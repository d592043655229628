"""What a person decided for one show: `[[encoder.<group>.override]]`."""

import fnmatch
from collections.abc import Iterable
from typing import Literal

import msgspec

Wanted = int | str | tuple[int | str, ...]


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decides for one show what the profile and the tracks leave open.

    A track is named by its number (as holds list them), by its language ("eng"), or by
    words of its title.

    Attributes:
        show: Name of the show's folder; `*` and `?` stand for anything, case does not count.
        audio: The sound to take.
        subtitles: The subtitles to burn, lowest first; a list burns several.
        no_subtitles: As in the profile.
    """

    show: str
    audio: int | str | None = None
    subtitles: Wanted | None = None
    no_subtitles: Literal["hold", "pass"] | None = None

    def __post_init__(self) -> None:
        """One that decides nothing is a mistake."""
        if not self.show.strip():
            msg = "show is empty: write the name of the show's folder"
            raise ValueError(msg)
        if self.audio is None and not self.subtitles and self.no_subtitles is None:
            msg = f"override of {self.show!r} says neither audio, subtitles nor no_subtitles"
            raise ValueError(msg)


def of_show(overrides: Iterable[Override], show: str) -> Override | None:
    """The first that names the show."""
    name = show.casefold()
    for own in overrides:
        # Brackets are common in names of shows, and mean themselves.
        if fnmatch.fnmatchcase(name, own.show.casefold().replace("[", "[[]")):
            return own
    return None


def line(show: str, key: str, value: int | str) -> str:
    """What a person adds to the configuration to settle a question, as TOML."""
    quoted = msgspec.json.encode(show).decode()
    shown = value if isinstance(value, int) else msgspec.json.encode(value).decode()
    return f"[[encoder.<group>.override]] show = {quoted}, {key} = {shown}"
