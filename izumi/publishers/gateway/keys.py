"""Keys of clients: made, kept hashed, and told from each other. The file work is small.

    <state>/gateway/keys.json      {"version": 1, "keys": [{"name": ..., "sha256": ..., ...}]}

Only the hash of a key is kept. Ours hold 256 random bits, so that one plain sha256 is as
good as a slow one.
"""

import contextlib
import datetime as dt
import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

import msgspec
import yaml

from izumi.domain.errors import ConfigError, UserError

Scope = Literal["submit", "acquire", "read", "answer", "letters", "jobs"]
"""submit: order work. acquire: name files of this host. read: see files, jobs, holds,
dead letters, events. answer: answer holds. letters: order the work of dead letters again,
or drop them. jobs: cancel jobs, or order them again."""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
OLD_SCOPES: Final[tuple[Scope, ...]] = ("submit",)
"""What a key of the earlier system may."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_LONGEST_BYTES: Final = 1 << 20


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A client's key.

    Attributes:
        name: Of the client; unique.
        sha256: Of the key, in hex.
        scopes: What it may.
        made: When.
        expires: From then on it is refused; None: never.
    """

    name: str
    sha256: str
    scopes: tuple[Scope, ...]
    made: dt.datetime
    expires: dt.datetime | None = None


class Client(NamedTuple):
    """Who asks. `scopes`: what they may."""

    name: str
    scopes: tuple[Scope, ...]


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: Literal[1] = 1
    keys: tuple[Key, ...] = ()


def find(keys: Sequence[Key], presented: Sequence[bytes], now: dt.datetime) -> Client | None:
    """The client that one of the texts is the key of; None: of nobody, or expired.

    All keys are compared, in the same way, whichever fits.
    """
    hashes = [hashlib.sha256(text).hexdigest().encode() for text in presented]
    found: Client | None = None
    for key in keys:
        known = key.sha256.encode()
        matches = sum(hmac.compare_digest(known, one) for one in hashes)
        alive = key.expires is None or now < key.expires
        if matches and alive:
            found = Client(key.name, key.scopes)
    return found


def path_of(state: Path) -> Path:
    """Where the keys of a host lie."""
    return state / "gateway" / "keys.json"


def load(path: Path) -> tuple[Key, ...]:
    """The keys in our file; none where it is missing.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return msgspec.json.decode(_content(path), type=_File).keys
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise ConfigError(f"{path} is no file of keys: {exc}") from exc


def load_old(path: Path) -> tuple[Key, ...]:
    """The keys of an `auth.yml` or JSON file of the earlier system.

    Raises:
        ConfigError: It cannot be read; no key is shown.
    """
    try:
        text = _content(path).decode()
        # Every value as it is written: a key of digits is no number.
        found = yaml.BaseLoader(text).get_single_data()
        made = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, ValueError, RecursionError):
        # What the parser says would show a key.
        raise ConfigError(f"{path} is neither YAML nor JSON; write name: key lines") from None
    if found is None:
        return ()
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: write one name: key line for each client")
    keys = []
    for name, key in found.items():
        if not isinstance(key, str) or key in {"", "~", "null"}:
            raise ConfigError(f"{path}: the key of {str(name)[:40]!r} is no text")
        digest = hashlib.sha256(key.encode()).hexdigest()
        keys.append(Key(name=f"old:{name}"[:64], sha256=digest, scopes=OLD_SCOPES, made=made))
    return tuple(keys)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LONGEST_BYTES + 1)
    if len(data) > _LONGEST_BYTES:
        raise ConfigError(f"{path} has more than {_LONGEST_BYTES} bytes; that is no file of keys")
    return data


def add(
    path: Path,
    name: str,
    scopes: Sequence[Scope],
    *,
    now: dt.datetime,
    expires: dt.datetime | None = None,
    make: Callable[[], str] = lambda: secrets.token_urlsafe(32),
) -> str:
    """Make a key; it is returned, and kept nowhere.

    Raises:
        UserError: The name is taken, or cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r}: a name has 1 to 64 letters, digits, or any of _ . @ -")
    if not scopes:
        raise UserError(f"say what {name} may: {', '.join(SCOPES)}")
    secret = make()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    key = Key(
        name=name,
        sha256=digest,
        scopes=tuple(dict.fromkeys(scopes)),
        made=now,
        expires=expires,
    )
    with _changing(path) as known:
        if any(one.name == name for one in known):
            raise UserError(f"{name} has a key already; revoke it first, or take another name")
        _save(path, (*known, key))
    return secret


def revoke(path: Path, name: str) -> None:
    """Take a key away.

    Raises:
        UserError: There is none of this name.
    """
    with _changing(path) as known:
        left = tuple(key for key in known if key.name != name)
        if len(left) == len(known):
            raise UserError(f"no key is called {name!r}; see izumi-admin keys list")
        _save(path, left)


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[tuple[Key, ...]]:
    """The keys, while nobody else changes them."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield load(path)


def _save(path: Path, keys: tuple[Key, ...]) -> None:
    """Replace the file; a reader sees the old or the new one, and a crash leaves either."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    data = msgspec.json.format(msgspec.json.encode(_File(keys=keys)), indent=2)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
