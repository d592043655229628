"""What a person asks of the library, and which folders have to be listed for it. Pure."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from izumi.tools.plan import Policy, Verb
from izumi.tools.shelves import TRASH, Kind, Place, Shelf

DATE: Final = "%Y%m%d-%H%M%S"
"""How the name of an operation begins, in UTC."""

KINDS: Final[tuple[Kind, ...]] = ("airing", "premiered")


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order; everything that was typed was checked.

    Attributes:
        verb: What to do.
        show: The show's folder below a shelf; "" with `rmdir`: all of a shelf.
        kinds: The shelves to look at; `move` is from airing to premiered.
        into: Folders between the new shelf and the show.
        name: The folder's new name; "": episodes are renamed, or it keeps its name.
        season: Folder that `season` brings everything into.
        policy: What becomes of files that would have one name.
        purge: Delete for good.
        of: The operation that is undone.
    """

    verb: Verb
    show: str = ""
    kinds: tuple[Kind, ...] = KINDS
    into: str = ""
    name: str = ""
    season: str = ""
    policy: Policy = "skip"
    purge: bool = False
    of: str = ""

    @property
    def text(self) -> str:
        """For people."""
        words = [self.verb, repr(self.show) if self.show else ""]
        if self.verb == "move":
            words += ["into", repr("/".join(filter(None, ("premiered", self.into, self.to_name))))]
        elif self.name:
            words += ["to", repr(self.name)]
        elif self.season:
            words += ["into", repr(self.season)]
        return " ".join(filter(None, [*words, "for good" if self.purge else "", self.of]))

    @property
    def to_name(self) -> str:
        """What the folder is called afterwards."""
        return self.name or self.show.rpartition("/")[2]


class Work(NamedTuple):
    """One folder to work on.

    Attributes:
        shelf: That it lies in.
        source: The show's folder, below the location's root; the shelf itself without one.
        target: Where its files go; the same where they stay in it.
    """

    shelf: Shelf
    source: str
    target: str


def works(request: Request, place: Place) -> Iterator[Work]:
    """The folders that a request is about at a location."""
    kinds: tuple[Kind, ...] = ("airing",) if request.verb == "move" else request.kinds
    for shelf in place.of(kinds):
        source = shelf.path(request.show) if request.show else shelf.folder
        target = source
        if request.verb == "move":
            inner = "/".join(filter(None, (request.into, request.to_name)))
            target = place.shelf("premiered", shelf.sub).path(inner)
        elif request.verb == "rename" and request.name:
            above = source.rpartition("/")[0]
            target = f"{above}/{request.name}" if above else request.name
        yield Work(shelf, source, target)


def trash(operation: str) -> str:
    """The folder that an operation puts at a location what it takes away."""
    return f"{TRASH}/{operation}"
