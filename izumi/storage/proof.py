"""How a stored file is proved: decided from what a storage says of itself."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

Way = Literal["size", "read", "sha256", "sha512", "sha1", "md5", "quickxor", "dropbox", "hidrive"]
"""size: nothing more. read: the content comes back and is hashed here. Else: the storage's
own hash of that kind is asked for."""

_HASHES: Final[tuple[Way, ...]] = (
    "sha256",
    "sha512",
    "sha1",
    "md5",
    "quickxor",
    "dropbox",
    "hidrive",
)
"""Those that no damage passes, best first; CRC-32 is not among them."""

_CLAIM_BYTES: Final = 4 << 20


class Abilities(NamedTuple):
    """What a storage can do, of rclone's `operations/fsinfo`.

    Attributes:
        remote: Name of the remote; two locations with one name can copy by themselves.
        hashes: Kinds of hashes that it took itself of what it holds.
        claims: Above some size its hash is what the uploader said it would be: uploads in
            blocks leave buckets nothing of their own.
        copies: It copies files by itself.
        moves: It can make a file appear under another name at once.
        renames: It gives a file another name; without it `moves` is a copy.
        local: A file system of this host.
        kinds: All hashes that it tells, for people.
        about: It tells how much room it has.
    """

    remote: str
    hashes: tuple[Way, ...]
    claims: bool
    copies: bool
    moves: bool
    renames: bool
    local: bool
    kinds: tuple[str, ...]
    about: bool


LOCAL: Final = Abilities(
    remote="local",
    hashes=_HASHES,
    claims=False,
    copies=False,
    moves=True,
    renames=True,
    local=True,
    kinds=_HASHES,
    about=True,
)
"""A folder of this host; its hashes are taken of what can be read there."""


def abilities(fsinfo: Mapping[str, Any]) -> Abilities:
    """Read `operations/fsinfo`."""
    features: Mapping[str, Any] = fsinfo.get("Features") or {}
    kinds = tuple(str(kind) for kind in fsinfo.get("Hashes") or ())
    # Nextcloud keeps the checksum that the client sent and checks nothing.
    trusted = not str(fsinfo.get("String", "")).startswith("webdav ")
    return Abilities(
        remote=str(fsinfo.get("Name", "")),
        hashes=tuple(way for way in _HASHES if trusted and way in kinds),
        claims=bool(features.get("BucketBased")),
        copies=bool(features.get("Copy")),
        moves=bool(features.get("Move") or features.get("Copy")),
        renames=bool(features.get("Move")),
        local=bool(features.get("IsLocal")),
        kinds=kinds,
        about=bool(features.get("About")),
    )


def trusted(of: Abilities, size: int) -> tuple[Way, ...]:
    """The hashes of a file of `size` bytes that say what is really stored."""
    return () if of.claims and size >= _CLAIM_BYTES else of.hashes


def way(of: Abilities, verify: str, size: int, *, comparable: tuple[Way, ...] = _HASHES) -> Way:
    """How to prove a file.

    Args:
        of: The storage that holds it.
        verify: The location's policy.
        size: Bytes.
        comparable: The hashes that the other side can be asked for.
    """
    if verify == "size":
        return "size"
    if verify == "hash" and not of.local:
        for kind in trusted(of, size):
            if kind in comparable:
                return kind
    return "read"
