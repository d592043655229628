"""`izumi-admin keys`: who may ask the gateway of this host for what."""

import datetime as dt
import re
from typing import Annotated, Final

from cyclopts import Parameter

from izumi.commands.console import Json, show_rows
from izumi.commands.options import ConfigFile, load
from izumi.domain.errors import UserError
from izumi.publishers.gateway import keys
from izumi.publishers.gateway.keys import Key, Scope
from izumi.settings import Settings

_COLUMNS: Final = ("name", "scopes", "made", "expires", "state")
_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([hdwy])")
_HOURS: Final = {"h": 1, "d": 24, "w": 168, "y": 8760}

Scopes = Annotated[
    tuple[Scope, ...],
    Parameter(
        name=["--scope", "-s"],
        help="submit: order work. acquire: name files of this host. read: see files, jobs, "
        "holds, dead letters, events. answer: answer holds. letters: retry and drop dead letters. "
        "jobs: cancel jobs and order them again. May be repeated.",
        negative="",
    ),
]
Expires = Annotated[
    str, Parameter(name="--expires", help="After 12h, 90d, 4w or 1y; else it never does.")
]


def keys_add(
    name: str, *, scope: Scopes = ("submit",), expires: Expires = "", config: ConfigFile = None
) -> None:
    """Make a key for a client, and print it: it is shown this once, and only its hash is kept.

    Args:
        name: Of the client.
        scope: See below.
        expires: See below.
        config: See below.
    """
    settings = load(config, level="warning")
    now = _now()
    until = now + span(expires) if expires else None
    print(keys.add(keys.path_of(settings.state), name, scope, now=now, expires=until))


def keys_list(*, config: ConfigFile = None, json: Json = False) -> None:
    """List the keys, those of the earlier system's file too; never what they are.

    Args:
        config: See below.
        json: See below.
    """
    now = _now()
    rows: list[dict[str, object]] = [
        {
            "name": key.name,
            "scopes": ", ".join(key.scopes),
            "made": key.made.isoformat(timespec="seconds"),
            "expires": key.expires.isoformat(timespec="seconds") if key.expires else "",
            "state": "expired" if key.expires and key.expires <= now else "good",
        }
        for key in _all(load(config, level="warning"))
    ]
    show_rows(rows, _COLUMNS, json=json)


def keys_revoke(name: str, *, config: ConfigFile = None) -> None:
    """Take a client's key away; a running gateway refuses it from now on.

    Args:
        name: Of the client.
        config: See below.
    """
    settings = load(config, level="warning")
    if name.startswith("old:"):
        raise UserError(f"{name} is in [gateway] old_keys; take its line out of that file")
    keys.revoke(keys.path_of(settings.state), name)
    print(f"{name}: revoked")


def span(text: str) -> dt.timedelta:
    """`12h`, `90d`, `4w`, `1y` as a time.

    Raises:
        UserError: It is none.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise UserError(f"--expires {text!r}: write a number and h, d, w or y, such as 90d")
    return dt.timedelta(hours=int(found[1]) * _HOURS[found[2]])


def _all(settings: Settings) -> list[Key]:
    known = [*keys.load(keys.path_of(settings.state))]
    old = settings.gateway.old_keys if settings.gateway else None
    return [*known, *keys.load_old(old)] if old else known


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
