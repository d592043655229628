"""What took requests: v5's `izumi.toml`, keys, and the gateway that stands for all. Pure."""

from typing import Any, Final

import msgspec

from izumi.moving import common
from izumi.moving.draft import Draft, Route
from izumi.moving.reader import Found, Reader, plain
from izumi.publishers.gateway.settings import GatewaySettings

_USUAL_PORT: Final = 8710
_USUAL_PATHS: Final = {
    "encoder": "/encode",
    "distributor": "/distribute",
    "notifier": "/notify",
}
_V5: Final = {
    "encode": ("encoder", "normal"),
    "encode-hp": ("encoder", "high"),
    "encode-mp": ("encoder", "normal"),
    "encode-lp": ("encoder", "low"),
    "distribute": ("distributor", "normal"),
    "notify": ("notifier", "normal"),
}


def server(reader: Reader, draft: Draft) -> None:
    """v5's port and routes."""
    draft.receives = True
    redis(reader, draft)
    if (port := reader.number("port", "listen-port", under=("flask",))) is not None:
        draft.ports.append((reader, port))
    for found in reader.all("dashboard"):
        reader.note("none", found, "`izumi-admin jobs list` shows jobs, /v1/jobs to programs")
    for found in reader.all("modify"):
        reader.note("none", found, "nothing was ever done there; see `izumi-admin rename`")
    for name, (unit, priority) in _V5.items():
        if (found_ := reader.text(name, f"{name}-route", under=("routes",))) is not None:
            path = f"/{str(found_.value).strip('/ ')}"
            group = next(iter(draft.settings.get(unit, {})), "main")
            draft.routes.append(Route(path, unit, group, priority, reader, found_))


def redis(reader: Reader, draft: Draft) -> None:
    """The queue of v5, in place of which there is the bus."""
    for found in reader.all("redis"):
        reader.note("none", found, "the bus takes its place: it runs here, at [bus.embedded]")
    common.system(reader, draft)


def worker(reader: Reader, draft: Draft) -> None:
    """Which queues a worker of v5 took from."""
    units = {"encode": "encoder", "notify": "notifier", "distribute": "distributor"}
    for name, unit in units.items():
        found = reader.flag(name, under=("queues",))
        if found is not None:
            does = "runs" if found.value else "does not run"
            text = f"the host of this worker {does} it: `izumi run {unit}`, not `izumi up`"
            reader.note("decided", found, text)
    redis(reader, draft)


def auth(reader: Reader, draft: Draft) -> None:
    """An auth.yml, which the gateway reads as it is."""
    whole = Found((), None)
    if reader.document.data in (None, {}, ""):
        text = "no key in it: nobody gets in until there is one (`izumi-admin keys add`)"
        reader.note("complete", whole, f"{text}; the earlier system let everybody in")
        return
    keys_ = reader.document.data
    good = isinstance(keys_, dict) and all(
        isinstance(value, str | int | float) and value != "" for value in keys_.values()
    )
    if good:
        draft.old_keys.append(reader)
    else:
        text = (
            "left out, as the gateway would refuse it: write one `name: key` line for each client"
        )
        reader.note("complete", whole, text)


def dashboard_auth(reader: Reader, draft: Draft) -> None:  # noqa: ARG001 - as the others
    """The login of v5's dashboard."""
    reader.note("none", Found((), None), "there is no dashboard with a login of its own")


def gateway(draft: Draft) -> None:
    """`[gateway]`, for all units that took requests."""
    keys(draft)
    if not draft.receives and "gateway" not in draft.settings:
        return
    table = draft.table("gateway")
    table["listen"] = f"127.0.0.1:{_port(draft)}"
    routes: dict[str, Any] = {}
    for route in draft.routes:
        _route(draft, routes, route)
    if routes:
        table["routes"] = routes
    if "old_keys" not in table:
        text = (
            "no auth.yml is among the files: convert them together with it, or make keys with "
            "`izumi-admin keys add NAME --scope submit`; nobody gets in without one"
        )
        draft.say("complete", text, where=("gateway", "old_keys"))


def keys(draft: Draft) -> None:
    """`[gateway] old_keys`: the one file of keys, or the first of several."""
    for reader in draft.old_keys:
        whole = Found((), None)
        table = draft.table("gateway")
        path = str(reader.document.path.absolute())
        first = draft.old_keys[0]
        if reader is first and not path.isprintable():
            text = "left out: a configuration cannot hold its name; give the file another one"
            reader.note("complete", whole, text)
        elif reader is first:
            table["old_keys"] = path
            text = "read as it is, and again when it changes"
            reader.note("taken", whole, text, where=("gateway", "old_keys"))
        elif reader.document.data == first.document.data:
            reader.note("decided", whole, f"left out: has the keys that {first.name} has")
        else:
            text = f"one file of keys is read, {first.name}: copy the lines of this one into it"
            reader.note("complete", whole, text)


def _port(draft: Draft) -> int:
    """The first port that is named; requests come to one."""
    chosen: int | None = None
    for reader, found in draft.ports:
        port = int(str(found.value))
        where = ("gateway", "listen")
        if not 0 < port < 65536:
            reader.note("complete", found, "left out: no port", where=where)
        elif chosen in {None, port}:
            chosen = port
            reader.note("taken", found, "on loopback; see docs/gateway.md", where=where)
        else:
            text = f"one gateway takes all requests, at {chosen}: point your proxy there"
            reader.note("complete", found, text, where=where)
    return chosen or _USUAL_PORT


def _route(draft: Draft, routes: dict[str, Any], route: Route) -> None:
    path = route.path if _good(route.path) else _USUAL_PATHS[route.unit]
    if path in routes and routes[path]["group"] != route.group:
        path = f"{path}-{plain(route.group)}"
    where = ("gateway", "routes", path)
    entry: dict[str, Any] = {"unit": route.unit, "group": route.group}
    if route.unit == "distributor" and (hardsubs := draft.split.get(route.group)):
        entry["by_sub"] = {"hardsub": hardsubs}
    if route.priority != "normal":
        entry["priority"] = route.priority
    if path != route.path:
        text = f"{route.path} is another's or no route: point whoever asks at {path}"
        if route.found is not None:
            route.reader.note("complete", route.found, text, where=where)
        else:
            draft.say("complete", f"{route.reader.name}: {text}", where=where)
    elif route.found is not None:
        route.reader.note("taken", route.found, where=where)
    else:
        draft.say("decided", f"{route.reader.name} names no route: the usual one", where=where)
    routes[path] = entry


def _good(path: str) -> bool:
    try:
        msgspec.convert({"routes": {path: {"unit": "encoder"}}}, GatewaySettings)
    except msgspec.ValidationError:
        return False
    return True
