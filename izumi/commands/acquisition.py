"""`izumi-admin acquisition list`: every file of the watch folders, and why it is no further."""

import asyncio
import contextlib
import datetime as dt
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from izumi import compose
from izumi.commands.console import Json, show_rows
from izumi.commands.options import ConfigFile, load
from izumi.domain import subjects
from izumi.domain.errors import IzumiError, UserError
from izumi.domain.events import File, Progress
from izumi.settings import Settings
from izumi.storage.entries import shown
from izumi.storage.items import Item
from izumi.storage.ledger import Ledger
from izumi.storage.reconcile import STATES

_BUS_S: Final = 3.0
_FRESH: Final = dt.timedelta(minutes=1)
_LABELS: Final = (*STATES, "gone")
_COLUMNS: Final = ("path", "state", "since", "why", "key")
_USUAL: Final = {
    "seen": "was just found",
    "settling": "is watched until it was quiet for long enough",
    "ready": "is whole, and waits to be identified",
    "identified": "waits to be staged",
    "staged": "waits for its upload, or is being uploaded",
    "stored": "is stored everywhere, and waits to be announced",
    "published": "is announced; its source is being dealt with",
    "gone": "left the watch folder before it was stored",
}
"""Why a file is no further where nothing stands in its way."""


def acquisition_list(
    *,
    state: Annotated[
        tuple[str, ...], Parameter(negative="", help="Only files in this state; may be repeated.")
    ] = (),
    watch: Annotated[Path | None, Parameter(help="Only files of this watch folder.")] = None,
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """List every file of the watch folders with its state, since when and why.

    Args:
        state: See below.
        watch: See below.
        config: See below.
        json: See below.
    """
    settings = load(config, level="warning")
    unknown = [one for one in state if one not in _LABELS]
    if unknown:
        raise UserError(f"--state {unknown[0]}: there are {', '.join(_LABELS)}")
    rows = asyncio.run(_read(settings, state, watch))
    columns = ("watch", *_COLUMNS) if len({row["watch"] for row in rows}) > 1 else _COLUMNS
    show_rows(rows, columns, json=json)
    return 0


async def _read(
    settings: Settings, states: Iterable[str], watch: Path | None
) -> list[dict[str, object]]:
    try:
        if not settings.acquisition_state.is_dir():
            return []
    except PermissionError as exc:
        raise UserError(f"{settings.acquisition_state}: {exc.strerror}") from exc
    async with await Ledger.visit(settings.acquisition_state) as ledger:
        items = await ledger.list([*states])
        if watch is not None:
            items = _below(settings, items, watch)
    uploads = [item for item in items if item.owed or (item.state == "staged" and not item.reason)]
    told = await _progress(settings, uploads)
    return [_row(item, told) for item in items]


def _below(settings: Settings, items: Iterable[Item], folder: Path) -> list[Item]:
    watch = os.path.abspath(folder)  # noqa: PTH100 - a link stays one, as in the settings
    found = [item for item in items if item.root == watch]
    known = [str(one.path) for one in settings.acquisition.watch] if settings.acquisition else []
    if not found and watch not in known:
        folders = ", ".join(shown(path) for path in known) or "none"
        raise UserError(f"--watch {shown(watch)} is no watch folder; there are {folders}")
    return found


def _row(item: Item, uploads: Mapping[int, str]) -> dict[str, object]:
    since = dt.datetime.fromtimestamp(item.since, dt.UTC).isoformat(timespec="seconds")
    return {
        "watch": shown(item.root),
        "path": item.name,
        "state": item.label,
        "since": since,
        "why": _why(item, uploads.get(item.id, "")),
        "key": item.key,
        "size": item.size,
        "revision": item.revision,
        "destinations": item.proved,
        "owed": item.owed,
    }


def _why(item: Item, upload: str) -> str:
    """Why a file is no further; `upload` is how far an upload of it is."""
    if item.owed:
        owed = f"is announced; still to be brought to {', '.join(item.owed)}"
        return "; ".join(filter(None, (owed, item.reason, upload)))
    return item.reason or upload or _USUAL.get(item.label, "")


async def _progress(settings: Settings, items: Iterable[Item]) -> dict[int, str]:
    """How far uploads are, as the bus has it; nothing where the bus does not answer soon."""
    files = {
        item.id: File(key=item.key, size=item.size, sha256=item.sha256, sub=item.sub)
        for item in items
    }
    told: dict[int, str] = {}
    if not files:
        return told
    # A bus that is away is no reason not to list what lies here.
    with contextlib.suppress(TimeoutError, IzumiError):
        async with (
            asyncio.timeout(_BUS_S),
            compose.bus(settings, name="izumi-admin", role="admin") as bus,
        ):
            for id_, file in files.items():
                stored = await bus.last(subjects.progress("acquisition", "", file.id))
                if stored is not None:
                    told[id_] = stored.data.decode("utf-8", "replace")
    return {id_: text for id_, data in told.items() if (text := _uploading(data))}


def _uploading(data: str) -> str:
    """What a message of progress says; empty when it is old, or of a newer version."""
    try:
        progress = msgspec.json.decode(data, type=Progress)
    except msgspec.MsgspecError:
        return ""
    if dt.datetime.now(dt.UTC) - progress.at > _FRESH:
        return ""
    return f"{progress.step} {progress.fraction or 0:.0%} ({progress.detail})"
