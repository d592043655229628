"""What belongs to no unit alone: locations, the bus, rclone, Izumi's own folder. Pure."""

from typing import Any, Final

from izumi.moving import endpoints
from izumi.moving.draft import Draft
from izumi.moving.places import Location, Resolved, Use, remotes, resolve, unique

_ORDER: Final = (
    "state",
    "log",
    "bus",
    "rclone",
    "storage",
    "acquisition",
    "encoder",
    "distributor",
    "notifier",
    "list",
    "gateway",
    "endpoints",
)


def locations(draft: Draft) -> None:
    """Make `[storage.<name>]` tables, and name them where units use them."""
    resolved = resolve(draft.uses)
    for one in resolved.locations:
        draft.table("storage")[one.name] = one.table()
    noted: set[int] = set()
    for number, use in enumerate(draft.uses):
        if number in resolved.faults:
            text = f"left out: {use.found.value!r} {resolved.faults[number]}"
            if set(str(use.found.value)) & set(",="):
                # Its options may hold a password.
                text = "left out: a remote that is described on the spot belongs into rclone.conf"
            use.reader.note("complete", use.found, text, where=use.where)
            continue
        location = resolved.of_use[number]
        if use.where and use.where[0] != "distributor":
            _add(draft, use, location)
        where = use.where or ("storage", location.name, "remote")
        text = f"[storage.{location.name}]"
        use.reader.note("taken", use.found, text, where=where)
        if use.folder_found is not None and id(use.folder_found) not in noted:
            noted.add(id(use.folder_found))
            at = ("storage", location.name, use.kind)
            use.reader.note("taken", use.folder_found, where=at)
    _faulty_folders(draft, resolved)
    for group in list(draft.settings.get("distributor", {})):
        _distribute(draft, group, resolved)
    _check_hosts(draft, resolved.locations)


def _add(draft: Draft, use: Use, location: Location) -> None:
    here: Any = draft.settings
    for step in use.where:
        here = here[step]
    if location.name not in here:
        here.append(location.name)


def _faulty_folders(draft: Draft, resolved: Resolved) -> None:
    """Folders of places none of which could be taken."""
    for number in resolved.faults:
        use = draft.uses[number]
        if use.folder_found is None:
            continue
        others = [
            other
            for n, other in enumerate(draft.uses)
            if other.folder_found is use.folder_found and n not in resolved.faults
        ]
        if not others:
            text = "left out with the places that it was in"
            use.reader.note("complete", use.folder_found, text)


def _distribute(draft: Draft, group: str, resolved: Resolved) -> None:
    """Fill a distributor's lists; what goes to different places by kind becomes two groups."""
    named: dict[tuple[str, str], list[str]] = {}
    for number, location in resolved.of_use.items():
        use = draft.uses[number]
        if use.where[:2] == ("distributor", group):
            names = named.setdefault((str(use.where[2]), use.kind), [])
            if location.name not in names:
                names.append(location.name)
    soft = named.get(("destinations", "softsub"), [])
    hard = named.get(("destinations", "hardsub"), [])
    wanted = [(["softsub"], soft), (["hardsub"], hard)]
    if set(soft) == set(hard):
        wanted = [(["softsub", "hardsub"], soft)]
    groups = [(subs, names) for subs, names in wanted if names]
    template = draft.settings["distributor"].pop(group)
    for subs, names in groups or [(["softsub", "hardsub"], [])]:
        others = set(draft.settings["distributor"])
        name = unique(f"{group}-{subs[0]}", others) if group in others else group
        sources = [s for sub in subs for s in named.get(("sources", sub), [])]
        table = {**template, "destinations": names, "sources": list(dict.fromkeys(sources))}
        if subs != ["softsub", "hardsub"]:
            table["subs"] = subs
        draft.settings["distributor"][name] = table
        if name != group:
            draft.split[group] = name
            text = (
                f"a group of its own: {subs[0]}s go elsewhere than softsubs, to which "
                f"[distributor.{group}] is left"
            )
            draft.say("decided", text, where=("distributor", name))


def _check_hosts(draft: Draft, found: list[Location]) -> None:
    units = {use.reader.name for use in draft.uses}
    local = [one.remote for one in found if one.root == "/"]
    if local and len(units) > 1:
        text = (
            f"{', '.join(local)}: folders of one host. On every other host give the location "
            "of the same name the way there as that host has it (docs/moving.md)"
        )
        draft.say("complete", text, where=("storage",))
    missing = remotes(found)
    if not missing:
        return
    table = draft.table("rclone")
    options = draft.options
    if options.rclone_config is not None:
        table["config"] = options.rclone_config
        missing = [name for name in missing if name not in (options.rclone_remotes or ())]
        if missing:
            text = f"{options.rclone_config} has no remote {', '.join(missing)}: add it"
            draft.say("complete", text, where=("rclone", "config"))
        return
    table.setdefault("config", "~/.config/rclone/rclone.conf")
    text = (
        f"remotes that the file must have: {', '.join(missing)}; it is for its owner alone to "
        "read (chmod 600)"
    )
    draft.say("complete", text, where=("rclone", "config"))


def rest(draft: Draft) -> None:
    """Izumi's own folder, the bus, and names of hosts."""
    draft.settings["state"] = draft.options.state
    draft.say("decided", "what must survive a restart lies there", where=("state",))
    draft.settings["bus"] = {"embedded": {"port": 4222}}
    text = (
        "the bus runs on this host; on every other one write [bus] servers in its place "
        "(docs/deployment.md)"
    )
    draft.say("decided", text, where=("bus", "embedded"))
    targets = [
        target
        for group in draft.settings.get("notifier", {}).values()
        for target in (*group.get("discord", ()), *group.get("apprise", ()))
    ]
    for group in draft.settings.get("endpoints", {}).values():
        targets += endpoints.everyone(group)
    if any("url" in target for target in targets):
        text = (
            "addresses and keys stand in the configuration, as they stood in the files: keep it "
            "for its owner alone (chmod 600); with --secrets DIR each has a file of its own"
        )
        draft.say("decided", text)


def settled(settings: dict[str, Any]) -> dict[str, Any]:
    """The configuration as it is written: in order, without empty tables and lists."""
    found = {key: settings[key] for key in _ORDER if key in settings}
    watches = found.get("acquisition", {}).get("watch")
    if isinstance(watches, dict):
        found["acquisition"] = {**found["acquisition"], "watch": list(watches.values())}
    cleaned = {key: _cleaned(value) for key, value in found.items()}
    notifiers = {name: _cleaned(one) for name, one in settings.get("notifier", {}).items()}
    if notifiers:
        # One that has nothing but defaults tells the log, and is wanted.
        cleaned["notifier"] = notifiers
    return {key: value for key, value in cleaned.items() if value not in ({}, [])}


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        cleaned = {key: _cleaned(inner) for key, inner in value.items()}
        return {key: inner for key, inner in cleaned.items() if inner not in ({}, [])}
    return [_cleaned(inner) for inner in value] if isinstance(value, list) else value
