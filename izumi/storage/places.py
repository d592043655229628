"""Where a file lies, as rclone is told: built from validated parts and nowhere else."""

from pathlib import Path
from typing import NamedTuple, Self

from izumi.domain import keys
from izumi.domain.errors import BadKey
from izumi.domain.events import File
from izumi.storage.ports import Location
from izumi.storage.settings import remote_fault


class Spot(NamedTuple):
    """A file at a location, there or not.

    Attributes:
        fs: rclone's name of the root; only ever from the configuration.
        folder: Below the root; "" is the root itself.
        name: Of the file in its folder.
        place: What errors call the location.
    """

    fs: str
    folder: str
    name: str
    place: str

    @property
    def path(self) -> str:
        """Below the root."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def local(self) -> Path | None:
        """The path on this host; None: it lies elsewhere."""
        return Path(self.fs, self.path) if self.fs.startswith("/") else None

    def beside(self, name: str) -> Self:
        """Another file in the same folder."""
        return self._replace(name=name)

    def __str__(self) -> str:
        return f"{self.place}:{self.path}"


def spot(file: File, at: Location) -> Spot:
    """Where `file` lies at a location.

    Raises:
        BadKey: The key is not legal, or the location is none of a configuration.
    """
    *folders, name = keys.parse_key(file.key)
    if reason := remote_fault(at.remote):
        raise BadKey(f"the remote {at.remote!r} of {at.name} {reason}")
    root = at.folder(file.sub)
    return Spot(_root(at), "/".join([*([root] if root else []), *folders]), name, at.name)


def trashed(file: File, at: Location, into: str) -> Spot:
    """Where `file` lies in the trash of a location, in the folder `into` of it.

    Raises:
        BadKey: As `spot`, or `into` is no name.
    """
    lies = spot(file, at)
    folders = [keys.TRASH, keys.check_part(into), *([lies.folder] if lies.folder else [])]
    return lies._replace(folder="/".join(folders))


def top(at: Location, folder: str) -> Spot:
    """A folder of a location; the name in it is empty."""
    return Spot(_root(at), folder, "", at.name)


def _root(at: Location) -> str:
    """The remote with a slash at its end.

    Without one rclone asks first whether it is a file. On S3 it takes a server that is
    down for a yes, and stays with it when the server is back.
    """
    return at.remote if at.remote.endswith((":", "/")) else f"{at.remote}/"


def local_spot(path: Path) -> Spot:
    """A file on this host that is none of a location: a staged source, an output."""
    return Spot(str(path.parent.absolute()), "", path.name, "this host")
