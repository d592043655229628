"""`endpoints` of an earlier unit: whom it told when it was done. Pure."""

import ipaddress
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from izumi.consumers.endpoints_settings import EndpointSettings
from izumi.domain.secret import dec_hook
from izumi.moving.common import host_of
from izumi.moving.draft import Draft
from izumi.moving.places import unique
from izumi.moving.reader import Found, Reader, as_text, plain

_AFTER: Final[dict[str, list[str]]] = {
    "acquisition": ["acquired"],
    "encoder": ["encoded"],
    "distributor": ["distributed"],
    "mochi": ["encoded"],
}
_FACTS: Final = ["acquired", "encoded"]
_ROUTES: Final = frozenset({"notify", "encode", "distribute", "mochi", "jindou"})


class _Entry(NamedTuple):
    """An endpoint as the file has it. `line`: its sequential group; None: always."""

    line: str | None
    whole: Found
    url: Found
    auth: Found | None


def convert(reader: Reader, draft: Draft) -> None:
    """Turn `always`, `sequential` and `urls` of a file into `[endpoints.<group>]`."""
    entries = list(_entries(reader))
    group = reader.unit
    known = draft.table("endpoints")
    table: dict[str, Any] = known.get(group) or {"after": _AFTER.get(reader.unit, _FACTS)}
    names = {end["name"] for end in everyone(table)}
    private: set[str] = set()
    doubled = []
    for entry in entries:
        url = str(entry.url.value).strip()
        if _is_own(url, draft):
            text = "left out: it leads to a unit of this configuration, which the bus tells"
            reader.note("decided", entry.whole, text)
            continue
        if (called := (group, entry.line, url)) in draft.called:
            reader.note("decided", entry.whole, "told already, as it stands there before")
            continue
        name = unique(_name(url), names)
        if made := _made(reader, draft, entry, url, name):
            draft.called.add(called)
            private |= _private(url)
            doubled += [name] * (_last(url) in {route.path for route in draft.routes})
            where: tuple[str, ...] = ("endpoints", group, "always")
            if entry.line is None:
                table.setdefault("always", []).append(made)
            else:
                table.setdefault("sequential", {}).setdefault(entry.line, []).append(made)
                where = ("endpoints", group, "sequential", entry.line)
            reader.note("taken", entry.url, where=where)
            if entry.auth is not None:
                reader.note("taken", entry.auth, where=where)
    if len(table) == 1:
        return
    if group in known and entries:
        text = f"told of what any {group} does, no more of what one of them did"
        draft.say("decided", text, where=("endpoints", group))
    if private:
        table["private"] = sorted({*table.get("private", ()), *private})
        text = f"{', '.join(sorted(private))}: addresses there are called, as the file does"
        draft.say("decided", text, where=("endpoints", group, "private"))
    known[group] = table
    _explain(draft, reader.unit, group, doubled)


def everyone(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The endpoints that a table has so far."""
    return [*table.get("always", ()), *chain(*table.get("sequential", {}).values())]


def _explain(draft: Draft, unit: str, group: str, doubled: list[str]) -> None:
    where = ("endpoints", group)
    if unit == "distributor":
        text = "called once for each destination that has the file, no more once for all"
        draft.say("decided", text, where=where)
    elif unit not in {"acquisition", "encoder"}:
        text = "called when the file is there, no more when people have been told of it"
        draft.say("decided", text, where=where)
    if doubled:
        text = (
            f"{', '.join(doubled)}: the units of this configuration hear of files on the bus; "
            "take away the endpoints that lead to machines which have moved, or those are told "
            "twice"
        )
        draft.say("complete", text, where=where)


def _entries(reader: Reader) -> Iterator[_Entry]:
    for found in reader.all("always", "urls", under=("endpoints",)):
        yield from _list(reader, found, None)
    for found in reader.all("sequential", under=("endpoints",)):
        yield from _sequential(reader, found)
    for found in reader.all("endpoints"):
        if isinstance(found.value, list):
            yield from _list(reader, found, None)


def _sequential(reader: Reader, found: Found) -> Iterator[_Entry]:
    parent = str(found.trail[-2]) if len(found.trail) > 1 else ""
    prefix = "" if plain(parent) in {"", "endpoints"} else f"{parent}-"
    if isinstance(found.value, dict) and found.value:
        for key, inner in found.value.items():
            yield from _list(reader, Found((*found.trail, key), inner), f"{prefix}{key}")
    elif isinstance(found.value, list) and found.value:
        for number, inner in enumerate(found.value):
            one = Found((*found.trail, number), inner)
            yield from _list(reader, one, f"{prefix}group{number + 1}")
    else:
        _nothing(reader, found)


def _list(reader: Reader, found: Found, line: str | None) -> Iterator[_Entry]:
    if isinstance(found.value, str | dict) and found.value:
        # One endpoint where a list of them is expected.
        yield from _entry(reader, found, line)
    elif isinstance(found.value, list) and found.value:
        for number, inner in enumerate(found.value):
            yield from _entry(reader, Found((*found.trail, number), inner), line)
    else:
        _nothing(reader, found)


def _nothing(reader: Reader, found: Found) -> None:
    if found.value in (None, "", [], {}):
        reader.note("empty", found)
    else:
        reader.note("complete", found, "left out: it must list endpoints, each with its url")


def _entry(reader: Reader, found: Found, line: str | None) -> Iterator[_Entry]:
    url: Found | None = None
    auth: Found | None = None
    if isinstance(found.value, dict):
        keys = reader.below(found)
        url, auth = keys.get("url"), keys.get("auth")
    elif isinstance(found.value, list):
        # The oldest files have pairs of url and key.
        items = [Found((*found.trail, n), value) for n, value in enumerate(found.value)]
        url, auth = (*items[:2], None, None)[:2]
    else:
        url = found
    if auth is not None and auth.value in (None, ""):
        reader.note("empty", auth)
        auth = None
    if auth is not None and as_text(auth.value) is None:
        reader.note("complete", auth, "left out, and the endpoint has no key: it must be a text")
        auth = None
    if url is None or not as_text(url.value):
        reader.note("complete", found, "left out: an endpoint needs its url")
        return
    yield _Entry(line, found, url, auth)


def _made(
    reader: Reader, draft: Draft, entry: _Entry, url: str, name: str
) -> dict[str, Any] | None:
    """The endpoint; None: it cannot be one, which is noted."""
    secrets = {"url": url}
    if entry.auth is not None:
        secrets["auth"] = as_text(entry.auth.value) or ""
    try:
        msgspec.convert({"name": name, **secrets}, EndpointSettings, dec_hook=dec_hook)
    except msgspec.ValidationError as exc:
        reader.note("complete", entry.whole, f"left out: {str(exc).partition(' - at')[0]}")
        return None
    made: dict[str, Any] = {"name": name}
    for key, secret in secrets.items():
        draft.keep(made, key, secret, f"{key}-{reader.unit}-{name}")
    return made


def _name(url: str) -> str:
    last = _last(url).strip("/")
    host = host_of(url) or "endpoint"
    return f"{host}/{last}" if last.partition("-")[0] in _ROUTES and len(last) < 20 else host


def _last(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def _private(url: str) -> set[str]:
    """The network to allow for an address that is no public one."""
    host = host_of(url)
    if host == "localhost":
        return {"127.0.0.0/8", "::1/128"}
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return set()
    return set() if address.is_global else {str(ipaddress.ip_network(address))}


def _is_own(url: str, draft: Draft) -> bool:
    """Whether an address surely leads to a unit that is converted together with this one."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    except ValueError:
        return False
    return here and any(
        found.value == port and route.reader is reader and route.path == _last(url)
        for reader, found in draft.ports
        for route in draft.routes
    )
