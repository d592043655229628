"""The configuration in the making, and what the units add to it together. Pure."""

from dataclasses import dataclass, field
from typing import Any, Final

from izumi.moving.document import Trail
from izumi.moving.places import Use, legal
from izumi.moving.reader import Found, Reader
from izumi.moving.rows import Kind, Row

MAIN: Final = "main"


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        secrets: Folder for files with one secret each; None: they stay in the result.
        rclone_config: An rclone.conf that was named among the files.
        rclone_remotes: What it has.
        state: Izumi's own folder.
    """

    secrets: str | None = None
    rclone_config: str | None = None
    rclone_remotes: tuple[str, ...] | None = None
    state: str = "~/.local/state/izumi"


@dataclass(frozen=True)
class Route:
    """Requests that a unit of the earlier system took."""

    path: str
    unit: str
    group: str
    priority: str
    reader: Reader
    found: Found | None


@dataclass
class Draft:
    """What is known so far.

    Attributes:
        options: What the command line says.
        settings: The configuration.
        rows: What came of each key.
        uses: Places where files lie.
        routes: Paths of requests.
        ports: Where requests came in.
        old_keys: Files of keys of the earlier system.
        receives: Whether any unit took requests.
        told: Group and address of every webhook.
        called: Group, sequential group (None: always) and address of every endpoint.
        split: Of a distributor's group, the one that has its hardsubs, where those go elsewhere.
        secret_files: Text by path of a file that is to hold it alone.
    """

    options: Options
    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    ports: list[tuple[Reader, Found]] = field(default_factory=list)
    old_keys: list[Reader] = field(default_factory=list)
    receives: bool = False
    told: set[tuple[str, str]] = field(default_factory=set)
    called: set[tuple[str, str | None, str]] = field(default_factory=set)
    split: dict[str, str] = field(default_factory=dict)
    secret_files: dict[str, str] = field(default_factory=dict)

    def say(self, kind: Kind, text: str, *, where: Trail = ()) -> None:
        """A row that is of no single key."""
        self.rows.append(Row(kind=kind, where=where, text=text))

    def table(self, *where: str) -> dict[str, Any]:
        """A table of the result, made where it is missing."""
        here = self.settings
        for step in where:
            here = here.setdefault(step, {})
        return here

    def take(self, reader: Reader, found: Found | None, where: tuple[str, ...]) -> None:
        """Put a value where it belongs, and note it; the first one that is put there counts."""
        if found is None:
            return
        *tables, key = where
        table = self.table(*tables)
        if key not in table:
            table[key] = found.value
            reader.note("taken", found, where=where)
        elif table[key] == found.value:
            reader.note("taken", found, "as another file says", where=where)
        else:
            text = f"left out: another file says {table[key]!r}, and the first one counts"
            reader.note("decided", found, text, where=where)

    def keep(self, table: dict[str, Any], key: str, secret: str, name: str) -> str:
        """Put a secret into a table, or into a file of its own where one is asked for.

        Returns:
            The key that it has there.
        """
        if self.options.secrets is None:
            table[key] = secret
            return key
        base = f"{self.options.secrets}/{legal(name, 'secret')}"
        path, number = f"{base}.secret", 2
        while self.secret_files.get(path, secret) != secret:
            path, number = f"{base}-{number}.secret", number + 1
        self.secret_files[path] = secret
        table[f"{key}_file"] = path
        return f"{key}_file"


def without_counterpart(reader: Reader, why: dict[str, str]) -> None:
    """Note keys that need no counterpart, with the reason of each."""
    for name, text in why.items():
        for found in reader.all(name):
            kind: Kind = "empty" if found.value in (None, "", [], {}) else "none"
            reader.note(kind, found, "" if kind == "empty" else text)
