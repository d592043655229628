"""Files of the earlier system -> one configuration of ours and a report. Pure."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from izumi.domain.errors import UserError
from izumi.moving import check, endpoints, finish, serving, storing, telling, units
from izumi.moving.document import Document
from izumi.moving.draft import MAIN, Draft, Options
from izumi.moving.places import legal, unique
from izumi.moving.reader import Reader, leaves, plain
from izumi.moving.rows import Row
from izumi.runtime.telemetry import printable

_CONVERTERS: Final[dict[str, Callable[[Reader, Draft], None]]] = {
    "acquisition": storing.acquisition,
    "encoder": storing.encoder,
    "distributor": storing.distributor,
    "notifier": telling.notifier,
    "mochi": telling.mochi,
    "jindou": telling.jindou,
    "kisaragi": telling.kisaragi,
    "tools": storing.tools,
    "auth": serving.auth,
    "dashboard-auth": serving.dashboard_auth,
    "worker": serving.worker,
    "redis": serving.redis,
    # Its routes lead to groups that the others have by then.
    "server": serving.server,
}
_GROUPED: Final = frozenset({"encoder", "distributor", "notifier"})
_MOVING: Final = frozenset({"uploading", "upload", "destination", "destinations"})
_TELLING: Final = frozenset({"webhook", "webhooks", "telegram"})
_SAYING_NOTHING: Final = frozenset({"config", "conf", "app", "izumi", "tmp"})
_ADDONS: Final = {"mochi": "mochi", "jindou": "jindou"}


class Result(NamedTuple):
    """What came of it.

    Attributes:
        settings: The configuration.
        rows: What came of each key.
        sources: The files, and which unit each belongs to.
        secret_files: Text by path of a file that is to hold it alone.
    """

    settings: dict[str, Any]
    rows: list[Row]
    sources: list[str]
    secret_files: dict[str, str]


def convert(
    documents: Sequence[Document],
    *,
    options: Options,
    said: Mapping[Path, str] | None = None,
    otherwise: str | None = None,
    base: Path = Path("/"),
) -> Result:
    """Turn files into one configuration.

    Args:
        documents: The files.
        options: What the command line says of the result.
        said: The unit of a file, where a person says it.
        otherwise: The unit of files whose keys do not tell.
        base: Folder that relative paths of the result count from.

    Raises:
        UserError: The unit of a file cannot be told.
    """
    draft = Draft(options)
    told: list[tuple[str, Document]] = []
    for document in documents:
        told += _units(document, said or {}, otherwise, draft)
    readers = _readers(told, draft)
    for unit, converter in _CONVERTERS.items():
        for reader in readers:
            if reader.unit == unit:
                converter(reader, draft)
    for reader in readers:
        endpoints.convert(reader, draft)
    finish.locations(draft)
    serving.gateway(draft)
    finish.rest(draft)
    check.prune(draft, base)
    for reader in readers:
        reader.finish()
    sources = [f"{reader.name}: {_title(reader)}" for reader in readers]
    return Result(finish.settled(draft.settings), draft.rows, sources, draft.secret_files)


def _title(reader: Reader) -> str:
    grouped = reader.unit in {*_GROUPED, *_ADDONS}
    return f"{reader.unit}, group {reader.group}" if grouped else reader.unit


def _units(
    document: Document, said: Mapping[Path, str], otherwise: str | None, draft: Draft
) -> list[tuple[str, Document]]:
    name = printable(str(document.path))
    if (unit := said.get(document.path)) is not None:
        return [(unit, document)]
    if units.is_ours(document.data):
        raise UserError(f"{name}: is no file of the earlier system, but a configuration already")
    if found := units.parts(document):
        return found
    unit = units.detect(document)
    if document.data in (None, {}, [], "") and unit not in {"auth", "dashboard-auth"}:
        draft.rows.append(Row(kind="empty", file=name, text="nothing is in the file"))
        return []
    unit = unit or otherwise
    if unit is not None:
        return [(unit, document)]
    if units.of_version_3(document.data):
        raise UserError(
            f"{name}: is of version 3, which had no units; start from izumi.example.toml"
        )
    raise UserError(
        f"{name}: its keys do not tell which unit it belongs to; say it with "
        f"--unit {name}=UNIT, where UNIT is one of {', '.join(units.UNITS)}"
    )


def _readers(told: Sequence[tuple[str, Document]], draft: Draft) -> list[Reader]:
    """The files with the names of their groups: `main`, or by what tells several apart."""
    readers = []
    taken: dict[str, set[str]] = {}
    alike: dict[tuple[str, frozenset[str]], str] = {}
    first = {(unit, _does(unit, document)): document for unit, document in reversed(told)}
    for unit, document in told:
        does = _does(unit, document)
        if does and (unit, does) in alike:
            group = alike[unit, does]
            text = (
                f"does what another {unit} does: an instance of one group with it, which share "
                "the work; with jobs of its own the host's file may say so"
            )
            draft.rows.append(
                Row(
                    kind="decided",
                    file=printable(str(document.path)),
                    where=(unit, group),
                    text=text,
                )
            )
        else:
            names = taken.setdefault("notifier" if unit in _ADDONS else unit, set())
            others = [one for (kind, _), one in first.items() if kind == unit]
            several = unit in _GROUPED and len(others) > 1
            usual = _ADDONS.get(unit, MAIN)
            group = unique(_group(document, others) if several else usual, names)
            alike[unit, does] = group
        readers.append(Reader(document, unit, group, draft.rows))
    return readers


def _does(unit: str, document: Document) -> frozenset[str]:
    """Where a unit's work goes: two that share it are instances of one group, not two groups.

    As two groups each of them would do all of it.
    """
    found: set[str] = set()
    moves = unit in {"encoder", "distributor"}
    wanted, unwanted = (_MOVING, {"flags"}) if moves else (_TELLING, {"name", "template"})
    for one in leaves(document.data if unit in {*_GROUPED, *_ADDONS} else None):
        steps = [plain(step) for step in one.trail]
        words = {word for step in steps for word in step.split("-")}
        if words & wanted and not words & unwanted:
            values = one.value if isinstance(one.value, list) else [one.value]
            where = [step for step in steps if step in {"softsub", "hardsub", "dev"}]
            found |= {f"{where} {str(value).rstrip('/')}" for value in values if value}
    return frozenset(found)


def _group(document: Document, others: Sequence[Document]) -> str:
    """What tells this instance from the others: its `name`, the file's, or its folder's."""
    ways: tuple[Callable[[Document], str], ...] = (
        _named,
        lambda one: one.path.stem,
        lambda one: one.path.absolute().parent.name,
        lambda one: one.path.absolute().parent.parent.name,
    )
    for way in ways:
        names = [legal(way(other), "") for other in others]
        if all(names) and len(set(names)) == len(names) and not set(names) & _SAYING_NOTHING:
            return legal(way(document), MAIN)
    return MAIN


def _named(document: Document) -> str:
    data = document.data if isinstance(document.data, dict) else {}
    system = next((data[key] for key in data if plain(key) == "system"), None)
    name = system.get("name") if isinstance(system, dict) else None
    return name if isinstance(name, str) else ""
