"""What news look like: the templates that ship, and those that users write. Pure."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from izumi.domain.placeholders import fault

_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")


def _check(table: msgspec.Struct, *names: str) -> None:
    for name in names:
        if wrong := fault(getattr(table, name)):
            raise ValueError(f"{name}: {getattr(table, name)!r} {wrong}")


class Wording(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[template.<name>.wording]`: words of the placeholders `{news}` and `{subs}`.

    Attributes:
        acquired: A release came.
        encoded: A hardsub was made.
        distributed: A file lies at one more destination.
        softsub: Subtitles that can be chosen.
        hardsub: Subtitles in the picture.
        none: No subtitles.
    """

    acquired: str = "New release"
    encoded: str = "Hardsub made"
    distributed: str = "Mirrored"
    softsub: str = "Softsub"
    hardsub: str = "Hardsub"
    none: str = "No subtitles"


class Colours(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[template.<name>.colours]`: the bar at the side of a message, as `#rrggbb`.

    Attributes:
        softsub: Of news that have a softsub.
        hardsub: Of news whose every episode has a hardsub.
        none: Of news without subtitles.
    """

    softsub: str = "#00ffff"
    hardsub: str = "#00ff00"
    none: str = "#00ffff"

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        for name in self.__struct_fields__:
            if not _COLOUR.fullmatch(value := getattr(self, name)):
                raise ValueError(f"{name}: {value!r} is no colour such as '#00ff00'")


class FieldTemplate(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[[template.<name>.fields]]`: a small heading and the text below it.

    Attributes:
        name: The heading.
        value: The text; a field of which nothing is left is not shown.
        inline: Beside other such fields, where there is room.
    """

    name: str
    value: str
    inline: bool = False

    def __post_init__(self) -> None:
        """Check what one field alone can tell."""
        _check(self, "name", "value")


class Template(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[template.<name>]`: what news look like; texts with placeholders such as `{name}`.

    A line whose placeholders are all empty is left out; `{{` and `}}` are braces.

    Attributes:
        title: The heading.
        description: The text below it.
        url: Where the heading leads.
        author: The line above the heading.
        author_url: Where that line leads.
        footer: The line at the bottom, beside the time.
        thumbnail: Address of a small picture.
        fields: Headings and texts below the description, 25 at most.
        colours: Of the bar at the side.
        wording: Of `{news}` and `{subs}`.
    """

    title: str = "{name}"
    description: str = "{summary}\n{list}"
    url: str = "{link}"
    author: str = ""
    author_url: str = ""
    footer: str = "{title}"
    thumbnail: str = ""
    fields: tuple[FieldTemplate, ...] = ()
    colours: Colours = msgspec.field(default_factory=Colours)
    wording: Wording = msgspec.field(default_factory=Wording)

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        _check(self, "title", "description", "url", "author", "author_url", "footer", "thumbnail")
        if not self.title.strip():
            raise ValueError("title: it must say something, such as '{name}'")
        if len(self.fields) > 25:
            raise ValueError(f"fields: there are {len(self.fields)}, Discord shows 25 at most")


_DOWNLOADS: Final = FieldTemplate(name="Direct links", value="{downloads}")
_MIRRORS: Final = FieldTemplate(name="Mirrors", value="{mirrors}")
_LINKS: Final = FieldTemplate(name="Links", value="{links}")

FULL: Final = Template(
    author="{studio}",
    author_url="{studio_link}",
    thumbnail="{cover}",
    fields=(FieldTemplate(name="Stats", value="{stats}"), _LINKS, _DOWNLOADS, _MIRRORS),
)
"""The embed of the earlier system."""

COMPACT: Final = Template(fields=(_LINKS, _DOWNLOADS, _MIRRORS))
"""Without cover, studio and statistics."""

SHIPPED: Final[Mapping[str, Template]] = {"full": FULL, "compact": COMPACT}
