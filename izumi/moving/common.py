"""What the files of several units have alike. Pure."""

import shlex
from typing import Final
from urllib.parse import urlsplit

from izumi.moving.draft import Draft, Route, without_counterpart
from izumi.moving.places import legal
from izumi.moving.reader import Found, Reader, as_number

_WHY: Final = {
    "logfmt": "lines of the log have a form of their own; see [log] format",
    "datefmt": "lines of the log have a form of their own; see [log] format",
    "image-name": "there is one image for all units",
    "container-name": "there is one image for all units",
    "docker-port": "the port outside of a container is docker's matter; see docker-compose.yml",
    "delimiter": "file names go through no shell any more",
}
_SHOWING: Final = frozenset(
    {"--stats", "--stats-one-line", "--stats-one-line-date", "--progress", "-P", "-v", "-vv", "-q"}
    | {"--verbose", "--quiet", "--stats-log-level", "--log-level", "--log-file"}
)


def system(reader: Reader, draft: Draft) -> None:
    """`system`, `web-config`, and flags of rclone."""
    if (name := reader.text("name", under=("system",), strict=True)) is not None:
        text = f"names the group, `{reader.group}`"
        if reader.group != legal(str(name.value), "") or reader.group == reader.unit:
            text = "not taken: a host goes by its host name; `host` would name it otherwise"
        reader.note("decided", name, text)
    if (found := reader.flag("verbose", under=("system",))) is not None:
        level = "info" if found.value else "warning"
        draft.take(reader, Found(found.trail, level), ("log", "level"))
    if (web := reader.text("web-config", "webconfig")) is not None:
        text = "nothing is fetched: download the file and convert it together with this one"
        reader.note("complete", web, text)
    for found in reader.all("rclone-flags", "rclone-flag"):
        _rclone_flags(reader, draft, found)
    limit = reader.text("bwlimit", "bandwidth-limit")
    draft.take(reader, limit, ("rclone", "bwlimit"))
    without_counterpart(reader, _WHY)


def _rclone_flags(reader: Reader, draft: Draft, found: Found) -> None:
    words = _words(reader, found)
    if words is None:
        return
    dropped = []
    taken = False
    while words:
        name, sign, value = words.pop(0).partition("=")
        if not sign and words and not words[0].startswith("-"):
            value = words.pop(0)
        if name == "--bwlimit" and value:
            draft.take(reader, Found(found.trail, value), ("rclone", "bwlimit"))
            taken = True
        elif name == "--transfers" and (number := as_number(value)):
            draft.take(reader, Found(found.trail, number), ("rclone", "transfers"))
            taken = True
        elif name == "--config" and value:
            draft.take(reader, Found(found.trail, value), ("rclone", "config"))
            taken = True
        elif name not in _SHOWING:
            dropped.append(name)
    if dropped:
        text = f"not taken: {' '.join(dropped)}; what a remote needs belongs into rclone.conf"
        reader.note("none", found, text)
    elif not taken:
        reader.note("none", found, "progress is on the bus; see `izumi-admin jobs list`")


def encode_flags(reader: Reader, draft: Draft) -> None:
    """Ffmpeg's flags, of which the number of threads is taken."""
    for found in reader.all("encode-flags", "ffmpeg-flags"):
        words = _words(reader, found)
        if words is None:
            continue
        threads = None
        if "-threads" in words[:-1]:
            at = words.index("-threads")
            threads = as_number(words[at + 1])
            del words[at : at + 2]
        if threads is not None:
            where = ("encoder", reader.group, "threads")
            draft.take(reader, Found(found.trail, threads), where)
        left = [word for word in words if word.startswith("-") and as_number(word) is None]
        text = "the plan of an encode is made for each file; see [profile.<name>]"
        reader.note("none", found, f"not taken: {' '.join(left)}; {text}" if left else text)


def _words(reader: Reader, found: Found) -> list[str] | None:
    """Flags one by one; None: there are none, which is noted."""
    if found.value in (None, "", [], {}):
        reader.note("empty", found)
        return None
    items = reader.items(found)
    try:
        return [word for item in items for word in shlex.split(str(item.value))]
    except ValueError:
        reader.note("complete", found, "left out: a quotation mark has no partner")
        return None


def listening(reader: Reader, draft: Draft, unit: str, usual: str) -> None:
    """Where a unit took requests: its port and its route.

    Args:
        reader: Of its file.
        draft: Gets them.
        unit: Who gets what is asked for.
        usual: Its route where the file names none.
    """
    # Those of v5 have one server for all, which has a file of its own.
    if reader.document.path.suffix.lower() == ".toml" and not reader.all("listen-port", "route"):
        return
    draft.receives = True
    if (port := reader.number("listen-port", "port", under=("system", "flask"))) is not None:
        draft.ports.append((reader, port))
    found = reader.text("route", under=("system",))
    path = f"/{str(found.value).strip('/ ')}" if found else usual
    draft.routes.append(Route(path, unit, reader.group, "normal", reader, found))


def host_of(url: str) -> str:
    """Host of an address, for people: its path may be a secret. Empty: it has none."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""
